"""The gradient of the mean loss as vector code: a forward and a backward pass, unrolled over the layers.

With z_l = W_l h_{l-1} + b_l, h_l = sigma(z_l) and delta_l the derivative of a sample's loss in z_l:

    dW_l = delta_l h_{l-1}^T,   db_l = delta_l,   delta_{l-1} = sigma'(z_{l-1}) * W_l^T delta_l.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from llvmlite import ir
from numba.core import cgutils

from numerics.errors import NumericsError
from proofs.network import Activate, Dense, Loss, LossKind, Network, entry_function

from ._compiled import value_and_slope
from ._functions import exp
from ._lanes import Lanes, Vector

__all__ = ["Data", "mean_gradient"]


@dataclass(frozen=True, slots=True)
class Data:
    """Where a kernel finds its samples: x [N, d] and y [N, out] row by row, N and 1/N.

    With `single` N is 1, and neither a loop over the samples nor a mean is emitted.
    """

    x: ir.Value
    y: ir.Value
    samples: ir.Value
    share: ir.Value
    single: bool


def mean_gradient(
    lanes: Lanes, network: Network, loss: Loss, theta: list[Vector], data: Data
) -> list[Vector]:
    """The gradient of the mean loss at theta, one vector for every parameter."""
    if data.single:
        first = lanes.integer(0)
        return _sample_gradient(lanes, network, loss, theta, data, first)
    totals = [lanes.slot(lanes.constant(0.0)) for _ in theta]
    with cgutils.for_range(lanes.builder, data.samples) as loop:
        for total, part in zip(
            totals, _sample_gradient(lanes, network, loss, theta, data, loop.index), strict=True
        ):
            lanes.builder.store(lanes.add(lanes.builder.load(total), part), total)
    share = lanes.spread(data.share)
    return [lanes.multiply(lanes.builder.load(total), share) for total in totals]


def _sample_gradient(
    lanes: Lanes, network: Network, loss: Loss, theta: list[Vector], data: Data, sample: ir.Value
) -> list[Vector]:
    inputs = _row(lanes, data.x, sample, network.input_dim)
    targets = _row(lanes, data.y, sample, network.output_dim)
    nodes, slopes = _forward(lanes, network, theta, inputs)
    delta = _output_gradient(lanes, loss, nodes[-1], targets)
    return _backward(lanes, network, theta, nodes, slopes, delta)


def _row(lanes: Lanes, start: ir.Value, row: ir.Value, width: int) -> list[Vector]:
    first = lanes.builder.mul(row, lanes.integer(width))
    places = [lanes.builder.add(first, lanes.integer(k)) for k in range(width)]
    return [lanes.spread(lanes.load_scalar(start, place)) for place in places]


def _forward(
    lanes: Lanes, network: Network, theta: list[Vector], inputs: list[Vector]
) -> tuple[list[list[Vector]], list[list[Vector]]]:
    """The value of every node, and sigma' of every activation (nothing for a dense layer)."""
    nodes, slopes = [inputs], []
    used = 0
    for layer in network.layers:
        below = nodes[-1]
        match layer:
            case Dense():
                end = used + layer.width * (len(below) + layer.bias)
                nodes.append(_dense(lanes, theta[used:end], below, layer))
                slopes.append([])
                used = end
            case Activate():
                pairs = [value_and_slope(lanes, layer.activation, z) for z in below]
                nodes.append([value for value, _ in pairs])
                slopes.append([slope for _, slope in pairs])
            case _:
                raise NumericsError(f"expected a layer with a compiled reading but got {layer!r}")
    return nodes, slopes


def _dense(lanes: Lanes, theta: list[Vector], below: list[Vector], layer: Dense) -> list[Vector]:
    """W h + b, theta the rows of W and then b."""
    split = layer.width * len(below)
    biases = theta[split:] if layer.bias else [None] * layer.width
    rows = [theta[start : start + len(below)] for start in range(0, split, len(below))]
    return [_affine(lanes, row, bias, below) for row, bias in zip(rows, biases, strict=True)]


def _affine(lanes: Lanes, weights: list[Vector], bias: Vector | None, below: list[Vector]) -> Vector:
    total = bias
    for weight, h in zip(weights, below, strict=True):
        total = lanes.multiply(weight, h) if total is None else lanes.multiply_add(weight, h, total)
    if total is None:
        raise NumericsError("expected a dense layer with inputs but got one without")
    return total


def _backward(
    lanes: Lanes,
    network: Network,
    theta: list[Vector],
    nodes: list[list[Vector]],
    slopes: list[list[Vector]],
    delta: list[Vector],
) -> list[Vector]:
    """From the derivative in the outputs to that in the parameters."""
    found: list[Vector] = []
    end = len(theta)
    for k in reversed(range(len(network.layers))):
        layer, below = network.layers[k], nodes[k]
        if not isinstance(layer, Dense):
            delta = [lanes.multiply(d, slope) for d, slope in zip(delta, slopes[k], strict=True)]
            continue
        end -= layer.width * (len(below) + layer.bias)
        products = [lanes.multiply(d, h) for d in delta for h in below]
        found = [*products, *(delta if layer.bias else []), *found]
        if end == 0:
            break
        columns = [theta[end + b : end + len(below) * layer.width : len(below)] for b in range(len(below))]
        delta = [_affine(lanes, column, None, delta) for column in columns]
    return found


def _output_gradient(lanes: Lanes, loss: Loss, f: list[Vector], y: list[Vector]) -> list[Vector]:
    """The derivative of a sample's loss in the outputs, as in `numerics.losses.output_gradient`."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return [lanes.subtract(p, t) for p, t in zip(_softmax(lanes, f), y, strict=True)]
        case LossKind.MSE:
            two = lanes.constant(2.0)
            return [lanes.multiply(two, lanes.subtract(a, t)) for a, t in zip(f, y, strict=True)]
        case LossKind.HALF_MSE:
            return [lanes.subtract(a, t) for a, t in zip(f, y, strict=True)]
        case LossKind.BCE:
            return [lanes.subtract(_entry_slope(lanes, loss, a), t) for a, t in zip(f, y, strict=True)]
        case LossKind.HUBER:
            return [_entry_slope(lanes, loss, lanes.subtract(a, t)) for a, t in zip(f, y, strict=True)]
        case _:
            assert_never(loss.kind)


def _entry_slope(lanes: Lanes, loss: Loss, v: Vector) -> Vector:
    function = entry_function(loss)
    if function is None:
        raise NumericsError(f"expected a loss that sums over the outputs but got {loss.label()}")
    return lanes.keep_nan(v, value_and_slope(lanes, function, v)[1])


def _softmax(lanes: Lanes, f: list[Vector]) -> list[Vector]:
    largest = f[0]
    for entry in f[1:]:
        largest = lanes.select(lanes.less(largest, entry), entry, largest)
    powers = [exp(lanes, lanes.subtract(entry, largest)) for entry in f]
    total = powers[0]
    for power in powers[1:]:
        total = lanes.add(total, power)
    return [lanes.divide(power, total) for power in powers]
