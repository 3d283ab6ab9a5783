"""What statements compare, read twice: in float64 for a batch of instances, exactly for one.

A statement's two sides are written once, in terms of `Values`; `FloatValues` scores a batch with them
and `ExactValues` decides an instance.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NoReturn, Protocol

import torch
from flint import arb, fmpq
from torch import Tensor

from numerics.curvature import NodeJet, first_of_loss, node_jets, second_of_loss
from numerics.exact import Jet, as_ball, directional_derivatives, jets_of_nodes, norm_of
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.scalars import Atom, Poly, Root
from proofs.network import Loss, Network

from .batches import Batch, Instance
from .sharing import Sharing

__all__ = [
    "ExactNumbers",
    "ExactValues",
    "FloatNumbers",
    "FloatValues",
    "Numbers",
    "Values",
    "evaluate",
    "no_atom",
]

# A float64 tensor [B], or an fmpq or arb.
Scalar = Any


class Numbers(Protocol):
    """Rationals and roots in one of the two readings."""

    def number(self, value: Fraction | fmpq) -> Scalar: ...

    def root(self, value: Scalar) -> Scalar: ...


class Values(Numbers, Protocol):
    """Sizes at an instance: a point theta, a direction u, samples."""

    def node(self, layer: int, order: int) -> Scalar:
        """||D^order h[u, ...]|| of the node after that layer at the only sample; -1 is the output, 0 is x."""
        ...

    def loss(self, order: int) -> Scalar:
        """|D^order L[u, ...]| of the mean loss, order 1 or 2."""
        ...

    def direction(self, *names: str) -> Scalar:
        """||u||, or the norm of its blocks of these names."""
        ...


def evaluate(form: Poly, values: Numbers, atom: Callable[[Atom], Scalar]) -> Scalar:
    """The value of a polynomial of the kernel, given the values of its atoms; roots are taken here."""

    def read(inner: Atom) -> Scalar:
        return values.root(evaluate(inner.radicand, values, atom)) if isinstance(inner, Root) else atom(inner)

    total = values.number(Fraction(0))
    for monomial, coefficient in form.sorted_terms():
        term = values.number(coefficient)
        for inner, exponent in monomial:
            term = term * read(inner) ** exponent
        total = total + term
    return total


def no_atom(inner: Atom) -> NoReturn:
    """For right sides that are numbers."""
    raise ValueError(f"expected a number but got {inner!r}")


class FloatNumbers:
    """Floats, and tensors [B] of them."""

    def number(self, value: Fraction | fmpq) -> float:
        return float(value) if isinstance(value, Fraction) else int(value.p) / int(value.q)

    def root(self, value: Tensor | float) -> Tensor | float:
        return value.clamp(min=0.0).sqrt() if isinstance(value, Tensor) else max(value, 0.0) ** 0.5


class ExactNumbers:
    """Rationals where they are enough, else balls; use inside `flint.ctx.workprec(PRECISION)`."""

    def number(self, value: Fraction | fmpq) -> fmpq:
        return to_fmpq(value) if isinstance(value, Fraction) else value

    def root(self, value: Scalar) -> Scalar:
        if isinstance(value, fmpq):
            return norm_of(Fraction(int(value.p), int(value.q))) if value > 0 else fmpq(0)
        ball = as_ball(value)
        return ball.sqrt() if ball > 0 else ball.max(arb(0)).sqrt()


class FloatValues(FloatNumbers):
    """A batch [B] in float64; differentiable by autograd in the tensors of the batch."""

    def __init__(self, network: Network, loss: Loss | None, sharing: Sharing, batch: Batch) -> None:
        self.known_loss = loss
        self.batch = batch
        self.sharing = sharing
        theta, direction = (sharing.flat(batch, prefix) for prefix in ("", "u."))
        self.jets: list[NodeJet] = node_jets(network, theta, direction, batch["x"])

    def node(self, layer: int, order: int) -> Tensor:
        return self.jets[layer].order(order)[:, 0, :].norm(dim=-1)

    def loss(self, order: int) -> Tensor:
        if self.known_loss is None:
            raise ValueError("expected a setting with a loss")
        of_loss = first_of_loss if order == 1 else second_of_loss
        return of_loss(self.known_loss, self.jets[-1], self.batch["y"]).abs()

    def direction(self, *names: str) -> Tensor:
        chosen = names or tuple(self.sharing.shapes)
        squares = [self.batch[f"u.{name}"].flatten(1).square().sum(1) for name in chosen]
        return torch.stack(squares).sum(0).sqrt()


class ExactValues(ExactNumbers):
    """One instance in rationals where they are enough, else in balls; use `flint.ctx.workprec`.

    Raises:
        NumericsError: where a pre-activation or a residual lies on a kink.
    """

    def __init__(self, network: Network, loss: Loss | None, sharing: Sharing, instance: Instance) -> None:
        self.network = network
        self.known_loss = loss
        self.sharing = sharing
        self.instance = instance
        self._jets: list[Jet] | None = None

    def node(self, layer: int, order: int) -> Scalar:
        if self._jets is None:
            self._jets = jets_of_nodes(self.network, *self._weights(), self.instance["x"], self.known_loss)
        vector = self._jets[layer].order(order)
        return self.root(sum((entry * entry for entry in vector), fmpq(0)))

    def loss(self, order: int) -> Scalar:
        if self.known_loss is None:
            raise ValueError("expected a setting with a loss")
        data = (self.instance["x"], self.instance["y"])
        found = directional_derivatives(self.network, self.known_loss, *self._weights(), *data)
        return abs(found.first if order == 1 else found.second)

    def direction(self, *names: str) -> Scalar:
        chosen = names or tuple(self.sharing.shapes)
        square = sum((e * e for name in chosen for e in self.instance[f"u.{name}"].fractions()), Fraction(0))
        return norm_of(square)

    def _weights(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return self.sharing.tensors(self.instance, ""), self.sharing.tensors(self.instance, "u.")
