"""Step sizes as people write and read them: exact rational numbers, and inverses of roots of polynomials."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from flint import ctx, fmpq, fmpz_poly

from gradlemma.decimals import decimal_text, shown_above
from gradlemma.errors import ProblemError, printable
from gradlemma.problem._python import exact_number
from proofs.kernel.maps import RootStep, StepNumber, StepSize

__all__ = [
    "enclosure", "fraction_of", "nearest_rational", "rational", "read_steps", "step_as_json", "step_text",
]  # fmt: skip

MAX_STEPS = 1000
PRECISIONS = (256, 1024, 8192)


def read_steps(given: Iterable[Any], key: str = "--eta") -> tuple[StepNumber, ...]:
    """The step sizes, each once, in the order in which they are given.

    Raises:
        ProblemError: for anything but exact numbers above 0 that float64 can hold.
    """
    found: dict[StepNumber, None] = {}
    for value in given:
        found[_step(value.strip() if isinstance(value, str) else value, key)] = None
        if len(found) > MAX_STEPS:
            raise _refused(f"expected at most {MAX_STEPS} step sizes but got more", key, "ask for fewer")
    return tuple(found)


def _step(value: Any, key: str) -> StepNumber:
    try:
        exact = exact_number(value, key)
    except ProblemError as error:
        raise _refused(error.message, key, error.remedy) from None
    if exact <= 0:
        raise _refused(
            f"expected step sizes above 0 but got {printable(value, 40)}", key, "give positive numbers"
        )
    try:
        near = float(exact)
    except OverflowError:
        near = float("inf")
    if not 0.0 < near < float("inf"):
        raise _refused(
            f"expected step sizes that float64 can hold but got {printable(value, 40)}",
            key,
            "rescale the problem",
        )
    return StepNumber(rational(exact))


def _refused(message: str, key: str, remedy: str) -> ProblemError:
    return ProblemError(message, kind="usage", key=key, remedy=remedy)


def rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def fraction_of(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def step_as_json(step: StepSize) -> Any:
    """An exact string, or for an irrational one its polynomial, which root it is, and an enclosure."""
    match step:
        case StepNumber(value=value):
            return str(value)
        case RootStep():
            coefficients, number = _own_polynomial(step)
            lower, upper = enclosure(step)
            ends = [decimal_text(lower, up=False), decimal_text(upper, up=True)]
            return {"root_of": list(coefficients), "number": number, "interval": ends}
        case _:
            raise ProblemError(f"expected a step size that is a number but got {printable(step)}")


def step_text(step: StepSize) -> str:
    """For tables: the rational number, or a decimal with the polynomial whose root it is."""
    if isinstance(step, StepNumber):
        return str(step.value)
    if not isinstance(step, RootStep):
        raise ProblemError(f"expected a step size that is a number but got {printable(step)}")
    coefficients, _ = _own_polynomial(step)
    parts = [_term(c, k) for k, c in reversed(list(enumerate(coefficients))) if c]
    text = " ".join(parts).removeprefix("+ ")
    return f"{shown_above(enclosure(step)[1])} (root of {printable(text, 80)})"


def _term(coefficient: int, degree: int) -> str:
    size = abs(coefficient)
    power = "" if degree == 0 else "x" if degree == 1 else f"x^{degree}"
    return f"{'-' if coefficient < 0 else '+'} {'' if size == 1 and degree else size}{power}"


def _own_polynomial(step: RootStep) -> tuple[tuple[int, ...], int]:
    """The polynomial that eta = 1/lambda is a root of, and its number among the real roots from the least.

    sum_k c_k lambda^k = 0 becomes sum_k c_k eta^(d-k) = 0.  Inverting turns the order round among the
    roots below 0 and among those above 0.
    """
    turned = tuple(reversed(step.coefficients))
    if turned[-1] < 0:
        turned = tuple(-c for c in turned)
    roots = _real_roots(step.coefficients)
    below = sum(upper < 0 for _, upper in roots)
    if step.number < below:
        return turned, below - 1 - step.number
    return turned, below + (len(roots) - 1 - step.number)


def enclosure(step: StepSize) -> tuple[Fraction, Fraction]:
    """Rational numbers around the step size, less than 1e-20 of it apart."""
    if isinstance(step, StepNumber):
        return fraction_of(step.value), fraction_of(step.value)
    if not isinstance(step, RootStep):
        raise ProblemError(f"expected a step size that is a number but got {printable(step)}")
    lower, upper = _real_roots(step.coefficients)[step.number]
    return 1 / upper, 1 / lower


def _real_roots(coefficients: tuple[int, ...]) -> list[tuple[Fraction, Fraction]]:
    """Disjoint enclosures of the real roots of an irreducible polynomial of degree >= 2, in order."""
    for bits in PRECISIONS:
        with ctx.workprec(bits):
            found: list[tuple[Fraction, Fraction]] = []
            roots: Any = fmpz_poly(list(coefficients)).complex_roots()
            for root, _ in roots:
                if root.imag == 0:
                    ends = root.real.lower().fmpq(), root.real.upper().fmpq()
                    found.append((fraction_of(ends[0]), fraction_of(ends[1])))
        found.sort()
        disjoint = all(a[1] < b[0] for a, b in zip(found, found[1:], strict=False))
        narrow = all(lower * upper > 0 and abs(upper - lower) < abs(lower) / 10**20 for lower, upper in found)
        if disjoint and narrow:
            return found
    raise ProblemError("expected roots that can be told apart", kind="limit", remedy="rescale the problem")


def nearest_rational(step: StepSize) -> fmpq:
    """A rational number within 1e-20 of the step size, relatively; the step size itself where it is one."""
    lower, upper = enclosure(step)
    return rational((lower + upper) / 2)
