"""Activations of the user's own: what they are, end to end, and what is refused with file, line and key."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import mpmath
import pytest
import torch
from expression_trees import Formula, formulas
from flint import arb, ctx
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gradlemma import Dense, Network, ProblemError, activation_from_pieces, bounds, load_problem
from gradlemma.check import Verdict, check_problem
from gradlemma.problem.schema import problem_schema
from gradlemma.replay import run_replay
from numerics.activations import apply, distance_to_kinks
from proofs.errors import NetworkError
from proofs.kernel.ceilings import Attained, RootOf, ceiling_ball
from proofs.kernel.domains import jumps
from proofs.kernel.exact_values import SurdPoint
from proofs.kernel.kinks import PieceReading
from proofs.kernel.scalars import Atom, FunctionValue, Poly, Root
from proofs.kernel.univariate import Univariate, argument, call, constant
from proofs.network import Activate, activation
from proofs.theorems.constants import supremum
from proofs.typeset.functions import function_definition

ROOT = Path(__file__).resolve().parents[2]
M = mpmath.mp
T = argument()

BENT = {
    "name": "bent",
    "pieces": [{"to": 0, "is": "t/10"}, {"to": 2, "is": "t"}, {"from": 2, "is": "2 + log(t - 1)"}],
}
STAIR: dict[str, Any] = {
    "name": "stair",
    "pieces": [{"from": 0, "to": 1, "is": "t^2"}],
    "period": 1,
    "drift": 1,
}
STEP: dict[str, Any] = {
    "name": "step",
    "pieces": [{"to": 0, "is": "0"}, {"from": 0, "is": "1"}],
    "values": {0: "1/2"},
}


def latex(function: Univariate) -> str:
    return "".join(getattr(part, "text", str(part)) for part in function_definition(function))


def bound(function: Univariate, order: int) -> Fraction | None:
    theorem = supremum(function, order)
    value = None if theorem is None else theorem.claim.bound.constant()  # type: ignore[attr-defined]
    return None if value is None else Fraction(int(value.p), int(value.q))


def test_pieces_become_the_function_of_the_kernel() -> None:
    bent = activation_from_pieces(**BENT)
    assert bent.kinks == (0, 2) and jumps(bent) == ()
    assert [bound(bent, order) for order in (-1, 0, 1, 2)] == [1, None, 1, 1]
    stair = activation_from_pieces(**STAIR)
    assert stair.kinks == (0,) and jumps(stair) == ()
    assert [bound(stair, order) for order in (0, 1, 2)] == [None, 2, 2]
    step = activation_from_pieces(**STEP)
    assert jumps(step) == (0,)
    # |step(t) - step(0)| = 1/2 for all t != 0, so there is no secant slope.
    assert [bound(step, order) for order in (-1, 0, 1, 2)] == [None, 1, 0, 0]


def test_the_definition_is_printed_from_the_pieces() -> None:
    assert r"2+\log(t-1) & t\ge 2" in latex(activation_from_pieces(**BENT))
    assert r"\operatorname{stair}(t+1)=\operatorname{stair}(t)+1" in latex(activation_from_pieces(**STAIR))
    # At a jump no two lines say something about the same point.
    assert latex(activation_from_pieces(**STEP)).endswith(
        r"\begin{cases} 0 & t<0 \\ 1 & t>0 \\ \tfrac{1}{2} & t=0 \end{cases}"
    )
    jump = activation_from_pieces("jump", [{"to": 0, "is": 0}, {"is": 1}])
    assert latex(jump).endswith(r"\begin{cases} 0 & t<0 \\ 1 & t\ge 0 \end{cases}")
    assert "t<0" not in latex(activation("relu"))


def test_equal_neighbours_are_no_kink() -> None:
    pieces = [{"to": -1, "is": 0}, {"to": 1, "is": "t + 1"}, {"to": 2, "is": "1 + t"}, {"is": "(t^2 + t)/t"}]
    ramp = activation_from_pieces("ramp", pieces)
    assert ramp.kinks == (-1, 2)
    line = activation_from_pieces("line", [{"to": 0, "is": "t"}, {"is": "2*t/2"}], values={0: 0})
    assert line.is_analytic
    spike = activation_from_pieces("spike", [{"to": 0, "is": "t"}, {"is": "t"}], values={0: 1})
    assert spike.kinks == (0,) and jumps(spike) == (0,)


def test_a_pattern_that_joins_itself_has_no_kink_where_it_starts_anew() -> None:
    line = activation_from_pieces("line", [{"from": 0, "to": 1, "is": "t"}], period=1, drift=1)
    assert line.is_analytic and line.pieces[0].expression == T
    tent = [{"from": -1, "to": 1, "is": "t"}, {"to": 3, "is": "2 - t"}, {"to": 4, "is": "t - 4"}]
    wave = activation_from_pieces("wave", [{**tent[0], "from": 0}, *tent[1:]], period=4)
    assert wave.kinks == (1, 3)
    again = activation_from_pieces("wave", tent[:2], period=4)
    z = torch.linspace(-9, 9, 361, dtype=torch.float64)
    torch.testing.assert_close(apply(wave, 0, z), apply(again, 0, z))


def test_ends_in_units_of_pi() -> None:
    wave = activation_from_pieces("wave", [{"from": 0, "to": 1, "is": "sin(t)"}], period=1, unit="pi")
    assert wave.pieces == activation("abs_sin").pieces and wave.period == activation("abs_sin").period


# key -> (pieces and settings, the key that is named, words)
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "gap": ({"pieces": [{"to": 0, "is": 0}, {"from": 1, "is": "t"}]}, "pieces[1].from", "a gap"),
    "gap_left": ({"pieces": [{"from": 0, "to": 1, "is": 0}, {"is": "t"}]}, "pieces[0].from", "a gap"),
    "gap_right": ({"pieces": [{"to": 1, "is": 0}, {"to": 2, "is": "t"}]}, "pieces[1].to", "a gap"),
    "overlap": ({"pieces": [{"to": 1, "is": 0}, {"from": 0, "is": "t"}]}, "pieces[1].from", "an overlap"),
    "overlap_infinite": ({"pieces": [{"is": 0}, {"from": 0, "is": "t"}]}, "pieces[1]", "overlap"),
    "order": ({"pieces": [{"to": 1, "is": 0}, {"to": 0, "is": 1}, {"is": "t"}]}, "pieces[1]", "length"),
    "empty_piece": ({"pieces": [{"to": 1, "is": 0}, {"to": 1, "is": 1}, {"is": "t"}]}, "pieces[1]", "length"),
    "no_pieces": ({"pieces": []}, "pieces", "at least one"),
    "one_mapping": ({"pieces": {"is": "t"}}, "pieces", "list"),
    "text": ({"pieces": "t"}, "pieces", "list"),
    "no_mapping": ({"pieces": ["t"]}, "pieces[0]", "piece"),
    "many": ({"pieces": [{"to": k, "is": k} for k in range(80)]}, "pieces", "at most 64"),
    "no_is": ({"pieces": [{"to": 0}, {"is": "t"}]}, "pieces[0]", "missing"),
    "unknown_key": ({"pieces": [{"upto": 0, "is": 0}, {"is": "t"}]}, "pieces[0].upto", "from, to, is"),
    "expression": ({"pieces": [{"to": 0, "is": "2t"}, {"is": "t"}]}, "pieces[0].is", "column 2"),
    "expression_type": ({"pieces": [{"is": True}]}, "pieces[0].is", "expected"),
    "end_text": ({"pieces": [{"to": "one", "is": 0}, {"is": "t"}]}, "pieces[0].to", "number"),
    "end_huge": ({"pieces": [{"to": "1e30", "is": 0}, {"is": "t"}]}, "pieces[0].to", "1e9"),
    "end_fine": ({"pieces": [{"to": "1e-30", "is": 0}, {"is": "t"}]}, "pieces[0].to", "1e9"),
    "pole": ({"pieces": [{"is": "1/t"}]}, "pieces", "inverse may leave its domain"),
    "root": ({"pieces": [{"to": 0, "is": 0}, {"is": "sqrt(t)"}]}, "pieces", "not shown to be analytic"),
    "absolute": ({"pieces": [{"is": "sqrt(t^2)"}]}, "pieces", "not shown to be analytic"),
    "log": ({"pieces": [{"to": 2, "is": 0}, {"is": "log(t - 2)"}]}, "pieces", "log may leave its domain"),
    "tan": ({"pieces": [{"is": "tan(t)"}]}, "pieces", "not shown to be analytic"),
    "period_zero": ({"pieces": [{"from": 0, "to": 1, "is": "t"}], "period": 0}, "period", "locally finite"),
    "period_minus": ({"pieces": [{"from": 0, "to": 1, "is": 0}], "period": -1}, "period", "locally finite"),
    "period_short": ({"pieces": [{"from": 0, "to": 1, "is": "t"}], "period": "1/2"}, "pieces", "one period"),
    "period_open": ({"pieces": [{"to": 1, "is": "t"}], "period": 1}, "pieces", "-infinity"),
    "period_text": ({"pieces": [{"from": 0, "to": 1, "is": "t"}], "period": "long"}, "period", "number"),
    "drift_alone": ({"pieces": [{"is": "t"}], "drift": 1}, "drift", "period"),
    "unit_alone": ({"pieces": [{"is": "t"}], "unit": "pi"}, "unit", "period"),
    "unit_unknown": ({"pieces": [{"from": 0, "to": 1, "is": "t"}], "period": 1, "unit": "e"}, "unit", "pi"),
    "value_elsewhere": ({"pieces": [{"to": 0, "is": 0}, {"is": "t"}], "values": {1: 0}}, "values.1", "at 0"),
    "value_nowhere": ({"pieces": [{"is": "t"}], "values": {1: 0}}, "values.1", "nowhere"),
    "value_at_end": (
        {"pieces": [{"from": 0, "to": 1, "is": "t"}], "period": 1, "values": {1: 0}}, "values.1", "at 0"),
    "value_text": ({"pieces": [{"to": 0, "is": 0}, {"is": "t"}], "values": {0: "t"}}, "values.0", "number"),
    "value_point": ({"pieces": [{"to": 0, "is": 0}, {"is": 1}], "values": {"t": 1}}, "values.t", "number"),
    "value_twice": (
        {"pieces": [{"to": 0, "is": 0}, {"is": 1}], "values": {"0": 1, "0.0": 2}}, "values.0.0", "twice"),
    "value_list": ({"pieces": [{"to": 0, "is": 0}, {"is": "t"}], "values": [0]}, "values", "mapping"),
    "name_known": ({"name": "relu", "pieces": [{"is": "t"}]}, "name", "catalogue"),
    "name_function": ({"name": "exp", "pieces": [{"is": "t"}]}, "name", "formulas"),
    "name_sign": ({"name": "a-b", "pieces": [{"is": "t"}]}, "name", "letters"),
    "name_long": ({"name": "a" * 33, "pieces": [{"is": "t"}]}, "name", "letters"),
    "name_tex": ({"name": "\\input{x}", "pieces": [{"is": "t"}]}, "name", "letters"),
    "name_lookalike": ({"name": "t\u0430nh", "pieces": [{"is": "t"}]}, "name", "letters"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_pieces_are_refused_with_their_key(case: str) -> None:
    settings_, key, words = BAD[case]
    with pytest.raises(ProblemError) as caught:
        activation_from_pieces(**({"name": "own"} | settings_))
    assert caught.value.key == key, str(caught.value)
    assert words in caught.value.message
    assert caught.value.remedy


FILE = """\
schema: 1
input: {dim: 2, norm: 1}
network:
  - dense: {width: 2}
  - activation:
      name: own
      pieces:
        - {to: 0, is: t/10}
        - {is: 2 + t}
      values: {0: 1/2}
  - dense: {width: 2}
