"""The samples of a problem file: digits of scikit-learn, csv, npz, or written out."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradlemma.errors import ProblemError, printable
from proofs.errors import KernelError
from proofs.kernel.tensors import ExactTensor

from ._arrays import finite, read_npz
from ._files import read_beside
from ._numerals import looks_numeric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._model import CsvSection, DataSection, InlineSection

__all__ = ["read_data"]

MAX_CELLS = 20_000_000


def read_data(section: DataSection, directory: Path) -> tuple[ExactTensor, ExactTensor]:
    """Inputs [N, d], scaled and limited, and targets [N] or [N, out] as they were given.

    Numbers written in the problem file are multiplied by `scale` exactly.  Data of floating point
    (digits, csv, npz) are the float64 products x * scale, which are exact when nothing is rounded.

    Raises:
        ProblemError: naming the source and the place in it.
    """
    scale, limit = section.scale, section.limit
    if isinstance(scale, int):
        scale = Fraction(scale)
    if section.inline is not None:
        return _inline(section.inline, scale, limit)
    if section.csv is not None:
        x, y = _csv(section.csv, directory)
    elif section.npz is not None:
        x, y = _npz(section.npz.path, directory)
    else:
        x, y = _digits()
    return _scaled(x[:limit], scale), ExactTensor.from_floats(y[:limit])


def _scaled(x: NDArray[np.float64], scale: Fraction) -> ExactTensor:
    try:
        factor = float(scale)
    except OverflowError:
        factor = float("inf")
    with np.errstate(over="ignore", invalid="ignore"):
        product = x * factor
    return ExactTensor.from_floats(finite(product, "x * scale", "data.scale"))


def _inline(section: InlineSection, scale: Fraction, limit: int | None) -> tuple[ExactTensor, ExactTensor]:
    x, y = section.x, section.y
    if not isinstance(x[0], tuple):
        raise ProblemError(
            "expected one row of numbers for each sample but got a list of numbers",
            kind="shape",
            key="data.inline.x",
            remedy="write x: [[1], [2]] for two samples of width 1",
        )
    if len(x) != len(y):
        raise ProblemError(
            f"expected as many targets as inputs but got {len(x)} rows in x and {len(y)} in y",
            kind="shape",
            key="data.inline.y",
            remedy="give every sample one target",
        )
    x, y = x[:limit], y[:limit]
    inputs = _exact(tuple(entry * scale for row in x for entry in row), (len(x), len(x[0])), "data.inline.x")
    if isinstance(y[0], tuple):
        return inputs, _exact(tuple(e for row in y for e in row), (len(y), len(y[0])), "data.inline.y")
    return inputs, _exact(y, (len(y),), "data.inline.y")


def _exact(entries: tuple[Fraction, ...], shape: tuple[int, ...], key: str) -> ExactTensor:
    try:
        return ExactTensor.from_fractions(shape, entries)
    except KernelError as error:
        raise ProblemError(str(error), kind="data", key=key, remedy="rescale the data") from None


def _digits() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 1797 handwritten digits that come with scikit-learn, pixels 0, ..., 16."""
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    return np.asarray(found["data"], np.float64), np.asarray(found["target"], np.float64)


def _npz(path: str, directory: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    arrays = read_npz(read_beside(directory, path, "data.npz.path"), path, "data.npz.path")
    for label in ("x", "y"):
        if label not in arrays:
            raise ProblemError(
                f"expected an array {label} in {printable(path)} "
                f"but got {printable(', '.join(arrays) or 'none')}",
                kind="data",
                key="data.npz.path",
                remedy="save with numpy.savez(path, x=x, y=y)",
            )
    x, y = arrays["x"], arrays["y"]
    if x.ndim != 2 or y.ndim not in (1, 2) or not len(x) or len(x) != len(y) or 0 in x.shape + y.shape:
        raise ProblemError(
            "expected x of shape [N, d] and y of shape [N] or [N, out] with N, d >= 1 "
            f"but got {x.shape} and {y.shape}",
            kind="shape",
            key="data.npz.path",
            remedy="reshape the arrays",
        )
    return finite(x, "x", "data.npz.path"), finite(y, "y", "data.npz.path")


def _csv(section: CsvSection, directory: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    name = section.path
    content = read_beside(directory, name, "data.csv.path")
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = [cell.strip() for cell in next(reader, [])]
        columns = [
            _column(c, header, f"data.csv.features[{i}]", name) for i, c in enumerate(section.features)
        ]
        columns.append(_column(section.target, header, "data.csv.target", name))
        rows: list[list[float]] = []
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                what = f"{len(header)} cells as in the header but got {len(row)}"
                raise _cell(what, name, reader.line_num)
            rows.append([_number(row[c], header[c], name, reader.line_num) for c in columns])
            if len(rows) * len(columns) > MAX_CELLS:
                raise _cell(f"at most {MAX_CELLS} cells but got more", name, reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"expected a csv file in UTF-8 but {printable(name)} is not: {printable(error)}"
        raise ProblemError(message, kind="data", key="data.csv.path", remedy="save it as UTF-8 csv") from None
    if not rows:
        message = f"expected at least one row below the header of {printable(name)} but got none"
        raise ProblemError(message, kind="data", key="data.csv.path", remedy="add samples")
    table = np.array(rows)
    return table[:, :-1], table[:, -1]


def _column(column: str | int, header: list[str], key: str, name: str) -> int:
    if isinstance(column, int) and 0 <= column < len(header):
        return column
    if isinstance(column, str) and header.count(column) == 1:
        return header.index(column)
    twice = isinstance(column, str) and header.count(column) > 1
    why = "more than one of that name" if twice else printable(", ".join(header), 200) or "an empty header"
    raise ProblemError(
        f"expected one column {printable(repr(column))} in {printable(name)} but got {why}",
        kind="data",
        key=key,
        remedy="use a name of the header, or a number counted from 0",
    )


def _number(cell: str, column: str, name: str, line: int) -> float:
    text = cell.strip()
    value = float(text) if looks_numeric(text) and "/" not in text and len(text) <= 400 else float("nan")
    if not np.isfinite(value):
        raise _cell(
            f"a finite number in column {printable(column, 60)} but got {printable(repr(cell), 60)}",
            name,
            line,
        )
    return value


def _cell(what: str, name: str, line: int) -> ProblemError:
    return ProblemError(
        f"expected {what} on line {line} of {printable(name)}",
        kind="data",
        key="data.csv.path",
        remedy="correct or remove this row",
    )
