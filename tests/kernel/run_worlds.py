"""Worlds in which claims about tasks and runs are true or false: cubic losses on R^2 and numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import Any

from proofs.kernel.claims import Claim, Compare, ForIndices, Relation
from proofs.kernel.scalars import Poly, Real, Root
from proofs.kernel.sequences import Natural
from proofs.kernel.series import (
    AnyTask,
    Bend,
    BendAt,
    Combination,
    DriftSum,
    Expansion,
    Origin,
    PathTerm,
    Run,
    RunPoint,
    Slope,
    SlopeAt,
    SmoothTasks,
    Summed,
)
from proofs.kernel.task_scalars import (
    BallBounds,
    BendNorm,
    ForTasks,
    Larger,
    Length,
    Product,
    StepLength,
    TaskCount,
    TaskNumber,
    TaskSum,
)

Pair = tuple[Any, Any]
SMALL = Fraction(1, 10**12)


@dataclass(frozen=True)
class Loss:
    """L(theta) = b theta + theta A theta / 2 + c (d theta)^3 / 6."""

    b: Pair
    a: tuple[Any, Any, Any]
    c: Any
    d: Pair

    def gradient(self, x: Pair) -> Pair:
        inner = self.d[0] * x[0] + self.d[1] * x[1]
        cubic = self.c * inner * inner / 2
        return (
            self.b[0] + self.a[0] * x[0] + self.a[1] * x[1] + cubic * self.d[0],
            self.b[1] + self.a[1] * x[0] + self.a[2] * x[1] + cubic * self.d[1],
        )

    def hessian(self, x: Pair) -> tuple[Any, Any, Any]:
        inner = self.c * (self.d[0] * x[0] + self.d[1] * x[1])
        return (
            self.a[0] + inner * self.d[0] ** 2,
            self.a[1] + inner * self.d[0] * self.d[1],
            self.a[2] + inner * self.d[1] ** 2,
        )


def norm(v: Pair) -> float:
    return math.hypot(float(v[0]), float(v[1]))


def spectral(h: tuple[Any, Any, Any]) -> float:
    a, b, c = (float(part) for part in h)
    return abs((a + c) / 2) + math.hypot((a - c) / 2, b)


@dataclass(frozen=True)
class World:
    """Losses, theta0 = (x, y), eta, n, reals, own numbers of tasks, and which task an arbitrary one is."""

    losses: tuple[Loss, ...]
    start: Pair
    eta: Any
    n: int
    reals: Mapping[str, Any]
    tasks: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    bound: tuple[int, ...] = ()

    def task(self, task: Any) -> Loss:
        return self.losses[self.place(task)]

    def place(self, task: Any) -> int:
        return self.tasks[task.name] if isinstance(task, AnyTask) else self.bound[task.depth]

    def inside(self, place: int) -> World:
        return replace(self, bound=(place, *self.bound))

    def index(self, index: Any) -> int:
        return index.offset + (self.n if index.is_open else 0)

    # -- vectors --------------------------------------------------------------------------------

    def run(self, run: Run, steps: int) -> Pair:
        x, factor = self.start, self.poly(run.factor) * self.eta
        for _ in range(steps):
            losses = self.losses if run.task is None else (self.task(run.task),)
            slopes = [loss.gradient(x) for loss in losses]
            x = tuple(p - factor * sum(s[i] for s in slopes) for i, p in enumerate(x))  # type: ignore[assignment]
        return x

    def rest(self, alpha: Poly, place: int, x: Pair) -> Pair:
        factor = self.poly(alpha)
        slopes = [loss.gradient(x) for loss in self.losses]
        return tuple(factor * sum(s[i] for s in slopes) - slopes[place][i] for i in (0, 1))  # type: ignore[return-value]

    def drift(self, alpha: Poly, place: int, steps: int) -> Pair:
        rests = [self.rest(alpha, place, self.run(Run(None, alpha), m)) for m in range(steps)]
        return (sum((r[0] for r in rests), 0), sum((r[1] for r in rests), 0))

    def vector(self, vector: Any) -> Pair:
        match vector:
            case Origin():
                return self.start
            case Slope(task=task):
                return self.task(task).gradient(self.start)
            case Bend(task=task, vector=inner):
                return applied(self.task(task).hessian(self.start), self.vector(inner))
            case Summed(vector=inner):
                parts = [self.inside(place).vector(inner) for place in range(len(self.losses))]
                return (sum(p[0] for p in parts), sum(p[1] for p in parts))
            case RunPoint(run=run, index=index):
                return self.run(run, self.index(index))
            case SlopeAt(task=task, run=run, index=index):
                return self.task(task).gradient(self.run(run, self.index(index)))
            case BendAt(task=task, run=run, index=index, vector=inner):
                return applied(self.task(task).hessian(self.run(run, self.index(index))), self.vector(inner))
            case DriftSum(task=task, alpha=alpha, index=index):
                return self.drift(alpha, self.place(task), self.index(index))
            case PathTerm(alpha=alpha, index=index):
                return self.path(alpha, self.index(index))
            case _:
                raise AssertionError(vector)

    def path(self, alpha: Poly, steps: int) -> Pair:
        parts = [
            applied(loss.hessian(self.run(Run(None, alpha), e)), self.drift(alpha, place, e))
            for place, loss in enumerate(self.losses)
            for e in range(1, steps)
        ]
        return (sum((p[0] for p in parts), 0), sum((p[1] for p in parts), 0))

    def combination(self, combination: Combination) -> Pair:
        parts = [(self.poly(c), self.vector(v)) for c, v in combination.terms]
        return (sum((c * v[0] for c, v in parts), 0), sum((c * v[1] for c, v in parts), 0))

    # -- scalars --------------------------------------------------------------------------------

    def poly(self, poly: Poly) -> Any:
        total: Any = 0
        for monomial, c in poly.terms.items():
            value = Fraction(int(c.p), int(c.q))
            total = total + reduce(mul, (self.atom(a) ** e for a, e in monomial), value)
        return total

    def atom(self, inner: Any) -> Any:
        match inner:
            case Natural():
                return self.n
            case Real(name=name):
                return self.reals[name]
            case TaskCount():
                return len(self.losses)
            case StepLength():
                return self.eta
            case TaskNumber(name=name, task=task):
                return self.numbers[name][self.place(task)]
            case Root(radicand=radicand):
                return math.sqrt(max(float(self.poly(radicand)), 0.0))
            case Larger(left=left, right=right):
                return max(self.poly(left), self.poly(right))
            case Length(combination=combination):
                return norm(self.combination(combination))
            case Product(left=left, right=right):
                v, w = self.vector(left), self.vector(right)
                return v[0] * w[0] + v[1] * w[1]
            case BendNorm(task=task, run=run, index=index):
                return spectral(self.task(task).hessian(self.run(run, self.index(index))))
            case TaskSum(body=body):
                return sum(self.inside(place).poly(body) for place in range(len(self.losses)))
            case _:
                raise AssertionError(inner)

    # -- claims ---------------------------------------------------------------------------------

    def holds(self, claim: Claim) -> bool:
        match claim:
            case SmoothTasks():
                return True
            case Compare(left=left, relation=relation, right=right):
                low, high = float(self.poly(left)), float(self.poly(right))
                slack = 1e-9 * (1 + abs(low) + abs(high))
                return low <= high + slack and (relation is Relation.LE or high <= low + slack)
            case ForTasks(left=left, right=right):
                inside = [self.inside(place) for place in range(len(self.losses))]
                return all(w.holds(Compare(left, Relation.LE, right)) for w in inside)
            case ForIndices(end=end, claim=inner):
                return all(replace(self, n=n).holds(inner) for n in range(1, self.index(end) + 1))
            case BallBounds(radius=radius, slope=slope, bend=bend):
                return self._holds_in_ball(*(float(self.poly(part)) for part in (radius, slope, bend)))
            case Expansion():
                return self._expands(claim)
            case _:
                raise AssertionError(claim)

    def _holds_in_ball(self, radius: float, slope: float, bend: float) -> bool:
        """For quadratic losses, by ||grad at the centre|| + ||A|| r."""
        assert all(loss.c == 0 for loss in self.losses)
        return all(
            norm(loss.gradient(self.start)) + spectral(loss.a) * radius <= slope * (1 + 1e-12)
            and spectral(loss.a) <= bend * (1 + 1e-12)
            for loss in self.losses
        )

    def _expands(self, claim: Expansion) -> bool:
        """The remainder at eta is exactly 0, or shrinks with eta^N: it falls by 10^N for a tenth of eta."""
        sizes = [self._remainder(claim, SMALL), self._remainder(claim, SMALL / 10)]
        if claim.exact:
            return sizes == [0, 0]
        order = len(claim.coefficients)
        return sizes[1] == 0 or sizes[0] / sizes[1] > Fraction(10) ** order * Fraction(9, 10)

    def _remainder(self, claim: Expansion, eta: Fraction) -> Fraction:
        world = replace(self, eta=eta)
        left = [world.combination(part) for part in claim.parts]
        right = [world.combination(part) for part in claim.coefficients]
        gaps = [
            sum((eta**j * v[i] for j, v in enumerate(left)), Fraction(0))
            - sum((eta**j * v[i] for j, v in enumerate(right)), Fraction(0))
            for i in (0, 1)
        ]
        return max(abs(gap) for gap in gaps)


def applied(h: tuple[Any, Any, Any], v: Pair) -> Pair:
    return (h[0] * v[0] + h[1] * v[1], h[1] * v[0] + h[2] * v[1])


def random_world(seed: int, *, tasks: int | None = None, quadratic: bool = False) -> World:
    """Rational numbers of at most two digits."""
    rng = random.Random(seed)

    def value() -> Fraction:
        return Fraction(rng.randint(-9, 9), rng.randint(1, 4))

    count = rng.randint(1, 4) if tasks is None else tasks
    losses = tuple(
        Loss(
            (value(), value()),
            (value(), value(), value()),
            Fraction(0) if quadratic else value(),
            (value(), value()),
        )
        for _ in range(count)
    )
    places = {name: rng.randrange(count) for name in ("t", "u")}
    reals = {name: value() for name in ("alpha", "p", "q")} | {name: abs(value()) for name in ("G", "H", "r")}
    numbers = {"G": tuple(value() for _ in range(count))}
    return World(losses, (value(), value()), Fraction(1, 50), rng.randint(1, 4), reals, places, numbers)