loss: cross_entropy
box: {weight_norms: [1, 1], bias_norms: [1, 1]}
measure: {random_points: 2, ascent_steps: 2}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ("{is: 2 + t}", "{from: 1, is: 2 + t}", 9, "pieces[1].from", "a gap"),
        ("2 + t", "2 + tt", 9, "pieces[1].is", "column 5"),
        ("is: t/10", "is: 1/t", 7, "pieces", "analytic"),
        ("{0: 1/2}", "{1: 1/2}", 10, "values.1", "meet"),
        ("{0: 1/2}", "{0: 1/2, 0.0: 1}", 10, "values.0", "twice"),
        ("      values", "      valeus", 10, "valeus", "name, pieces"),
        ("      values", "      slope", 10, "slope", "name, pieces"),
        ("name: own", "name: tanh", 6, "name", "catalogue"),
        ("      name: own\n", "", 5, "", "name of an activation"),
    ],
)
def test_in_a_file_the_line_is_named_too(
    old: str, new: str, line: int, key: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.yaml"
    assert old in FILE
    path.write_text(FILE.replace(old, new))
    with pytest.raises(ProblemError) as caught:
        load_problem(path)
    error = caught.value
    expected = f"network[1].activation.{key}" if key else "network[1].activation"
    assert (error.file, error.line, error.key) == (str(path), line, expected), str(error)
    assert words in error.message and error.remedy


def test_an_endless_list_of_pieces_is_refused() -> None:
    with pytest.raises(ProblemError, match="at most 64"):
        activation_from_pieces("own", ({"to": k, "is": k} for k in itertools.count()))


def test_floats_are_refused() -> None:
    with pytest.raises(ProblemError, match=r"1/16"):
        activation_from_pieces("own", [{"to": 0.5, "is": 0}, {"is": "t"}])


def test_two_functions_of_one_name_are_refused() -> None:
    one = activation_from_pieces("own", [{"to": 0, "is": 0}, {"is": "t"}])
    two = activation_from_pieces("own", [{"to": 0, "is": 0}, {"is": "2*t"}])
    with pytest.raises(NetworkError, match="two different ones"):
        Network.of(1, Dense(1), one, Dense(1), two, Dense(1))
    Network.of(1, Dense(1), one, Dense(1), one, Dense(1))
    Network.of(1, Dense(1), activation("elu"), Dense(1), activation("elu", alpha=2), Dense(1))


def test_a_missing_constant_is_named_with_its_activation() -> None:
    # sigma(t) = exp(t) has no bounded slope, but within a radius it has one.
    growing = activation_from_pieces("growing", [{"is": "exp(t)"}])
    found = bounds(Network.of(1, Dense(1), growing, Dense(1)), "mse", input_norm=1, target_norm=1,
                   weight_norms=[1, 1], bias_norms=[0, 0])  # fmt: skip
    assert found.worst_case is not None
    # At a jump at 0 without a bound there is no value of the node.
    split = activation_from_pieces("split", [{"to": 0, "is": "t"}, {"is": "t + 1"}])
    found = bounds(Network.of(1, Dense(1), split, Dense(1)), "mse", input_norm=1, target_norm=1,
                   weight_norms=[1, 1], bias_norms=[0, 0])  # fmt: skip
    (reason,) = [text for name, text in found.absent.items() if name in found.failed]
    assert "l = sup|split(t) - split(0)|/|t|" in reason and "no bound follows" in reason


def test_a_problem_with_own_activations_is_checked_printed_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(FILE.replace("2 + t", "t").replace("      values: {0: 1/2}\n", ""))
    checked = check_problem(load_problem(path))
    assert checked.verdict is Verdict.PROVED, checked.reasons
    assert checked.bounds.worst_case is not None
    text = checked.bounds.worst_case.hessian.derivation()
    assert r"\operatorname{own}(t)=\begin{cases} \tfrac{1}{10}\, t & t\le 0 \\ t & t\ge 0 \end{cases}" in text
    stored = tmp_path / "derivation.json"
    stored.write_text(json.dumps(checked.document))
    assert run_replay(stored, problem=path, as_json=True) == 0
    # A different function of the same name is a different problem.
    path.write_text(path.read_text().replace("t/10", "t/5"))
    assert run_replay(stored, problem=path, as_json=True) == 1


# -- readings: definition, torch, balls ------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """Pieces with their formulas, and the function made of them."""

    function: Univariate
    ends: tuple[Fraction, ...]
    formulas: tuple[Formula, ...]
    period: Fraction | None
    drift: Fraction

    def value(self, t: Any, order: int) -> Any:
        """The definition, by mpmath; derivatives by numerical differentiation at high precision."""
        shift, moved = M.mpf(0), t
        if self.period is not None:
            first = _mpf(self.ends[0])
            turns = M.floor((t - first) / _mpf(self.period))
            moved, shift = t - turns * _mpf(self.period), turns * _mpf(self.drift)
        inner = self.ends if self.period is None else self.ends[1:-1]
        piece = self.formulas[sum(moved >= _mpf(end) for end in inner)]
        return piece.value(moved) + shift if order == 0 else M.diff(piece.value, moved, order)


def _mpf(value: Fraction) -> Any:
    return M.mpf(value.numerator) / value.denominator


@st.composite
def drawn_activations(draw: st.DrawFn) -> Drawn:
    """Activations of one to four pieces, with and without period; they shrink to one short formula."""
    is_periodic = draw(st.booleans())
    fewest = 2 if is_periodic else 0
    points = st.fractions(-3, 3, max_denominator=4)
    ends = tuple(sorted(draw(st.sets(points, min_size=fewest, max_size=3))))
    count = len(ends) - 1 if is_periodic else len(ends) + 1
    chosen = tuple(draw(formulas) for _ in range(count))
    bounds_: list[Fraction | None] = list(ends) if is_periodic else [None, *ends, None]
    pieces = [
        {key: end for key, end in (("from", low), ("to", high)) if end is not None} | {"is": formula.text}
        for low, high, formula in zip(bounds_[:-1], bounds_[1:], chosen, strict=True)
    ]
    period = ends[-1] - ends[0] if is_periodic else None
    drift = draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(-1, 2)])) if is_periodic else Fraction(0)
    try:
        function = activation_from_pieces("own", pieces, period=period, drift=drift if is_periodic else None)
    except ProblemError as error:
        # Too large, or analytic without being shown to be.
        assume(error.kind != "limit" and "not shown" not in error.message)
        raise
    return Drawn(function, ends, chosen, period, drift)


