"""Witnesses as text: sentences, Python snippets and the parts of problem files."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from numerics.search.batches import Instance
from numerics.search.settings import NetworkSetting, loss_name
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.univariate import Expression, Univariate
from proofs.network import CATALOGUE, Activate, Dense, Network, activation

__all__ = [
    "bounds_snippet", "describe_instance", "function_python", "network_python", "nested", "problem_of",
    "tensor_python",
]  # fmt: skip


def nested(tensor: ExactTensor) -> list[Any]:
    """The entries as nested lists of texts."""
    entries = [str(entry) for entry in tensor.fractions()]
    if len(tensor.shape) == 1:
        return entries
    width = tensor.shape[1]
    return [entries[i : i + width] for i in range(0, len(entries), width)]


def describe_instance(setting: NetworkSetting, instance: Instance) -> str:
    """`1-1, half_mse, ...; W1 = [[2]], x = [[1]], y = [[-1]]`."""
    shown = [f"{name} = {_plain(tensor)}" for name, tensor in instance.items()]
    return f"{setting.describe()}; {', '.join(shown)}"


def _plain(tensor: ExactTensor) -> str:
    return str(nested(tensor)).replace("'", "")


def tensor_python(tensor: ExactTensor) -> str:
    return f"tensor({nested(tensor)!r})"


def function_python(function: Univariate) -> str:
    """A Python expression for the function: its name, a call of `activation`, or of `piecewise`."""
    parameters = {key: str(value) for key, value in function.parameters}
    if function.name in CATALOGUE and activation(function.name, **parameters) == function:
        inside = "".join(f", {key}={value!r}" for key, value in parameters.items())
        return f"activation({function.name!r}{inside})"
    kinks = ", ".join(_fraction(kink) for kink in function.kinks)
    parts = ", ".join(_expression(piece.expression) for piece in function.pieces)
    return f"piecewise({function.name!r}, {{}}, [{kinks}], [{parts}])"


def _fraction(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"Fraction({str(value)!r})"


def _expression(expression: Expression) -> str:
    """A polynomial as Python over `argument` and `constant`; random pieces are polynomials."""
    if any(calls for (_, calls), _ in expression.terms):
        raise ValueError("expected pieces that are polynomials")
    terms = [
        f"constant({_fraction(c)})" if degree == 0 else f"argument().power({degree}).scaled({_fraction(c)})"
        for (degree, _), c in expression.terms
    ]
    return " + ".join(terms) or "constant(0)"


def network_python(network: Network) -> str:
    """`Network.of(1, Dense(1, bias=False), activation("relu"), ...)`."""
    parts = [str(network.input_dim)]
    for layer in network.layers:
        if isinstance(layer, Dense):
            parts.append(f"Dense({layer.width})" if layer.bias else f"Dense({layer.width}, bias=False)")
        else:
            parts.append(function_python(layer.activation))
    return f"Network.of({', '.join(parts)})"


def imports_for(network: Network) -> list[str]:
    """The import lines that `network_python` and `function_python` need."""
    functions = [layer.activation for layer in network.layers if isinstance(layer, Activate)]
    pieces = any("piecewise(" in function_python(function) for function in functions)
    found = ["from fractions import Fraction", ""]
    if pieces:
        found.append("from proofs.kernel.univariate import argument, constant, piecewise")
    return [*found, "from proofs.network import Dense, Network, activation, loss_named"]


def title(statement: str, dropped: str | None) -> str:
    """`BND-1 without weight-norms`."""
    return statement if dropped is None else f"{statement} without {dropped}"


def bounds_snippet(
    statement: str,
    dropped: str | None,
    setting: NetworkSetting,
    instance: Instance,
    quantity: str,
    factor: Fraction,
) -> str:
    """Derives the bounds of the setting and shows an instance that exceeds them."""
    network, box = setting.network, setting.box
    order, part = (1, "gradient") if quantity == "G_max" else (2, "hessian")
    names = [p.name for p in network.parameters()]
    targets = "" if setting.target_norm is None else f", target_norm={_quoted(setting.target_norm)}"
    loss = "" if setting.loss is None else loss_name(setting.loss)
    scale = "" if factor == 1 else f" * Fraction({str(factor)!r})"
    lines = [
        f'"""{title(statement, dropped)} fails: {quantity} is exceeded at an exact instance."""',
        "",
        *imports_for(network),
        "from gradlemma import bounds",
        "from numerics.exact import directional_derivatives, exceeds, tensor",
        "",
        f"network = {network_python(network)}",
        "proved = bounds(",
        f"    network, {loss!r}, input_norm={_quoted(setting.input_norm)}{targets},",
        f"    weight_norms={[str(s) for s in box.weight_norms]!r},",
        f"    bias_norms={['0' if c is None else str(c) for c in box.bias_norms]!r},",
        ").worst_case",
        f"right = proved.{part}.value{scale}",
        f"weights = [{', '.join(tensor_python(instance[name]) for name in names)}]",
        f"direction = [{', '.join(tensor_python(instance['u.' + name]) for name in names)}]",
        f"x = {tensor_python(instance['x'])}",
        f"y = {tensor_python(instance['y'])}",
        f"found = directional_derivatives(network, loss_named({loss!r}), weights, direction, x, y)",
        f"shown = exceeds(found.{'first' if order == 1 else 'second'}, {order}, right, direction)",
        'print(f"{shown.left} > {shown.right} ({shown.method})")',
        "assert shown.refuted",
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: Fraction) -> str:
    return repr(str(value))


def problem_of(setting: NetworkSetting, instance: Instance) -> Mapping[str, Any]:
    """The parts of a problem file: weights, data and box of the witness, numbers as exact texts."""
    network, box = setting.network, setting.box
    parts: dict[str, Any] = {
        "input": {"dim": network.input_dim, "norm": str(setting.input_norm)},
        "network": network,
        "loss": setting.loss,
        "weights": [nested(instance[p.name]) for p in network.parameters()],
        "weight_norms": [str(s) for s in box.weight_norms],
        "bias_norms": ["0" if c is None else str(c) for c in box.bias_norms],
        "x": nested(instance["x"]),
        "radius": None if setting.radius is None else str(setting.radius),
    }
    if "y" in instance:
        parts["y"] = nested(instance["y"])
        parts["target_norm"] = None if setting.target_norm is None else str(setting.target_norm)
    return parts
