"""Claims: what a theorem says, and sequents, claims under hypotheses.

A claim speaks about one parameter point theta, one sample (x, y), one direction u and one natural
number n >= 1, which are arbitrary; `ForSamples`, `OperatorNorm` and `ForIndices` close over samples,
directions and n.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .indices import Index
from .interning import admit
from .scalars import Poly
from .terms import INDEX, Interned, Role, Term, Variable, check_order, without_samples
from .univariate import Function, Univariate, Unspecified

__all__ = [
    "Claim", "Compare", "EntriesIn", "Equal", "ForIndices", "ForSamples", "IsTensor", "OperatorNorm",
    "Relation", "SamplesAre", "Sequent", "Simplex", "Smooth", "SupBound",
]  # fmt: skip


@admit
class Relation(Enum):
    """How two scalars compare."""

    LE = "<="
    EQ = "="


@dataclass(frozen=True, eq=False)
class Claim(metaclass=Interned):
    """The base of all claims; `free` are the variables that it speaks about."""

    free: frozenset[Variable] = field(init=False, repr=False)

    def _seal(self, free: frozenset[Variable]) -> None:
        object.__setattr__(self, "free", free)

    def __copy__(self) -> Claim:
        return self

    def __deepcopy__(self, memo: object) -> Claim:
        return self

    def __reduce__(self) -> Any:
        raise KernelError("claims are not pickled; store a derivation instead")


def _expect(value: object, kind: type | tuple[type, ...]) -> None:
    if not isinstance(value, kind) or (kind is Poly and type(value) is not Poly):
        names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise KernelError(f"expected {names} but got {value!r}")


@dataclass(frozen=True, eq=False)
class Compare(Claim):
    """left <= right, or left = right."""

    left: Poly
    relation: Relation
    right: Poly

    def __post_init__(self) -> None:
        _expect(self.left, Poly)
        _expect(self.relation, Relation)
        _expect(self.right, Poly)
        self._seal(self.left.variables | self.right.variables)


@dataclass(frozen=True, eq=False)
class Equal(Claim):
    """Two terms of one space have one value."""

    left: Term
    right: Term

    def __post_init__(self) -> None:
        _expect(self.left, Term)
        _expect(self.right, Term)
        if self.left.space != self.right.space:
            raise KernelError("expected two terms of one space")
        self._seal(self.left.free | self.right.free)


@dataclass(frozen=True, eq=False)
class OperatorNorm(Claim):
    """|D^order F[u, ..., u]| <= bound * ||u||^order for every direction u in the parameters of F.

    order 1: the norm of the gradient of F is at most the bound; order 2: the spectral norm of
    its Hessian is (F a scalar).
    """

    term: Term
    order: int
    bound: Poly

    def __post_init__(self) -> None:
        _expect(self.term, Term)
        _expect(self.bound, Poly)
        check_order(self.order, (1, 2))
        self._seal(self.term.free | self.bound.variables)


@dataclass(frozen=True, eq=False)
class SupBound(Claim):
    """|sigma^(order)(t)| <= bound for all |t| <= radius (None: all t), one-sided limits included.

    order -1 means |sigma(t) - sigma(0)| <= bound * |t|.
    """

    function: Function
    order: int
    radius: Poly | None
    bound: Poly

    def __post_init__(self) -> None:
        _expect(self.function, (Univariate, Unspecified))
        _expect(self.bound, Poly)
        if self.radius is not None:
            _expect(self.radius, Poly)
        check_order(self.order, (-1, 0, 1, 2, 3))
        parts = [self.bound] if self.radius is None else [self.bound, self.radius]
        self._seal(frozenset[Variable]().union(*(part.variables for part in parts)))


@dataclass(frozen=True, eq=False)
class Smooth(Claim):
    """F is `order` times differentiable in theta at the point."""

    term: Term
    order: int

    def __post_init__(self) -> None:
        _expect(self.term, Term)
        check_order(self.order, (1, 2))
        self._seal(self.term.free)


@dataclass(frozen=True, eq=False)
class Simplex(Claim):
    """The entries of the vector are >= 0 and sum to 1."""

    term: Term

    def __post_init__(self) -> None:
        _expect(self.term, Term)
        if len(self.term.space) != 1:
            raise KernelError("expected a vector")
        self._seal(self.term.free)


@dataclass(frozen=True, eq=False)
class EntriesIn(Claim):
    """Every entry of the vector lies in [lower, upper]; at kinks every one-sided limit does."""

    term: Term
    lower: fmpq
    upper: fmpq

    def __post_init__(self) -> None:
        _expect(self.term, Term)
        _expect(self.lower, fmpq)
        _expect(self.upper, fmpq)
        if len(self.term.space) != 1:
            raise KernelError("expected a vector")
        self._seal(self.term.free)


def _check_digest(digest: object) -> None:
    if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise KernelError(f"expected a sha256 digest but got {digest!r}")


@dataclass(frozen=True, eq=False)
class IsTensor(Claim):
    """The parameter or reference block equals the tensor of that digest."""

    variable: Variable
    digest: str

    def __post_init__(self) -> None:
        _expect(self.variable, Variable)
        _check_digest(self.digest)
        if self.variable.role not in (Role.PARAMETER, Role.REFERENCE):
            raise KernelError("expected a parameter or a reference block")
        self._seal(self.variable.free)


@dataclass(frozen=True, eq=False)
class SamplesAre(Claim):
    """The data set is finite and non-empty; sample i has the i-th rows of these tensors as parts."""

    samples: tuple[Variable, ...]
    digests: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_samples(self.samples)
        if len(self.samples) != len(self.digests):
            raise KernelError("expected a digest for every part of a sample")
        for digest in self.digests:
            _check_digest(digest)
        self._seal(without_samples(frozenset(), self.samples))


@dataclass(frozen=True, eq=False)
class ForSamples(Claim):
    """The claim holds for every sample of the data set; binds the sample variables."""

    samples: tuple[Variable, ...]
    claim: Claim

    def __post_init__(self) -> None:
        _check_samples(self.samples)
        _expect(self.claim, Claim)
        if isinstance(self.claim, ForSamples | SamplesAre):
            raise KernelError("expected a claim about one sample")
        self._seal(without_samples(self.claim.free, self.samples))


@dataclass(frozen=True, eq=False)
class ForIndices(Claim):
    """The claim holds for n = 1, ..., end; binds n in the claim, not in the end."""

    end: Index
    claim: Claim

    def __post_init__(self) -> None:
        _expect(self.claim, Claim)
        if type(self.end) is not Index:
            raise KernelError(f"expected an index but got {self.end!r}")
        if isinstance(self.claim, ForIndices | ForSamples | SamplesAre) or INDEX not in self.claim.free:
            raise KernelError("expected a claim about one index n")
        free = self.claim.free if self.end.is_open else self.claim.free - {INDEX}
        self._seal(free)


def _check_samples(samples: tuple[Variable, ...]) -> None:
    if not samples or any(not isinstance(v, Variable) or v.role is not Role.SAMPLE for v in samples):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise KernelError("expected sample variables")
    if len({v.name for v in samples}) != len(samples):
        raise KernelError("expected distinct sample variables")


@dataclass(frozen=True, slots=True)
class Sequent:
    """Under all `hypotheses`, the `claim` holds, at every theta, theta0, data set, sample, u and n."""

    hypotheses: frozenset[Claim]
    claim: Claim
