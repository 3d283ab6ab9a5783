"""The counterexamples that the registry names, computed by hand: each exceeds what is left of the bound."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from proofs.kernel.scalars import Root
from proofs.network import Dense, Loss, Network, activation
from proofs.registry import registry
from proofs.theorems.bnd2 import uniform_bounds
from proofs.theorems.bounds import Box, Derivation
from proofs.theorems.constants import supremum


def _softmax(f):
    total = sum(math.exp(v) for v in f)
    return [math.exp(v) / total for v in f]


def _gap(f, y):
    """||p - y|| of cross-entropy."""
    return math.dist(_softmax(f), y)


def _one_layer(w, x, y):
    """|L'(w)| of (w x - y)^2 / 2."""
    return abs((w * x - y) * x)


def _one_layer_bound() -> float:
    """G_max of f = w x, half squared error, s = M = M_y = 1."""
    reading = Derivation(Network.of(1, Dense(1, bias=False)), Loss.HALF_MSE).worst_case(
        Box((1,), (None,)), 1, 1
    )
    return float(reading.gradient.value)


def _identity_gradient() -> float:
    """||grad L|| of the linear network with w_1 = 1, W_2 = (4, -4) on x = 1, y = (0, 1)."""
    p = _softmax((4.0, -4.0))
    gap = (p[0], p[1] - 1)
    return math.hypot(4 * gap[0] - 4 * gap[1], *gap)


def _first(f):
    """F'(0) of a quadratic polynomial, exactly."""
    return Fraction(f(1) - f(-1), 2)


def _second(f):
    """F''(0) of a quadratic polynomial, exactly."""
    return f(1) - 2 * f(0) + f(-1)


def _tied():
    """|d/dw of w (w x)| at w = x = 1, and what two separate weights give, sqrt(j_1^2 + j_2^2)."""
    first, second = _first(lambda t: 1 * (1 + t)), _first(lambda t: (1 + t) * 1)
    return _first(lambda t: (1 + t) * (1 + t)), math.hypot(first, second)


def _constant(name, order, radius=None):
    bound = supremum(activation(name), order, radius).claim.bound.constant()
    return Fraction(int(bound.p), int(bound.q))


def _sign(t):
    return (t > 0) - (t < 0)


def _affine(dh, w, u):
    """D (w h)[u] of a scalar, exactly, with h = 1 and the given D h[u]."""
    return _first(lambda t: (w + t * u) * (1 + t * dh))


def _squared(f, y):
    """|l'(f)| of (f - y)^2."""
    return abs(_first(lambda t: (f + t - y) ** 2))


def _huber(f, y):
    """|l'(f)| for delta = 4 and |f - y| < 3."""
    return _squared(f, y) / 2


def _node_bound(a, m):
    """2 (a + m) and a + m, which bound |l'| of mse and half_mse with |f| <= a and |y| <= m."""
    return 2 * (a + m), a + m


def _uniform_bound():
    """G_max of BND-2 for two layers, identity, s = M = 1."""
    ((monomial, coefficient),) = uniform_bounds(2, "identity").gradient.claim.bound.terms.items()
    roots = [power for inner, power in monomial if isinstance(inner, Root)]
    return int(coefficient.p) / int(coefficient.q) * math.prod(math.sqrt(2) ** power for power in roots)


# (id, dropped): what is attained, and the bound that is left
FOUND = {
    ("ACT", "continuity"): (abs(_sign(1) - _sign(0)), _constant("sign", 1) * 1),
    ("ACT", "radius"): (_first(lambda t: (3 + t) ** 2), _constant("square", 1, Fraction(2))),
    ("JET-affine", "weight-norms"): (_affine(1, 2, 0), 1 * 1),
    ("JET-affine", "fresh-parameters"): _tied(),
    ("JET-affine", "factor-2"): (_second(lambda t: t * t), 1 * 1),
    ("JET-affine", "bias-one"): (_first(lambda t: 7 * 0 + t), 0 * 1),
    ("JET-activation", "bend-term"): (_second(lambda t: (1 + t) ** 2), 2 * 0),
    ("JET-1", "fresh-parameters"): _tied(),
    ("LOSS-cross_entropy", "targets"): (_gap((0, 0), (3, 0)), math.sqrt(2)),
    ("LOSS-cross_entropy", "factor-sqrt2"): (_gap((9, 0), (0, 1)), 1),
    ("LOSS-mse", "node-norm"): (_squared(2, 0), _node_bound(1, 0)[0]),
    ("LOSS-mse", "target-norm"): (_squared(0, 2), _node_bound(0, 1)[0]),
    ("LOSS-mse", "factor-2"): (_squared(1, 0), _node_bound(1, 0)[0] / 2),
    ("LOSS-half_mse", "node-norm"): (_squared(2, 0) / 2, _node_bound(1, 0)[1]),
    ("LOSS-half_mse", "target-norm"): (_squared(0, 2) / 2, _node_bound(0, 1)[1]),
    ("LOSS-bce", "target-range"): (abs(1 / (1 + math.exp(0)) - 2), 1),
    ("LOSS-huber", "node-norm"): (_huber(2, 0), _node_bound(1, 0)[1]),
    ("LOSS-huber", "target-norm"): (_huber(0, 2), _node_bound(0, 1)[1]),
    ("BND-1", "weight-norms"): (_one_layer(2, 1, -1), _one_layer_bound()),
    ("BND-1", "input-norm"): (_one_layer(1, 2, -1), _one_layer_bound()),
    ("BND-1", "target-norm"): (_one_layer(1, 1, -2), _one_layer_bound()),
    ("BND-1", "fresh-parameters"): _tied(),
    ("BND-2", "weight-norms"): (_identity_gradient(), _uniform_bound()),
    ("BND-3", "ball-radius"): (_one_layer(2, 1, 0), _one_layer(1, 1, 0)),
    ("BND-3", "fresh-parameters"): _tied(),
}


@pytest.mark.parametrize("where", FOUND, ids="/".join)
def test_the_counterexample_exceeds_what_is_left_of_the_bound(where):
    attained, left = FOUND[where]
    assert attained > left * (1 + 1e-6)


def test_every_counterexample_is_computed_here():
    known = {(found.id, case.dropped) for found in registry() for case in found.counterexamples}
    assert known == set(FOUND)
