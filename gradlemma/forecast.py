"""How long a check will take and how much memory it needs, before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from gradlemma.problem import Problem, bounds_refusal, feed_forward

__all__ = ["Forecast", "duration", "forecast"]

# Fitted to runs of 64-32-16-10 and 64-256-256-10 networks on 1797 samples; good to a factor of 3.
BASE_S, BASE_MIB = 6.0, 450.0
SECONDS_PER_NODE_VALUE, MIB_PER_NODE_VALUE = 30e-6, 1.1e-3
SECONDS_PER_PARAMETER_SAMPLE = 0.4e-6
SECONDS_PER_GROUP_SQUARED = 1.5e-3
DEFAULT_EFFORT = 46.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Estimated seconds and memory in MiB."""

    seconds: float
    memory_mib: float

    def sentence(self) -> str:
        """A line for people.

        >>> Forecast(75.0, 1500.0).sentence()
        'forecast: about 1.2 min and 1.5 GiB'
        """
        return f"forecast: about {duration(self.seconds)} and {self.memory_mib / 1024:.1f} GiB"


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(0.2), duration(75.0), duration(9000.0)
    ('1 s', '1.2 min', '2.5 h')
    """
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def forecast(problem: Problem) -> Forecast:
    """An estimate from the sizes: node values enclosed in balls, products measured by autograd."""
    if bounds_refusal(problem) is not None:
        return Forecast(1.0, BASE_MIB)
    network = feed_forward(problem)
    count = 1 if problem.samples is None else problem.samples.count
    values = 0
    if problem.samples is not None and problem.weights is not None:
        values = count * sum(network.widths()[1:])
    effort = (problem.measure.random_points + problem.measure.ascent_steps) / DEFAULT_EFFORT
    products = network.parameter_count * count * effort
    seconds = (
        BASE_S
        + SECONDS_PER_NODE_VALUE * values
        + SECONDS_PER_PARAMETER_SAMPLE * products
        + SECONDS_PER_GROUP_SQUARED * network.depth**2
    )
    return Forecast(seconds, BASE_MIB + MIB_PER_NODE_VALUE * values)
