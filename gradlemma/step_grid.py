"""The grid of step sizes that a user writes: LOW:HIGH:COUNT, with :log for a geometric one, or a list."""

from __future__ import annotations

import math
from fractions import Fraction

from gradlemma.errors import ProblemError, printable
from gradlemma.problem._numerals import read_number

__all__ = ["MAX_STEP_SIZES", "step_grid"]

MAX_STEP_SIZES = 100_000


def step_grid(text: str) -> tuple[float, ...]:
    """The step sizes, increasing, each the float64 number nearest to the exact one.

    Those of a geometric grid are rounded to twelve digits, its ends excepted.

    >>> step_grid("1/10:1/2:5")
    (0.1, 0.2, 0.3, 0.4, 0.5)
    >>> step_grid("1/100:1:3:log")
    (0.01, 0.1, 1.0)
    >>> step_grid("0.5,1/4")
    (0.25, 0.5)

    Raises:
        ProblemError: for step sizes that are not above 0, an empty grid, and anything else.
    """
    if ":" not in text:
        return _increasing([_positive(part) for part in text.split(",")])
    parts = text.split(":")
    if len(parts) not in (3, 4) or (len(parts) == 4 and parts[3] not in ("log", "linear")):
        raise _refused(
            f"expected LOW:HIGH:COUNT or LOW:HIGH:COUNT:log but got {printable(text)}",
            "write 1/100:1:50, or a list such as 0.1,0.2",
        )
    low, high = _positive(parts[0]), _positive(parts[1])
    count = read_number(parts[2])
    if not isinstance(count, int) or not 1 <= count <= MAX_STEP_SIZES:
        raise _refused(
            f"expected from 1 to {MAX_STEP_SIZES} step sizes but got {printable(parts[2])}",
            "give another COUNT",
        )
    if low > high or (low == high) != (count == 1):
        raise _refused(
            f"expected LOW < HIGH, or LOW = HIGH and COUNT = 1, but got {printable(text)}",
            "give LOW < HIGH and COUNT >= 2",
        )
    if len(parts) == 4 and parts[3] == "log":
        return _increasing(_geometric(float(low), float(high), count))
    return _increasing([low + (high - low) * Fraction(i, max(count - 1, 1)) for i in range(count)])


def _geometric(low: float, high: float, count: int) -> list[Fraction]:
    ratio = math.log(high / low) / max(count - 1, 1)
    inner = [Fraction(f"{low * math.exp(i * ratio):.12g}") for i in range(count)]
    return [Fraction(low), *inner[1:-1], Fraction(high)] if count > 1 else [Fraction(low)]


def _increasing(values: list[Fraction]) -> tuple[float, ...]:
    found = sorted({float(value) for value in values})
    if found[0] <= 0.0 or not math.isfinite(found[-1]):
        raise _refused("expected step sizes that float64 can hold but got one that is 0 or infinite there",
                       "rescale the problem")  # fmt: skip
    return tuple(found)


def _positive(text: str) -> Fraction:
    try:
        value = Fraction(read_number(text.strip()))
    except ProblemError as error:
        raise _refused(error.message, error.remedy) from None
    if value <= 0:
        raise _refused(f"expected step sizes above 0 but got eta={printable(text.strip())}",
                       "give positive numbers")  # fmt: skip
    return value


def _refused(message: str, remedy: str) -> ProblemError:
    return ProblemError(message, kind="usage", key="--eta", remedy=remedy)