@settings(max_examples=120)
@given(drawn_activations(), st.integers(0, 2), st.lists(st.floats(-6, 6), min_size=3, max_size=6))
def test_definition_torch_and_balls_agree_on_pieces(drawn: Drawn, order: int, points: list[float]) -> None:
    z = torch.tensor([p for p in points if abs(p) > 1e-6], dtype=torch.float64)
    assume(len(z))
    found = apply(drawn.function, order, z)
    ends = {*drawn.function.kinks, *drawn.ends}
    for point, value, distance in zip(
        z.tolist(), found.tolist(), distance_to_kinks(drawn.function, z), strict=True
    ):
        if float(distance) < 1e-3 or any(abs(point - float(end)) < 1e-3 for end in ends):
            continue
        with M.workdps(50), ctx.workprec(160):
            expected = drawn.value(M.mpf(point), order)
            ball = PieceReading(drawn.function, order).value(arb(point))
            assert not ball.is_finite() or ball.overlaps(arb(mpmath.nstr(expected, 45)) + arb(0, 1e-15)), (
                point
            )
            if not ball.is_finite() or abs(expected) > 1e6:
                continue
        # Sums of large terms cancel in double precision.
        assert value == pytest.approx(float(expected), rel=1e-6, abs=1e-6), (drawn.function, point)


