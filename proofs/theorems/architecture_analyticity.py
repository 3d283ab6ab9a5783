"""Which layers of an architecture meet the conditions of the layered and of the scalar route, and why.

A condition is `met` because of a theorem, which is at hand; the loss is covered by a route if all
conditions are met or not needed and the theorem about the mean loss of any data set is derived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import Entry, Map, MeanOf, Opaque, ParameterBlock, parts_of
from proofs.kernel.rules.analytic import PiecewiseByPieces
from proofs.kernel.rules.zeros import IndependentByForm
from proofs.network import Architecture, Loss
from proofs.network.architecture_places import PlacedLayer, walk_layers
from proofs.network.lowering import lower
from proofs.network.lowering_losses import lower_loss, sample_data

from .map_analyticity import Analyticity, NotCovered, Route, affine_of, opaque_reason

__all__ = ["ArchitectureAnalyticity", "LayerCondition", "RouteReport", "Status", "architecture_analyticity"]


class Status(Enum):
    """Whether a hypothesis of a route holds for a layer."""

    MET = "met"
    NOT_MET = "not met"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class LayerCondition:
    """One hypothesis at one layer.

    theorem: why it is met; None otherwise.
    """

    layer: str
    condition: str
    status: Status
    reason: str
    theorem: Theorem | None = None


@dataclass(frozen=True, slots=True)
class RouteReport:
    """What a route says about the loss.

    theorem: that the mean loss over any data set is almost everywhere analytic; None if not covered.
    """

    route: Route
    conditions: tuple[LayerCondition, ...]
    theorem: Theorem | None
    reason: str

    @property
    def covers(self) -> bool:
        return self.theorem is not None


@dataclass(frozen=True, slots=True)
class ArchitectureAnalyticity:
    """The two routes for one architecture and loss; `loss` is the mean over arbitrary data."""

    loss: Map
    layered: RouteReport
    scalar: RouteReport

    @property
    def routes(self) -> tuple[RouteReport, RouteReport]:
        return self.layered, self.scalar


@dataclass(frozen=True, slots=True)
class _Step:
    """A layer, or the loss: the map before it and after it, the maps that it adds, and its tensors."""

    label: str
    before: Map
    after: Map
    own: tuple[Map, ...]
    placed: PlacedLayer | None

    def functions(self) -> list[Entry | Opaque]:
        """The functions that the layer applies, arguments first."""
        return [node for node in self.own if isinstance(node, Entry | Opaque)]


def architecture_analyticity(architecture: Architecture, loss: Loss) -> ArchitectureAnalyticity:
    """The conditions of both routes, layer by layer, and the theorems where they hold.

    The data are arbitrary: any inputs and targets, any number of samples.
    """
    x, y = sample_data(architecture)
    steps = list(_steps(architecture, loss, x, y))
    mean = MeanOf((x, y), steps[-1].after)
    frozen = {tensor.name for tensor in architecture.frozen()}
    return ArchitectureAnalyticity(mean, _layered(steps, mean, frozen), _scalar(steps, mean))


def _steps(architecture: Architecture, loss: Loss, x: Map, y: Map) -> Iterator[_Step]:
    lowered = lower(architecture, x)
    placed = list(walk_layers(architecture.placed()))
    before, seen = x, {x}
    for one, (label, after) in zip(placed, lowered.nodes, strict=True):
        yield _Step(label, before, after, _added(after, seen), one)
        before = after
    value = lower_loss(loss, lowered.output, y)
    yield _Step(f"loss: {loss.label()}", lowered.output, value, _added(value, seen), None)


def _added(root: Map, seen: set[Map]) -> tuple[Map, ...]:
    """The maps below the root that were not seen, parts first; they count as seen from now on."""
    found: list[Map] = []
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            found.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((part, False) for part in reversed(parts_of(node)))
    return tuple(found)


def _report(
    route: Route, conditions: list[LayerCondition], analyticity: Analyticity, mean: Map
) -> RouteReport:
    missing = next((c for c in conditions if c.status is Status.NOT_MET), None)
    if missing is not None:
        return RouteReport(route, tuple(conditions), None, f"not covered: {missing.reason} ({missing.layer})")
    try:
        theorem = analyticity.almost_everywhere(mean)
    except NotCovered as error:
        return RouteReport(route, tuple(conditions), None, f"not covered: {error.reason}")
    return RouteReport(route, tuple(conditions), theorem, "every condition is met or not needed")


# -- the scalar route -----------------------------------------------------------------------------


def _scalar(steps: list[_Step], mean: Map) -> RouteReport:
    analyticity = Analyticity(Route.SCALAR)
    conditions: list[LayerCondition] = []
    for step in steps:
        conditions += _scalar_functions(step)
        conditions.append(_analytic_step(step, analyticity))
        if step.placed is not None and step.placed.tensors:
            reason = "parameters may be used any number of times, or not be trained"
            conditions.append(
                LayerCondition(step.label, "parameters fresh (c2)", Status.NOT_NEEDED, reason)
            )
    return _report(Route.SCALAR, conditions, analyticity, mean)


def _scalar_functions(step: _Step) -> Iterator[LayerCondition]:
    condition = "kinks locally finite"
    seen: set[object] = set()
    for node in step.functions():
        if isinstance(node, Opaque):
            yield LayerCondition(step.label, condition, Status.NOT_MET, opaque_reason(node))
        elif node.function not in seen:
            seen.add(node.function)
            yield _piecewise(step.label, condition, node)


def _piecewise(label: str, condition: str, node: Entry) -> LayerCondition:
    name = node.function.label()
    try:
        theorem = infer(PiecewiseByPieces(node.function))
    except KernelError as error:
        return LayerCondition(label, condition, Status.NOT_MET, f"{name}: {error}")
    return LayerCondition(label, condition, Status.MET, f"{name}: {_kinks(node)}", theorem)


def _kinks(node: Entry) -> str:
    function = node.function
    if function.is_analytic:
        return "no kinks, analytic on R"
    count = len(getattr(function, "kinks", ()))
    plural = "kink" if count == 1 else "kinks"
    return f"{count} {plural}{' in every period' if getattr(function, 'period', None) else ''}"


def _analytic_step(step: _Step, analyticity: Analyticity) -> LayerCondition:
    condition = "almost everywhere analytic after this layer"
    try:
        theorem = analyticity.almost_everywhere(step.after)
    except NotCovered as error:
        return LayerCondition(step.label, condition, Status.NOT_MET, error.reason)
    kinked = any(isinstance(n, Opaque) or not n.function.is_analytic for n in step.functions())
    reason = "by the scalar composition lemma (AEA-6)" if kinked else "analytic operations (AEA-2)"
    return LayerCondition(step.label, condition, Status.MET, reason, theorem)


# -- the layered route ----------------------------------------------------------------------------


def _layered(steps: list[_Step], mean: Map, frozen: set[str]) -> RouteReport:
    analyticity = Analyticity(Route.LAYERED)
    conditions: list[LayerCondition] = []
    for step in steps:
        conditions += _fresh(step, frozen)
        for node in _outer_functions(step):
            conditions += _function_conditions(step.label, node, analyticity)
        if not any(c.layer == step.label and c.status is Status.NOT_MET for c in conditions):
            conditions += _split(step, analyticity)
    return _report(Route.LAYERED, _distinct(conditions), analyticity, mean)


def _distinct(conditions: list[LayerCondition]) -> list[LayerCondition]:
    """Without those that say the same again, such as for every comparison of a pooling layer."""
    found: dict[tuple[str, str, str], LayerCondition] = {}
    for condition in conditions:
        found.setdefault((condition.layer, condition.condition, condition.reason), condition)
    return list(found.values())


def _outer_functions(step: _Step) -> list[Entry | Opaque]:
    """The functions that AEA-1 speaks of: with kinks, without formula, or a layer of a trained affine map."""
    return [
        node
        for node in step.functions()
        if isinstance(node, Opaque)
        or not node.function.is_analytic
        or (step.placed is not None and affine_of(node.of) is not None)
    ]


def _fresh(step: _Step, frozen: set[str]) -> Iterator[LayerCondition]:
    condition = "parameters trained and fresh (c2)"
    if step.placed is None:
        return
    for tensor in step.placed.tensors:
        if tensor.name in frozen:
            reason = f"{tensor.name} is not trained"
            yield LayerCondition(step.label, condition, Status.NOT_MET, reason)
            continue
        try:
            theorem = infer(IndependentByForm(step.before, ParameterBlock(tensor.name, tensor.shape)))
        except KernelError:
            reason = f"parameter {tensor.name} used twice"
            yield LayerCondition(step.label, condition, Status.NOT_MET, reason)
            continue
        if _uses(step, tensor.name) > 1:
            reason = f"parameter {tensor.name} used twice"
            yield LayerCondition(step.label, condition, Status.NOT_MET, reason)
            continue
        reason = f"{tensor.name} occurs nowhere before"
        yield LayerCondition(step.label, condition, Status.MET, reason, theorem)


def _uses(step: _Step, name: str) -> int:
    """In how many maps of the layer the block is a part."""
    return sum(
        isinstance(part, ParameterBlock) and part.name == name
        for node in step.own
        for part in parts_of(node)
    )


def _why_outer(node: Entry | Opaque) -> str:
    if isinstance(node, Opaque):
        return "assumed of the given map"
    return "analytic" if node.function.is_analytic else "analytic off the planes t_i = kink"


def _function_conditions(
    label: str, node: Entry | Opaque, analyticity: Analyticity
) -> Iterator[LayerCondition]:
    name = node.name if isinstance(node, Opaque) else node.function.label()
    try:
        outer = analyticity.outer_analytic(node)
        assumed = _why_outer(node)
        yield LayerCondition(
            label, "function almost everywhere analytic on R^n (c1)", Status.MET, f"{name}: {assumed}", outer
        )
    except NotCovered as error:
        yield LayerCondition(
            label, "function almost everywhere analytic on R^n (c1)", Status.NOT_MET, error.reason
        )
    condition = "argument W h or W h + b, onto where h is not 0 (c2)"
    try:
        rank = analyticity.rank(node)
    except NotCovered as error:
        yield LayerCondition(label, condition, Status.NOT_MET, f"{name}: {error.reason}")
        return
    affine = affine_of(node.of)
    least = "|h|^2 I" if affine is None or affine.bias is None else "I, by the bias"
    yield LayerCondition(label, condition, Status.MET, f"J J^T >= {least}", rank)


def _split(step: _Step, analyticity: Analyticity) -> Iterator[LayerCondition]:
    functions = _outer_functions(step)
    condition = "bad points, nice zeros, nice non-zeros (c3)" if functions else "analytic operations (AEA-2)"
    try:
        theorem = analyticity.almost_everywhere(step.after)
    except NotCovered as error:
        reason = f"not covered up to here: {error.reason}"
        yield LayerCondition(step.label, condition, Status.NOT_MET, reason)
        return
    if not functions:
        reason = "sums, products and analytic functions of almost everywhere analytic maps"
    elif all((affine := affine_of(node.of)) is not None and affine.bias is not None for node in functions):
        reason = "with a trained bias there are no zeros to split off"
    else:
        reason = "the three sets are split, the boundary of the zero set of h is null"
    yield LayerCondition(step.label, condition, Status.MET, reason, theorem)
