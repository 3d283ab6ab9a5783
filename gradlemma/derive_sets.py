"""Derivations of AEA and NSG for a problem: its loss in place of an arbitrary map."""

from __future__ import annotations

from pathlib import Path

from gradlemma.errors import ProblemError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import Map
from proofs.kernel.rules.logic import Cut
from proofs.theorems.map_analyticity import Analyticity, NotCovered, Route

__all__ = ["FOR_PROBLEMS", "problem_goals"]

FOR_PROBLEMS = ("AEA-1", "AEA-6", "AEA-7", "AEA-8", "NSG-1", "NSG-2", "NSG-3")


def problem_goals(identifier: str, path: Path) -> tuple[dict[str, Theorem], str]:
    """The theorems of the statement for the problem's loss on any data (AEA-8: on its data), and a title.

    Raises:
        ProblemError: where the statement does not cover the loss, naming the map in the way.
        GradlemmaError: for a file that is no problem.
    """
    from gradlemma.problem import load_problem
    from gradlemma.problem_maps import any_data_loss, data_loss

    problem = load_problem(path)
    title = f"{identifier} for {problem.name}"
    if identifier == "AEA-8":
        return _singular_set(data_loss(problem)), title
    return _goals(identifier, any_data_loss(problem)), title


def _goals(identifier: str, loss: Map) -> dict[str, Theorem]:
    from flint import fmpq

    from proofs.theorems.exceptional import (
        STEP,
        almost_all_steps,
        exceptional_is_singular,
        for_loss,
        heavy_ball_is_non_singular,
        nesterov_is_non_singular,
        off_exceptional_is_non_singular,
    )

    match identifier:
        case "AEA-1":
            return {"layered": _analytic(loss, Route.LAYERED)}
        case "AEA-6":
            return {"scalar": _analytic(loss, Route.SCALAR)}
        case "AEA-7":
            return _by_both(loss)
        case _:
            pass
    analytic = next(iter(_by_both(loss).values()))
    step = infer(Cut(), analytic, for_loss(off_exceptional_is_non_singular(), loss))
    match identifier:
        case "NSG-1":
            return {"almost_all": infer(Cut(), analytic, for_loss(almost_all_steps(), loss))}
        case "NSG-2":
            return {"off_exceptional": step, "exceptional": for_loss(exceptional_is_singular(), loss)}
        case _:
            half = fmpq(1, 2)
            return {
                "heavy_ball": heavy_ball_is_non_singular(analytic, STEP, half),
                "nesterov": nesterov_is_non_singular(step, half),
            }


def _analytic(loss: Map, route: Route) -> Theorem:
    try:
        return Analyticity(route).almost_everywhere(loss)
    except NotCovered as error:
        other = "AEA-6" if route is Route.LAYERED else "AEA-1"
        raise ProblemError(
            f"expected a network that the {route.value} route covers but got a map that it does not: "
            f"{error.reason}",
            kind="value",
            remedy=f"{other} takes the other route",
        ) from error


def _by_both(loss: Map) -> dict[str, Theorem]:
    """By each of the routes that covers the loss.

    Raises:
        ProblemError: where neither does, for the reason of the scalar one.
    """
    found: dict[str, Theorem] = {}
    refused: ProblemError | None = None
    for route in (Route.LAYERED, Route.SCALAR):
        try:
            found[route.value] = _analytic(loss, route)
        except ProblemError as error:
            refused = error
    if not found and refused is not None:
        raise refused
    return found


def _singular_set(loss: Map) -> dict[str, Theorem]:
    from proofs.theorems.step_sizes import StepSizes

    found = StepSizes(loss)
    found.find_patterns()
    covered, null = found.singular_set(), found.off_sets_null
    if covered is None:
        raise ProblemError(
            f"expected a loss whose patterns can be gone through but got one where {found.why_incomplete}",
            kind="value",
            remedy="use fewer units or samples",
        )
    return {"covered": covered} if null is None else {"covered": covered, "null": null}
