"""The decorator `claim`: a user's statement, attacked by the search and usable as a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from numerics import strategies as make
from numerics.search.attack import Attack
from numerics.search.settings import NetworkSetting
from proofs.errors import GradlemmaError
from proofs.kernel.univariate import Univariate
from proofs.network import Activate, Dense, Loss, activation, loss_named
from proofs.theorems.bounds import Box

from ._network import ClaimNetwork, Data, FloatNetwork
from ._target import MARGIN, ClaimTarget, Function
from ._weights import Weights

__all__ = ["Claim", "ClaimAttack", "claim", "collected"]

# Bounds of norms that are drawn; smaller tensors lie inside.
NORMS = st.sampled_from([Fraction(1), Fraction(2), Fraction(3)])


# Claims that are declared while a file is being loaded, those of a name that is given again too.
_COLLECTING: list[list[Claim]] = []


@contextmanager
def collected() -> Iterator[list[Claim]]:
    """All claims that are declared inside, in order."""
    _COLLECTING.append([])
    try:
        yield _COLLECTING[-1]
    finally:
        _COLLECTING.pop()


@dataclass(frozen=True, slots=True)
class Scope:
    """For which networks, losses and sizes a claim is made."""

    activations: tuple[Univariate, ...] | None
    losses: tuple[Loss, ...]
    min_depth: int
    max_depth: int
    max_width: int
    max_parameters: int
    max_samples: int
    bias: bool | None
    weight_norm: Fraction | None
    input_norm: Fraction | None
    target_norm: Fraction | None

    def covers(self, setting: NetworkSetting) -> bool:
        """Whether a setting lies in the scope; a claim may have been narrowed since it was kept."""
        network, box = setting.network, setting.box
        used = [layer.activation for layer in network.layers if isinstance(layer, Activate)]
        biases = [layer.bias for layer in network.layers if isinstance(layer, Dense)]
        sizes = [*box.weight_norms, *(c for c in box.bias_norms if c is not None)]
        return (
            setting.loss in self.losses
            and self.min_depth <= network.depth <= self.max_depth
            and max(network.widths()) <= self.max_width
            and network.parameter_count <= self.max_parameters
            and setting.samples <= self.max_samples
            and (self.activations is None or all(function in self.activations for function in used))
            and (self.bias is None or all(bias == self.bias for bias in biases))
            and (self.weight_norm is None or all(size <= self.weight_norm for size in sizes))
            and (self.input_norm is None or setting.input_norm <= self.input_norm)
            and (self.target_norm is None or (setting.target_norm or 0) <= self.target_norm)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A statement `margin <= 0` for all networks, weights and data of its scope.

    Calling it calls the function.  `as_test` makes a test of it, `instances` a Hypothesis strategy.
    """

    function: Function
    scope: Scope
    name: str = field(default="")

    def __call__(self, network: ClaimNetwork, weights: Weights, data: Data) -> Any:
        return self.function(network, weights, data)

    def attack(self) -> ClaimAttack:
        """The attack of `gradlemma refute --file`."""
        return ClaimAttack(self, self.name)

    def instances(self) -> SearchStrategy[tuple[FloatNetwork, Weights, Data]]:
        """Instances of the scope in float64, for a `@given` of one's own."""
        return _instances(self)

    def as_test(self, *, examples: int = 20, seed: int = 0) -> Callable[[], None]:
        """A test without arguments that runs the search.

        It fails with the witness where the claim is refuted, and with the reason where it is undecided.
        """

        def test() -> None:
            from numerics.search.engine import search
            from numerics.search.outcome import Budget, Verdict

            budget = Budget(examples=examples, batch=128, climbers=8, steps=12)
            attack = self.attack()
            found = search(attack, budget, seed=seed)
            if found.witness is not None:
                from gradlemma.witness_text import sentence

                target = attack.prepare(found.witness.setting)
                raise AssertionError(f"{self.name} is refuted: {sentence(found.witness, target)}")
            if found.verdict is not Verdict.HOLDS:
                raise AssertionError(f"{self.name} is {found.sentence()}")

        test.__name__ = f"test_{self.name}"
        test.__doc__ = self.function.__doc__
        return test


