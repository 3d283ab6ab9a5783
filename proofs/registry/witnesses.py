"""The minimal witness against every statement without one of its hypotheses, found by the search.

Written by `make witnesses`; `tests/quality` searches for each of them again, and
`gradlemma refute ID --drop HYPOTHESIS` shows one with its exact re-check.
"""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from ._statement import Counterexample

__all__ = ["known"]

_WITNESSES: dict[str, dict[str, str]] = {
    "ACT": {
        "continuity": "sign, all t; t = [1]: |phi(t) - phi(0)| <= l |t| fails, as 1 > 0",
        "radius": "identity, |t| <= 1; t = [2]: |phi(t)| <= sup|phi| fails, as 2 > 1",
    },
    "JET-affine": {
        "weight-norms": "1-1, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[2]], x = [[1]]: ||z|| <= s a + c fails, as 2 > 1",
        "bias-norms": "1-1, ||W1|| <= 1, ||b1|| <= 1, ||x|| <= 1, one sample; W1 = [[0]], b1 = [3], x = [[0]]: ||z|| <= s a + c fails, as 3 > 2",
        "node-norm": "1-1, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[1]], x = [[2]]: ||z|| <= s a + c fails, as 2 > 1",
        "fresh-parameters": "1-1-1 identity, one weight in all layers, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[1]], x = [[1]]: ||D f|| <= ||j||_2 fails, as 2 > 1.41421356237",
        "factor-2": "1-1-1 identity, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[0]], W2 = [[0]], x = [[1]], u.W1 = [[1]], u.W2 = [[1]]: ||D^2 z[u,u]|| <= s K_h + 2 J_h ||u_g||, without the factor 2 fails, as 2 > 1",
        "bias-one": "1-1, ||W1|| <= 1, ||b1|| <= 1, ||x|| <= 1, one sample; W1 = [[0]], b1 = [0], x = [[1]], u.W1 = [[1]], u.b1 = [1]: ||D z[u]|| <= s J_h + root(1 + a^2) ||u_g||, without the 1 under the root fails, as 2.00000000000 > 1.41421356237",
    },
    "JET-activation": {
        "bend-term": "1-1 tanh, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[1]], x = [[1]]: ||D^2 h[u,u]|| <= beta K_z + gamma J_z^2, without the term gamma J_z^2 fails, as 0.639700008449 > 0",
    },
    "JET-1": {
        "fresh-parameters": "1-1-1 identity, one weight in all layers, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[1]], x = [[1]]: ||D f|| <= ||j||_2 fails, as 2 > 1.41421356237",
    },
    "LOSS-cross_entropy": {
        "targets": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0], [0]], x = [[1]], y = [[-1, 0]], u.W1 = [[1], [0]]: |D l[u]| <= g J_f fails, as 1.50000000000 > 1.41421356237",
        "factor-sqrt2": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0], [1]], x = [[1]], y = [[1, 0]], u.W1 = [[1], [-1]]: |D l[u]| <= g J_f, without sqrt(2) fails, as 1.46211715726 > 1.41421356237",
    },
    "LOSS-mse": {
        "node-norm": "1-1, mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[1]], x = [[2]], y = [[-1]]: |D l[u]| <= g J_f fails, as 12 > 8",
        "target-norm": "1-1, mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[0]], x = [[1]], y = [[3]]: |D l[u]| <= g J_f fails, as 6 > 4",
        "factor-2": "1-1, mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[1]], x = [[1]], y = [[-1]]: |D l[u]| <= g J_f, without the factor 2 fails, as 4 > 2",
    },
    "LOSS-half_mse": {
        "node-norm": "1-1, half_mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[1]], x = [[2]], y = [[-1]]: |D l[u]| <= g J_f fails, as 6 > 4",
        "target-norm": "1-1, half_mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[0]], x = [[1]], y = [[3]]: |D l[u]| <= g J_f fails, as 3 > 2",
    },
    "LOSS-bce": {
        "target-range": "1-1, bce, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0]], x = [[1]], y = [[-1]]: |D l[u]| <= g J_f fails, as 1.50000000000 > 1.00000000000",
    },
    "LOSS-huber": {
        "node-norm": "1-1, huber(delta=16), ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[1]], x = [[2]], y = [[-1]]: |D l[u]| <= g J_f fails, as 6 > 4",
        "target-norm": "1-1, huber(delta=16), ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[0]], x = [[1]], y = [[3]]: |D l[u]| <= g J_f fails, as 3 > 2",
    },
    "BND-1": {
        "weight-norms": "1-1, half_mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[2]], x = [[1]], y = [[-1]]: ||grad L|| <= G_max fails, as 3 > 2",
        "bias-norms": "1-1, half_mse, ||W1|| <= 1, ||b1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[0]], b1 = [3], x = [[1]], y = [[-1]], u.W1 = [[1]], u.b1 = [1]: ||grad L|| <= G_max fails, as 5.65685424949 > 4.24264068712",
        "input-norm": "1-1, half_mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[0]], x = [[3]], y = [[1]]: ||grad L|| <= G_max fails, as 3 > 2",
        "targets": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0], [0]], x = [[1]], y = [[0, -1]], u.W1 = [[0], [1]]: ||grad L|| <= G_max fails, as 1.50000000000 > 1.41421356237",
        "target-range": "1-1, bce, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0]], x = [[1]], y = [[-1]]: ||grad L|| <= G_max fails, as 1.50000000000 > 1.00000000000",
        "target-norm": "1-1, half_mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[0]], x = [[1]], y = [[3]]: ||grad L|| <= G_max fails, as 3 > 2",
        "fresh-parameters": "1-1-1 identity, half_mse, one weight in all layers, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample; W1 = [[1]], x = [[1]], y = [[-1]]: ||grad L|| <= G_max fails, as 4 > 2.82842712475",
        "factor-sqrt2": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[-1/2], [1/2]], x = [[1]], y = [[1, 0]], u.W1 = [[1], [-1]]: ||grad L|| <= G_max, without sqrt(2) fails, as 1.03387295679 > 1.00000000000",
    },
    "BND-1-joint": {
        "weight-norms": "1-1-2 identity, cross_entropy, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[2]], W2 = [[0], [0]], x = [[1]], y = [[1, 0]], u.W1 = [[0]], u.W2 = [[-1], [1]]: ||Hess L|| <= H_max_refined fails, as 2.00000000000 > 1.83210678164",
        "bias-norms": "1-1-2 identity, cross_entropy, ||W1|| <= 1, ||W2|| <= 1, ||b1|| <= 1, ||b2|| <= 1, ||x|| <= 1, one sample; W1 = [[0]], b1 = [4], W2 = [[0], [1]], b2 = [1, -2], x = [[0]], y = [[1, 0]], u.W1 = [[0]], u.b1 = [0], u.W2 = [[-1], [1]], u.b2 = [0, 0]: ||Hess L|| <= H_max_refined fails, as 6.29158186373 > 4.50453303877",
        "input-norm": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0], [0]], x = [[2]], y = [[1, 0]], u.W1 = [[0], [1]]: ||Hess L|| <= H_max_refined fails, as 1.00000000000 > 0.500000000000",
        "targets": "1-1-2 identity, cross_entropy, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[0]], W2 = [[0], [0]], x = [[1]], y = [[-2, 0]], u.W1 = [[1]], u.W2 = [[1], [0]]: ||Hess L|| <= H_max_refined fails, as 2.50000000000 > 1.83210678164",
        "fresh-parameters": "2-2-2 identity, cross_entropy, one weight in all layers, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[0, 0], [0, 1]], x = [[0, 1]], y = [[1, 0]], u.W1 = [[0, 0], [0, 1]]: ||Hess L|| <= H_max_refined fails, as 2.24856489023 > 1.83210678164",
    },
    "BND-2": {
        "weight-norms": "1-1-2 identity, cross_entropy, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[1]], W2 = [[0], [3]], x = [[1]], y = [[1, 0]], u.W1 = [[1]], u.W2 = [[0], [0]]: ||grad L|| <= G_max fails, as 2.85772238047 > 2.00000000000",
        "input-norm": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0], [0]], x = [[3]], y = [[1, 0]], u.W1 = [[0], [1]]: ||grad L|| <= G_max fails, as 1.50000000000 > 1.41421356237",
        "targets": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[0], [0]], x = [[1]], y = [[0, -1]], u.W1 = [[0], [1]]: ||grad L|| <= G_max fails, as 1.50000000000 > 1.41421356237",
        "fresh-parameters": "2-2-2 identity, cross_entropy, one weight in all layers, ||W1|| <= 1, ||W2|| <= 1, ||x|| <= 1, one sample; W1 = [[1, 0], [0, 1]], x = [[-1/2, 55/64]], y = [[1, 0]], u.W1 = [[0, -1], [-1, 1]]: ||grad L|| <= G_max fails, as 2.03846954350 > 2.00000000000",
        "factor-sqrt2": "1-2, cross_entropy, ||W1|| <= 1, ||x|| <= 1, one sample; W1 = [[-1/2], [1/2]], x = [[1]], y = [[1, 0]], u.W1 = [[1], [-1]]: ||grad L|| <= G_max, without sqrt(2) fails, as 1.03387295679 > 1.00000000000",
    },
    "BND-3": {
        "ball-radius": "1-1, half_mse, radius 1 around [[0]], one sample; W1 = [[2]], x = [[1]], y = [[0]]: ||grad L|| <= ball.G_max fails, as 2 > 1.00000000001",
        "fresh-parameters": "1-1-1 identity, half_mse, one weight in all layers, radius 1 around [[1]], [[1]], one sample; W1 = [[1]], x = [[1]], y = [[0]]: ||grad L|| <= at_weights.G_max fails, as 2 > 1.41421356239",
    },
    "AEA-1": {
    },
    "AEA-2": {
    },
    "AEA-3": {
    },
    "AEA-4": {
    },
    "AEA-5": {
    },
    "AEA-6": {
    },
    "AEA-7": {
    },
    "AEA-8": {
    },
    "NSG-1": {
        "almost-every-step": "1-1, half_mse, eta = 1, x = [[1]], y = [[0]]; W1 = [[0]]: P <= rank(I - eta Hess L) somewhere near theta fails, as 1 > 0",
    },
    "NSG-2": {
        "not-exceptional": "1-1, half_mse, eta = 1, x = [[1]], y = [[0]]; W1 = [[0]]: P <= rank(I - eta Hess L) somewhere near theta fails, as 1 > 0",
        "exceptional": "1-1, half_mse, eta = 1/2, x = [[1]], y = [[0]]; W1 = [[0]]: |det(I - eta Hess L)| <= 0 fails, as 1/2 > 0",
    },
    "NSG-2-dead": {
        "halved-loss": "1-1-1 relu, mse, eta = 1, x = [[1]], y = [[0]]; W1 = [[0]], W2 = [[0]], b1 = [-1], b2 = [0]: |det(I - eta Hess L)| <= 0 fails, as 1 > 0",
        "output-bias": "1-1-1 relu, half_mse, eta = 1, x = [[1]], y = [[0]]; W1 = [[0]], W2 = [[0]], b1 = [-1]: |det(I - eta Hess L)| <= 0 fails, as 1 > 0",
        "dead-units": "1-1-1 relu, half_mse, eta = 1, x = [[1]], y = [[0]]; W1 = [[0]], W2 = [[0]], b1 = [1], b2 = [0]: |det(I - eta Hess L)| <= 0 fails, as 1 > 0",
        "step-one": "1-1-1 relu, half_mse, eta = 1/2, x = [[1]], y = [[0]]; W1 = [[0]], W2 = [[0]], b1 = [-1], b2 = [0]: |det(I - eta Hess L)| <= 0 fails, as 1/2 > 0",
    },
    "NSG-3": {
        "momentum": "1-1, half_mse, eta = 1, beta = 0, x = [[1]], y = [[0]]; W1 = [[0]], v.W1 = [[0]]: 2 P <= rank D(theta, v) fails, as 2 > 1",
        "spread-velocity": "1-1, half_mse, eta = 1/2, beta = 1/2, x = [[1]], y = [[0]]; W1 = [[0]]: P <= rank(D theta_2 / D theta_0) somewhere near theta_0, v_0 = 0 fails, as 1 > 0",
    },
}


def known(identifier: str) -> tuple[Counterexample, ...]:
    """The witnesses against the statement of that id."""
    return tuple(Counterexample(dropped, witness) for dropped, witness in _WITNESSES[identifier].items())
