"""The arrays that a scan wrote, opened without reading them, and the reductions that the figures share.

Nothing here holds more than a chunk of `CHUNK` numbers, however many steps were recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlemma.errors import ProblemError, printable

__all__ = ["ScanArrays", "evenly", "finite", "median_of_finite", "open_scan", "rounded"]

CHUNK = 1 << 17
DIGITS = 9
COORDINATES = {"eta": "E", "seed": "S", "step": "T", "eta_factor": "T", "diverged_at": "ES"}
MEASURED = dict.fromkeys(
    ("loss", "sharpness", "sharpness_error", "lambda_min", "det_sign", "log_abs_det", "distance"), "EST"
)
SPECTRA = {"spectrum": "ESTP", "largest": "ESTK", "smallest": "ESTL"}
AXES = {
    "E": "step sizes", "S": "seeds", "T": "recorded steps", "P": "eigenvalues",
    "K": "largest eigenvalues", "L": "smallest eigenvalues",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScanArrays:
    """The arrays of one scan by name, mapped from their files; those that were not recorded are absent.

    Shapes: `eta` [E], `seed` [S], `step` and `eta_factor` [T], `diverged_at` [E, S] (the step at which the
    run diverged, -1 for none), measured quantities [E, S, T], spectra [E, S, T, P] or [E, S, T, K].
    """

    arrays: Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    @property
    def shape(self) -> tuple[int, int, int]:
        """The numbers of step sizes, of seeds and of recorded steps."""
        return len(self["eta"]), len(self["seed"]), len(self["step"])

    @property
    def has_schedule(self) -> bool:
        """Whether some factor of the step size is not one."""
        return any((self["eta_factor"][chunk] != 1).any() for chunk in self.record_chunks(1))

    def step_size(self, e: int, records: Any) -> NDArray[np.float64]:
        """The step size of run `e`, times the factor of the schedule, at these records."""
        return np.asarray(self["eta"][e] * self["eta_factor"][records], dtype=np.float64)

    def record_chunks(self, width: int) -> Iterator[slice]:
        """Slices of the records that keep `width` numbers a record within a chunk."""
        length = max(CHUNK // max(width, 1), 1)
        for start in range(0, self.shape[2], length):
            yield slice(start, min(start + length, self.shape[2]))

    def last_finite(self, name: str, e: int, s: int) -> int:
        """The last record at which the quantity of a run is finite; -1 if there is none."""
        run = self[name][e, s]
        for chunk in reversed(list(self.record_chunks(1))):
            found = np.flatnonzero(np.isfinite(run[chunk]))
            if len(found):
                return chunk.start + int(found[-1])
        return -1


def open_scan(directory: Path) -> ScanArrays:
    """The arrays of the scan in a directory; files that are not there are absent from the result.

    Raises:
        ProblemError: a coordinate is missing, a file is no array of numbers, or a shape does not fit.
    """
    ranks = {**COORDINATES, **MEASURED, **SPECTRA}
    arrays = {
        name: _load(directory / f"{name}.npy") for name in ranks if (directory / f"{name}.npy").exists()
    }
    for name in COORDINATES:
        if name not in arrays:
            raise ProblemError(
                f"expected the array {name}.npy of a scan but it is missing",
                kind="file", file=str(directory), remedy="give the directory that gradlemma scan wrote",
            )  # fmt: skip
    sizes: dict[str, int] = {}
    for name, axes in ranks.items():
        if name in arrays:
            _check_shape(directory / f"{name}.npy", arrays[name], axes, sizes)
    _check_increasing(directory / "eta.npy", arrays["eta"])
    _check_increasing(directory / "step.npy", arrays["step"])
    return ScanArrays(arrays)


def _load(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise ProblemError(
            f"expected an array in numpy's format but got: {printable(error)}", kind="file", file=str(path)
        ) from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ProblemError(f"expected an array of real numbers but got {got}", kind="data", file=str(path))
    # Indexing a plain view is faster than indexing a memmap, and as lazy.
    return array.view(np.ndarray)


def _check_shape(path: Path, array: NDArray[Any], axes: str, sizes: dict[str, int]) -> None:
    expected = [str(sizes.get(axis, f"any number of {AXES[axis]}")) for axis in axes]
    fits = len(axes) == array.ndim
    if fits and all(sizes.setdefault(a, n) == n for a, n in zip(axes, array.shape, strict=True)):
        return
    raise ProblemError(
        f"expected shape [{', '.join(expected)}] but got {list(array.shape)}", kind="shape", file=str(path)
    )


def _check_increasing(path: Path, values: NDArray[Any]) -> None:
    for start in range(0, len(values), CHUNK):
        part = np.asarray(values[start : start + CHUNK + 1])
        if not np.isfinite(part).all() or (part[1:] <= part[:-1]).any() or part[0] < 0:
            raise ProblemError(
                "expected finite numbers that are not negative, in increasing order",
                kind="data", file=str(path),
            )  # fmt: skip


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the indices 0 to count - 1, the first and the last among them, evenly spread.

    >>> evenly(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def finite(values: NDArray[Any]) -> NDArray[np.float64]:
    """The values in float64, NaN in place of infinities."""
    values = np.array(values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def median_of_finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median over the first axis of what is not NaN; NaN where all is. [S, N] -> [N]."""
    ordered = np.sort(values, axis=0)
    count = (~np.isnan(ordered)).sum(axis=0)
    lower = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    upper = np.take_along_axis(ordered, np.minimum(count // 2, len(ordered) - 1)[None], axis=0)[0]
    middle = np.where(count % 2 == 1, lower, lower / 2 + upper / 2)
    return np.where(count > 0, middle, np.nan)


def rounded(values: Any) -> Any:
    """Nested lists of floats with nine digits, None in place of NaN and infinities.

    >>> rounded([1 / 3, [float("inf")]])
    [0.333333333, [None]]
    """
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, list):
        return [rounded(value) for value in values]
    number = float(values)
    return float(f"{number:.{DIGITS}g}") + 0.0 if np.isfinite(number) else None
