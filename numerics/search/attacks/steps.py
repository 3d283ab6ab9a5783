"""Attacks on NSG-1 and NSG-2: verdicts about step sizes of small networks on rational data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from numerics import strategies as make
from numerics.search.attack import Attack
from numerics.search.settings import StepSetting
from numerics.search.step_target import StepTarget, loss_of
from proofs.errors import GradlemmaError
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.maps import StepNumber
from proofs.kernel.tensors import ExactTensor
from proofs.network import Loss, Network, activation
from proofs.theorems.step_patterns import Pattern, vanishing
from proofs.theorems.step_sizes import StepSizes, StepStatus

from ._settings import seeds

__all__ = ["OPEN", "STAYS", "EveryStep", "ExceptionalStep", "step_settings"]

OPEN = "P <= rank(I - eta Hess L) somewhere near theta"
STAYS = "|det(I - eta Hess L)| <= 0"
FUNCTIONS = (
    activation("identity"), activation("relu"), activation("abs"), activation("square"),
    activation("leaky_relu", slope=Fraction(1, 2)),
)  # fmt: skip
STEPS = tuple(Fraction(*q) for q in ((1, 1), (1, 2), (2, 1), (1, 4), (2, 3), (3, 1), (1, 3), (-1, 1), (5, 7)))
MOST_PATTERNS = 256


@st.composite
def step_settings(
    draw: DrawFn,
    *,
    networks: SearchStrategy[Network] | None = None,
    losses: SearchStrategy[Loss] | None = None,
    steps: SearchStrategy[Fraction] | None = None,
    momenta: SearchStrategy[Fraction] | None = None,
) -> StepSetting:
    """A small network of polynomial pieces, one or two samples of short rationals, eta, perhaps beta."""
    shapes = make.architectures(
        max_depth=2, max_width=2, max_parameters=12, activations=st.sampled_from(FUNCTIONS)
    )
    network = draw(shapes if networks is None else networks)
    loss = draw(st.sampled_from((Loss.HALF_MSE, Loss.MSE)) if losses is None else losses)
    count = draw(st.integers(1, 2))
    x = draw(_numbers(count, network.input_dim, (2, 0, -2, 1, 4, -3)))
    y = draw(_numbers(count, network.output_dim, (0, 2, -1, 1)))
    step = draw(st.sampled_from(STEPS) if steps is None else steps)
    return StepSetting(network, loss, x, y, step, None if momenta is None else draw(momenta), draw(seeds()))


@st.composite
def _numbers(draw: DrawFn, count: int, width: int, halves: tuple[int, ...]) -> ExactTensor:
    entries = st.sampled_from([Fraction(n, 2) for n in halves])
    found = draw(st.lists(entries, min_size=count * width, max_size=count * width))
    return ExactTensor.from_fractions((count, width), tuple(found))


@lru_cache(maxsize=256)
def _studied(setting: StepSetting) -> StepSizes:
    """What the kernel shows of the setting's step sizes."""
    found = StepSizes(loss_of(setting), limit=MOST_PATTERNS)
    found.prove_analytic()
    found.find_patterns()
    found.find_spectra()
    return found


def _step(setting: StepSetting) -> StepNumber:
    return StepNumber(to_fmpq(setting.step))


def _require_non_singular(setting: StepSetting) -> None:
    verdict = _studied(setting).verdict(_step(setting))
    if verdict.status is not StepStatus.NON_SINGULAR:
        raise GradlemmaError(f"expected another verdict but got {verdict.status.value}: {verdict.reason}")


def _collapsing(setting: StepSetting) -> Pattern | None:
    """A pattern that occurs and of which it is derived that the determinant is 0 everywhere."""
    for pattern in _studied(setting).enumerated.patterns:
        if pattern.equal is not None and vanishing(pattern.case, _step(setting)) is not None:
            return pattern
    return None


@dataclass(frozen=True, slots=True)
class EveryStep(Attack):
    """NSG-1: no open set goes to a null set, at step sizes that are not exceptional, or at any."""

    dropped: str | None = None
    statement: str = "NSG-1"
    is_ratio = False

    def settings(self) -> SearchStrategy[Any]:
        return step_settings()

    def prepare(self, setting: Any) -> StepTarget:
        if self.dropped != "almost-every-step":
            _require_non_singular(setting)
        return StepTarget(setting, {"open": OPEN})


@dataclass(frozen=True, slots=True)
class ExceptionalStep(Attack):
    """NSG-2: an exceptional step size collapses the pattern that is named, another one collapses none."""

    dropped: str | None = None
    statement: str = "NSG-2"
    is_ratio = False

    def settings(self) -> SearchStrategy[Any]:
        return step_settings()

    def prepare(self, setting: Any) -> StepTarget:
        if self.dropped == "not-exceptional":
            return StepTarget(setting, {"open": OPEN})
        if self.dropped == "exceptional":
            return StepTarget(setting, {"stays": STAYS})
        pattern = _collapsing(setting)
        if pattern is not None:
            return StepTarget(setting, {"stays": STAYS}, pattern.point)
        _require_non_singular(setting)
        return StepTarget(setting, {"open": OPEN})
