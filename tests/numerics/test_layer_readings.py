"""Every layer has one meaning: exact numbers, balls, floats and compiled code read it alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb, ctx, fmpq

from numerics.activations import apply, is_zero
from numerics.activations import jets as torch_jets
from numerics.curvature import gradient, hessian, hessians, node_jets, tape
from numerics.dynamics._compiled import array_reading
from numerics.dynamics.orbits import orbits
from numerics.exact import PRECISION, Balls, OnKink, Rationals, function_value, gradient_in, hessian_in
from numerics.exact.jets import jets as exact_jets
from numerics.exact.numbers import entries_are_polynomials
from proofs.kernel.kinks import PieceReading
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.univariate import Univariate, argument, call, constant, number_pi, piecewise
from proofs.network import CATALOGUE, Dense, Loss, Network, activation

# 3/2 left of -1/2, where the value is 7; a parabola up to 1; then log(2 + t^2) / pi.
OWN = piecewise(
    "own", {}, [Fraction(-1, 2), 1],
    [
        constant(Fraction(3, 2)),
        argument().power(2) + argument(),
        call("log", constant(2) + argument().power(2)) * call("inverse", number_pi()),
    ],
    {Fraction(-1, 2): Fraction(7)},
)  # fmt: skip
LAYERS: dict[str, Univariate] = {
    **{name: activation(name) for name in CATALOGUE},
    "leaky_relu(1/4)": activation("leaky_relu", slope="1/4"),
    "elu(3/2)": activation("elu", alpha="3/2"),
    "celu(1/2)": activation("celu", alpha="1/2"),
    "softplus(5/2)": activation("softplus", beta="5/2"),
    "own": OWN,
}
# Floats, and off every kink: numerators are odd.
POINTS = [Fraction(k, 64) for k in range(-401, 402, 14)]

Reading = Callable[[Univariate, int], list | None]


def in_rationals(function: Univariate, order: int) -> list[fmpq] | None:
    if not entries_are_polynomials(function):
        return None
    field = Rationals()
    return [field.derivatives(function, field.number(t))[order] for t in POINTS]


def in_balls(function: Univariate, order: int) -> list[arb]:
    field = Balls()
    return [field.derivatives(function, field.number(t))[order] for t in POINTS]


def by_pieces(function: Univariate, order: int) -> list[arb]:
    reading, field = PieceReading(function, order), Balls()
    return [reading.value(field.number(t)) for t in POINTS]


def one_by_one(function: Univariate, order: int) -> list:
    return [function_value(function, order, t) for t in POINTS]


def floats() -> torch.Tensor:
    return torch.tensor([float(t) for t in POINTS], dtype=torch.float64)


def by_torch(function: Univariate, order: int) -> list[float]:
    return apply(function, order, floats()).tolist()


def by_torch_without_autograd(function: Univariate, order: int) -> list[float]:
    with torch.no_grad():
        return torch_jets(function, (0, 1, 2), floats())[order].tolist()


def by_autograd(function: Univariate, order: int) -> list[float] | None:
    if order == 0:
        return None
    z = floats().requires_grad_()
    below = apply(function, order - 1, z)
    found = torch.autograd.grad(below.sum(), z)[0] if below.requires_grad else torch.zeros_like(z)
    return found.tolist()


def by_a_network(function: Univariate, order: int) -> list[float] | None:
    """What the passes of gradients and Hessians keep: slopes, and bends for the cotangent 1."""
    network = Network.of(1, Dense(1, bias=False), function)
    x, theta = floats()[:, None], torch.ones(1, dtype=torch.float64)
    with torch.no_grad():
        value = apply(function, 0, x)
        # (f - y)^2 / 2 has the slope 1 in f for y = f - 1.
        found = tape.record(network, Loss.HALF_MSE, theta, x, value - 1.0, second=True)
        table = (found.values[-1], found.slopes[1], found.bends[1])[order]
    if table is None:
        assert order == 2 and is_zero(function, 2)
        return [0.0] * len(POINTS)
    return table.flatten().tolist()


def by_compiled_code(function: Univariate, order: int) -> list[float] | None:
    return array_reading(function)(floats().numpy())[order].tolist() if order < 2 else None


READINGS: dict[str, Reading] = {
    "exact rationals": in_rationals,
    "pieces of the kernel": by_pieces,
    "values one by one": one_by_one,
    "torch": by_torch,
    "torch without autograd": by_torch_without_autograd,
    "autograd": by_autograd,
    "the passes of a network": by_a_network,
    "compiled code": by_compiled_code,
}
MISSING = {("autograd", 0), ("compiled code", 2)}


def agrees(value, ball: arb) -> bool:
    """Whether exact numbers are met, and floats are within a few roundings."""
    if isinstance(value, fmpq):
        value = arb(value)
    if isinstance(value, arb):
        return value.overlaps(ball) and value.rad() < 1e-60
    return abs(value - float(ball.mid())) <= 1e-13 + 1e-13 * abs(float(ball.mid()))


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_every_reading_of_an_activation_is_the_same_function(name: str, order: int) -> None:
    function = LAYERS[name]
    with ctx.workprec(PRECISION):
        truth = in_balls(function, order)
        assert all(ball.rad() < 1e-60 for ball in truth)
        for label, read in READINGS.items():
            found = read(function, order)
            if found is None:
                polynomial = entries_are_polynomials(function)
                assert (label, order) in MISSING or (label == "exact rationals" and not polynomial)
                continue
            wrong = [t for t, a, b in zip(POINTS, found, truth, strict=True) if not agrees(a, b)]
            assert not wrong, (label, wrong[:3])


KINKED = sorted(name for name, function in LAYERS.items() if function.kinks and not function.in_pi)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("name", KINKED)
def test_at_kinks_floats_take_the_right_piece_and_balls_both(name: str, order: int) -> None:
    function = LAYERS[name]
    for kink in function.kinks:
        for field in (Rationals(), Balls()) if entries_are_polynomials(function) else (Balls(),):
            with ctx.workprec(PRECISION), pytest.raises(OnKink, match="off the kinks of"):
                field.derivatives(function, field.number(kink))
        here = float(kink)
        z = torch.tensor([here, math.nextafter(here, math.inf)], dtype=torch.float64)
        at, beside = apply(function, order, z).tolist()
        compiled = array_reading(function)(z.numpy())[order].tolist()
        values = dict(function.values)
        right = float(values[kink]) if order == 0 and kink in values else beside
        assert at == pytest.approx(right, abs=1e-12)
        assert compiled == pytest.approx([at, beside], abs=1e-12)
        with ctx.workprec(PRECISION):
            both = PieceReading(function, order).value(Balls().number(kink))
            tolerance = arb(0, 1e-12)
            left = float(apply(function, order, torch.tensor([math.nextafter(here, -math.inf)]).double()))
            for side in (at, beside, left):
                assert (both + tolerance).overlaps(arb(side))


def test_some_kinks_are_met() -> None:
    assert {"relu", "sign", "round", "triangle", "elu", "own", "hardswish"} <= set(KINKED)


# -- Dense layers, alone and with each activation -----------------------------------------------------


def tensors(network: Network, seed: int) -> tuple[ExactTensor, ...]:
    """A value for each parameter, multiples of 1/32."""
    draw = np.random.default_rng(seed)
    return tuple(
        ExactTensor.from_fractions(
            p.shape, tuple(Fraction(int(k), 32) for k in 2 * draw.integers(-24, 24, p.size) + 1)
        )
        for p in network.parameters()
    )


def table(rows: int, columns: int, seed: int) -> ExactTensor:
    entries = np.random.default_rng(seed).integers(-12, 12, rows * columns)
    return ExactTensor.from_fractions((rows, columns), tuple(Fraction(2 * int(k) + 1, 8) for k in entries))


def flat(parts) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([part.to_numpy().ravel() for part in parts]))


DENSE = {
    "one layer": Network.of(3, Dense(2)),
    "without bias": Network.of(3, Dense(2, bias=False)),
    "two in a row": Network.of(3, Dense(4), Dense(2)),
    "three, mixed biases": Network.of(2, Dense(3), Dense(2, bias=False), Dense(3)),
}
BETWEEN = {
    name: Network.of(2, Dense(2), function, Dense(2)) for name, function in LAYERS.items()
}  # fmt: skip
NETWORKS = {**DENSE, **{f"dense, {name}, dense": network for name, network in BETWEEN.items()}}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_reading_of_a_layers_jet_is_the_same(name: str) -> None:
    network = NETWORKS[name]
    weights, direction, x = tensors(network, 1), tensors(network, 2), table(1, network.input_dim, 3)
    floats = node_jets(network, flat(weights), flat(direction), torch.from_numpy(x.to_numpy()))
    with ctx.workprec(PRECISION):
        inputs = x.fractions()
        balls = exact_jets(Balls(), network, weights, direction, [Balls().number(t) for t in inputs])
        fields = [Rationals().number(t) for t in inputs]
        rational = exact_jets(Rationals(), network, weights, direction, fields) if name in DENSE else None
        for node, (ball, found) in enumerate(zip(balls, floats, strict=True)):
            for order in range(3):
                near = found.order(order).flatten().tolist()
                scale = max(1.0, *(abs(float(entry.mid())) for entry in ball.order(order)))
                for k, entry in enumerate(ball.order(order)):
                    assert entry.rad() < 1e-60
                    assert abs(near[k] - float(entry.mid())) <= 2e-13 * scale, (node, order)
                    assert rational is None or entry.overlaps(arb(rational[node].order(order)[k]))
    if len(network.layers) > 1 and name in DENSE:
        assert any(float(entry.mid()) for entry in balls[-1].order(2))


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_reading_of_slopes_and_curvatures_of_the_loss_is_the_same(name: str) -> None:
    network, loss = NETWORKS[name], Loss.HALF_MSE
    weights, x, y = tensors(network, 4), table(3, network.input_dim, 5), table(3, network.output_dim, 6)
    theta = flat(weights)
    data = tuple(torch.from_numpy(t.to_numpy()) for t in (x, y))
    with ctx.workprec(PRECISION):
        exact = gradient_in(Balls(), network, loss, weights, x, y)
        slope = [float(entry.mid()) for part in exact.entries for entry in part]
        curve = [[float(e.mid()) for e in row] for row in hessian_in(Balls(), network, loss, weights, x, y)]
    close = {"rtol": 1e-12, "atol": 1e-12 * max(1.0, *map(abs, slope))}
    # Compiled code takes a step of size 1.
    moved = orbits(network, loss, *data, theta[None], torch.ones(1).double(), steps=1, keep=1).points[0, 0]
    np.testing.assert_allclose(theta.numpy() - moved, slope, **close)
    np.testing.assert_allclose(gradient(network, loss, theta, *data).numpy(), slope, **close)
    close["atol"] = 1e-12 * max(1.0, float(np.abs(curve).max()))
    np.testing.assert_allclose(hessian(network, loss, theta, *data).numpy(), curve, **close)
    np.testing.assert_allclose(hessians(network, loss, theta[None], *data)[0].numpy(), curve, **close)
