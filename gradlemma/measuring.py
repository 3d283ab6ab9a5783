"""Measuring for a check: the search at the weights, in the box and in the ball, and line by line."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from gradlemma.errors import printable
from gradlemma.problem import feed_forward
from gradlemma.progress import Progress
from gradlemma.proved import Bounds
from gradlemma.resources import physical_memory_bytes
from numerics.errors import NumericsError
from numerics.records import Measured
from proofs.kernel.core import steps_of
from proofs.kernel.tensors import ExactTensor
from proofs.theorems.bounds import ReadingName

if TYPE_CHECKING:
    import torch

    from numerics.evidence import LineRatio

__all__ = ["NOTHING", "measure_lines", "measure_problem"]

NOTHING = Measured(None, None, None, None, False)
# A point, its gradient and two vectors of the Lanczos iteration, in float64.
BYTES_PER_PARAMETER = 32
_T = TypeVar("_T")


def measure_problem(bounds: Bounds, shown: Progress) -> tuple[Measured, str | None]:
    """The measurement, or an empty one and a sentence that says why there is none."""
    needed = bounds.resolved.problem.network.parameter_count * BYTES_PER_PARAMETER
    memory = physical_memory_bytes()
    if memory is not None and needed > memory:
        return NOTHING, f"nothing could be measured: not enough memory, {needed / 2**30:.0f} GiB are needed"
    found, why = _attempt(lambda: _measure(bounds, shown), NOTHING)
    return found, None if why is None else f"nothing could be measured: {why}"


def measure_lines(
    bounds: Bounds, measured: Measured, shown: Progress
) -> tuple[dict[int, LineRatio], str | None]:
    """The slack of every line, or nothing and a sentence that says why."""
    nothing: dict[int, LineRatio] = {}
    found, why = _attempt(lambda: _slack(bounds, measured, shown), nothing)
    return found, None if why is None else f"the lines could not be evaluated: {why}"


def _attempt(work: Callable[[], _T], otherwise: _T) -> tuple[_T, str | None]:
    """A measurement decides nothing by failing, whatever goes wrong inside."""
    try:
        return work(), None
    except NumericsError as error:
        return otherwise, printable(error, 300)
    except OverflowError:
        return otherwise, "numbers beyond double precision"
    except MemoryError:
        return otherwise, "not enough memory"
    except Exception as error:
        # torch reports a failed allocation as a RuntimeError.
        if "allocate" in str(error) or "out of memory" in str(error):
            return otherwise, "not enough memory"
        first = str(error).strip().partition("\n")[0]
        return otherwise, f"{type(error).__name__}: {printable(first, 300)}"


def _measure(bounds: Bounds, shown: Progress) -> Measured:
    import torch

    from numerics.box import Box
    from numerics.measure import measure

    problem, resolved = bounds.resolved.problem, bounds.resolved
    stage = shown.stage("measuring")

    def tensor(exact: ExactTensor) -> torch.Tensor:
        return torch.from_numpy(exact.to_numpy())

    weights = _flat_weights(bounds)
    box = None
    if resolved.box is not None:
        box = Box(
            tuple(_float_below(s) for s in resolved.box.weight_norms),
            tuple(None if c is None else _float_below(c) for c in resolved.box.bias_norms),
        )
    data = resolved.data
    return measure(
        feed_forward(problem),
        problem.loss,
        None if data is None else tensor(data.inputs),
        None if data is None else tensor(data.targets),
        weights=weights,
        box=box,
        radius=None if problem.radius is None or weights is None else _float_below(problem.radius),
        generator=torch.Generator().manual_seed(problem.seed),
        random_points=problem.measure.random_points,
        ascent_steps=problem.measure.ascent_steps,
        input_norm=_float_below(resolved.input_norm),
        target_norm=math.inf if resolved.target_norm is None else _float_below(resolved.target_norm),
        progress=lambda done, total: stage.update(done),
    )


def _flat_weights(bounds: Bounds) -> torch.Tensor | None:
    """The given weights as one vector [P]."""
    import torch

    if bounds.resolved.weights is None:
        return None
    return torch.cat([torch.from_numpy(w.to_numpy()).reshape(-1) for w in bounds.resolved.weights])


def _float_below(value: Fraction) -> float:
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, 0.0)


def _slack(bounds: Bounds, measured: Measured, shown: Progress) -> dict[int, LineRatio]:
    """Every line evaluated where its hypotheses hold: in the box, at the weights, in the ball."""
    import torch

    from gradlemma.instances import instances_of
    from numerics.evidence import evaluate_lines

    problem = bounds.resolved.problem
    generator = torch.Generator().manual_seed(problem.seed + 1)
    places = {
        ReadingName.WORST_CASE: (measured.box_random, measured.box_ascent),
        ReadingName.AT_WEIGHTS: (measured.at_weights,),
        ReadingName.AT_RESIDUALS: (measured.at_weights,),
        ReadingName.BALL: (measured.ball,),
    }
    reference = _flat_weights(bounds)
    found: dict[int, LineRatio] = {}
    for name, reading in bounds.readings.items():
        stage = shown.stage(f"evaluating the lines of {name.value}")
        instances = instances_of(feed_forward(problem), problem.loss, places[name], reference, generator)
        refined = () if reading.refined is None else (reading.refined.theorem,)
        steps = steps_of(reading.gradient.theorem, reading.hessian.theorem, *refined)
        lines = evaluate_lines(steps, instances, progress=lambda done, _, s=stage: s.update(done))
        for number, line in lines.items():
            if number not in found or line.ratio < found[number].ratio or line.refuted:
                found[number] = line
    return found
