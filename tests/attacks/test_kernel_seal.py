"""Attempts to forge a theorem: none may be accepted as a premise, pass `replay` or survive storage.

Whoever can run Python can in the end rewrite the kernel's own functions; what is tried here stays
below that: constructors, fields of the wrong type, subclasses, `object.__setattr__`, copies."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
import types
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from proofs.errors import KernelError
from proofs.kernel import core
from proofs.kernel.claims import (
    Compare,
    EntriesIn,
    Equal,
    ForSamples,
    IsTensor,
    OperatorNorm,
    Relation,
    SamplesAre,
    Sequent,
    Simplex,
    Smooth,
    SupBound,
)
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import RULES, Rule, Theorem, infer, register, replay, steps_of
from proofs.kernel.rules import (
    Assume,
    Cauchy,
    Certificate,
    Chain,
    Definition,
    DifferenceBound,
    Fold,
    MeanBound,
    MeanValue,
    Monotone,
    Nonnegative,
    OperatorNormIntro,
    RootSquared,
    SquareRoot,
    SupOfFunction,
    TensorNorm,
)
from proofs.kernel.scalars import DirectionNorm, Let, Norm, Poly, Real, Root, SupNorm, number
from proofs.kernel.spectral import spectral_above
from proofs.kernel.store import remember, tensor_of
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import (
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    LogSumExp,
    Mean,
    Named,
    Ones,
    Role,
    Scale,
    Sum,
    Times,
    Variable,
)
from proofs.kernel.univariate import Call, Expression, Piece, Univariate, Unspecified, argument, constant
from proofs.network import activation

LE, EQ = Relation.LE, Relation.EQ
ONE, ZERO = number(1), number(0)
FALSE = Compare(ZERO, LE, number(-1))
W, B = Variable("W", (2, 2), Role.PARAMETER), Variable("b", (2,), Role.PARAMETER)
X, Y = Variable("x", (2,), Role.SAMPLE), Variable("y", (2,), Role.SAMPLE)
T = Norm(W)
GOOD = infer(Nonnegative(T.poly()))


def le(left: Poly, right: Poly) -> Theorem:
    return infer(Assume(Compare(left, LE, right)))


def forged(claim: Any = FALSE, rule: Rule | None = None, premises: tuple[Theorem, ...] = ()) -> Theorem:
    """An object of the class with all of its fields set, as nobody but `infer` should."""
    theorem = object.__new__(Theorem)
    fields = {"sequent": Sequent(frozenset(), claim), "rule": rule or Nonnegative(ONE), "premises": premises,
              "trust": frozenset()}  # fmt: skip
    for name, value in fields.items():
        object.__setattr__(theorem, name, value)
    return theorem


def is_false(theorem: Theorem) -> bool:
    """Whether a theorem without hypotheses compares two numbers wrongly."""
    claim = theorem.claim
    if theorem.hypotheses or not isinstance(claim, Compare):
        return False
    left, right = claim.left.constant(), claim.right.constant()
    if left is None or right is None:
        return False
    return not (left == right if claim.relation is EQ else left <= right)


def survives(attack: Callable[[], Theorem]) -> bool:
    """Whether the attack yields a false theorem that replays."""
    try:
        theorem = attack()
        if not is_false(theorem):
            return False
        replay(theorem)
    except (KernelError, TypeError, AttributeError):
        return False
    return True


# -- objects of the class -----------------------------------------------------------------------


def test_theorems_are_not_made_by_their_class() -> None:
    for make in (
        lambda: Theorem(),
        lambda: Theorem(Sequent(frozenset(), FALSE)),
        lambda: Theorem.__new__(Theorem),
    ):  # type: ignore[call-arg]
        with pytest.raises(KernelError, match="made by infer"):
            make()


def test_the_class_of_theorems_has_no_subclasses() -> None:
    with pytest.raises(KernelError, match="no subclasses"):
        type("Fake", (Theorem,), {})


def test_an_object_made_around_the_constructor_is_no_premise_and_does_not_replay() -> None:
    fake = forged()
    with pytest.raises(KernelError, match="premises made by infer"):
        infer(Chain(), fake, fake)
    with pytest.raises(KernelError, match="does not recompute"):
        replay(fake)
    with pytest.raises((KernelError, AttributeError)):
        replay(object.__new__(Theorem))


def test_a_forged_premise_below_a_forged_theorem_does_not_replay() -> None:
    step = forged(Compare(ZERO, LE, ZERO), Chain(), (forged(), forged()))
    with pytest.raises(KernelError):
        replay(step)


def test_a_theorem_that_rests_on_itself_does_not_replay() -> None:
    loop = forged(FALSE, Chain())
    object.__setattr__(loop, "premises", (loop, loop))
    with pytest.raises((KernelError, KeyError)):
        replay(loop)


@pytest.mark.parametrize("stranger", [None, 0, Sequent(frozenset(), FALSE), FALSE, types.SimpleNamespace(
    sequent=Sequent(frozenset(), FALSE), premises=(), rule=Nonnegative(ONE), trust=frozenset())])  # fmt: skip
def test_other_objects_are_no_premises(stranger: Any) -> None:
    with pytest.raises(KernelError, match="premises made by infer"):
        infer(Chain(), stranger, stranger)
    with pytest.raises(KernelError, match="expected a theorem"):
        replay(stranger)


def test_an_object_whose_class_is_changed_afterwards_is_no_premise() -> None:
    class Fake:
        __slots__ = ("__weakref__", "premises", "rule", "sequent", "trust")

    fake: Any = Fake()
    fake.sequent, fake.rule, fake.premises, fake.trust = (
        Sequent(frozenset(), FALSE),
        Nonnegative(ONE),
        (),
        frozenset(),
    )
    try:
        fake.__class__ = Theorem
    except TypeError:
        return
    with pytest.raises(KernelError):
        infer(Chain(), fake, fake)
    with pytest.raises(KernelError):
        replay(fake)


def test_fields_of_a_theorem_do_not_change() -> None:
    with pytest.raises(KernelError, match="do not change"):
        GOOD.sequent = Sequent(frozenset(), FALSE)  # type: ignore[misc]
    with pytest.raises((KernelError, AttributeError, TypeError)):
        GOOD.__dict__["sequent"] = None
    with pytest.raises((KernelError, AttributeError)):
        GOOD.claim = FALSE  # type: ignore[misc]


@pytest.mark.parametrize("name", ["sequent", "rule", "premises", "trust"])
def test_a_field_changed_by_force_does_not_replay(name: str) -> None:
    theorem = infer(TensorNorm(B, remember(ExactTensor.from_floats(np.array([1.0, 1.0]))), fmpq(2)))
    later = infer(Certificate(ZERO, ((fmpq(1), (0,), ONE),), ()), theorem)
    changes: dict[str, Any] = {
        "sequent": Sequent(frozenset(), theorem.claim), "rule": Nonnegative(ONE), "premises": (GOOD,),
        "trust": frozenset(["arb"]),
    }  # fmt: skip
    before = getattr(theorem, name)
    object.__setattr__(theorem, name, changes[name])
    try:
        for damaged in (theorem, later):
            with pytest.raises(KernelError):
                replay(damaged)
    finally:
        object.__setattr__(theorem, name, before)
    assert replay(later).claim is later.claim


def test_a_conclusion_drawn_from_a_changed_theorem_does_not_replay_when_it_is_changed_back() -> None:
    # Whoever enters a changed theorem in the register of issued ones still does not get past replay.
    theorem = infer(Nonnegative(ONE))
    honest = theorem.sequent
    object.__setattr__(theorem, "sequent", Sequent(frozenset(), FALSE))
    core._ISSUED[theorem] = theorem.sequent
    try:
        false = infer(Chain(), theorem, infer(Certificate(number(-1), (), ())))
        assert is_false(false)
    finally:
        object.__setattr__(theorem, "sequent", honest)
    with pytest.raises(KernelError):
        replay(false)


# -- copies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [GOOD, GOOD.claim, T, W], ids=["theorem", "claim", "atom", "term"])
def test_nothing_of_the_kernel_is_pickled(value: Any, protocol: int) -> None:
    with pytest.raises((KernelError, TypeError)):
        pickle.dumps(value, protocol)


def test_copies_are_the_object_itself() -> None:
    for value in (GOOD, GOOD.claim, T, W):
        assert copy.copy(value) is value
        assert copy.deepcopy(value) is value


def test_replacing_fields_gives_no_theorem() -> None:
    with pytest.raises(TypeError):
        dataclasses.replace(GOOD, sequent=Sequent(frozenset(), FALSE))  # type: ignore[type-var]
    claim = dataclasses.replace(GOOD.claim, left=ONE)  # type: ignore[call-arg]
    assert claim is Compare(ONE, LE, T.poly())
    with pytest.raises(KernelError):
        infer(dataclasses.replace(Nonnegative(ONE), poly=number(-1)))


def test_equal_constructions_are_one_object() -> None:
    assert Compare(number(2), LE, T.poly() + 0) is Compare(ONE * 2, LE, Norm(W).poly())
    assert Compare(right=T.poly(), left=ZERO, relation=LE) is GOOD.claim
    assert Variable("W", (2, 2), Role.PARAMETER) is W
    assert Compare(ZERO, LE, T.poly()) is not Compare(ZERO, EQ, T.poly())


# -- rules ---------------------------------------------------------------------------------------


def test_a_subclass_of_a_rule_is_refused_whatever_its_name() -> None:
    class Fake(Nonnegative):
        def conclude(self, *premises: Sequent) -> Compare:
            return FALSE

    for name in ("Fake", "Nonnegative", "Chain"):
        Fake.__name__ = Fake.__qualname__ = name
        with pytest.raises(KernelError, match="registered rule"):
            infer(Fake(ONE))
        with pytest.raises(KernelError, match="registered rule"):
            replay(forged(FALSE, Fake(ONE)))


def test_rules_that_nobody_registered_are_refused() -> None:
    from proofs.kernel.rules.enclosure import _Supremum

    for rule in (Rule(), _Supremum(Unspecified("phi"), 1, None, ONE), object(), None):  # type: ignore[arg-type]
        with pytest.raises(KernelError, match="registered rule"):
            infer(rule)  # type: ignore[arg-type]


def test_a_name_is_registered_once() -> None:
    with pytest.raises(KernelError, match="one rule of the name"):
        register(type("Chain", (Rule,), {}))
    assert RULES["Chain"] is Chain


def test_fields_of_a_rule_do_not_change() -> None:
    rule = Nonnegative(ONE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.poly = ZERO  # type: ignore[misc]


@pytest.mark.parametrize("how", ["setattr", "dict"])
def test_a_method_put_on_an_instance_of_a_rule_is_not_called(how: str) -> None:
    def attack() -> Theorem:
        rule = Nonnegative(ONE)
        if how == "setattr":
            object.__setattr__(rule, "conclude", lambda *_: FALSE)
        else:
            rule.__dict__["conclude"] = lambda *_: FALSE
        return infer(rule)

    assert not survives(attack)


def test_a_trust_tag_put_on_an_instance_of_a_rule_does_not_hide_that_of_its_class() -> None:
    from proofs.kernel.rules import SupOfFunctionBall

    rule = SupOfFunctionBall(activation("silu"), 1, None, number(2))
    object.__setattr__(rule, "trust", None)
    assert replay(infer(rule)).trust == {"arb"}


def test_a_rule_whose_field_is_changed_afterwards_does_not_replay() -> None:
    theorem = infer(Nonnegative(number(3)))
    object.__setattr__(theorem.rule, "poly", number(4))
    with pytest.raises(KernelError, match="does not recompute"):
        replay(theorem)


# -- fields of the wrong type ----------------------------------------------------------------------


class _Square:
    """Its square is a negative number."""

    def __mul__(self, other: Any) -> Any:
        return self if isinstance(other, _Square) else number(-1)


class _Factor:
    """p q is 1 and p p is 0."""

    def __init__(self, right: bool) -> None:
        self.right = right

    def __mul__(self, other: _Factor) -> Poly:
        return ONE if self.right != other.right else ZERO


def test_a_definition_needs_an_abbreviation() -> None:
    assert not survives(lambda: infer(Definition(types.SimpleNamespace(poly=lambda: ZERO, body=number(-1)))))  # type: ignore[arg-type]


def test_a_certificate_needs_polynomials_to_square() -> None:
    assert not survives(lambda: infer(Certificate(ZERO, ((fmpq(1), (), _Square()),), ())))  # type: ignore[arg-type]


def test_a_certificate_needs_rational_coefficients() -> None:
    class Sly(Fraction):
        def __lt__(self, other: Any) -> bool:
            return False

    assert not survives(lambda: infer(Certificate(ZERO, ((Sly(-1), (), ONE),), ())))  # type: ignore[arg-type]


def test_cauchy_needs_polynomials() -> None:
    def attack() -> Theorem:
        bound = infer(Cauchy((_Factor(False),), (_Factor(True),)))  # type: ignore[arg-type]
        # 1 <= root(0) root(0) = 0.
        rule = Certificate(ONE, ((fmpq(1), (0,), ONE),), ((1, ONE),))
        return infer(rule, bound, infer(RootSquared(ZERO)))

    assert not survives(attack)


@pytest.mark.parametrize("value", [True, 1.0, 1, Fraction(1), np.float64(1), "1", None])
def test_numbers_are_no_polynomials(value: Any) -> None:
    for build in (lambda: Compare(value, LE, ONE), lambda: Compare(ONE, LE, value), lambda: Let("a", value),
                  lambda: Root(value), lambda: OperatorNorm(Inner(B, B), 1, value),
                  lambda: SupBound(Unspecified("phi"), 1, None, value)):  # fmt: skip
        with pytest.raises(KernelError):
            build()


@pytest.mark.parametrize("value", [1.0, True, np.float64(1), float("nan"), "1", None, 1j])
def test_only_rationals_are_numbers(value: Any) -> None:
    with pytest.raises(KernelError, match="rational number"):
        number(value)
    with pytest.raises((KernelError, TypeError)):
        T.poly() * value


@pytest.mark.parametrize("relation", ["<=", "=", None, 0, True])
def test_relations_are_members_of_the_enumeration(relation: Any) -> None:
    with pytest.raises(KernelError):
        Compare(ZERO, relation, ONE)


def test_booleans_and_floats_in_place_of_integers_change_no_meaning() -> None:
    f = Named("f", Inner(B, B))
    first, bend = Deriv(f, 1), Entrywise(Unspecified("phi"), 2, B)
    for order in (True, 1.0):
        assert Deriv(f, order) is first  # type: ignore[arg-type]
    assert Entrywise(Unspecified("phi"), 2.0, B) is bend  # type: ignore[arg-type]
    for shape in ((2.0,), (True,), (np.int64(2),), (0,), (-1,), ("1n",), [2], (2, 2, 2), "n"):
        name = f"v{abs(hash(str(shape))) % 1000}"
        with pytest.raises((KernelError, TypeError)):
            Variable(name, shape, Role.SAMPLE)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", [0, 3, -1, 1.5, "1", None])
def test_derivatives_have_order_one_or_two(order: Any) -> None:
    with pytest.raises((KernelError, TypeError)):
        Deriv(Inner(B, B), order)


def test_malformed_terms_are_refused() -> None:
    other = Variable("c", (3,), Role.PARAMETER)
    makers: list[Callable[[], Any]] = [
        lambda: OperatorNorm(Inner(B, B), 3, ONE),
        lambda: SupBound(Unspecified("phi"), 4, None, ONE),
        lambda: Simplex(W),
        lambda: EntriesIn(W, fmpq(0), fmpq(1)), lambda: EntriesIn(B, 0.0, fmpq(1)),  # type: ignore[arg-type]
        lambda: Ones((2, 2)), lambda: Ones(()), lambda: Ones((0,)),
        lambda: SupNorm(W),
        lambda: Named("n", ONE),  # type: ignore[arg-type]
        lambda: Times(B, B),
        lambda: Entrywise(Unspecified("phi"), 4, B),
        lambda: Entrywise(Unspecified("phi"), 0, W),
        lambda: LogSumExp(W),
        lambda: argument().power(65),
        lambda: ExactTensor.from_floats(np.zeros((1, 1, 1))),
        lambda: ExactTensor.from_fractions((2,), (Fraction(1),)),
        lambda: ExactTensor.from_fractions((1,), (Fraction(10) ** 400,)),
        lambda: spectral_above(ExactTensor.from_fractions((1, 1), (Fraction(1, 2**4300),))),
        lambda: Sum((B,)), lambda: Sum((B, other)), lambda: Apply(W, other), lambda: Apply(B, B),
        lambda: Inner(B, other), lambda: Inner(W, W), lambda: Scale(2, B), lambda: Scale(0.5, B),  # type: ignore[arg-type]
        lambda: Named("a b", B), lambda: Named("", B), lambda: Named("x" * 33, B), lambda: Named("1x", B),
        lambda: Named("a\n", B), lambda: Variable("x", (2,), "sample"),  # type: ignore[arg-type]
        lambda: Equal(B, other), lambda: Smooth(ONE, 1), lambda: Mean((W,), Inner(B, B)), lambda: Mean((X,), B),  # type: ignore[arg-type]  # noqa: E501
        lambda: Norm(ONE), lambda: DirectionNorm(()), lambda: DirectionNorm((X,)), lambda: DirectionNorm((B, W)),  # type: ignore[arg-type]  # noqa: E501
        lambda: DirectionNorm((B, B)), lambda: Deriv(Deriv(Inner(B, B), 1), 1), lambda: IsTensor(X, "0" * 64),
        lambda: IsTensor(W, "0" * 63), lambda: IsTensor(W, "A" * 64), lambda: SamplesAre((), ()),
        lambda: Call("exp", constant(0)),
        lambda: Call("eval", argument()), lambda: Call("exp", Fraction(1)),  # type: ignore[arg-type]
        lambda: Unspecified("a1"),
    ]  # fmt: skip
    for make in makers:
        with pytest.raises((KernelError, TypeError, AttributeError)):
            make()


# -- polynomials -----------------------------------------------------------------------------------


def test_a_monomial_with_a_repeated_atom_proves_nothing_false() -> None:
    t = T.poly()
    try:
        let = Let("a", Poly([(((T, 1), (T, 1)), fmpq(1))]))
        opened = infer(Definition(let))  # a = t t
        product = infer(Certificate(ZERO, ((fmpq(1), (0, 1), ONE),), ()), opened, GOOD)  # 0 <= (t t - a) t
        theorem = infer(Certificate(ZERO, ((fmpq(1), (0,), ONE),), ((1, -t),)), product, opened)
        replay(theorem)
    except KernelError:
        return
    assert theorem.claim is not Compare(ZERO, LE, t**2 - t**3)  # false at t = 2


def test_a_negative_power_is_refused_or_never_replaced() -> None:
    with pytest.raises(KernelError):
        inverse = Poly([(((T, -1),), fmpq(1))])
        infer(Monotone(), le(Real("z").poly(), inverse), le(T.poly(), number(2)))


def test_a_float_coefficient_is_refused() -> None:
    with pytest.raises(KernelError):
        infer(Nonnegative(Poly([((), 0.5)])))  # type: ignore[list-item]


@pytest.mark.parametrize("bad", [float("nan"), -0.5])
def test_a_float_that_is_not_positive_is_refused(bad: float) -> None:
    with pytest.raises(KernelError):
        infer(Nonnegative(Poly([((), bad)])))  # type: ignore[list-item]


def test_the_terms_of_a_theorem_changed_by_force_do_not_replay() -> None:
    theorem = infer(Certificate(T.poly() + 7, ((fmpq(1), (), ONE),), ()))
    claim = theorem.claim
    assert isinstance(claim, Compare)
    honest = dict(claim.right.terms)
    try:
        claim.right.terms[()] = fmpq(-100)
    except TypeError:  # a read-only mapping
        return
    try:
        with pytest.raises(KernelError):
            replay(theorem)
        false = infer(Chain(), theorem, infer(Certificate(claim.right, (), ())))
    finally:
        claim.right.terms.update(honest)
    with pytest.raises(KernelError):
        replay(infer(Chain(), false, infer(Certificate(number(-100) + T.poly(), (), ()))))


def test_the_terms_of_a_body_do_not_change() -> None:
    def attack() -> Theorem:
        body = number(1) * 1
        let = Let("mutated", body)
        body.terms[()] = fmpq(-1)
        return infer(Chain(), infer(Nonnegative(let.poly())), infer(Definition(let)))

    assert not survives(attack)


class _SlyPoly(Poly):
    def __pow__(self, exponent: int) -> Poly:
        return number(0)


def test_a_subclass_of_a_polynomial_is_refused() -> None:
    def attack() -> Theorem:
        five = _SlyPoly(number(5).terms.items())
        return infer(SquareRoot(five, ZERO), infer(Nonnegative(ZERO)))

    assert not survives(attack)


class _FlippedPoly(Poly):
    """0 that turns into -1 when something is taken from it."""

    def __sub__(self, other: Any) -> Poly:
        return number(-1)


def test_a_subclass_of_a_polynomial_inside_an_abbreviation_is_refused() -> None:
    def attack() -> Theorem:
        opened = infer(Definition(Let("flipped", _FlippedPoly([]))))
        return infer(Certificate(ZERO, (), ((0, ONE),)), opened)

    assert not survives(attack)


@pytest.mark.parametrize("base", [Compare, Let, Sum, Named, Norm])
def test_subclasses_of_claims_atoms_and_terms_are_refused(base: type) -> None:
    # One could equal every other claim, or show other parts when it is looked at again.
    with pytest.raises(KernelError, match="outside the kernel"):
        type("_Sly", (base,), {"__module__": __name__})


def test_claims_atoms_and_terms_are_not_initialised_again() -> None:
    theorem = infer(Nonnegative(number(3)))
    let = Let("again", number(2))
    for changed, arguments in ((theorem.claim, (number(5), LE, number(-7))), (let, ("again", number(9)))):
        with pytest.raises(KernelError, match="does not change"):
            changed.__init__(*arguments)  # type: ignore[misc]
    assert theorem.claim is Compare(ZERO, LE, number(3)) and let.body == number(2)


def test_a_theorem_with_another_sequent_is_no_premise() -> None:
    theorem, other = infer(Nonnegative(number(3))), infer(Nonnegative(number(4)))
    object.__setattr__(theorem, "sequent", Sequent(frozenset(), Compare(ONE, LE, ZERO)))
    with pytest.raises(KernelError, match="made by infer"):
        infer(Chain(), other, theorem)


@pytest.mark.parametrize("order", [True, 1.0, np.int64(1)])
def test_orders_are_integers(order: object) -> None:
    vector = Variable(f"ordered{type(order).__name__}", (2,), Role.PARAMETER)
    radius = Norm(vector).poly()
    makers: list[Callable[[], Any]] = [
        lambda: Deriv(vector, order), lambda: Smooth(vector, order),  # type: ignore[arg-type]
        lambda: Entrywise(activation("tanh"), order, vector),  # type: ignore[arg-type]
        lambda: SupBound(activation("tanh"), order, radius, ONE),  # type: ignore[arg-type]
    ]  # fmt: skip
    for make in makers:
        with pytest.raises(KernelError, match="expected an order"):
            make()


def test_limits_at_kinks_depend_on_the_direction() -> None:
    # At w = 0 the limits of relu'(w o w) may be 0 along u = 0 and are 1 along all others, so a bound
    # of them says nothing about all directions; the larger of the limits does.
    w = Variable("w", (1,), Role.PARAMETER)
    z = Named("z", Hadamard(w, w))
    slopes = Entrywise(activation("relu"), 1, z)
    assert w.as_role(Role.DIRECTION) in Norm(slopes).poly().variables
    assert w.as_role(Role.DIRECTION) not in SupNorm(slopes).poly().variables
    assert w.as_role(Role.DIRECTION) not in Norm(Entrywise(activation("tanh"), 1, z)).poly().variables
    x = Variable("x", (1,), Role.SAMPLE)
    outer = Named("F", Inner(Named("h", Entrywise(activation("relu"), 0, z)), x))
    bounded = infer(Assume(Compare(Norm(slopes).poly(), LE, ZERO)))
    claim = Compare(Norm(Deriv(outer, 1)).poly(), LE, Norm(slopes).poly() * DirectionNorm((w,)).poly())
    with pytest.raises(KernelError, match="direction"):
        infer(OperatorNormIntro(), infer(Monotone(), infer(Assume(claim)), bounded))


# -- functions -------------------------------------------------------------------------------------


def test_float_fields_of_functions_are_refused() -> None:
    with pytest.raises(KernelError):
        half = Univariate("f", (), (Piece(None, None, Expression((((1, ()), 0.5),))),))  # type: ignore[arg-type]
        infer(SupOfFunction(half, 1, None, number(fmpq(1, 4))))


def test_a_stored_derivation_with_a_negative_degree_is_refused() -> None:
    with pytest.raises(KernelError):
        inverse = Expression((((-1, ()), Fraction(1)),))
        pieces = (Piece(None, Fraction(1), constant(1)), Piece(Fraction(1), None, inverse))
        # |f'| <= 0, but f'(1+) = -1.
        false = infer(SupOfFunction(Univariate("f", (), pieces), 1, number(2), ZERO))
        decode(json.loads(json.dumps(encode({"f": false}))))


def test_discontinuous_functions_are_refused_where_continuity_matters() -> None:
    step = Univariate(
        "step", (), (Piece(None, Fraction(0), constant(0)), Piece(Fraction(0), None, constant(1)))
    )
    flat = infer(Assume(SupBound(step, 1, None, ZERO)))
    node = Named("h", Entrywise(step, 0, X))
    for rule in (MeanValue(), DifferenceBound(node, Named("h0", Entrywise(step, 0, Y)))):
        with pytest.raises(KernelError, match="continuous"):
            infer(rule, flat)


def test_functions_of_one_name_with_other_pieces_are_other_functions() -> None:
    from proofs.kernel.rules import SupNormBound

    tanh = activation("tanh")
    fake = Univariate("tanh", (), (Piece(None, None, argument().scaled(Fraction(1, 100))),))
    premise = infer(SupOfFunction(fake, 1, None, number(fmpq(1, 100))))
    with pytest.raises(KernelError, match="function of the term"):
        infer(SupNormBound(Entrywise(tanh, 1, X)), premise)


# -- names, binders --------------------------------------------------------------------------------


def test_equal_names_with_other_shapes_or_roles_are_other_variables() -> None:
    twins = [Variable("p", shape, role) for shape in ((2,), (2, 2), ("p",)) for role in Role]
    assert len({id(v) for v in twins}) == len(twins) == len(set(twins))
    with pytest.raises(KernelError, match="start where"):
        infer(Chain(), le(ZERO, Norm(twins[0]).poly()), le(Norm(twins[1]).poly(), ONE))
    with pytest.raises(KernelError, match="distinct members"):
        DirectionNorm((Variable("p", (2,), Role.PARAMETER), Variable("p", (2, 2), Role.PARAMETER)))


def test_one_name_with_two_bodies_is_two_abbreviations() -> None:
    one, two = Let("a", ONE), Let("a", number(2))
    assert one is not two
    assert one.poly() != two.poly()
    with pytest.raises(KernelError):
        infer(Chain(), infer(Definition(one)), infer(Fold(two), infer(Certificate(ONE, (), ()))))
    first, second = Named("h", B), Named("h", Sum((B, B)))
    assert first is not second
    with pytest.raises(KernelError, match="body of the abbreviation"):
        infer(Fold(two), infer(Certificate(ONE, (), ())))


def test_binders_do_not_capture() -> None:
    inner = Mean((X,), Inner(X, Y))
    assert inner.free == {Y}
    assert Mean((Y,), inner).free == frozenset()
    assert Mean((X,), inner).free == {Y}
    with pytest.raises(KernelError, match="claim about one sample"):
        ForSamples((X,), ForSamples((Y,), Compare(Norm(X).poly(), LE, Norm(Y).poly())))
    with pytest.raises(KernelError, match="claim about one sample"):
        ForSamples((X,), SamplesAre((X,), ("0" * 64,)))
    f = Named("f", Inner(B, Sum((X, Y))))
    bound, smooth = le(Norm(Deriv(f, 1)).poly(), ONE), infer(Assume(Smooth(f, 2)))
    with pytest.raises(KernelError, match="bind all sample variables"):
        infer(MeanBound((X,)), bound, smooth)
    # A hypothesis about all samples binds its own variables: it is not closed once more.
    everywhere = infer(Assume(ForSamples((X, Y), Compare(Norm(X).poly(), LE, ONE))))
    assert everywhere.claim.free == frozenset()


def test_a_bound_at_one_direction_is_no_operator_norm() -> None:
    f = Named("f", Inner(B, X))
    u = DirectionNorm((B,)).poly()
    for hypothesis in (
        u,
        Norm(B.as_role(Role.DIRECTION)).poly(),
        Norm(Deriv(f, 1)).poly(),
        Let("a", u).poly(),
    ):
        bound = le(Norm(Deriv(f, 1)).poly(), u)
        extra = infer(Certificate(Norm(Deriv(f, 1)).poly(), ((fmpq(1), (0,), ONE), (fmpq(0), (1,), ONE)), ()),
                      bound, le(hypothesis, ONE))  # fmt: skip
        with pytest.raises(KernelError, match="speak about the direction"):
            infer(OperatorNormIntro(), extra)


# -- monotonicity ----------------------------------------------------------------------------------


def test_an_atom_that_occurs_negatively_is_never_replaced() -> None:
    s = Norm(B).poly()
    t = T.poly()
    for poly in (s - t, s * 2 - t * t, Root(s - t).poly(), Root(s * 2 - Root(t).poly()).poly(),
                 Let("n", s - t).poly(), Let("n", s - t).poly() ** 2, (s - t) ** 2,
                 Let("m", Let("n", s - t).poly() ** 2).poly(), Root(Let("n", -t).poly()).poly() + t):  # fmt: skip  # noqa: E501
        for unfold in (False, True):
            with pytest.raises(KernelError):
                infer(Monotone(None, unfold), le(Real("x").poly(), poly), le(t, ONE))


def test_an_atom_of_unknown_sign_under_an_even_power_is_never_replaced() -> None:
    r = Real("r").poly()
    with pytest.raises(KernelError, match="atoms that are >= 0"):
        infer(Monotone(), le(Real("x").poly(), r * r), le(r, ONE))


def test_roots_of_negative_numbers_are_zero_and_never_squared() -> None:
    for radicand in (number(-4), -T.poly(), Real("r").poly()):
        with pytest.raises(KernelError, match="visibly >= 0"):
            infer(RootSquared(radicand))
    with pytest.raises(KernelError):
        infer(Monotone(53), le(Real("x").poly(), Root(number(-4)).poly()))


def test_circular_bounds_are_refused() -> None:
    t, s = T.poly(), Norm(B).poly()
    for bounds in ((le(t, s), le(s, t)), (le(t, t * fmpq(1, 2)),), (le(t, Let("a", t).poly()),),
                   (le(t, Root(s).poly()), le(s, Root(t).poly()))):  # fmt: skip
        with pytest.raises(KernelError):
            infer(Monotone(None, True), le(Real("x").poly(), t + s), *bounds)


def test_premises_that_are_not_used_are_errors() -> None:
    t = T.poly()
    with pytest.raises(KernelError, match="every bound"):
        infer(Monotone(), le(Real("x").poly(), t), le(Norm(B).poly(), ONE))
    with pytest.raises(KernelError, match="every premise to be used"):
        infer(Certificate(ZERO, ((fmpq(1), (0,), ONE),), ()), GOOD, GOOD)
    with pytest.raises(KernelError):
        infer(Nonnegative(t), le(ZERO, Real("r").poly()))


def test_a_sign_that_is_not_used_is_an_error() -> None:
    with pytest.raises(KernelError):
        infer(Monotone(), le(Real("x").poly(), T.poly()), le(ZERO, Real("unused").poly()))


@pytest.mark.parametrize("index", [-1, -2, 1, 2, True, 0.0, None])
def test_premises_are_numbered_from_zero(index: Any) -> None:
    with pytest.raises(KernelError):
        infer(Certificate(ZERO, ((fmpq(1), (index,), ONE),), ()), GOOD)
    with pytest.raises(KernelError):
        infer(Certificate(ZERO, (), ((index, ONE),)), GOOD)


def test_negative_coefficients_are_refused_however_small() -> None:
    for coefficient in (fmpq(-1), fmpq(-1, 10**100), Fraction(-1, 3), -1, -1.0):
        with pytest.raises(KernelError):
            infer(Certificate(ZERO, ((coefficient, (), ONE),), ()))  # type: ignore[arg-type]


# -- tensors ---------------------------------------------------------------------------------------


def test_the_store_goes_by_content() -> None:
    small, large = (ExactTensor.from_floats(np.array([v, 0.0])) for v in (1.0, 9.0))
    lie = dataclasses.replace(large, digest=small.digest)
    with pytest.raises(KernelError, match="digest is that of its content"):
        remember(lie)
    with pytest.raises(KernelError):
        remember(dataclasses.replace(small, floats=large.floats))
    digest = remember(large)
    assert tensor_of(digest) == large
    with pytest.raises(KernelError):
        infer(TensorNorm(B, digest, fmpq(8)))
    hidden = ExactTensor(large.shape, (Fraction(1), Fraction(0)), large.floats, large.digest)
    with pytest.raises(KernelError):
        remember(hidden)


def test_digests_tell_shapes_and_numbers_apart() -> None:
    array = np.arange(6.0)
    digests = {
        ExactTensor.from_floats(array.reshape(shape)).digest
        for shape in ((6,), (2, 3), (3, 2), (1, 6), (6, 1))
    }
    assert len(digests) == 5
    assert ExactTensor.from_floats(np.array([0.0])).digest == ExactTensor.from_floats(np.array([-0.0])).digest
    exact = ExactTensor.from_fractions((1,), (Fraction(1, 2),))
    assert exact.digest == ExactTensor.from_floats(np.array([0.5])).digest
    near = ExactTensor.from_fractions((1,), (Fraction(1, 2) + Fraction(1, 10**40),))
    assert near.digest != exact.digest


# -- limits ----------------------------------------------------------------------------------------


def test_whatever_goes_wrong_inside_a_rule_is_a_refusal() -> None:
    for rule in (
        Nonnegative(None),
        Chain(),
        Certificate(None, None, None),
        Fold(None),
        RootSquared(3),  # type: ignore[arg-type]
        Definition(None),
        SquareRoot(None, None),
        MeanBound(None),
        TensorNorm(None, None, None),
    ):  # type: ignore[arg-type]
        with pytest.raises(KernelError):
            infer(rule)
        with pytest.raises(KernelError):
            infer(rule, GOOD)


def test_a_deep_derivation_replays_without_recursion() -> None:
    theorem = GOOD
    for _ in range(3000):
        theorem = infer(Certificate(ZERO, ((fmpq(1), (0,), ONE),), ()), theorem)
    assert len(steps_of(theorem)) == 3001
    assert replay(theorem).claim is GOOD.claim


def test_the_register_of_issued_theorems_is_the_only_other_door_and_replay_still_refuses() -> None:
    fake = forged()
    core._ISSUED[fake] = fake.sequent
    try:
        step = infer(Chain(), fake, infer(Certificate(number(-1), (), ())))
    except KernelError:
        return
    with pytest.raises(KernelError, match="does not recompute"):
        replay(step)


OPTIMISED = """
import sys
assert False  # not executed
from flint import fmpq
from proofs.errors import KernelError
from proofs.kernel.claims import Compare, Relation, Sequent, SupBound
from proofs.kernel.core import Theorem, infer, replay
from proofs.kernel.rules import *
from proofs.kernel.scalars import Let, Norm, Real, Root, SupNorm, number
from proofs.kernel.terms import Role, Variable
from proofs.network import activation

