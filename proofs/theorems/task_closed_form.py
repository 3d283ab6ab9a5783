"""The leading difference C of task arithmetic in closed form, for given tasks and a given network.

    at the start:    C = k (k - 1) / 2 sum_t H_t r_t                                at theta0,
    along the path:  C = sum_t sum_{e=1}^{k-1} H_t(x_e) sum_{m<e} r_t(x_m),

r_t = alpha sum_u g_u - g_t, x_0 = theta0, x_{e+1} = x_e - alpha eta sum_u g_u(x_e).  Activations with
kinks are replaced by the pieces that count at a given point, so that the form holds where the points
of the run have the same activation patterns; `ClosedForm.values` checks that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.map_numbers import to_fraction
from proofs.kernel.map_values import Point, coordinates
from proofs.kernel.maps import Map, blocks_of, size_of
from proofs.kernel.patterns import case_at, conditions_of, first_kinked
from proofs.network import Architecture, Loss, Network
from proofs.network.lowering_losses import loss_on

from .scalar_graph import Graph, Linear, Node, map_graph

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ALPHA", "ETA", "ClosedForm", "Definition", "Task", "closed_form"]

ALPHA, ETA = "alpha", "eta"
MOST_TERMS = 20_000
Number = Fraction | int


@dataclass(frozen=True, slots=True)
class Task:
    """The samples of one task: N rows of inputs and of targets."""

    inputs: tuple[tuple[Number, ...], ...]
    targets: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A subexpression that is printed once: its number in the graph."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """C, one entry for every coordinate of theta, in the order of `names`.

    places: block and number of the entry of every coordinate; shapes: of the blocks; entries: nodes of
    the graph; guards: what has to be > 0 for the chosen pieces to count at x_0, ..., x_{k-1};
    has_step: whether eta occurs.
    """

    graph: Graph
    names: tuple[str, ...]
    places: tuple[tuple[str, int], ...]
    shapes: Mapping[str, tuple[int, ...]]
    entries: tuple[int, ...]
    guards: tuple[int, ...]
    has_step: bool

    @property
    def size(self) -> int:
        """The number of sums, products and calls."""
        return len(self.graph.below(self.entries))

    def definitions(self) -> tuple[Definition, ...]:
        """The subexpressions that occur more than once, parts first, numbers and variables left out."""
        graph, counts = self.graph, dict[int, int]()
        order = graph.below(self.entries)
        for number in order:
            for part in graph.parts(number):
                counts[part] = counts.get(part, 0) + 1
        for entry in self.entries:
            counts[entry] = counts.get(entry, 0) + 1
        shared = [n for n in order if counts.get(n, 0) > 1 and graph.parts(n) and not self._is_multiple(n)]
        return tuple(Definition(f"v{place}", number) for place, number in enumerate(shared, start=1))

    def _is_multiple(self, number: int) -> bool:
        node: Node = self.graph.nodes[number]
        return isinstance(node, Linear) and not node.constant and len(node.terms) == 1

    def values(
        self, parameters: Mapping[str, Any], alpha: float, eta: float = 0.0, *, checked: bool = True
    ) -> np.ndarray:
        """C in double precision.

        Args:
            parameters: the entries of every block of theta0, an array each.
            alpha: the factor of task arithmetic.
            eta: the step size, for a form along the path.
            checked: refuse where a point of the run leaves the activation patterns of the form.

        Raises:
            GradlemmaError: for missing blocks, or another activation pattern.
        """
        import numpy as np

        given: dict[str, float] = {ALPHA: alpha, ETA: eta}
        for name, (block, number) in zip(self.names, self.places, strict=True):
            if block not in parameters:
                raise GradlemmaError(f"expected the entries of {block}")
            given[name] = float(np.asarray(parameters[block], dtype=np.float64).reshape(-1)[number])
        guards = self.guards if checked else ()
        found = self.graph.read([*self.entries, *guards], _Floats(given))
        if any(not guard > 0 for guard in found[len(self.entries) :]):
            raise GradlemmaError(
                "a point of the run has another activation pattern than the closed form: take the form at "
                "this point, a smaller eta, or one whose run stays within the pieces"
            )
        return np.array(found[: len(self.entries)], dtype=np.float64)

    def polynomials(self) -> tuple[tuple[str, ...], list[fmpq_mpoly]]:
        """The entries as polynomials over Q in the coordinates, alpha and eta.

        Returns:
            The names of the generators, and the entries.

        Raises:
            GradlemmaError: for a form that is no polynomial, or one of too many terms.
        """
        symbols = (*self.names, ALPHA, *((ETA,) if self.has_step else ()))
        context = fmpq_mpoly_ctx.get([f"x{n}" for n in range(len(symbols))], Ordering.degrevlex)
        gens = dict(zip(symbols, context.gens(), strict=True))
        return symbols, self.graph.read(list(self.entries), _Polynomials(context, gens))


def closed_form(
    network: Network | Architecture,
    loss: Loss,
    tasks: Sequence[Task],
    steps: int,
    *,
    along_path: bool = False,
    pattern_at: Point | None = None,
) -> ClosedForm:
    """C for the tasks' mean losses and k steps.

    Args:
        network: the network.
        loss: the loss of a sample.
        tasks: the samples of every task.
        steps: k.
        along_path: along the multi-task run instead of at its start; the form then depends on eta.
        pattern_at: a rational point whose activation patterns count, for activations with kinks.

    Raises:
        GradlemmaError: for k < 1, no task, kinks without a point, or a form that is too large.
    """
    if steps < 1 or not tasks:
        raise GradlemmaError(f"expected at least one task and one step but got {len(tasks)} and {steps}")
    architecture = network if isinstance(network, Architecture) else Architecture.of_network(network)
    losses = [_smooth(loss_on(architecture, loss, t.inputs, t.targets), pattern_at) for t in tasks]
    places = coordinates(losses[0])
    if any(coordinates(one) != places for one in losses):
        raise GradlemmaError("expected tasks whose losses depend on the same parameters")
    shapes = {block.name: block.extents for block in blocks_of(losses[0])}
    work = _Work(Graph(), losses, tuple(places), shapes)
    start: list[dict[str, int]] = [{}]
    entries, points = work.path(steps) if along_path else (work.start(steps), start)
    guards = [guard for images in points for guard in work.graph.replaced(work.guards(), images)]
    return ClosedForm(work.graph, work.names, work.places, shapes, tuple(entries), tuple(guards), along_path)


def _smooth(loss: Map, point: Point | None) -> Map:
    if first_kinked(loss) is None:
        return loss
    if point is None:
        raise GradlemmaError("expected `pattern_at`, a point whose activation patterns count")
    try:
        return case_at(loss, point)
    except KernelError as error:
        raise GradlemmaError(f"no activation pattern can be told at this point: {error}") from error


class _Work:
    """The gradients of the tasks' losses, and their Hessians along a direction, as nodes."""

    def __init__(
        self,
        graph: Graph,
        losses: Sequence[Map],
        places: tuple[tuple[str, int], ...],
        shapes: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.graph, self.places, self._losses = graph, places, losses
        self._shapes = shapes
        self.names = tuple(self._name(block, number) for block, number in places)
        sizes = {name: size_of(shape) for name, shape in shapes.items()}
        self._maps = [map_graph(graph, loss, self._name, sizes) for loss in losses]
        self.gradients = [
            graph.gradient(found[loss][0], self.names) for found, loss in zip(self._maps, losses, strict=True)
        ]
        self._direction = {name: graph.variable(f"d.{name}") for name in self.names}
        self.bends = [graph.along(gradient, self._direction) for gradient in self.gradients]

    def _name(self, block: str, number: int) -> str:
        """W1_2_1: the block and the row and column of the entry, from 1; c_1 for a number c."""
        parts = [] if self._shapes[block] else ["1"]
        for extent in reversed(self._shapes[block]):
            number, place = divmod(number, extent)
            parts.append(str(place + 1))
        return "_".join([block, *reversed(parts)])

    def guards(self) -> list[int]:
        """Sign * (argument - end) of every chosen piece, which is > 0 where the piece counts."""
        found: dict[int, None] = {}
        for loss, maps in zip(self._losses, self._maps, strict=True):
            for condition in conditions_of(loss):
                argument = maps[condition.argument][condition.number]
                sign = Fraction(condition.sign)
                found[self.graph.linear(-sign * to_fraction(condition.end), [(argument, sign)])] = None
        return list(found)

    def _rests(self, images: Mapping[str, int]) -> tuple[list[int], list[list[int]]]:
        """sum_u g_u and r_t at a point."""
        graph = self.graph
        slopes = [graph.replaced(gradient, images) for gradient in self.gradients]
        total = [graph.add(*column) for column in zip(*slopes, strict=True)]
        alpha = graph.variable(ALPHA)
        rests = [
            [
                graph.linear(Fraction(0), [(graph.times(alpha, s), Fraction(1)), (g, Fraction(-1))])
                for s, g in zip(total, slope, strict=True)
            ]
            for slope in slopes
        ]
        return total, rests

    def _bent(self, task: int, images: Mapping[str, int], vector: Sequence[int]) -> list[int]:
        """H_t v at a point."""
        directions = {f"d.{name}": value for name, value in zip(self.names, vector, strict=True)}
        return self.graph.replaced(self.bends[task], {**images, **directions})

    def start(self, steps: int) -> list[int]:
        """K (k - 1) / 2 sum_t H_t r_t."""
        graph = self.graph
        _, rests = self._rests({})
        bent = [self._bent(task, {}, rest) for task, rest in enumerate(rests)]
        factor = Fraction(steps * (steps - 1), 2)
        return [
            graph.linear(Fraction(0), [(graph.add(*column), factor)]) for column in zip(*bent, strict=True)
        ]

    def path(self, steps: int) -> tuple[list[int], list[dict[str, int]]]:
        """C along the run, and the points x_0, ..., x_{k-1}."""
        graph = self.graph
        rate = graph.times(graph.variable(ALPHA), graph.variable(ETA))
        zero = graph.number(0)
        images: dict[str, int] = {}
        points = [images]
        drifts = [[zero] * len(self.names) for _ in self._losses]
        result = [zero] * len(self.names)
        for _ in range(1, steps):
            total, rests = self._rests(images)
            drifts = [
                [graph.add(d, r) for d, r in zip(drift, rest, strict=True)]
                for drift, rest in zip(drifts, rests, strict=True)
            ]
            here = [images.get(name, graph.variable(name)) for name in self.names]
            moved = [
                graph.linear(Fraction(0), [(x, Fraction(1)), (graph.times(rate, s), Fraction(-1))])
                for x, s in zip(here, total, strict=True)
            ]
            images = dict(zip(self.names, moved, strict=True))
            points.append(images)
            for task, drift in enumerate(drifts):
                bent = self._bent(task, images, drift)
                result = [graph.add(c, b) for c, b in zip(result, bent, strict=True)]
        return result, points


# -- readings ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Floats:
    """Double precision."""

    given: Mapping[str, float]

    def variable(self, name: str) -> float:
        return self.given[name]

    def linear(self, constant: Fraction, terms: Sequence[tuple[float, Fraction]]) -> float:
        return float(constant) + sum(value * float(factor) for value, factor in terms)

    def product(self, factors: Sequence[tuple[float, int]]) -> float:
        return math.prod(value**exponent for value, exponent in factors)

    def call(self, name: str, value: float) -> float:
        match name:
            case "exp" | "tanh" | "sin" | "cos" | "sqrt" | "log":
                return float(getattr(math, name)(value))
            case "sigmoid":
                small = math.exp(-abs(value))
                return 1 / (1 + small) if value >= 0 else small / (1 + small)
            case "softplus":
                return max(value, 0.0) + math.log1p(math.exp(-abs(value)))
            case "normal_cdf":
                return math.erfc(-value / math.sqrt(2)) / 2
            case "normal_pdf":
                return math.exp(-value * value / 2) / math.sqrt(2 * math.pi)
            case "inverse":
                return 1 / value
            case "pi":
                return math.pi
            case _:
                raise GradlemmaError(f"no value is known for {name}")


@dataclass(frozen=True, slots=True)
class _Polynomials:
    """Polynomials over Q."""

    context: fmpq_mpoly_ctx
    gens: Mapping[str, fmpq_mpoly]

    def variable(self, name: str) -> fmpq_mpoly:
        return self.gens[name]

    def linear(self, constant: Fraction, terms: Sequence[tuple[fmpq_mpoly, Fraction]]) -> fmpq_mpoly:
        total = self.context.constant(to_fmpq(constant))
        for value, factor in terms:
            total = total + value * to_fmpq(factor)
        return self._checked(total)

    def product(self, factors: Sequence[tuple[fmpq_mpoly, int]]) -> fmpq_mpoly:
        total = self.context.constant(fmpq(1))
        for value, exponent in factors:
            for _ in range(exponent):
                if len(total) * len(value) > MOST_TERMS * 100:
                    self._refuse()
                total = self._checked(total * value)
        return total

    def call(self, name: str, value: fmpq_mpoly) -> fmpq_mpoly:
        raise GradlemmaError(
            f"expected polynomial pieces but the form holds {name}; its definitions are printed"
        )

    def _checked(self, value: fmpq_mpoly) -> fmpq_mpoly:
        if len(value) > MOST_TERMS:
            self._refuse()
        return value

    def _refuse(self) -> None:
        raise GradlemmaError(
            f"the expanded form has more than {MOST_TERMS} terms: take the form at the start, fewer steps, "
            "or its definitions"
        )
