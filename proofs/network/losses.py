"""The losses of one sample: a closed set of kinds, one of them with a parameter."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, assert_never, final

from proofs.errors import NetworkError
from proofs.kernel.univariate import Univariate, argument, call, constant, piecewise

__all__ = ["LOSSES", "LOSS_PARAMETERS", "Loss", "LossKind", "entry_function", "loss_named"]


class LossKind(Enum):
    """What kind of loss; the value of each member is its name in problem files."""

    CROSS_ENTROPY = "cross_entropy"
    """log(sum_i exp f_i) - <y, f>, y one-hot or any probability vector (softmax cross-entropy)."""

    MSE = "mse"
    """||f - y||^2, summed over the outputs."""

    HALF_MSE = "half_mse"
    """||f - y||^2 / 2, summed over the outputs."""

    BCE = "bce"
    """sum_i log(1 + exp f_i) - y_i f_i, 0 <= y_i <= 1 (binary cross-entropy with logits)."""

    HUBER = "huber"
    """sum_i r_i^2/2 where |r_i| <= delta, delta (|r_i| - delta/2) beyond, r = f - y."""


# kind -> its parameters with their defaults
LOSS_PARAMETERS: dict[LossKind, dict[str, Fraction]] = {
    kind: {"delta": Fraction(1)} if kind is LossKind.HUBER else {} for kind in LossKind
}
ALIASES = {
    "logistic": "bce", "binary_cross_entropy": "bce", "bce_with_logits": "bce", "softmax": "cross_entropy",
    "smooth_l1": "huber", "l2": "half_mse", "squared_error": "half_mse",
}  # fmt: skip


@final
@dataclass(frozen=True, slots=True, repr=False)
class Loss:
    """The loss l(f, y) of one sample; the loss of a data set is the mean over its samples.

    >>> Loss.huber(Fraction(1, 2)).label(), Loss.BCE.label()
    ('huber(delta=1/2)', 'bce')
    >>> Loss.huber(Fraction(1, 2)), Loss.BCE
    (Loss.huber(Fraction(1, 2)), Loss.BCE)
    """

    kind: LossKind
    parameters: tuple[tuple[str, Fraction], ...] = ()

    CROSS_ENTROPY: ClassVar[Loss]
    MSE: ClassVar[Loss]
    HALF_MSE: ClassVar[Loss]
    BCE: ClassVar[Loss]
    HUBER: ClassVar[Loss]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.parameters]
        if names != sorted(LOSS_PARAMETERS[self.kind]):
            raise NetworkError(f"expected the parameters of {self.kind.value} but got {names}")
        for name, value in self.parameters:
            if type(value) is not Fraction:
                raise NetworkError(f"expected {name} as an exact number but got {value!r}")
            if value <= 0:
                raise NetworkError(f"expected {self.kind.value} with {name} > 0 but got {name}={value}")

    @staticmethod
    def huber(delta: Fraction | int = 1) -> Loss:
        """The Huber loss that is quadratic on |r| <= delta."""
        if isinstance(delta, bool | float):
            raise NetworkError(f"expected huber delta as an exact number but got {delta!r}")
        return Loss(LossKind.HUBER, (("delta", Fraction(delta)),))

    @property
    def has_range(self) -> bool:
        """Whether the targets' entries lie in [0, 1] by definition, so that no norm of y is needed."""
        return self.kind in (LossKind.CROSS_ENTROPY, LossKind.BCE)

    def __repr__(self) -> str:
        inside = ", ".join(repr(value) for _, value in self.parameters)
        return f"Loss.{self.kind.value}({inside})" if inside else f"Loss.{self.kind.name}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For IPython and Hypothesis, which print the class's constants among the fields otherwise."""
        printer.text("..." if cycle else repr(self))

    def label(self) -> str:
        """The name with its parameters, such as `huber(delta=1/2)`."""
        inside = ", ".join(f"{name}={value}" for name, value in self.parameters)
        return f"{self.kind.value}({inside})" if inside else self.kind.value


Loss.CROSS_ENTROPY = Loss(LossKind.CROSS_ENTROPY)
Loss.MSE = Loss(LossKind.MSE)
Loss.HALF_MSE = Loss(LossKind.HALF_MSE)
Loss.BCE = Loss(LossKind.BCE)
Loss.HUBER = Loss.huber()


LOSSES = (Loss.CROSS_ENTROPY, Loss.MSE, Loss.HALF_MSE, Loss.BCE, Loss.HUBER)


def loss_named(name: str | Loss, **parameters: Fraction | int | str) -> Loss:
    """The loss of that name, e.g. `loss_named("huber", delta="1/2")`.

    Raises:
        NetworkError: for an unknown name or parameter, or a value that is not exact or not > 0.
    """
    if isinstance(name, Loss):
        if parameters:
            raise NetworkError("expected parameters with the name of a loss but got them with a loss")
        return name
    kind = next((kind for kind in LossKind if kind.value == name), None)
    if kind is None:
        raise NetworkError(_unknown(name))
    values = dict(LOSS_PARAMETERS[kind])
    for key, value in parameters.items():
        if key not in values:
            known = ", ".join(values) or "none"
            raise NetworkError(f"expected parameters of {name} among: {known} but got {key!r}")
        if isinstance(value, bool | float):
            raise NetworkError(f"expected {name} {key} as an exact number but got {value!r}")
        try:
            values[key] = Fraction(value)
        except (ValueError, ZeroDivisionError) as error:
            raise NetworkError(f"expected {name} {key} as an exact number but got {value!r}") from error
    made = Loss(kind, tuple(sorted(values.items())))
    return next((known for known in LOSSES if known == made), made)


def _unknown(name: object) -> str:
    known = [kind.value for kind in LossKind]
    text = name if isinstance(name, str) else ""
    close = ALIASES.get(text) or next(iter(difflib.get_close_matches(text, known, 1)), None)
    hint = f"; did you mean {close!r}?" if close else ""
    return f"expected a loss among {', '.join(known)} but got {name!r}{hint}"


@cache
def entry_function(loss: Loss) -> Univariate | None:
    """The function whose values at the entries are summed: of f for `bce`, of f - y for `huber`.

    >>> [str(k) for k in entry_function(Loss.huber(Fraction(1, 2))).kinks]
    ['-1/2', '1/2']
    """
    match loss.kind:
        case LossKind.BCE:
            return piecewise("softplus", {}, [], [call("softplus")])
        case LossKind.HUBER:
            return _huber(dict(loss.parameters)["delta"])
        case LossKind.CROSS_ENTROPY | LossKind.MSE | LossKind.HALF_MSE:
            return None
        case _:
            assert_never(loss.kind)


def _huber(delta: Fraction) -> Univariate:
    t, shift = argument(), constant(-delta * delta / 2)
    arms = (t.scaled(-delta) + shift, (t * t).scaled(Fraction(1, 2)), t.scaled(delta) + shift)
    return piecewise("huber", {"delta": delta}, [-delta, delta], arms)
