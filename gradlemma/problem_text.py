"""A problem as the text of a problem file: witnesses of a search are printed this way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.kernel.univariate import Univariate
from proofs.network import CATALOGUE, Activate, Dense, Network, activation

__all__ = ["problem_text"]


def problem_text(parts: Mapping[str, Any]) -> str:
    """The YAML text of a problem; every number is exact.

    Args:
        parts: `input`, `network`, `loss`, `weights`, `weight_norms`, `bias_norms`, `x`, `y`,
            `target_norm`, `radius`, as `numerics.search` gives them.
    """
    network: Network = parts["network"]
    lines = ["schema: 1", f"input: {{dim: {parts['input']['dim']}, norm: {parts['input']['norm']}}}"]
    if "y" in parts:
        lines.append(f"data: {{inline: {{x: {_flow(parts['x'])}, y: {_flow(parts['y'])}}}}}")
    lines.append("network:")
    lines += [f"  - {_layer(layer)}" for layer in network.layers]
    lines.append(f"loss: {parts['loss'].value if parts['loss'] is not None else 'half_mse'}")
    lines += ["weights:", "  values:", *(f"    - {_flow(tensor)}" for tensor in parts["weights"])]
    norms = f"weight_norms: {_flow(parts['weight_norms'])}, bias_norms: {_flow(parts['bias_norms'])}"
    lines.append(f"box: {{{norms}}}")
    if parts.get("target_norm") is not None:
        lines.append(f"targets: {{norm: {parts['target_norm']}}}")
    if parts.get("radius") is not None:
        lines.append(f"ball: {{radius: {parts['radius']}}}")
    return "\n".join(lines) + "\n"


def _flow(values: Any) -> str:
    return f"[{', '.join(map(_flow, values))}]" if isinstance(values, list) else str(values)


def _layer(layer: Dense | Activate) -> str:
    if isinstance(layer, Dense):
        return f"dense: {{width: {layer.width}{'' if layer.bias else ', bias: false'}}}"
    return f"activation: {_function(layer.activation)}"


def _function(function: Univariate) -> str:
    parameters = {key: str(value) for key, value in function.parameters}
    if function.name in CATALOGUE and activation(function.name, **parameters) == function:
        if not parameters:
            return function.name
        return f"{{{', '.join([f'name: {function.name}', *(f'{k}: {v}' for k, v in parameters.items())])}}}"
    raise ValueError(f"expected an activation of the catalogue but got {function.label()}")
