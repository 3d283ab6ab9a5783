"""The closed form of C agrees with automatic differentiation, and its readings agree with each other."""

from __future__ import annotations

import json
import time
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.network import Architecture, Dense, Loss, Network
from proofs.theorems.task_closed_form import ALPHA, ETA, Task, closed_form
from proofs.typeset.map_sympy import (
    closed_form_latex,
    closed_form_text,
    polynomial_lines,
    symbol_latex,
    sympy_form,
)

F = Fraction
TASKS = [
    Task(((F(1),), (F(1, 2),)), ((F(1),), (F(-1),))),
    Task(((F(-2),), (F(1, 3),)), ((F(1, 2),), (F(2),))),
]
FUNCTIONS = {
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "softplus": torch.nn.functional.softplus,
    "silu": torch.nn.functional.silu,
    "relu": torch.relu,
}


def point(seed, hidden=2):
    rng = np.random.default_rng(seed)
    shapes = {"W1": (hidden, 1), "b1": (hidden,), "W2": (1, hidden), "b2": (1,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def rational(parameters):
    return {
        name: tuple(fmpq(round(float(x) * 2**30), 2**30) for x in values.reshape(-1))
        for name, values in parameters.items()
    }


def by_autograd(function, parameters, steps, alpha, eta, *, along_path, loss="half_mse", tasks=TASKS):
    """C in the order of the names of the blocks, by gradients and Hessian-vector products."""
    names = sorted(parameters)
    sizes = [parameters[name].size for name in names]

    def loss_of(task):
        x, y = (
            torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float64)
            for rows in (task.inputs, task.targets)
        )

        def value(vector):
            parts = dict(zip(names, torch.split(vector, sizes), strict=True))
            p = {name: parts[name].reshape(parameters[name].shape) for name in names}
            output = function(x @ p["W1"].T + p["b1"]) @ p["W2"].T + p["b2"]
            if loss == "half_mse":
                return 0.5 * ((output - y) ** 2).sum(1).mean()
            return (torch.nn.functional.softplus(output) - y * output).sum(1).mean()

        return value

    losses = [loss_of(task) for task in tasks]
    theta = torch.cat([torch.tensor(parameters[name]).reshape(-1) for name in names])

    def rests(x):
        slopes = [torch.func.grad(loss)(x) for loss in losses]
        total = sum(slopes)
        return total, [alpha * total - slope for slope in slopes]

    def bent(one, x, vector):
        return torch.func.jvp(torch.func.grad(one), (x,), (vector,))[1]

    if not along_path:
        _, found = rests(theta)
        parts = [bent(one, theta, rest) for one, rest in zip(losses, found, strict=True)]
        return (steps * (steps - 1) / 2 * sum(parts)).numpy()
    drifts, result = [torch.zeros_like(theta) for _ in losses], torch.zeros_like(theta)
    for _ in range(1, steps):
        total, found = rests(theta)
        drifts = [drift + rest for drift, rest in zip(drifts, found, strict=True)]
        theta = theta - alpha * eta * total
        result = result + sum(bent(one, theta, drift) for one, drift in zip(losses, drifts, strict=True))
    return result.numpy()


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("along_path", [False, True])
def test_the_values_are_those_of_autograd(name, along_path):
    network = Network.of(1, Dense(2), name, Dense(1))
    for seed in range(3):
        parameters = point(seed)
        pattern = rational(parameters) if name == "relu" else None
        form = closed_form(network, Loss.HALF_MSE, TASKS, 3, along_path=along_path, pattern_at=pattern)
        found = form.values(parameters, 0.7, 0.002)
        wanted = by_autograd(FUNCTIONS[name], parameters, 3, 0.7, 0.002, along_path=along_path)
        assert relative(found, wanted) < 1e-10


def test_another_loss_and_an_architecture():
    architecture = Architecture.of_network(Network.of(1, Dense(3), "tanh", Dense(1)))
    labels = [Task(task.inputs, tuple((F(i % 2),) for i, _ in enumerate(task.targets))) for task in TASKS]
    form = closed_form(architecture, Loss.BCE, labels, 4, along_path=True)
    parameters = point(1, hidden=3)
    wanted = by_autograd(torch.tanh, parameters, 4, -0.4, 0.05, along_path=True, loss="bce", tasks=labels)
    assert relative(form.values(parameters, -0.4, 0.05), wanted) < 1e-10


def test_a_small_network_takes_less_than_ten_seconds():
    start = time.perf_counter()
    form = closed_form(Network.of(1, Dense(2), "tanh", Dense(1)), Loss.HALF_MSE, TASKS, 3, along_path=True)
    closed_form_latex(form)
    json.dumps(closed_form_text(form))
    assert time.perf_counter() - start < 10
    assert form.size < 1000


SMALL = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))
AT_ONE = {"W1": (fmpq(1),), "W2": (fmpq(1),)}
POSITIVE = [Task(((F(1),),), ((F(1),),)), Task(((F(2),),), ((F(-1),),))]


