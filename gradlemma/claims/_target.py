"""The margin of a claim at instances: in float64 for a batch, in balls for one."""

from __future__ import annotations

import math
from collections.abc import Callable
from pprint import pformat
from typing import Any

import numpy as np
import torch
from flint import arb, ctx
from torch import Tensor

from numerics.exact import PRECISION, Comparison
from numerics.search.attack import Witness
from numerics.search.batches import Batch, Instance, exact_instance
from numerics.search.network_target import BoxTarget
from numerics.search.recheck import case_of
from numerics.search.settings import NetworkSetting
from proofs.errors import GradlemmaError

from ._balls import ReadingError, ball_of
from ._network import BallNetwork, ClaimNetwork, Data, FloatNetwork, exact_array
from ._weights import Weights

__all__ = ["MARGIN", "ClaimTarget", "Function"]

Function = Callable[[ClaimNetwork, Weights, Data], Any]
MARGIN = "margin"
# Instances of a setting where the function is called one by one.
LOOPED = 24
COMPLAINTS = 3
# Relative difference of the two readings that is not rounding.
READINGS = 1e-4


class ClaimTarget(BoxTarget):
    """The margin of a claim in a box of weights and data; no direction is involved."""

    is_directed = False

    def __init__(self, setting: NetworkSetting, name: str, function: Function) -> None:
        super().__init__(setting, None, [])
        if setting.loss is None:
            raise GradlemmaError("expected a setting with a loss")
        self.name = name
        self.function = function
        self.quantities = (MARGIN,)
        self.floats = FloatNetwork(setting.network, setting.loss)
        self.complaints = []

    def says(self, quantity: str) -> str:
        return f"{self.name}: margin <= 0"

    def arguments(self, tensors: dict[str, Tensor]) -> tuple[FloatNetwork, Weights, Data]:
        """What the function gets for one instance in float64."""
        # Copies: a function that changes what it gets changes nothing else.
        weights = Weights({name: tensors[name].clone() for name in self.sharing.shapes})
        return self.floats, weights, Data(tensors["x"].clone(), tensors["y"].clone())

    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        batch = super().draw(generator, count, quantity)
        # Bounds are tight at the boundary of the box; claims may fail anywhere inside as well.
        share = torch.rand(count, generator=generator, dtype=torch.float64)
        share = torch.where(torch.rand(count, generator=generator) < 0.5, share, 1.0)
        inside = {
            name: batch[name] * share.reshape(-1, *[1] * (batch[name].ndim - 1))
            for name in self.sharing.shapes
        }
        batch = batch.replaced(**inside)
        return batch if self._is_batched(batch) else batch.take(torch.arange(min(count, LOOPED)))

    def margins(self, batch: Batch, quantity: str) -> Tensor:
        if self._is_batched(batch):
            try:
                return self._together(batch)
            except (Exception, SystemExit):
                # What goes wrong is said for the instance at which it does.
                self._batched = False
        return torch.stack(self._one_by_one(batch))

    def _one_by_one(self, batch: Batch) -> list[Tensor]:
        return [self._single({n: t[i] for n, t in batch.tensors.items()}) for i in range(len(batch))]

    def _is_batched(self, batch: Batch) -> bool:
        """Whether the function can be called for all instances at once; it is then the same one by one."""
        known = getattr(self, "_batched", None)
        if known is None:
            few = batch.take(torch.arange(min(2, len(batch))))
            with torch.no_grad():
                known = self._agrees(few)
                self._compare_readings(few)
            self._batched = known
        return known

    def _agrees(self, few: Batch) -> bool:
        ones = self._one_by_one(few)
        self._check_twice(few, ones)
        try:
            return bool(torch.allclose(self._together(few), torch.stack(ones), rtol=1e-9, atol=1e-12))
        except (Exception, SystemExit):
            # Such as control flow that depends on the numbers: one by one then.
            return False

    def _check_twice(self, few: Batch, ones: list[Tensor]) -> None:
        for first, second in zip(ones, self._one_by_one(few), strict=True):
            if not torch.equal(first.nan_to_num(), second.nan_to_num()):
                both = f"{float(first)!r} and {float(second)!r}"
                self._complain(f"the function is not deterministic: {both} at one instance")

    def _compare_readings(self, few: Batch) -> None:
        """Complain where the ball at the first instance and its float are two different numbers."""
        near = self._one_by_one(few)[0]
        try:
            with ctx.workprec(PRECISION):
                exact = self._margin_in_balls(exact_instance(few, 0))
        except GradlemmaError:
            # On a kink, or no reading in balls: then nothing is ever refuted.
            return
        gap = abs(float(exact.mid()) - float(near))
        if exact.is_finite() and math.isfinite(gap) and gap > READINGS * max(1.0, abs(float(near))):
            both = f"{float(near):.6g} in floats and {exact.str(6, radius=False)} in balls"
            self._complain(f"the function is not the same in both readings: {both} at one instance")

    def _together(self, batch: Batch) -> Tensor:
        names = list(batch.tensors)

        def one(*tensors: Tensor) -> Tensor:
            return self.function(*self.arguments(dict(zip(names, tensors, strict=True))))

        found = torch.func.vmap(one)(*(batch[name] for name in names))
        if found.shape != (len(batch),):
            raise ReadingError("expected one number an instance")
        return found.to(torch.float64)

    def _single(self, tensors: dict[str, Tensor]) -> Tensor:
        """The margin of one instance; NaN with a complaint where there is no number."""
        nothing = torch.full((), math.nan, dtype=torch.float64)
        try:
            found = self.function(*self.arguments(tensors))
        except (Exception, SystemExit) as error:
            self._complain(f"the function raised {type(error).__name__}: {error}")
            return nothing
        if isinstance(found, bool) or not isinstance(found, int | float | Tensor):
            self._complain(f"the function returned {type(found).__name__} instead of a number")
            return nothing
        margin = torch.as_tensor(found).to(torch.float64)
        if margin.ndim > 0 or (isinstance(found, Tensor) and found.dtype == torch.bool):
            shape = f"a tensor of shape {tuple(margin.shape)}" if margin.ndim else "a truth value"
            self._complain(f"the function returned {shape} instead of a number")
            return nothing
        if not bool(torch.isfinite(margin.detach()).all()):
            self._complain(f"the function returned {float(margin)}")
        return margin

    def _complain(self, text: str) -> None:
        if text not in self.complaints and len(self.complaints) < COMPLAINTS:
            self.complaints = [*self.complaints, text]

    def recheck(self, instance: Instance, quantity: str) -> Comparison:
        """Decide margin <= 0 at an exact instance, in balls."""
        with ctx.workprec(PRECISION):
            margin = self._margin_in_balls(instance)
            if margin > 0 and str(margin) != str(self._margin_in_balls(instance)):
                raise ReadingError("the function is not deterministic")
            refuted = bool(margin > 0) and margin.is_finite()
            lower = float(margin.lower()) if refuted else 0.0
            text = margin.str(12, radius=False)
            method = f"balls of {PRECISION} bits"
            return Comparison(refuted, text, "0", lower, method, holds=bool(margin <= 0))

    def snippet(self, witness: Witness) -> str:
        """Loads the claim from its file and decides it again."""
        file = self.function.__code__.co_filename
        lines = [
            f'"""{witness.statement} fails at an exact instance."""',
            "",
            "from gradlemma.claims import load_claims",
            "from numerics.search.recheck import recheck",
            "",
            f"case = {pformat(case_of(witness), width=100, compact=True)}",
            "",
            f"attack = load_claims({file!r})[{witness.statement!r}].attack()",
            "shown = recheck(case, attack)",
            'print(f"margin {shown.left} > 0 ({shown.method})")',
            "assert shown.refuted",
        ]
        return "\n".join(lines) + "\n"

    def _margin_in_balls(self, instance: Instance) -> arb:
        """The margin at an exact instance.

        Raises:
            GradlemmaError: on a kink, or where the function cannot be read in balls.
        """
        network = BallNetwork(self.network, self.floats.known_loss)
        weights = Weights({name: exact_array(instance[name]) for name in self.sharing.shapes})
        data = Data(exact_array(instance["x"]), exact_array(instance["y"]))
        try:
            found = self.function(network, weights, data)
            return ball_of(found.item() if isinstance(found, np.ndarray) else found)
        except GradlemmaError:
            raise
        except (Exception, SystemExit) as error:
            raise ReadingError(
                f"the function cannot be read in balls: {type(error).__name__}: {error}"
            ) from None
