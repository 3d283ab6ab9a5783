"""The arrays of a scan: names, types, dimensions, and what each entry says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["COORDINATES", "Field", "fields_of"]


@dataclass(frozen=True, slots=True)
class Field:
    """One array: `eta` and `seed` first, then `step` if there is an entry for each record, then `inner`.

    `missing` is the entry of runs that have diverged.
    """

    name: str
    dtype: str
    meaning: str
    inner: tuple[tuple[str, int], ...] = ()
    per_record: bool = True

    @property
    def inner_shape(self) -> tuple[int, ...]:
        return tuple(size for _, size in self.inner)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions, as xarray takes them."""
        return ("eta", "seed", *(("step",) if self.per_record else ()), *(name for name, _ in self.inner))

    @property
    def bytes_each(self) -> int:
        """Bytes for one run, and one record if there are records."""
        return int(np.dtype(self.dtype).itemsize * np.prod(self.inner_shape, dtype=np.int64))

    @property
    def missing(self) -> float | int:
        """The entry where nothing is known."""
        kind = np.dtype(self.dtype).kind
        return float("nan") if kind == "f" else 0 if self.name == "det_sign" else -1


COORDINATES = {
    "eta": "step sizes, float64",
    "seed": "seeds, int64",
    "step": "recorded steps, int64",
    "eta_factor": "the schedule's factor on eta at each recorded step, float64",
}

_ALWAYS = (
    Field("loss", "<f8", "mean loss without weight decay"),
    Field("gradient_norm", "<f8", "norm of the mean gradient over all samples, weight decay included"),
    Field("kink_distance", "<f8", "least distance of a pre-activation to a kink; infinite without kinks"),
)
_ENDS = (
    Field("sharpness", "<f8", "largest eigenvalue of the Hessian, weight decay included"),
    Field("sharpness_error", "<f8", "bound of its error"),
    Field("lambda_min", "<f8", "smallest eigenvalue"),
    Field("lambda_min_error", "<f8", "bound of its error"),
    Field("above_1_over_eta", "<i4", "eigenvalues above 1/eta; -1: undecided"),
    Field("above_2_over_eta", "<i4", "eigenvalues above 2/eta; -1: undecided"),
)
_DETERMINANT = (
    Field("distance", "<f8", "distance of 1/eta to the spectrum"),
    Field("distance_error", "<f8", "estimate of its error"),
    Field("det_sign", "<i1", "sign of det(I - eta H); 0: undecided"),
    Field("log_abs_det", "<f8", "log |det(I - eta H)|; NaN where nothing was factored"),
    Field("log_abs_det_error", "<f8", "bound of its error"),
)


def fields_of(mode: str, size: int, largest: int, smallest: int) -> tuple[Field, ...]:
    """The arrays that a mode records."""
    once = (
        Field("diverged_at", "<i8", "step after which the run had diverged; -1: it has not", (), False),
        Field("final_parameters", "<f8", "parameters after the last step", (("parameter", size),), False),
    )
    match mode:
        case "full":
            rest = (
                *_ENDS,
                *_DETERMINANT,
                Field("spectrum", "<f8", "all eigenvalues, ascending", (("eigenvalue", size),)),
                Field("spectrum_error", "<f8", "bound of the eigenvalues' errors"),
            )
        case "verdict":
            rest = (*_ENDS, *_DETERMINANT)
        case "extreme":
            rest = (
                *_ENDS,
                Field("largest", "<f8", "largest eigenvalues, descending", (("from_above", largest),)),
                Field("largest_error", "<f8", "bounds of their errors", (("from_above", largest),)),
                Field("smallest", "<f8", "smallest eigenvalues, ascending", (("from_below", smallest),)),
                Field("smallest_error", "<f8", "bounds of their errors", (("from_below", smallest),)),
            )
        case _:
            rest = ()
    return (*_ALWAYS, *rest, *once)
