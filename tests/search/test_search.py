"""The search itself: what counts as refuted, what stays undecided, what is kept and replayed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import strategies as st

from numerics.errors import NumericsError
from numerics.search.attack import Attack
from numerics.search.attacks import ATTACKS
from numerics.search.attacks.bnd1 import Bnd1
from numerics.search.cases import Cases
from numerics.search.codec import decode_instance, decode_setting, encode_instance, encode_setting
from numerics.search.engine import search
from numerics.search.network_target import BoxTarget
from numerics.search.outcome import PROFILES, Budget, Outcome, Verdict
from numerics.search.quantities import of_loss, without
from numerics.search.recheck import case_of, recheck
from numerics.search.settings import NetworkSetting
from proofs.errors import GradlemmaError
from proofs.kernel.scalars import number
from proofs.network import Dense, Loss, Network
from proofs.theorems.bounds import Box

SMALL = Budget(examples=4, batch=64, climbers=4, steps=6)
ONE = Fraction(1)


def smallest_setting(loss=Loss.HALF_MSE, samples=1):
    return NetworkSetting(
        Network.of(1, Dense(1, bias=False)), loss, Box((ONE,), (None,)), ONE, ONE, samples, 0
    )


@dataclass(frozen=True, slots=True)
class Scaled(Attack):
    """BND-1 with its bounds multiplied: below 1 it is false, and barely so just below 1."""

    factor: Fraction
    statement: str = "BND-1"
    dropped: str | None = None

    def settings(self):
        return Bnd1().settings()

    def prepare(self, setting: Any) -> BoxTarget:
        target = Bnd1().prepare(setting)
        changed = [without(q, lambda form: form * self.factor, "a factor") for q in target.by_name.values()]
        return BoxTarget(setting, None, changed)


def test_a_bound_one_per_mille_too_small_is_refuted():
    """The bounds of the smallest network are attained, and the search reaches them."""
    found = search(Scaled(Fraction(999, 1000)), SMALL)
    assert found.verdict is Verdict.REFUTED
    assert found.witness is not None and found.witness.recheck.method == "exact rationals"
    assert 0 < found.witness.recheck.margin <= 1 / 999 + 1e-9


def test_the_bound_itself_holds_and_is_attained():
    found = search(Scaled(ONE), SMALL)
    assert found.verdict is Verdict.HOLDS
    assert found.largest_ratio == pytest.approx(1.0, abs=1e-9)
    assert found.instances >= 4 * 64 * 2


@dataclass(frozen=True, slots=True)
class Unshown(Attack):
    """A violation in floats whose exact re-check fails or raises."""

    error: Exception | None
    statement: str = "BND-1"
    dropped: str | None = None

    def settings(self):
        return st.just(smallest_setting())

    def prepare(self, setting: Any) -> BoxTarget:
        error = self.error

        class Target(BoxTarget):
            def recheck(self, instance, quantity):
                if error is not None:
                    raise error
                return replace(super().recheck(instance, quantity), refuted=False)

        return Target(setting, None, [of_loss("G_max", 1, number(Fraction(1, 2)))])


@pytest.mark.parametrize(
    "error", [None, NumericsError("on a kink"), ZeroDivisionError("0"), OverflowError("x")]
)
def test_what_is_not_shown_exactly_is_undecided(error):
    found = search(Unshown(error), SMALL)
    assert found.verdict is Verdict.UNDECIDED
    assert "not shown exactly" in found.sentence()
    if error is not None:
        assert str(error) in found.sentence()


@dataclass(frozen=True, slots=True)
class NotFinite(Attack):
    """Margins that are NaN for some instances."""

    statement: str = "BND-1"
    dropped: str | None = None

    def settings(self):
        return st.just(smallest_setting())

    def prepare(self, setting: Any) -> BoxTarget:
        class Target(BoxTarget):
            def margins(self, batch, quantity):
                margins = super().margins(batch, quantity)
                return margins.where(batch["W1"][:, 0, 0] > 0, math.nan)

        return Target(setting, None, [of_loss("G_max", 1, number(Fraction(2)))])


def test_rounding_in_floats_alone_is_no_violation():
    """At this seed the third derivative of an activation is large in floats alone, by cancellation."""
    found = search(ATTACKS["ACT"](None), PROFILES["ci"], seed=3)
    assert found.verdict is Verdict.HOLDS, found.sentence()
    assert found.largest_ratio <= 1 + 1e-9


def test_a_tied_case_does_not_count_against_the_whole_statement():
    found = search(ATTACKS["BND-1"]("fresh-parameters"), SMALL)
    case = case_of(found.witness) | {"dropped": None}
    with pytest.raises(NumericsError, match="is about"):
        recheck(case)


def test_nan_is_never_a_pass():
    found = search(NotFinite(), SMALL)
    assert found.not_finite > 0
    assert found.verdict is Verdict.UNDECIDED


def test_no_instance_is_no_pass():
    @dataclass(frozen=True, slots=True)
    class Silent(Attack):
        statement: str = "BND-1"
        dropped: str | None = None

        def settings(self):
            return st.just(smallest_setting())

        def prepare(self, setting):
            raise GradlemmaError("nothing is claimed here")

    found = search(Silent(), SMALL)
    assert found.verdict is Verdict.UNDECIDED and found.skipped > 0
    assert Outcome("X", None, 0).verdict is Verdict.UNDECIDED


def test_an_attack_that_raises_is_not_swallowed():
    """A bug in an attack is no verdict: it comes out as it is."""

    @dataclass(frozen=True, slots=True)
    class Broken(Attack):
        statement: str = "BND-1"
        dropped: str | None = None

        def settings(self):
            return st.just(smallest_setting())

        def prepare(self, setting):
            raise TypeError("a bug")

    with pytest.raises(TypeError, match="a bug"):
        search(Broken(), SMALL)


def test_the_same_seed_finds_the_same():
    first, second = (search(ATTACKS["BND-1"]("weight-norms"), SMALL, seed=3) for _ in range(2))
    assert case_of(first.witness) == case_of(second.witness)
    one, two = (search(ATTACKS["JET-1"](None), SMALL, seed=5) for _ in range(2))
    assert one.ratios == two.ratios and one.instances == two.instances


def test_time_runs_out():
    found = search(ATTACKS["BND-1"](None), PROFILES["nightly"], seconds=0.0)
    assert found.settings == 0 and found.verdict is Verdict.UNDECIDED


def test_a_failing_case_is_kept_and_replayed_first(tmp_path):
    attack = ATTACKS["BND-1"]("weight-norms")
    first = search(attack, SMALL, cases=Cases(tmp_path))
    (path,) = tmp_path.rglob("*.json")
    again = search(attack, SMALL, cases=Cases(tmp_path))
    assert again.replayed == 1 and again.settings == 0 and again.verdict is Verdict.REFUTED
    assert case_of(again.witness) == case_of(first.witness) == json.loads(path.read_text())


@pytest.mark.parametrize(
    "damage",
    [
        lambda case: case["instance"].update(W1=[["1/2"]]),  # no violation any more
        lambda case: case["instance"].update(W1=[["9"]]),  # beyond what is drawn
        lambda case: case["instance"].update(W1=[["1/0"]]),
        lambda case: case["instance"].pop("x"),
        lambda case: case["setting"].update(kind="__import__('os')"),
        lambda case: case["setting"].update(weight_norms=[]),
        lambda case: case["setting"].update(seed=1.5),
        lambda case: case.update(quantity="G_min"),
        lambda case: case.update(statement="BND-2"),
        lambda case: case.clear(),
    ],
)
def test_a_changed_case_never_counts_by_itself(tmp_path, damage):
    attack = ATTACKS["BND-1"]("weight-norms")
    search(attack, SMALL, cases=Cases(tmp_path))
    (path,) = tmp_path.rglob("*.json")
    case = json.loads(path.read_text())
    damage(case)
    path.write_text(json.dumps(case))
    cases = Cases(tmp_path)
    found = search(attack, SMALL, cases=cases)
    assert found.settings >= 1  # the search went on
    assert found.verdict is Verdict.REFUTED
    assert cases.unreadable + found.replayed == 1


def test_files_that_are_no_cases_are_passed_over(tmp_path):
    place = tmp_path / "BND-1"
    place.mkdir()
    (place / "a.json").write_text("{")
    (place / "b.json").write_bytes(b"\x80\x04pickle")
    (place / "c.json").write_text("[" * 100_000)
    (place / "d.json").write_text(" " * (1 << 21))
    cases = Cases(tmp_path)
    assert search(ATTACKS["BND-1"](None), SMALL, cases=cases).verdict is Verdict.HOLDS
    assert cases.unreadable == 4


def test_a_place_that_cannot_be_written_does_not_hide_the_witness(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = search(ATTACKS["BND-1"]("weight-norms"), SMALL, cases=Cases(blocked))
    assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize("statement", sorted(ATTACKS))
def test_settings_and_instances_survive_their_stored_form(statement):
    from hypothesis import HealthCheck, given, settings

    @given(ATTACKS[statement](None).settings())
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def check(setting):
        stored = json.loads(json.dumps(encode_setting(setting)))
        assert decode_setting(stored) == setting
        assert hash(decode_setting(stored)) == hash(setting)

    check()


def test_a_recheck_refuses_an_instance_outside_the_hypotheses():
    found = search(ATTACKS["BND-1"]("weight-norms"), SMALL)
    case = case_of(found.witness)
    assert recheck(case).refuted
    case["dropped"] = None
    with pytest.raises(NumericsError, match="hypotheses"):
        recheck(case)
    assert encode_instance(decode_instance(case["instance"])) == case["instance"]