@pytest.mark.parametrize("along_path", [False, True])
def test_polynomials_agree_with_the_values_exactly(along_path):
    form = closed_form(SMALL, Loss.HALF_MSE, POSITIVE, 2, along_path=along_path, pattern_at=AT_ONE)
    names, entries = form.polynomials()
    given = {"W1_1_1": F(3, 2), "W2_1_1": F(-1, 3), ALPHA: F(1, 2), ETA: F(1, 64)}
    values = [entry(*(fmpq(given[n].numerator, given[n].denominator) for n in names)) for entry in entries]
    blocks = {"W1": [1.5], "W2": [-1 / 3]}
    found = form.values(blocks, 0.5, 1 / 64)
    assert np.allclose(found, [float(F(int(v.p), int(v.q))) for v in values], rtol=1e-13)


def test_the_polynomial_at_the_start_by_hand():
    # L = (w2 w1 - 1)^2 / 2 + (2 w2 w1 + 1)^2 / 2 by tasks; q = w2 w1.
    form = closed_form(SMALL, Loss.HALF_MSE, POSITIVE, 2, pattern_at=AT_ONE)
    w1, w2, alpha = 3.0, 0.5, 2.0
    q = w1 * w2
    slopes = np.array([[(q - 1) * w2, (q - 1) * w1], [2 * (2 * q + 1) * w2, 2 * (2 * q + 1) * w1]])
    bends = np.array(
        [[[w2**2, 2 * q - 1], [2 * q - 1, w1**2]], [[4 * w2**2, 8 * q + 2], [8 * q + 2, 4 * w1**2]]]
    )
    rests = alpha * slopes.sum(0) - slopes
    wanted = sum(bend @ rest for bend, rest in zip(bends, rests, strict=True))
    assert np.allclose(form.values({"W1": [w1], "W2": [w2]}, alpha), wanted, rtol=1e-13)
    assert all(line.startswith("C_{W_{") for line in polynomial_lines(form))


def test_a_run_that_leaves_the_pieces_is_refused():
    form = closed_form(SMALL, Loss.HALF_MSE, POSITIVE, 3, along_path=True, pattern_at=AT_ONE)
    form.values({"W1": [1], "W2": [1]}, 1.0, 0.001)
    with pytest.raises(GradlemmaError, match="another activation pattern"):
        form.values({"W1": [1], "W2": [1]}, 1.0, 10.0)
    with pytest.raises(GradlemmaError, match="another activation pattern"):
        form.values({"W1": [-1], "W2": [1]}, 1.0, 0.001)


def test_large_and_unclear_forms_are_refused_with_a_sentence():
    with pytest.raises(GradlemmaError, match="pattern_at"):
        closed_form(SMALL, Loss.HALF_MSE, POSITIVE, 2)
    with pytest.raises(GradlemmaError, match="no activation pattern can be told"):
        at_kink = {"W1": (fmpq(0),), "W2": (fmpq(1),)}
        closed_form(SMALL, Loss.HALF_MSE, POSITIVE, 2, pattern_at=at_kink)
    with pytest.raises(GradlemmaError, match="polynomial pieces"):
        closed_form(Network.of(1, Dense(1), "tanh", Dense(1)), Loss.HALF_MSE, TASKS, 2).polynomials()
    wide = Network.of(1, Dense(2), "relu", Dense(1))
    form = closed_form(wide, Loss.HALF_MSE, TASKS, 3, along_path=True, pattern_at=rational(point(0)))
    with pytest.raises(GradlemmaError, match="more than 20000 terms"):
        form.polynomials()


def test_the_sympy_form_has_the_same_values():
    import sympy

    form = closed_form(Network.of(1, Dense(1), "gelu", Dense(1)), Loss.HALF_MSE, TASKS, 2, along_path=True)
    parameters = point(3, hidden=1)
    found = sympy_form(form)
    known = {sympy.Symbol(ALPHA, real=True): 0.3, sympy.Symbol(ETA, real=True): 0.01}
    for name, (block, number) in zip(form.names, form.places, strict=True):
        known[sympy.Symbol(name, real=True)] = float(parameters[block].reshape(-1)[number])
    for symbol, body in found.definitions:
        known[symbol] = body.evalf(30, subs=known)
    values = [float(body.evalf(30, subs=known)) for _, body in found.entries]
    assert np.allclose(values, form.values(parameters, 0.3, 0.01), rtol=1e-12)
    assert all(symbol.is_real for symbol, _ in found.definitions)


def test_the_text_is_plain_data_and_definitions_come_before_their_use():
    import re

    form = closed_form(Network.of(1, Dense(2), "tanh", Dense(1)), Loss.HALF_MSE, TASKS, 2)
    document = closed_form_text(form)
    assert json.loads(json.dumps(document)) == document
    known = set(document["variables"])
    for name, body in document["definitions"]:
        used = set(re.findall(r"[A-Za-z_]\w*", body)) - {"tanh", "sqrt", "exp"}
        assert used <= known
        known.add(name)
    assert list(document["entries"]) == list(form.names)


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("W1_2_1", "W_{1;2,1}"),
        ("v12", "v_{12}"),
        ("alpha", r"\alpha"),
        ("b2_1", "b_{2;1}"),
        ("my_w_1", r"\mathrm{my\_w}_{1}"),
    ],
)
def test_names_of_coordinates_in_latex(name, latex):
    assert symbol_latex(name) == latex
