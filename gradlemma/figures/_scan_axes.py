"""Axes that the figures of a scan share: limits, scales, and names of step sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "eta_names",
    "floats",
    "limits",
    "log_axis",
    "log_limits",
    "marks",
    "needs_log",
    "step_axis",
    "symlog_axis",
]

SMALLEST, LARGEST = 1e-300, 1e300
NEEDS_LOG = 30.0
HUGE = 1e150
MOST_TICKS = 5
PLAIN = 3


def floats(values: Iterable[float | None]) -> list[float]:
    """The values within what a canvas can place, with NaN, which is not drawn, in place of None."""
    return [math.nan if value is None else max(-HUGE, min(value, HUGE)) for value in values]


def eta_names(etas: Sequence[float]) -> list[str]:
    """Step sizes in as few digits, but two, as tell them apart.

    >>> eta_names([0.1, 0.123, 0.12345])
    ['0.1', '0.123', '0.1235']
    >>> eta_names([0.1, 0.2154, 1.0])
    ['0.1', '0.22', '1']
    """
    names: list[str] = []
    for digits in range(2, 10):
        names = [f"{eta:.{digits}g}" for eta in etas]
        close = all(abs(float(name) - eta) <= 0.03 * abs(eta) for name, eta in zip(names, etas, strict=True))
        if close and len(set(names)) == len(names):
            break
    return names


def marks(axes: Axes, x: Sequence[float], y: Sequence[float], style: dict[str, Any]) -> bool:
    """Draws points; none leave no trace in the layout. Returns whether there are any."""
    if x:
        axes.plot(x, y, **style)
    return bool(x)


def needs_log(values: Iterable[float]) -> bool:
    """Whether positive values range over more than a linear axis shows."""
    positive = [value for value in values if value > 0]
    return bool(positive) and max(positive) > NEEDS_LOG * min(positive)


def step_axis(axes: Axes, steps: Sequence[int]) -> None:
    """The axis of the steps: labels at whole numbers, half a step to either side of a single one."""
    from matplotlib.ticker import MaxNLocator

    single = len(steps) == 1
    axes.set_xlim(*((steps[0] - 0.5, steps[0] + 0.5) if single else (steps[0], steps[-1])))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    if single:
        axes.set_xticks([steps[0]])
    axes.set_xlabel("step")


def limits(low: float, high: float, room: float = 0.05) -> tuple[float, float]:
    """Linear limits with room at both ends, apart even if low is high."""
    gap = (high - low) * room if high > low else abs(high) * 0.5 or 0.5
    return low - gap, high + gap


def log_limits(low: float, high: float, room: float = 0.06) -> tuple[float, float]:
    """Logarithmic limits with room at both ends, within floats, apart even if low is high."""
    start, end = (math.log10(min(max(value, SMALLEST), LARGEST)) for value in (low, high))
    gap = max((end - start) * room, 0.06)
    return 10 ** max(start - gap, math.log10(SMALLEST)), 10 ** min(end + gap, math.log10(LARGEST))


def power_name(n: int, sign: str = "") -> str:
    """A power of ten as a label: plain near one."""
    return f"{sign}{10.0**n:g}".replace("-", "\u2212") if abs(n) <= PLAIN else f"${sign}10^{{{n}}}$"


def log_axis(axes: Axes, which: str, low: float, high: float) -> None:
    """A logarithmic axis, `x` or `y`, with labels apart: 1, 2, 5 within two decades, powers beyond."""
    set_scale, set_limits, set_ticks = (
        getattr(axes, f"set_{which}{name}") for name in ("scale", "lim", "ticks")
    )
    set_scale("log")
    set_limits(low, high)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stride = max(1, math.ceil((last - first) / (2 * MOST_TICKS)))
    names = {10.0**n: power_name(n) for n in range(first + (-first) % stride, last + 1, stride)}
    digits = _digits(math.log10(high) - math.log10(low))
    if digits:
        tens = [(digit, n) for n in range(first, last + 1) for digit in digits]
        names = {digit * 10.0**n: f"{digit * 10.0**n:g}".replace("-", "\u2212") for digit, n in tens}
    inside = [tick for tick in names if low <= tick <= high]
    set_ticks(inside, [names[tick] for tick in inside])
    minor = [d * 10.0**n for n in range(first, last + 1) for d in range(2, 10)] if stride == 1 else []
    set_ticks([tick for tick in minor if low <= tick <= high], [], minor=True)


def _digits(decades: float) -> tuple[float, ...]:
    """The leading digits of the labels on an axis over so many decades; none where powers suffice."""
    if decades > 2.2:
        return ()
    return (1, 2, 5) if decades > 0.9 else (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


def symlog_axis(axes: Axes, low: float, high: float, threshold: float) -> None:
    """A y axis that is linear within +-threshold, a power of ten, and logarithmic outside."""
    axes.set_yscale("symlog", linthresh=threshold, linscale=0.7)
    axes.set_ylim(low, high)
    first = round(math.log10(threshold))
    last = max(math.floor(math.log10(max(abs(low), abs(high), threshold))), first)
    stride = max(1, math.ceil((last - first + 1) / MOST_TICKS))
    # The linear part is shorter than a stride of more than one decade.
    powers = range(first + stride - 1, last + 1, stride)
    ticks = {0.0: "0"}
    ticks |= {sign * 10.0**n: power_name(n, "-" if sign < 0 else "") for n in powers for sign in (-1, 1)}
    inside = sorted(tick for tick in ticks if low <= tick <= high)
    axes.set_yticks(inside, [ticks[tick] for tick in inside])
    axes.set_yticks([], minor=True)