TIGHT = {
    "t*sigmoid(t)": (1.0998393201288669, 0.5),
    "t*Phi(t)": (1.1289041451823366, 0.7978845608028654),
    "t/2*(1 + erf(t/sqrt(2)))": (1.1289041451823366, 0.7978845608028654),
    "log(1 + exp(t))": (1.0, 0.25),
    "1/(1 + exp(-t))": (0.25, 0.09622504486493763),
    "tanh(t)": (1.0, 0.7698003589195010),
}


@pytest.mark.parametrize("text", TIGHT)
@pytest.mark.parametrize("order", [1, 2])
def test_constants_hold_and_are_attained(text: str, order: int) -> None:
    # On |t| <= 20: nothing larger is found, and the largest found is next to the constant.
    function = activation_from_pieces("own", [{"is": text}])
    theorem = supremum(function, order, Fraction(20))
    assert theorem is not None, text
    limit = as_float(theorem.claim.bound)  # type: ignore[attr-defined]
    z = torch.linspace(-20, 20, 400001, dtype=torch.float64)
    assert float(apply(function, order, z).abs().max()) <= limit * (1 + 1e-12)
    assert limit == pytest.approx(TIGHT[text][order - 1], rel=1e-8)


def test_the_supremum_of_a_nested_function_is_found_where_ranges_are_too_large() -> None:
    # exp(sin(...)) <= e, though the range of exp alone has no upper end.
    nested = activation_from_pieces("own", [{"is": "exp(sin(exp(sin(t))))"}])
    theorem = supremum(nested, 0)
    assert theorem is None or as_float(theorem.claim.bound) >= math.e  # type: ignore[attr-defined]
    within = supremum(nested, 0, Fraction(3))
    assert within is not None
    assert math.e <= as_float(within.claim.bound) <= math.e * (1 + 1e-9)  # type: ignore[attr-defined]


