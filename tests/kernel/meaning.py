"""What terms, scalars and claims mean, as slow floating-point code that shares nothing with the rules.

An `Instance` is a parameter point theta, a reference point, a direction u, a data set with one
sample singled out, a natural number n, and values of reals and of unspecified functions; values
are drawn when first asked for, those of families member by member.  Derivatives in theta are
Taylor coefficients in t of the term at theta + t u, computed
by truncated series arithmetic; derivatives of activations by high-precision numerical
differentiation of definitions written down here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from flint import arb

from proofs.kernel.claims import (
    Claim,
    Compare,
    EntriesIn,
    Equal,
    ForIndices,
    ForSamples,
    IsTensor,
    OperatorNorm,
    Relation,
    SamplesAre,
    Simplex,
    Smooth,
    SupBound,
)
from proofs.kernel.core import Theorem
from proofs.kernel.families import Block, Indexed, Recursive
from proofs.kernel.indices import Index
from proofs.kernel.intervals import evaluate
from proofs.kernel.scalars import (
    DirectionNorm,
    DistanceNorm,
    FunctionValue,
    Let,
    Norm,
    Poly,
    Real,
    Root,
    SupNorm,
    Value,
)
from proofs.kernel.sequences import FamilyNorm, Natural, PartialSum, Power
from proofs.kernel.store import tensor_of
from proofs.kernel.terms import (
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    LogSumExp,
    Mean,
    Named,
    Ones,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Times,
    Variable,
    Zero,
)
from proofs.kernel.univariate import Univariate, Unspecified

TOLERANCE = 1e-9
SAMPLES = 3
M = mpmath.mp


def _sigmoid(t: Any) -> Any:
    return 1 / (1 + M.exp(-t))


SELU_A, SELU_S = "1.6732632423543772848170429916717", "1.0507009873554804934193349852946"

# The activations of the catalogue, written down anew: [(kink or None, function left of it), ...].
DEFINITIONS: dict[str, list[tuple[float | None, Any]]] = {
    "identity": [(None, lambda t: t)],
    "relu": [(0, lambda t: 0 * t), (None, lambda t: t)],
    "leaky_relu": [(0, lambda t: t / 100), (None, lambda t: t)],
    "abs": [(0, lambda t: -t), (None, lambda t: t)],
    "relu6": [(0, lambda t: 0 * t), (6, lambda t: t), (None, lambda t: 6 + 0 * t)],
    "hardtanh": [(-1, lambda t: -1 + 0 * t), (1, lambda t: t), (None, lambda t: 1 + 0 * t)],
    "hardsigmoid": [(-3, lambda t: 0 * t), (3, lambda t: t / 6 + M.mpf(1) / 2), (None, lambda t: 1 + 0 * t)],
    "hardswish": [(-3, lambda t: 0 * t), (3, lambda t: t * (t + 3) / 6), (None, lambda t: t)],
    "square": [(None, lambda t: t * t)],
    "sigmoid": [(None, _sigmoid)],
    "tanh": [(None, lambda t: M.tanh(t))],
    "softplus": [(None, lambda t: M.log(1 + M.exp(t)))],
    "elu": [(0, lambda t: M.exp(t) - 1), (None, lambda t: t)],
    "celu": [(0, lambda t: M.exp(t) - 1), (None, lambda t: t)],
    "selu": [
        (0, lambda t: M.mpf(SELU_S) * M.mpf(SELU_A) * (M.exp(t) - 1)),
        (None, lambda t: M.mpf(SELU_S) * t),
    ],
    "silu": [(None, lambda t: t * _sigmoid(t))],
    "gelu": [(None, lambda t: t * (1 + M.erf(t / M.sqrt(2))) / 2)],
    "sin": [(None, lambda t: M.sin(t))],
    "gelu_tanh": [(None, lambda t: t / 2 * (1 + M.tanh(M.sqrt(2 / M.pi) * (t + M.mpf("0.044715") * t**3))))],
    "mish": [(None, lambda t: t * M.tanh(M.log(1 + M.exp(t))))],
    "softsign": [(0, lambda t: t / (1 - t)), (None, lambda t: t / (1 + t))],
    "round": [(None, lambda t: M.nint(M.re(t)) + 0 * t)],
    "sign": [(0, lambda t: -1 + 0 * t), (None, lambda t: 1 + 0 * t)],
    "triangle": [(None, lambda t: 1 - abs(t - 4 * M.floor(M.re(t) / 4) - 2))],
    "abs_sin": [(None, lambda t: abs(M.sin(t)))],
}

# What losses sum over the outputs; huber with delta = 1.
SUMMED: dict[str, list[tuple[float | None, Any]]] = {
    "huber": [
        (-1, lambda t: -t - M.mpf("0.5")),
        (1, lambda t: t * t / 2),
        (None, lambda t: t - M.mpf("0.5")),
    ],
}


@lru_cache(maxsize=200_000)
def derivatives(name: str, point: float, count: int = 6) -> list[float]:
    """sigma(t), sigma'(t), ..., at a point off the kinks; `count` of them, by series expansion."""
    for kink, function in (DEFINITIONS | SUMMED)[name]:
        if kink is None or point < kink:
            with M.workdps(40):
                series = mpmath.taylor(function, M.mpf(point), count - 1)
            return [float(c) * math.factorial(k) for k, c in enumerate(series)]
    raise AssertionError("unreachable")


