"""Layers of rows as kernel maps: attention, layer norm, means over positions, recurrence."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from flint import fmpq

from proofs.kernel.maps import Contract, Entry, Join, Map, Partial, Pick, Scaled, Shape, Total

from .architecture_layers import Attention, LayerNorm, Recurrent
from .lowering_parts import (
    EXP,
    affine,
    constant_map,
    difference,
    filled,
    lead_of,
    reciprocal,
    reshaped,
    softmax,
    spread,
)

__all__ = ["Tensors", "attention", "layer_norm", "mean_of_rows", "recurrent"]

# The tensors of a layer by role.
Tensors = dict[str, Map]


def attention(layer: Attention, tensors: Tensors, of: Map) -> Map:
    """softmax(q k^T / sqrt(e)) v for each head of width e, with the heads side by side."""
    count, width = of.require_shape()[0], layer.width // layer.heads
    heads = (count, layer.heads, width)

    def side(name: str) -> Map:
        return reshaped(affine(tensors[f"W{name}"], tensors.get(f"b{name}"), of), heads)

    # Rows t and s, heads h, entries e of a head.
    scores = _over_root(Contract("the,she->hts", side("q"), side("k")), width)
    chances = _causal_softmax(scores, count) if layer.causal else softmax(scores, "hts")
    mixed = reshaped(Contract("hts,she->the", chances, side("v")), (count, layer.width))
    return affine(tensors["Wo"], tensors.get("bo"), mixed) if layer.output else mixed


def _over_root(of: Map, width: int) -> Map:
    """Of / sqrt(width); a rational factor where the root is one."""
    root = math.isqrt(width)
    if root * root == width:
        return of if root == 1 else Scaled(fmpq(1, root), of)
    factor = reciprocal(Partial("sqrt", filled((), width)))
    return Contract("hts,->hts", of, factor)


def _causal_softmax(scores: Map, count: int) -> Map:
    """Softmax over s <= t only."""
    mask = constant_map(np.tril(np.ones((count, count), dtype=int)).ravel().tolist(), (count, count))
    powers = Entry(EXP, scores)
    sums = Contract("hts,ts->ht", powers, mask)
    return Contract("hts,ht->hts", Contract("hts,ts->hts", powers, mask), reciprocal(sums))


def layer_norm(layer: LayerNorm, tensors: Tensors, of: Map) -> Map:
    """(h - mean) / sqrt(variance + eps) over the last axis, times g, plus b."""
    shape, lead = of.require_shape(), lead_of(of)
    width, share = shape[-1], fmpq(1, shape[-1])
    axes = tuple(range(len(shape) - 1))
    mean = Scaled(share, Contract(f"{lead}i,i->{lead}", of, filled((width,))))
    centred = difference(of, spread(mean, shape, axes))
    variance = Scaled(share, Contract(f"{lead}i,{lead}i->{lead}", centred, centred))
    above = Total((variance, filled(shape[:-1], layer.eps)))
    normal = Contract(f"{lead}i,{lead}->{lead}i", centred, reciprocal(Partial("sqrt", above)))
    if not layer.affine:
        return normal
    scaled = Contract(f"{lead}i,i->{lead}i", normal, tensors["g"])
    return Total((scaled, spread(tensors["b"], shape, (len(shape) - 1,))))


def mean_of_rows(of: Map) -> Map:
    """The mean of the rows of a table."""
    count = of.require_shape()[0]
    return Contract("td,t->d", of, filled((count,), Fraction(1, count)))


def recurrent(layer: Recurrent, tensors: Tensors, of: Map) -> Map:
    """h_t = sigma(W x_t + U h_{t-1} + b), h_0 = 0, step by step."""
    states: list[Map] = []
    for step in range(layer.steps):
        reached = affine(tensors["W"], None, _row(of, step))
        parts = [reached, *([affine(tensors["U"], None, states[-1])] if states else [])]
        parts += [tensors["b"]] if layer.bias else []
        states.append(Entry(layer.activation, parts[0] if len(parts) == 1 else Total(tuple(parts))))
    return reshaped(Join(tuple(states)), (layer.steps, layer.width)) if layer.all_states else states[-1]


def _row(of: Map, step: int) -> Map:
    """x_t of rows; the vector itself where every step sees the same."""
    shape: Shape = of.require_shape()
    if len(shape) == 1:
        return of
    width = shape[1]
    return Pick(of, tuple(range(step * width, (step + 1) * width)), (width,))