def claim(
    function: Function | None = None,
    *,
    activations: Sequence[str | Univariate] | None = None,
    losses: Sequence[str | Loss] = ("half_mse",),
    min_depth: int = 1,
    max_depth: int = 3,
    max_width: int = 3,
    max_parameters: int = 16,
    max_samples: int = 2,
    bias: bool | None = False,
    weight_norm: Fraction | int | str | None = None,
    input_norm: Fraction | int | str | None = None,
    target_norm: Fraction | int | str | None = None,
) -> Any:
    """Declare a statement about gradient descent on neural networks, to be attacked.

    The decorated function gets a network, its weights and data (`ClaimNetwork`, `Weights`, `Data`) and
    returns a margin: the claim is `margin <= 0` at every instance of the scope, a positive margin
    violates it.  It is called twice over: with float64 tensors in the search, and with balls where a
    violation is decided; so it uses `network`, arithmetic, and the functions of `gradlemma.claims`.

    Args:
        function: the function, where the decorator is used without arguments.
        activations: names or functions; those of the catalogue that do not jump if left out.
        losses: names or losses.
        min_depth: least number of dense layers.
        max_depth: largest number of dense layers.
        max_width: largest width of a layer.
        max_parameters: largest number P of parameters; an exact Hessian costs 2 P passes.
        max_samples: largest number of samples.
        bias: whether layers have biases; None for both.
        weight_norm: bound of every ||W_l|| and ||b_l||, exact; drawn up to 3 if left out.
        input_norm: bound of ||x_i||, likewise.
        target_norm: bound of ||y_i||, likewise, where the loss has no range of its own.

    Raises:
        GradlemmaError: for unknown names or sizes that make no sense.

    >>> @claim(losses=["half_mse"], max_depth=1)
    ... def loss_is_at_least_zero(network, weights, data):
    ...     return -network.loss(weights, data)
    >>> loss_is_at_least_zero.name
    'loss_is_at_least_zero'
    """
    if not 1 <= min_depth <= max_depth <= 20:
        raise GradlemmaError(f"expected 1 <= min_depth <= max_depth <= 20 but got {min_depth}, {max_depth}")
    sizes = {"max_width": max_width, "max_parameters": max_parameters, "max_samples": max_samples}
    for name, value in sizes.items():
        if type(value) is not int or not 1 <= value <= 1000:
            raise GradlemmaError(f"expected {name} from 1 to 1000 but got {value!r}")
    scope = Scope(
        None if activations is None else tuple(map(_function_of, activations)),
        tuple(loss_named(loss) for loss in losses),
        min_depth,
        max_depth,
        max_width,
        max_parameters,
        max_samples,
        bias,
        _norm_of("weight_norm", weight_norm),
        _norm_of("input_norm", input_norm),
        _norm_of("target_norm", target_norm),
    )
    if not scope.losses or scope.activations == ():
        raise GradlemmaError("expected at least one loss and one activation")

    def declare(inner: Function) -> Claim:
        made = Claim(inner, scope, getattr(inner, "__name__", "claim"))
        if _COLLECTING:
            _COLLECTING[-1].append(made)
        return made

    return declare if function is None else declare(function)


def _function_of(given: str | Univariate) -> Univariate:
    return activation(given) if isinstance(given, str) else given


def _norm_of(name: str, given: Fraction | int | str | None) -> Fraction | None:
    if given is None:
        return None
    if isinstance(given, bool | float):
        raise GradlemmaError(
            f"expected {name} as an exact number but got {given!r}; write a text such as '1/2'"
        )
    try:
        value = Fraction(given)
    except (ValueError, ZeroDivisionError):
        raise GradlemmaError(f"expected {name} as an exact number but got {given!r}") from None
    if value <= 0:
        raise GradlemmaError(f"expected {name} > 0 but got {value}")
    return value


@st.composite
def _settings(draw: DrawFn, scope: Scope) -> NetworkSetting:
    chosen = make.activations() if scope.activations is None else st.sampled_from(scope.activations)
    network = draw(
        make.architectures(
            activations=chosen,
            bias=scope.bias,
            min_depth=scope.min_depth,
            max_depth=scope.max_depth,
            max_width=scope.max_width,
            max_parameters=scope.max_parameters,
        )
    )
    loss = draw(st.sampled_from(scope.losses))
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    sizes = [draw(NORMS) if scope.weight_norm is None else scope.weight_norm for _ in dense]
    box = Box(tuple(sizes), tuple(s if layer.bias else None for s, layer in zip(sizes, dense, strict=True)))
    return NetworkSetting(
        network,
        loss,
        box,
        draw(NORMS) if scope.input_norm is None else scope.input_norm,
        None if loss.has_range else draw(NORMS) if scope.target_norm is None else scope.target_norm,
        draw(st.integers(1, scope.max_samples)),
        draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def _instances(draw: DrawFn, claim: Claim) -> tuple[FloatNetwork, Weights, Data]:
    target = ClaimTarget(draw(_settings(claim.scope)), claim.name, claim.function)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    batch = target.draw(generator, 1, MARGIN)
    return target.arguments({name: tensor[0] for name, tensor in batch.tensors.items()})


@dataclass(frozen=True, slots=True)
class ClaimAttack(Attack):
    """The attack on a claim."""

    claim: Claim
    statement: str
    dropped: str | None = None
    is_ratio: bool = False

    def covers(self, setting: Any) -> bool:
        return isinstance(setting, NetworkSetting) and not setting.tied and self.claim.scope.covers(setting)

    def settings(self) -> SearchStrategy[Any]:
        return _settings(self.claim.scope)

    def prepare(self, setting: Any) -> ClaimTarget:
        return ClaimTarget(setting, self.claim.name, self.claim.function)
