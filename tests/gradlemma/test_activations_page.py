"""docs/activations.md and its figures are current, and agree with PyTorch's own activations."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gradlemma.activation_rows import SMALL_RADIUS, Row, activation_rows
from gradlemma.activations_page import FIGURES, activations_page, write_activations
from gradlemma.figures.activation_data import activation_data
from gradlemma.figures.activation_figure import activation_svg, data_identifier, data_text
from proofs.network.activations import CATALOGUE, activation
from proofs.theorems.rows import activation_constants

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS = {row.function.name: row for row in activation_rows()}
EVERY = pytest.mark.parametrize("name", sorted(CATALOGUE))
ORDERS = {"sup": 0, "slope": 1, "bend": 2, "third": 3}

# Functions written down anew, none of them from the catalogue's pieces.
WRITTEN: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda t: t * 1,
    "relu": torch.relu,
    "leaky_relu": lambda t: functional.leaky_relu(t, 0.01),
    "abs": torch.abs,
    "relu6": lambda t: torch.clamp(t, 0, 6),
    "hardtanh": lambda t: torch.clamp(t, -1, 1),
    "hardsigmoid": lambda t: torch.clamp(t / 6 + 0.5, 0, 1),
    "hardswish": lambda t: t * torch.clamp(t / 6 + 0.5, 0, 1),
    "square": lambda t: t**2,
    "sigmoid": lambda t: 1 / (1 + torch.exp(-t)),
    "tanh": torch.tanh,
    "softplus": lambda t: torch.log1p(torch.exp(t)),
    "elu": lambda t: torch.where(t > 0, t, torch.expm1(t)),
    "celu": lambda t: torch.where(t > 0, t, torch.expm1(t)),
    "selu": lambda t: 1.0507009873554805 * torch.where(t > 0, t, 1.6732632423543772 * torch.expm1(t)),
    "silu": lambda t: t / (1 + torch.exp(-t)),
    "gelu": lambda t: t * (1 + torch.erf(t / 2**0.5)) / 2,
    "gelu_tanh": lambda t: t / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (t + 0.044715 * t**3))),
    "mish": lambda t: t * torch.tanh(torch.log1p(torch.exp(t))),
    "softsign": lambda t: t / (1 + torch.abs(t)),
    "sin": torch.sin,
    "round": torch.round,
    "sign": torch.sign,
    "triangle": lambda t: 1 - torch.abs(torch.remainder(t, 4) - 2),
    "abs_sin": lambda t: torch.abs(torch.sin(t)),
}  # fmt: skip


def derivatives(function: Callable[[Tensor], Tensor], t: Tensor) -> list[Tensor]:
    """The function and its first three derivatives by automatic differentiation."""
    t = t.detach().requires_grad_()
    found = [function(t)]
    for _ in range(3):
        value = found[-1]
        if not value.requires_grad:
            found.append(torch.zeros_like(t))
            continue
        (slope,) = torch.autograd.grad(value.sum(), t, create_graph=True, allow_unused=True)
        found.append(torch.zeros_like(t) if slope is None else slope)
    return [value.detach() for value in found]


def largest(name: str, reach: float) -> dict[str, float]:
    """The constants as maxima over a dense grid that avoids kinks but comes near to them."""
    near = torch.tensor([0.0, 0.5, 1, 1.5, 2, 3, 6]).double()
    sides = torch.cat([near + 1e-9, near - 1e-9, -near + 1e-9, -near - 1e-9])
    grid = torch.linspace(-reach, reach, 2_000_001, dtype=torch.float64) + 1.234e-7
    t = torch.cat([grid, sides])
    t = t[(t.abs() <= reach) & (t != 0)]
    orders = derivatives(WRITTEN[name], t)
    start = WRITTEN[name](torch.zeros(1, dtype=torch.float64))
    wide = t[t.abs() > 1e-6]
    secant = ((WRITTEN[name](wide) - start) / wide).abs().max()
    found = {constant: float(orders[order].abs().max()) for constant, order in ORDERS.items()}
    return {**found, "secant": float(secant)}


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "activations.md").read_text()


def test_the_page_is_current(page):
    assert page == activations_page(ROWS.values()), "run `make docs-activations`"


@EVERY
def test_the_figure_shows_current_data(name):
    stored = (DOCS / FIGURES / f"{name}.json").read_text()
    assert_same(json.loads(stored), json.loads(data_text(activation_data(ROWS[name]))))
    # Bytes depend on matplotlib's version; the figure names the data that it was drawn from.
    assert data_identifier(stored) in (DOCS / FIGURES / f"{name}.svg").read_text()


def assert_same(stored: object, drawn: object) -> None:
    """Equal up to the rounding of floats, which processors differ in."""
    if isinstance(stored, dict) and isinstance(drawn, dict):
        assert stored.keys() == drawn.keys()
        for key in stored:
            assert_same(stored[key], drawn[key])
    elif isinstance(stored, list) and isinstance(drawn, list):
        assert len(stored) == len(drawn)
        for one, other in zip(stored, drawn, strict=True):
            assert_same(one, other)
    elif isinstance(stored, float) and isinstance(drawn, float):
        # Places of maxima are found up to the root of the precision.
        assert stored == pytest.approx(drawn, rel=1e-6, abs=1e-6)
    else:
        assert stored == drawn


def test_every_activation_has_a_row_a_section_and_a_figure(page):
    linked = re.findall(r"^\| \[`(\w+)`\]\(#(\w+)\)", page, re.M)
    assert [pair[0] for pair in linked] == list(CATALOGUE) and all(a == b for a, b in linked)
    assert set(re.findall(r"^## (\w+)$", page, re.M)) == set(CATALOGUE)
    drawn = {path.name for path in (DOCS / FIGURES).iterdir()}
    assert drawn == {f"{name}.{kind}" for name in CATALOGUE for kind in ("json", "svg")}
    assert set(WRITTEN) == set(CATALOGUE)


def test_a_missing_row_changes_the_page(page):
    assert page != activations_page(row for row in ROWS.values() if row.function.name != "mish")


@EVERY
def test_bounds_hold_and_are_nearly_attained_on_a_grid(name):
    row = ROWS[name]
    found = largest(name, 40.0)
    for constant, value in found.items():
        derived = row.everywhere.get(constant)
        if derived is None:
            continue
        bound = float(derived.above)
        assert value <= bound * (1 + 1e-9) + 1e-9
        # softsign tends to 1 and (softplus - log 2) / t to 1 as slowly as 1 / t.
        assert value >= bound * (0.97 if constant in ("sup", "secant") else 1 - 1e-5) - 1e-9
    if row.within is not None:
        for constant, value in largest(name, float(SMALL_RADIUS)).items():
            derived = row.within.get(constant)
            if derived is not None:
                assert value <= float(derived.above) * (1 + 1e-9) + 1e-9
                assert value >= float(derived.reached.value) * (1 - 1e-5) - 1e-9


@EVERY
def test_an_infinite_constant_has_values_beyond_any_bound(name):
    missing = ({*ORDERS, "secant"}) - set(ROWS[name].everywhere)
    if missing:
        t = torch.tensor([1e7 + 0.25, -1e7 - 0.25], dtype=torch.float64)
        # A jump at 0 makes the secant slope infinite there.
        near = torch.tensor([1e-9], dtype=torch.float64)
        orders = derivatives(WRITTEN[name], t)
        start = WRITTEN[name](torch.zeros(1, dtype=torch.float64))
        for constant in missing:
            if constant == "secant":
                slopes = [((WRITTEN[name](at) - start) / at).abs().max() for at in (t, near)]
                assert float(max(slopes)) > 1e6
            else:
                assert float(orders[ORDERS[constant]].abs().max()) > 1e6


@EVERY
def test_a_second_request_returns_the_theorems_of_the_first(name):
    again = activation_constants(activation(name))
    assert again == {
        key: constant.theorem for key, constant in ROWS[name].everywhere.items()
    }


@EVERY
def test_what_is_reached_is_below_the_bound_and_known_on_all_of_r(name):
    for constants in (ROWS[name].everywhere, ROWS[name].within or {}):
        for constant in constants.values():
            assert constant.reached.value <= constant.above
    assert all(constant.is_known for constant in ROWS[name].everywhere.values())


@EVERY
def test_curves_are_the_function_and_do_not_cross_kinks(name):
    data = activation_data(ROWS[name])
    for panel in data["panels"]:
        for curve in panel["curves"]:
            low, high = curve["t"][0], curve["t"][-1]
            assert not any(low < kink < high for kink in data["kinks"])
            inside = torch.tensor(curve["t"][1:-1] or [(low + high) / 2], dtype=torch.float64)
            expected = derivatives(WRITTEN[name], inside)[panel["order"]]
            shown = curve["y"][1:-1] or [(curve["y"][0] + curve["y"][-1]) / 2]
            assert torch.allclose(torch.tensor(shown, dtype=torch.float64), expected, atol=2e-6, rtol=1e-6)
            assert panel["bound"] is None or max(map(abs, curve["y"])) <= panel["bound"] * (1 + 1e-8)
        for point in panel["maxima"]:
            assert abs(point["y"]) == pytest.approx(panel["bound"], rel=1e-6)


def shown(row: Row, order: int) -> set[tuple[float, float, bool]]:
    panel = activation_data(row)["panels"][order]
    return {(dot["t"], dot["y"], dot["filled"]) for dot in panel["dots"] if abs(dot["t"]) < 1}


def test_jumps_have_open_and_filled_dots():
    assert shown(ROWS["sign"], 0) == {(0, 0, True), (0, 1, False), (0, -1, False)}
    assert shown(ROWS["sign"], 1) == {(0, 0, False)}
    assert shown(ROWS["round"], 0) == {(-0.5, 0, True), (-0.5, -1, False), (0.5, 0, True), (0.5, 1, False)}
    assert shown(ROWS["relu"], 0) == set()
    assert shown(ROWS["relu"], 1) == {(0, 0, False), (0, 1, False)}
    assert shown(ROWS["elu"], 1) == set()
    assert shown(ROWS["elu"], 2) == {(0, 1, False), (0, 0, False)}
    assert shown(ROWS["abs_sin"], 1) == {(0, 1, False), (0, -1, False)}


def test_known_maxima_are_marked(page):
    gelu = activation_data(ROWS["gelu"])["panels"][1]["maxima"]
    assert [(point["t"], point["exact"]) for point in gelu] == [(1.41421356, True)]
    tanh = activation_data(ROWS["tanh"])["panels"][2]["maxima"]
    assert sorted(round(point["t"], 4) for point in tanh) == [-0.6585, 0.6585]
    hardswish = activation_data(ROWS["hardswish"])["panels"][1]["maxima"]
    assert hardswish == [{"t": 3.0, "y": 1.5, "exact": True, "is_limit": True}]
    assert r"$t=\sqrt{2}$ | balls, and exact forms at the maximum |" in page
    assert r"$\tfrac{3}{2}$ | $t=3^-$ | counting roots |" in page


def test_drawing_twice_gives_the_same_bytes():
    data = activation_data(ROWS["elu"])
    assert activation_svg(data) == activation_svg(data)
    assert "dc:date" not in activation_svg(data)


def test_the_whole_is_written(tmp_path, monkeypatch):
    few = [ROWS["relu"], ROWS["square"]]
    monkeypatch.setattr("gradlemma.activations_page.activation_rows", lambda: iter(few))
    write_activations(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    figures = {f"{FIGURES}/{name}.{kind}" for name in ("relu", "square") for kind in ("json", "svg")}
    assert names == {"activations.md", *figures}


def test_without_matplotlib_a_sentence_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.argv = ['page', sys.argv[1]]\n"
        "import runpy; runpy.run_module('gradlemma.activations_page', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False,
        cwd=DOCS.parent,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "expected matplotlib" in done.stderr and "pip install" in done.stderr
    assert not list(tmp_path.iterdir())