LE = Relation.LE
w = Variable("W", (2, 2), Role.PARAMETER)
t, s = Norm(w).poly(), Real("s").poly()
good = infer(Nonnegative(t))
le = lambda a, b: infer(Assume(Compare(a, LE, b)))
fake = object.__new__(Theorem)
for name, value in {"sequent": Sequent(frozenset(), Compare(number(0), LE, number(-1))),
                    "rule": Nonnegative(number(1)), "premises": (), "trust": frozenset()}.items():
    object.__setattr__(fake, name, value)
attacks = [
    lambda: Theorem(), lambda: infer(Chain(), fake, fake), lambda: replay(fake),
    lambda: type("Fake", (Theorem,), {}), lambda: infer(type("Chain", (Nonnegative,), {})(number(1))),
    lambda: infer(Nonnegative(number(-1))), lambda: infer(Certificate(number(0), ((fmpq(-1), (), number(1)),), ())),
    lambda: infer(Certificate(number(0), ((fmpq(1), (-1,), number(1)),), ()), good),
    lambda: infer(Monotone(), le(s, number(1) - t), le(t, number(0))),
    lambda: infer(RootSquared(number(-1))), lambda: infer(SquareRoot(t, -t), le(t * t, t * t)),
    lambda: infer(Fold(Let("a", t)), le(s, t + 1)), lambda: infer(Cut(), good, le(s, t)),
    lambda: infer(SupOfFunction(activation("tanh"), 1, None, number(fmpq(99, 100)))),
    lambda: Compare(1, LE, number(1)), lambda: number(0.5), lambda: SupBound(activation("tanh"), 7, None, t),
    lambda: infer(OperatorNormIntro(), le(t, s)), lambda: infer(PairSquares(w, 1), good),
]
done = 0
for attack in attacks:
    try:
        attack()
    except KernelError:
        done += 1
