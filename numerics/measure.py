"""The largest gradients and Hessians that can be found at weights, in a box and in a ball."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from numerics.ascent import Progress
from numerics.box import Box, check_box, project
from numerics.checks import check_data, check_free, check_weights
from numerics.records import Measured, Place
from numerics.regions import Fixed, InBall, InBox
from numerics.session import Best, Session, place_of
from numerics.threads import threads_for
from proofs.network import Loss, Network

__all__ = ["measure"]


def measure(
    network: Network,
    loss: Loss,
    x: Tensor | None,
    y: Tensor | None,
    *,
    weights: Tensor | None = None,
    box: Box | None = None,
    radius: float | None = None,
    generator: torch.Generator,
    random_points: int = 16,
    ascent_steps: int = 40,
    input_norm: float | None = None,
    target_norm: float = 0.0,
    progress: Progress | None = None,
) -> Measured:
    """Search each place that applies for the largest gradients and Hessians of the loss.

    Places: at `weights`; random points of `box`; ascents in `box` from the best of them and from
    the projected weights; random points and ascents in the ball of `radius` about `weights`.

    With data x [N, d], y [N, out] the loss is their mean.  Without (x None) each point is looked at
    with one sample, ||x|| <= input_norm and y one-hot or ||y|| <= target_norm: a mean over several
    samples has norms at most the largest of theirs, so one sample loses nothing.

    Args:
        network: the network, P parameters.
        loss: the loss of one sample.
        x: inputs, float64, or None.
        y: targets, float64; probability vectors for cross-entropy; None with x.
        weights: [P], float64, or None.
        box: norms of the dense layers, or None.
        radius: of the ball, or None.
        generator: the source of all randomness.
        random_points: draws in each place.
        ascent_steps: steps at most of an ascent; each place has nine of them and 18 of a quarter's length.
        input_norm: needed without data.
        target_norm: used without data by the squared losses.
        progress: called with (done, total).

    Returns:
        Lower estimates of the suprema, each attained at the point beside it.

    Raises:
        NumericsError: if shapes, dtypes or norms do not fit, or numbers are not finite.
    """
    data = check_data(network, loss, x, y)
    free = None if data is not None else check_free(input_norm, target_norm)
    weights = None if weights is None else check_weights(network, weights)
    if box is not None:
        check_box(network, box)
    in_ball = InBall(weights, radius) if weights is not None and radius is not None else None
    session = Session(network, loss, data, free, generator, ascent_steps, lambda _more: None)
    searched = random_points + session.climb_cost()
    total = (in_ball is not None) * searched
    if weights is not None:
        total += 1 if data is not None else searched
    if box is not None:
        total += searched + (weights is not None)
    session.report = _counter(progress, total)
    at_weights = box_random = box_ascent = ball = None
    samples = 1 if data is None else data[0].shape[0]
    with threads_for(samples * sum(network.widths())):
        if weights is not None:
            at_weights = _measure_at(session, weights, random_points)
        if box is not None:
            box_random, box_ascent = _measure_box(session, box, weights, random_points)
        if in_ball is not None:
            ball = _measure_ball(session, in_ball, random_points)
    return Measured(at_weights, box_random, box_ascent, ball, session.stopped)


def _measure_at(session: Session, weights: Tensor, random_points: int) -> Place | None:
    best = Best()
    if session.data is not None:
        session.look_at(best, [lambda: session.with_samples(weights)])
        return place_of(best)
    session.look_at(best, [lambda: session.with_samples(weights)] * random_points)
    session.climb(best, Fixed(weights))
    return place_of(best)


def _measure_box(
    session: Session, box: Box, weights: Tensor | None, random_points: int
) -> tuple[Place | None, Place | None]:
    drawn = Best()
    session.look_at(drawn, [lambda: session.draw(InBox(box))] * random_points)
    climbed = Best(list(drawn.pool), drawn.points, drawn.skipped, drawn.not_finite)
    if weights is not None:
        inside = project(session.network, box, weights)
        session.look_at(climbed, [lambda: session.with_samples(inside)])
    session.climb(climbed, InBox(box))
    return place_of(drawn), place_of(climbed)


def _measure_ball(session: Session, region: InBall, random_points: int) -> Place | None:
    best = Best()
    points = [lambda: session.with_samples(region.center)]
    points += [lambda: session.draw(region)] * max(random_points - 1, 0)
    session.look_at(best, points)
    session.climb(best, region)
    return place_of(best)


def _counter(progress: Progress | None, total: int) -> Callable[[int], None]:
    done = 0

    def report(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None and more:
            progress(done, total)

    return report