Jet = tuple[np.ndarray, np.ndarray, np.ndarray]


def _times(a: Jet, b: Jet, product: Any) -> Jet:
    return (
        product(a[0], b[0]),
        product(a[1], b[0]) + product(a[0], b[1]),
        product(a[2], b[0]) + product(a[1], b[1]) + product(a[0], b[2]),
    )


def _exp(a: Jet) -> Jet:
    e = np.exp(a[0])
    return e, e * a[1], e * (a[2] + a[1] ** 2 / 2)


def _log(a: Jet) -> Jet:
    return np.log(a[0]), a[1] / a[0], a[2] / a[0] - (a[1] / a[0]) ** 2 / 2


def _reciprocal(a: Jet) -> Jet:
    r = 1 / a[0]
    return r, -a[1] * r**2, a[1] ** 2 * r**3 - a[2] * r**2


@dataclass
class Instance:
    """One instance; `values` may be filled in beforehand, everything else is drawn from `seed`."""

    seed: int
    scale: float = 1.0
    values: dict[Any, np.ndarray] = field(default_factory=dict)
    reals: dict[str, float] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=lambda: {"phi": "tanh", "psi": "sin"})
    data: dict[Variable, np.ndarray] = field(default_factory=dict)
    sample: int = 0
    count: int = SAMPLES
    n: int = 1

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.before: list[Jet] = []

    # -- variables ---------------------------------------------------------------------------

    def number(self, index: Index) -> int:
        return index.offset + (self.n if index.is_open else 0)

    def extent(self, dimension: Any) -> int:
        """Widths of a family alternate between 2 and 3."""
        return 2 + self.number(dimension[1]) % 2 if isinstance(dimension, tuple) else int(dimension)

    def place(self, variable: Variable) -> Any:
        """The variable, or what tells members of families apart at the present n."""
        shape = tuple(self.extent(extent) for extent in variable.shape)
        if isinstance(variable, Block):
            return variable.name, variable.role, self.number(variable.index), shape
        return variable if shape == variable.shape else (variable.name, variable.role, None, shape)

    def get(self, variable: Variable) -> np.ndarray:
        key = self.place(variable)
        shape = tuple(self.extent(extent) for extent in variable.shape)
        if variable.role is Role.SAMPLE:
            if key not in self.data:
                self.data[key] = self.scale * self.rng.normal(size=(self.count, *shape))
            return self.data[key][self.sample]
        if key not in self.values:
            self.values[key] = self.scale * self.rng.normal(size=shape)
        return self.values[key]

    def make_simplex(self, variable: Variable) -> None:
        raw = self.rng.exponential(size=(self.count, self.extent(variable.shape[0])))
        self.data[self.place(variable)] = raw / raw.sum(axis=1, keepdims=True)

    def new_direction(self) -> None:
        """Draws another u."""
        for key in self.directions():
            del self.values[key]

    def directions(self) -> list[Any]:
        """The blocks of u drawn so far."""
        return [k for k in self.values if (k[1] if isinstance(k, tuple) else k.role) is Role.DIRECTION]

    # -- terms -------------------------------------------------------------------------------

    def value(self, term: Term) -> np.ndarray:
        """The value at theta; derivatives that occur are taken along u."""
        return self.jet(term, moving=False)[0]

    def jet(self, term: Term, *, moving: bool) -> Jet:
        """Taylor coefficients in t at theta + t u (at theta itself unless `moving`)."""
        match term:
            case Variable(role=Role.PREVIOUS):
                return self.before[-1]
            case Variable():
                value = np.asarray(self.get(term), dtype=float)
                zero = np.zeros_like(value)
                if moving and term.role is Role.PARAMETER:
                    return value, np.asarray(self.get(term.as_role(Role.DIRECTION))), zero
                return value, zero, zero
            case Zero():
                zero = np.zeros(tuple(self.extent(extent) for extent in term.shape))
                return zero, zero, zero
            case Ones():
                one = np.ones(tuple(self.extent(extent) for extent in term.shape))
                return one, 0 * one, 0 * one
            case Named() | Indexed():
                return self.jet(term.body, moving=moving)
            case Recursive():
                return self._recursive(term, moving)
            case Sum():
                parts = [self.jet(part, moving=moving) for part in term.parts]
                return tuple(sum(part[k] for part in parts) for k in range(3))  # type: ignore[return-value]
            case Scale():
                factor = float(int(term.factor.p)) / float(int(term.factor.q))
                return tuple(factor * c for c in self.jet(term.term, moving=moving))  # type: ignore[return-value]
            case Times():
                pair = self.jet(term.scalar, moving=moving), self.jet(term.vector, moving=moving)
                return _times(*pair, lambda a, b: a * b)
            case Apply():
                return _times(
                    self.jet(term.map, moving=moving), self.jet(term.vector, moving=moving), np.matmul
                )
            case Hadamard():
                return _times(
                    self.jet(term.left, moving=moving), self.jet(term.right, moving=moving), np.multiply
                )
            case Inner():
                return _times(self.jet(term.left, moving=moving), self.jet(term.right, moving=moving), np.dot)
            case Entrywise():
                return self._entrywise(term, self.jet(term.vector, moving=moving))
            case Softmax() | LogSumExp():
                f = self.jet(term.vector, moving=moving)
                shift = float(np.max(f[0]))
                powers = _exp((f[0] - shift, f[1], f[2]))
                total: Jet = tuple(c.sum() for c in powers)  # type: ignore[assignment]
                if isinstance(term, Softmax):
                    return _times(powers, _reciprocal(total), lambda a, b: a * b)
                logged = _log(total)
                return logged[0] + shift, logged[1], logged[2]
            case Mean():
                return self._mean(term, moving)
            case Deriv():
                if moving:
                    raise NotImplementedError("derivatives of derivatives are not needed")
                coefficient = self.jet(term.term, moving=True)[term.order] * math.factorial(term.order)
                zero = np.zeros_like(coefficient)
                return coefficient, zero, zero
            case _:
                raise NotImplementedError(type(term).__name__)

    def _recursive(self, term: Recursive, moving: bool) -> Jet:
        kept, end = self.n, self.number(term.index)
        value = self.jet(term.first, moving=moving)
        for place in range(1, end):
            self.n = place
            self.before.append(value)
            value = self.jet(term.step, moving=moving)
            self.before.pop()
        self.n = kept
        return value

    def _over(self, end: Index, read: Any) -> list[Any]:
        """What is read at n = 1, ..., end."""
        kept, found = self.n, []
        for place in range(1, self.number(end) + 1):
            self.n = place
            found.append(read())
        self.n = kept
        return found

    def _entrywise(self, term: Entrywise, z: Jet) -> Jet:
        name = (
            self.functions[term.function.name]
            if isinstance(term.function, Unspecified)
            else term.function.name
        )
        rows = np.array([derivatives(name, float(t)) for t in z[0]]).reshape(len(z[0]), -1)
        f0, f1, f2 = (rows[:, term.order + k] for k in range(3))
        return f0, f1 * z[1], f1 * z[2] + f2 * z[1] ** 2 / 2

    def _mean(self, term: Mean, moving: bool) -> Jet:
        kept, found = self.sample, []
        for index in range(self.count):
            self.sample = index
            found.append(self.jet(term.body, moving=moving))
        self.sample = kept
        return tuple(sum(jet[k] for jet in found) / self.count for k in range(3))  # type: ignore[return-value]

    # -- scalars -----------------------------------------------------------------------------

    def scalar(self, poly: Poly) -> float:
        return sum(self._monomials(poly), 0.0)

    def size(self, poly: Poly) -> float:
        """The sum of the absolute values of the monomials: the scale of rounding errors."""
        return sum((abs(part) for part in self._monomials(poly)), 0.0)

    def _monomials(self, poly: Poly) -> list[float]:
        found: list[float] = []
        for monomial, coefficient in poly.terms.items():
            part = int(coefficient.p) / int(coefficient.q)
            for atom, exponent in monomial:
                part *= self.atom(atom) ** exponent
            found.append(part)
        return found

    def atom(self, atom: Any) -> float:
        match atom:
            case Real():
                if atom.name not in self.reals:
                    self.reals[atom.name] = float(self.rng.normal())
                return self.reals[atom.name]
            case Norm():
                value = self.value(atom.term)
                return float(np.abs(value)) if np.ndim(value) == 0 else float(np.linalg.norm(value, 2))
            case SupNorm():
                return float(np.abs(self.value(atom.term)).max())
            case DirectionNorm():
                return _joint([self.get(v.as_role(Role.DIRECTION)) for v in atom.members])
            case DistanceNorm():
                return _joint([self.get(v) - self.get(v.as_role(Role.REFERENCE)) for v in atom.members])
            case FunctionValue():
                point = float(atom.factor) * math.sqrt(float(atom.radicand))
                return abs(float(evaluate(atom.expression, arb(point)).mid()))
            case Root():
                return math.sqrt(max(self.scalar(atom.radicand), 0.0))
            case Let():
                return self.scalar(atom.body)
            case Value():
                return float(self.value(atom.term))
            case Natural():
                return float(self.n)
            case Power():
                return self.scalar(atom.base) ** self.number(atom.index)
            case PartialSum():
                return sum(self._over(atom.end, lambda: self.scalar(atom.body)), 0.0)
            case FamilyNorm():
                return _joint(self._over(atom.end, lambda: self.get(atom.member.as_role(Role.DIRECTION))))
            case _:
                raise NotImplementedError(type(atom).__name__)

    # -- claims ------------------------------------------------------------------------------

    def holds(self, claim: Claim) -> bool:
        """Whether the claim holds here, up to rounding; `Smooth` is taken to hold (generic points)."""
        match claim:
            case Compare():
                gap = self.scalar(claim.right) - self.scalar(claim.left)
                slack = TOLERANCE * (self.size(claim.left) + self.size(claim.right))
                return gap >= -slack if claim.relation is Relation.LE else abs(gap) <= slack
            case Equal():
                left, right = self.value(claim.left), self.value(claim.right)
                # Terms may cancel: rounding is measured against products of a few blocks.
                size = np.abs(left).max(initial=0) + np.abs(right).max(initial=0)
                size += 1e-4 * max(1.0, self.scale) ** 3
                return bool(np.abs(left - right).max(initial=0) <= 1e-8 * size)
            case OperatorNorm():
                return self._operator_norm(claim)
            case SupBound():
                return self._sup_bound(claim)
            case Smooth():
                return True
            case Simplex():
                value = self.value(claim.term)
                return bool(value.min() >= 0 and abs(value.sum() - 1) < 1e-12)
            case EntriesIn():
                value = self.value(claim.term)
                lower = int(claim.lower.p) / int(claim.lower.q)
                upper = int(claim.upper.p) / int(claim.upper.q)
                return bool(value.min() >= lower - TOLERANCE and value.max() <= upper + TOLERANCE)
            case IsTensor():
                return np.array_equal(self.get(claim.variable), tensor_of(claim.digest).to_numpy())
            case SamplesAre():
                tables = [tensor_of(digest).to_numpy() for digest in claim.digests]
                return all(len(t) == self.count and np.array_equal(self.data.get(v), t)
                           for v, t in zip(claim.samples, tables, strict=True))  # fmt: skip
            case ForSamples():
                return self._for_samples(claim)
            case ForIndices():
                return all(self._over(claim.end, lambda: self.holds(claim.claim)))
            case _:
                raise NotImplementedError(type(claim).__name__)

    def _for_samples(self, claim: ForSamples) -> bool:
        kept, found = self.sample, []
        for index in range(self.count):
            self.sample = index
            found.append(self.holds(claim.claim))
        self.sample = kept
        return all(found)

    def _operator_norm(self, claim: OperatorNorm) -> bool:
        parameters = [v for v in claim.term.free if v.role is Role.PARAMETER]
        bound = self.scalar(claim.bound)
        for _ in range(20):
            self.new_direction()
            value = float(np.linalg.norm(self.value(Deriv(claim.term, claim.order))))
            # All blocks of u that the derivative has asked for, and those of the parameters.
            blocks = [self.get(v.as_role(Role.DIRECTION)) for v in parameters if not isinstance(v, Block)]
            if len(blocks) < len(parameters):
                blocks = [self.values[key] for key in self.directions()]
            size = _joint(blocks)
            if value > bound * size**claim.order * (1 + TOLERANCE) + 1e-12:
                return False
        return True

    def _sup_bound(self, claim: SupBound) -> bool:
        function = claim.function
        name = self.functions[function.name] if isinstance(function, Unspecified) else function.name
        radius = 30.0 if claim.radius is None else self.scalar(claim.radius)
        bound = self.scalar(claim.bound)
        if radius < 0:
            return True
        points = np.unique(
            np.concatenate([np.linspace(-radius, radius, 41), self.rng.uniform(-radius, radius, 20)])
        )
        kinks = [float(k) for k in function.kinks] if isinstance(function, Univariate) else []
        points = np.array([t for t in points if all(abs(t - k) > 1e-12 for k in kinks)])
        if claim.order == -1:
            start = derivatives(name, 1e-30, 1)[0]
            pairs = [(abs(derivatives(name, t, 1)[0] - start), bound * abs(t)) for t in points]
        else:
            pairs = [(abs(derivatives(name, t, claim.order + 1)[claim.order]), bound) for t in points]
        return all(value <= limit * (1 + 1e-12) + 1e-12 for value, limit in pairs)


def _joint(blocks: list[np.ndarray]) -> float:
    return math.sqrt(sum(float((block**2).sum()) for block in blocks))


def check(theorem: Theorem, instance: Instance, *, vacuous: bool = False) -> None:
    """Fails if the hypotheses hold at the instance and the claim does not (or never applies)."""
    if not all(instance.holds(claim) for claim in theorem.hypotheses):
        assert vacuous, "expected an instance at which the hypotheses hold"
        return
    assert instance.holds(theorem.claim), f"{type(theorem.rule).__name__} concluded {theorem.claim}"