print(sys.flags.optimize, done == len(attacks), replay(good).claim is good.claim)
"""  # noqa: E501


def test_side_conditions_hold_under_python_dash_o() -> None:
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-O", "-c", OPTIMISED],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=60,
        check=False,
    )
    assert result.stdout.split() == ["1", "True", "True"], result.stderr


def test_the_kernel_holds_no_assert_statement() -> None:
    kernel = Path(core.__file__).parent
    for path in kernel.rglob("*.py"):
        lines = [line.strip() for line in path.read_text().splitlines()]
        assert not any(line.startswith("assert ") for line in lines), path


def test_a_polynomial_has_nothing_that_changes_it() -> None:
    poly = T.poly() + 1
    honest = dict(poly.terms)
    for change in (
        lambda: setattr(poly, "terms", {}),
        lambda: Poly.__init__(poly, [((), fmpq(-1))]),
        lambda: poly.terms.update({}),  # type: ignore[attr-defined]
    ):
        with pytest.raises((KernelError, AttributeError)):
            change()
    assert dict(poly.terms) == honest
    assert not [name for name in dir(poly) if name.startswith("fill")]


class _SlyNumber(fmpq):
    """2, which claims to be negative and whose negative is 0."""

    def __lt__(self, other: object) -> bool:
        return True

    def __neg__(self) -> fmpq:
        return fmpq(0)


def test_a_subclass_of_a_rational_inside_a_term_is_refused() -> None:
    from proofs.kernel.rules import Triangle
    from proofs.kernel.terms import Role, Scale, Variable

    def attack() -> Theorem:
        # ||2 x + 2 x|| <= 0
        double = Scale(_SlyNumber(2), Variable("sly", (2,), Role.SAMPLE))
        return infer(Triangle(Sum((double, double))))

    with pytest.raises(KernelError):
        attack()


def test_a_subclass_of_a_function_inside_a_term_is_refused() -> None:
    from proofs.kernel.rules import WideBound
    from proofs.kernel.terms import Entrywise, Role, Variable
    from proofs.kernel.univariate import Piece, Univariate, argument, call, piecewise

    class Sly(Univariate):
        def __eq__(self, other: object) -> bool:
            return True

        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = None  # type: ignore[assignment]

    class SlyHashed(Sly):
        def __hash__(self) -> int:  # type: ignore[override]
            return 0

    def attack() -> Theorem:
        # ||10 x|| <= root(2)
        steep = SlyHashed("f", (), (Piece(None, None, argument().scaled(Fraction(10))),))
        known = infer(SupOfFunction(piecewise("f", {}, [], [call("tanh")]), 0, None, ONE))
        return infer(WideBound(Entrywise(steep, 0, Variable("sly", (2,), Role.SAMPLE))), known)

    with pytest.raises(KernelError):
        attack()


def test_a_subclass_of_a_tuple_as_a_space_is_refused() -> None:
    from proofs.kernel.rules import WideBound
    from proofs.kernel.terms import Entrywise, Role, Variable
    from proofs.kernel.univariate import call, piecewise

    class Narrow(tuple):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            return iter((1,))

    def attack() -> Theorem:
        # ||tanh(y)|| <= 1 in R^3
        function = piecewise("f", {}, [], [call("tanh")])
        vector = Variable("sly", Narrow((3,)), Role.SAMPLE)
        return infer(WideBound(Entrywise(function, 0, vector)), infer(SupOfFunction(function, 0, None, ONE)))

    with pytest.raises(KernelError):
        attack()


@pytest.mark.parametrize("base", [Compare, Let, Sum, Named, Norm])
def test_subclasses_that_say_they_are_of_the_kernel_are_refused(base: type) -> None:
    with pytest.raises(KernelError, match="outside the kernel"):
        type("_Sly", (base,), {"__module__": "proofs.kernel.terms"})


class _EqualStranger:
    """Says that it is equal to the integers of a claim, and shows others later."""

    def __init__(self, equal: tuple[int, ...]) -> None:
        self.equal = self.shown = equal

    def __hash__(self) -> int:
        return hash(self.equal)

    def __eq__(self, other: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(self.shown)

    def __getitem__(self, index: int) -> int:
        return self.shown[index]

    def __len__(self) -> int:
        return len(self.shown)


def test_a_stranger_that_says_it_is_equal_is_no_field_of_a_claim() -> None:
    from proofs.kernel.maps import Contract, ParameterBlock, Scaled, StepNumber
    from proofs.kernel.rules.spectra import OffConstantEigenvalues, SharedEigenvalues
    from proofs.kernel.set_claims import ConstantEigenvalues

    weight = ParameterBlock("sly", ())
    half_square = Scaled(fmpq(1, 2), Contract(",->", weight, weight))
    sly: Any = _EqualStranger((-1, 1))

    def attack() -> Theorem:
        claim = ConstantEigenvalues(half_square, sly)
        known = infer(SharedEigenvalues(half_square, ((("sly", (fmpq(0),)),),)))
        sly.shown = (1,)
        # 1 is an eigenvalue everywhere
        assert known.claim is claim
        return infer(OffConstantEigenvalues(StepNumber(fmpq(1))), known)

    with pytest.raises(KernelError, match="plain data"):
        attack()


def test_a_stranger_with_the_class_of_a_map_is_no_part_of_a_map() -> None:
    from proofs.kernel.maps import ParameterBlock, Scaled

    class Stranger:
        shape = ()
        symbols: frozenset[Any] = frozenset()
        key = b"0"

        @property
        def __class__(self) -> Any:
            return ParameterBlock

    stranger: Any = Stranger()
    with pytest.raises(KernelError, match="plain data"):
        Scaled(fmpq(1), stranger)
