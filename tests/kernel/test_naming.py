"""Names in stored derivations: families have one scheme each, and nothing else reads like a member."""

from __future__ import annotations

import json

import pytest
from builders import PHI, PSI
from test_rules_indices import FIRST, NET, NEXT, N, fixed

from proofs.errors import KernelError
from proofs.kernel.claims import Smooth
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import infer
from proofs.kernel.families import Block, Indexed, Recursive
from proofs.kernel.naming import require_one_body_a_name
from proofs.kernel.rules import Assume
from proofs.kernel.terms import Apply, Entrywise, Named, Role, Term, Variable
from proofs.theorems.any_depth import INPUT, block


def accepted(*terms: Term) -> None:
    require_one_body_a_name(terms)


def refused(*terms: Term) -> None:
    with pytest.raises(KernelError):
        accepted(*terms)


def test_members_of_one_scheme_are_accepted() -> None:
    accepted(NET.h(N), NET.h(NEXT), NET.h(fixed(3)), NET.z(N), NET.z(FIRST), block(N), block(fixed(2)), INPUT)


def test_an_indexed_name_with_two_schemes_is_refused() -> None:
    refused(NET.h(N), Indexed("h", fixed(3), Entrywise(PSI, 0, NET.z(fixed(3)))))
    refused(NET.h(N), Indexed("h", fixed(3), Entrywise(PHI, 0, NET.z(fixed(2)))))
    refused(NET.h(fixed(3)), Indexed("h", fixed(3), Entrywise(PSI, 0, NET.z(fixed(3)))))


def test_a_recursion_with_two_steps_is_refused() -> None:
    other = Recursive("z", Apply(block(fixed(1)), INPUT), Apply(block(NEXT), NET.z(N).before), N)
    refused(NET.z(NEXT), other)


@pytest.mark.parametrize("name", ["W", "W1", "W12"])
def test_a_variable_that_reads_like_a_member_is_refused(name: str) -> None:
    twin = Variable(name, (3, 2), Role.PARAMETER)
    refused(block(N), twin)
    accepted(block(N), Variable(name + "x", (3, 2), Role.PARAMETER))


def test_a_node_that_reads_like_a_member_is_refused() -> None:
    refused(NET.z(N), Named("z2", INPUT))
    refused(NET.h(N), Named("h2", INPUT))
    refused(NET.z(N), Indexed("z", N, INPUT))
    refused(NET.z(N), Block("z", (3, 2), Role.PARAMETER, N))


def test_a_stored_derivation_of_a_family_comes_back() -> None:
    for theorem in (NET.second, NET.value):
        document = json.loads(json.dumps(encode({"lemma": theorem})))
        assert decode(document)["lemma"].sequent == theorem.sequent


def test_a_stored_derivation_with_a_twin_is_refused() -> None:
    twin = infer(Assume(Smooth(Named("g", Apply(Variable("W1", (2, 2), Role.PARAMETER),
                                               Variable("w", (2,), Role.SAMPLE))), 1)))  # fmt: skip
    with pytest.raises(KernelError, match="reads like"):
        decode(json.loads(json.dumps(encode({"lemma": NET.value, "twin": twin}))))


def test_two_functions_of_one_name_are_refused():
    from proofs.kernel.univariate import call, piecewise

    functions = [piecewise("f", {}, [], [call(name)]) for name in ("tanh", "sin")]
    require_one_body_a_name(functions[:1])
    with pytest.raises(KernelError, match="one function of every name"):
        require_one_body_a_name(functions)
