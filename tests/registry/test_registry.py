"""The registry: theorems replay, every assumption is named, names can be used, ids are looked up."""

from __future__ import annotations

import dataclasses
import re
from functools import cache

import pytest

from proofs.errors import KernelError, UnknownNameError
from proofs.kernel.claims import Compare, Equal, ForSamples, OperatorNorm, Relation, Simplex, SupBound
from proofs.kernel.core import Theorem, replay
from proofs.kernel.scalars import Let, Norm, Real, number
from proofs.kernel.terms import Deriv, Named, Role, Scale, Softmax, Variable
from proofs.kernel.univariate import Unspecified
from proofs.network.losses import LossKind
from proofs.registry import Assumption, NotSampled, Statement, assumption_of, registry, statement

EVERY = pytest.mark.parametrize("found", registry(), ids=lambda found: found.id)
KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@cache
def theorems(identifier: str) -> dict[str, Theorem]:
    return dict(statement(identifier).theorems())


def assumed(found: Statement) -> set[Assumption]:
    return {assumption_of(claim) for theorem in theorems(found.id).values() for claim in theorem.hypotheses}


def named(found: Statement) -> set[Assumption]:
    return {kind for hypothesis in found.hypotheses for kind in hypothesis.assumes}


def without(found: Statement, name: str) -> Statement:
    kept = tuple(hypothesis for hypothesis in found.hypotheses if hypothesis.name != name)
    return dataclasses.replace(found, hypotheses=kept)


@EVERY
def test_theorems_replay(found):
    assert theorems(found.id)
    for theorem in theorems(found.id).values():
        assert replay(theorem).sequent == theorem.sequent


@EVERY
def test_every_assumption_of_the_theorems_is_named(found):
    assert assumed(found) - named(found) == set()


@EVERY
def test_no_hypothesis_stands_for_an_assumption_that_no_theorem_makes(found):
    assert named(found) - assumed(found) == set()


@pytest.mark.parametrize(
    ("identifier", "name"),
    [(s.id, h.name) for s in registry() for h in s.hypotheses if h.assumes],
)
def test_a_forgotten_hypothesis_is_noticed(identifier, name):
    found = without(statement(identifier), name)
    assert assumed(found) - named(found)


@EVERY
def test_names_of_hypotheses_are_unique_and_kebab_case(found):
    names = [hypothesis.name for hypothesis in found.hypotheses]
    assert len(set(names)) == len(names)
    assert [name for name in names if not KEBAB.fullmatch(name)] == []
    assert all(h.says.endswith(".") for h in found.hypotheses)


@EVERY
def test_what_cannot_be_dropped_says_why_and_names_what_can(found):
    for hypothesis in found.hypotheses:
        assert hypothesis.can_be_dropped == (hypothesis.why_not == "")
        assert not (hypothesis.is_factor and hypothesis.assumes)
        for name in hypothesis.instead:
            assert found.hypothesis(name).can_be_dropped
    if isinstance(found.sampling, NotSampled):
        assert found.sampling.reason and found.sampling.instead


@EVERY
def test_known_counterexamples_drop_hypotheses_that_can_be_dropped(found):
    dropped = [known.dropped for known in found.counterexamples]
    assert len(set(dropped)) == len(dropped)
    assert all(found.hypothesis(name).can_be_dropped for name in dropped)


def test_ids_are_unique_and_every_loss_has_its_row():
    identifiers = [found.id for found in registry()]
    assert len(set(identifiers)) == len(identifiers)
    rows = {name.removeprefix("LOSS-") for name in identifiers if name.startswith("LOSS-")}
    assert rows == {kind.value for kind in LossKind}


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("bnd-1", "BND-1"),
        ("BDN-2", "BND-2"),
        ("jet-afine", "JET-affine"),
        ("LOSS-crossentropy", "LOSS-cross_entropy"),
    ],
)
def test_an_unknown_id_names_the_nearest_one(given, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean {nearest}") as refused:
        statement(given)
    assert refused.value.nearest == nearest


@pytest.mark.parametrize("given", ["", "zzzzzzzz", "\x1b[31m", "B" * 10**5])
def test_an_id_that_is_near_to_none_is_refused_in_printable_words(given):
    with pytest.raises(UnknownNameError) as refused:
        statement(given)
    assert str(refused.value).isprintable() and len(str(refused.value)) < 500


def test_an_unknown_hypothesis_names_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean weight-norms"):
        statement("BND-1").hypothesis("weight-norm")
    assert statement("BND-1").hypothesis("weight-norms").can_be_dropped


X, Y = (Variable(name, (2,), Role.SAMPLE) for name in ("x", "y"))
W = Variable("W1", (2, 2), Role.PARAMETER)
R = Real("r").poly()
LE = Relation.LE


@pytest.mark.parametrize(
    "claim",
    [
        Equal(X, Scale(number(1).constant(), X)),
        OperatorNorm(Named("f", Scale(number(1).constant(), X)), 1, R),
        Compare(Norm(Deriv(W, 1)).poly(), LE, R),
        Compare(Norm(Softmax(X)).poly(), LE, R),
        Compare(Norm(W).poly() * 2, LE, R),
        Compare(Norm(W).poly(), Relation.EQ, R),
        Compare(Real("lambda").poly(), LE, R),
        Compare(number(1), LE, number(2)),
        Compare(Real("nu").poly(), LE, Let("Z", R).poly()),
        Compare(number(1), LE, R),
        Simplex(Softmax(X)),
        SupBound(Unspecified("phi"), 0, None, R),
        SupBound(Unspecified("phi"), 3, None, R),
        ForSamples((X, Y), Compare(Norm(Softmax(X)).poly(), LE, R)),
    ],
    ids=repr,
)
def test_an_assumption_of_an_unknown_kind_is_refused(claim):
    with pytest.raises(KernelError, match="no kind of assumption"):
        assumption_of(claim)


def test_the_entries_of_an_eigenvector_are_no_bounds_of_norms():
    assert assumption_of(Compare(number(0), LE, Real("nu").poly())) is Assumption.EIGENVECTOR
    assert assumption_of(Compare(number(0), LE, Real("s").poly())) is Assumption.NONNEGATIVE


def test_assumptions_about_samples_are_those_about_one():
    claim = Compare(Norm(X).poly(), LE, R)
    assert assumption_of(claim) is assumption_of(ForSamples((X, Y), claim)) is Assumption.INPUT_NORM
    assert assumption_of(Compare(Norm(Y).poly(), LE, R)) is Assumption.TARGET_NORM