def as_float(poly: Poly) -> float:
    total = 0.0
    for monomial, coefficient in poly.terms.items():
        part = int(coefficient.p) / int(coefficient.q)
        for atom, exponent in monomial:
            part *= _atom_value(atom) ** exponent
        total += part
    return total


def _atom_value(atom: Atom) -> float:
    match atom:
        case FunctionValue():
            point = SurdPoint(atom.factor, atom.radicand)
            return float(ceiling_ball(Attained(atom.expression, point)).mid())
        case Root():
            inside = atom.radicand.constant()
            assert inside is not None
            return float(ceiling_ball(RootOf(inside)).mid())
        case _:
            raise AssertionError(atom)


def test_the_examples_of_the_documentation_are_accepted(tmp_path: Path) -> None:
    text = (ROOT / "docs/problem-file.md").read_text().split("#### Activations of your own")[1]
    block = text.split("```yaml\n")[1].split("```")[0]
    layers = block.replace("  - activation", "  - dense: {width: 2}\n  - activation")
    path = tmp_path / "doc.yaml"
    path.write_text(
        f"input: {{dim: 2, norm: 1}}\n{layers}  - dense: {{width: 2}}\nloss: cross_entropy\n"
        f"box: {{weight_norms: {[1] * 5}, bias_norms: {[1] * 5}}}\n"
    )
    network = load_problem(path).network
    assert [layer.activation.name for layer in network.layers if isinstance(layer, Activate)] == [
        "bent", "stair", "step", "bump",
    ]  # fmt: skip
    jsonschema.validate(YAML(typ="safe").load(block)["network"], {
        "type": "array", "items": problem_schema()["$defs"]["LayerSection"],
        "$defs": problem_schema()["$defs"],
    })  # fmt: skip


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    schema = problem_schema()["$defs"]["LayerSection"] | {"$defs": problem_schema()["$defs"]}
    good = {"name": "own", "pieces": [{"to": 0, "is": "t/10"}, {"is": "t"}], "values": {"0": "1/2"}}
    jsonschema.validate({"activation": good}, schema)
    for change in ({"name": "relu"}, {"name": "a-b"}, {"pieces": []}, {"pieces": [{"to": 0}]}, {"slope": 1},
                   {"unit": "e"}, {"values": {"t": 1}}, {"period": "long"}):  # fmt: skip
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"activation": good | change}, schema)


def test_expressions_of_the_kernel_are_accepted_as_pieces() -> None:
    own = activation_from_pieces("own", [{"to": 0, "is": constant(0)}, {"is": T * call("tanh")}])
    assert own.pieces[1].expression == T * call("tanh")
