"""A problem as the text of a problem file: witnesses of a search are printed this way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, assert_never

from gradlemma.problem.expression import expression_text
from proofs.kernel.univariate import Univariate
from proofs.network import CATALOGUE, Activate, Dense, Loss, Network, activation

__all__ = ["ProblemParts", "problem_text"]


@dataclass(frozen=True, slots=True)
class ProblemParts:
    """What a problem file states; tensors as nested lists of exact texts, None for what it leaves out."""

    network: Network
    loss: Loss
    weights: Sequence[Any]
    x: Sequence[Any]
    y: Sequence[Any]
    input_norm: Fraction | None = None
    target_norm: Fraction | None = None
    weight_norms: tuple[Fraction, ...] | None = None
    bias_norms: tuple[Fraction | None, ...] = ()
    radius: Fraction | None = None
    refine: bool = False


def problem_text(parts: ProblemParts, comments: Sequence[str] = ()) -> str:
    """The YAML text of a problem after some lines of comment; every number is exact."""
    lines = [*(f"# {line}" for line in comments), "schema: 1"]
    norm = "from-data" if parts.input_norm is None else parts.input_norm
    lines.append(f"input: {{dim: {parts.network.input_dim}, norm: {norm}}}")
    lines.append(f"data: {{inline: {{x: {_flow(parts.x)}, y: {_flow(parts.y)}}}}}")
    lines.append("network:")
    lines += [f"  - {_layer(layer)}" for layer in parts.network.layers]
    lines.append(f"loss: {_loss(parts.loss)}")
    if parts.refine:
        lines.append("refine: true")
    lines += ["weights:", "  values:", *(f"    - {_flow(tensor)}" for tensor in parts.weights)]
    if parts.weight_norms is not None:
        shifts = [0 if c is None else c for c in parts.bias_norms]
        lines.append(f"box: {{weight_norms: {_flow(parts.weight_norms)}, bias_norms: {_flow(shifts)}}}")
    if parts.target_norm is not None:
        lines.append(f"targets: {{norm: {parts.target_norm}}}")
    if parts.radius is not None:
        lines.append(f"ball: {{radius: {parts.radius}}}")
    return "\n".join(lines) + "\n"


def _flow(values: Any) -> str:
    return f"[{', '.join(map(_flow, values))}]" if isinstance(values, list | tuple) else str(values)


def _layer(layer: Dense | Activate) -> str:
    match layer:
        case Dense(width=width, bias=bias):
            return f"dense: {{width: {width}{'' if bias else ', bias: false'}}}"
        case Activate(activation=function):
            return f"activation: {_function(function)}"
        case _:
            assert_never(layer)


def _function(function: Univariate) -> str:
    parameters = {key: str(value) for key, value in function.parameters}
    if function.name in CATALOGUE and activation(function.name, **parameters) == function:
        inside = "".join(f", {key}: {value}" for key, value in parameters.items())
        return f"{{name: {function.name}{inside}}}" if inside else function.name
    entries = [f"name: {function.name}", f"pieces: [{', '.join(_pieces(function))}]"]
    if function.period is not None:
        entries.append(f"period: {function.period.length}")
        entries += [f"drift: {function.period.drift}"] if function.period.drift else []
        entries += ["unit: pi"] if function.period.in_pi else []
    if function.values:
        entries.append(f"values: {{{', '.join(f'{point}: {value}' for point, value in function.values)}}}")
    return f"{{{', '.join(entries)}}}"


def _pieces(function: Univariate) -> list[str]:
    found: list[str] = []
    for piece in function.pieces:
        ends = [] if piece.lower is None else [f"from: {piece.lower}"]
        ends += [] if piece.upper is None else [f"to: {piece.upper}"]
        found.append(f"{{{', '.join([*ends, f'is: {_quoted(expression_text(piece.expression))}'])}}}")
    return found


def _quoted(text: str) -> str:
    # Expressions hold letters, digits and operators only.
    return f'"{text}"'


def _loss(loss: Loss) -> str:
    inside = ", ".join(f"{key}: {value}" for key, value in loss.parameters)
    return f"{{{loss.kind.value}: {{{inside}}}}}" if inside else loss.kind.value
