"""Derivations about sets, analyticity and steps for the tests of printing."""

from __future__ import annotations

from functools import cache

from flint import fmpq

from proofs.kernel.core import infer
from proofs.kernel.maps import (
    Contract,
    Entry,
    Fixed,
    Given,
    Map,
    MeanOf,
    ParameterBlock,
    Scaled,
    StepNumber,
    Total,
)
from proofs.kernel.rules import Cut
from proofs.network import activation
from proofs.theorems.analyticity import analytic_after, entrywise_composition
from proofs.theorems.exceptional import (
    almost_all_steps,
    exceptional_is_singular,
    for_loss,
    heavy_ball_is_non_singular,
    nesterov_is_non_singular,
    off_exceptional_is_non_singular,
    proximal_is_non_singular,
)
from proofs.theorems.map_analyticity import Analyticity, Route
from proofs.theorems.step_sizes import StepSizes
from proofs.typeset import Goal


def network(depth: int, *, bias: bool = True, name: str = "relu", tied: bool = False) -> Map:
    """The mean of 1/2 ||f - y||^2 over data (x, y), f a net of width 3."""
    h: Map = Given("x", (3,))
    for layer in range(1, depth + 1):
        k = 2 if tied and 1 < layer < depth else layer
        h = Contract("ij,j->i", ParameterBlock(f"W{k}", (3, 3)), h)
        if bias:
            h = Total((h, ParameterBlock(f"b{k}", (3,))))
        if layer < depth:
            h = Entry(activation(name), h)
    gap = Total((h, Scaled(fmpq(-1), Given("y", (3,)))))
    loss = Scaled(fmpq(1, 2), Contract("i,i->", gap, gap))
    return MeanOf((Given("x", (3,)), Given("y", (3,))), loss)


def loss_on(*data: tuple[int, int]) -> Map:
    """1/(2 N) sum (f(x) - y)^2 for a net with two hidden units."""
    terms: list[Map] = []
    for x, y in data:
        inner = Contract("ij,j->i", ParameterBlock("W1", (2, 1)), Fixed((1,), (fmpq(x),)))
        hidden = Entry(activation("relu"), Total((inner, ParameterBlock("b1", (2,)))))
        out = Total((Contract("ij,j->i", ParameterBlock("W2", (1, 2)), hidden), ParameterBlock("b2", (1,))))
        gap = Total((out, Fixed((1,), (fmpq(-y),))))
        terms.append(Contract("i,i->", gap, gap))
    return Scaled(fmpq(1, 2 * len(data)), terms[0] if len(terms) == 1 else Total(tuple(terms)))


def analytic_goal(depth: int, route: Route = Route.SCALAR, **net: object) -> tuple[Goal, ...]:
    return (Goal("AEA", Analyticity(route).almost_everywhere(network(depth, **net))),)  # type: ignore[arg-type]


@cache
def step_goals(*data: tuple[int, int]) -> tuple[Goal, ...]:
    sizes = StepSizes(loss_on(*data))
    sizes.prove_analytic()
    sizes.find_patterns()
    sizes.find_spectra()
    singular, other = sizes.verdict(StepNumber(fmpq(1))), sizes.verdict(StepNumber(fmpq(1, 3)))
    theorems = {"one": singular.theorem, "third": other.theorem, "AEA-8": sizes.singular_set()}
    return tuple(Goal(name, theorem) for name, theorem in theorems.items() if theorem is not None)


def optimiser_goals() -> tuple[Goal, ...]:
    loss, tenth = network(2, name="tanh"), StepNumber(fmpq(1, 10))
    work = Analyticity(Route.SCALAR)
    analytic = work.almost_everywhere(loss)
    descent = infer(Cut(), analytic, for_loss(off_exceptional_is_non_singular(), loss, tenth))
    return (
        Goal("heavy ball", heavy_ball_is_non_singular(analytic, tenth, fmpq(9, 10))),
        Goal("Nesterov", nesterov_is_non_singular(descent, fmpq(9, 10))),
        Goal("proximal", proximal_is_non_singular(work.everywhere(loss), StepNumber(fmpq(1, 3)))),
        Goal("NSG-1", infer(Cut(), analytic, for_loss(almost_all_steps(), loss))),
    )


SET_GOALS = {
    "entrywise": lambda: (Goal("AEA-6", entrywise_composition(activation("relu"))),),
    "after": lambda: (Goal("AEA-2", analytic_after()),),
    "steps": lambda: (Goal("NSG-1", almost_all_steps()), Goal("NSG-2", exceptional_is_singular())),
    "layered": lambda: analytic_goal(3, Route.LAYERED, bias=False),
    "deep": lambda: analytic_goal(9, Route.LAYERED),
    "tied": lambda: analytic_goal(5, tied=True),
    "optimisers": optimiser_goals,
    "one sample": lambda: step_goals((1, 2)),
    "two samples": lambda: step_goals((1, 2), (2, 1)),
}
