"""Settings and instances as JSON, every number exact; what is read is checked by the constructors."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, assert_never

from numerics.errors import NumericsError
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.univariate import Call, Expression, Period, Piece, Univariate
from proofs.network import CATALOGUE, Activate, Dense, Loss, Network, activation, loss_named
from proofs.theorems.bounds import Box

from .batches import Instance, nested
from .settings import FunctionSetting, GivenSetting, NetworkSetting, Setting, StepSetting

__all__ = [
    "decode_instance", "decode_setting", "encode_instance", "encode_setting", "exact_from",
    "function_data",
]  # fmt: skip


def encode_setting(setting: Setting) -> dict[str, Any]:
    """The setting as JSON values."""
    match setting:
        case NetworkSetting():
            return {
                "kind": "network",
                **_network_data(setting.network, setting.loss),
                "weight_norms": [str(size) for size in setting.box.weight_norms],
                "bias_norms": [_text(size) for size in setting.box.bias_norms],
                "input_norm": str(setting.input_norm),
                "target_norm": _text(setting.target_norm),
                "samples": setting.samples,
                "seed": setting.seed,
                "tied": setting.tied,
            }
        case GivenSetting():
            return {
                "kind": "given",
                **_network_data(setting.network, setting.loss),
                "weights": [nested(tensor) for tensor in setting.weights],
                "inputs": nested(setting.inputs),
                "targets": nested(setting.targets),
                "radius": str(setting.radius),
                "seed": setting.seed,
                "tied": setting.tied,
            }
        case FunctionSetting():
            return {
                "kind": "function",
                "function": function_data(setting.function),
                "radius": _text(setting.radius),
                "seed": setting.seed,
            }
        case StepSetting():
            return {
                "kind": "step",
                **_network_data(setting.network, setting.loss),
                "inputs": nested(setting.inputs),
                "targets": nested(setting.targets),
                "step": str(setting.step),
                "momentum": _text(setting.momentum),
                "seed": setting.seed,
                "tied": setting.tied,
            }
        case _:
            assert_never(setting)


def decode_setting(data: dict[str, Any]) -> Setting:
    """The setting of such values.

    Raises:
        Exception: of any kind, for anything that is no encoded setting.
    """
    match data["kind"]:
        case "function":
            return FunctionSetting(_function(data["function"]), _number(data["radius"]), _whole(data["seed"]))
        case "network":
            box = Box(
                tuple(Fraction(text) for text in data["weight_norms"]),
                tuple(_number(text) for text in data["bias_norms"]),
            )
            return NetworkSetting(
                _network(data), _loss(data["loss"]), box, Fraction(data["input_norm"]),
                _number(data["target_norm"]), _whole(data["samples"]), _whole(data["seed"]),
                _truth(data["tied"]),
            )  # fmt: skip
        case "given":
            loss = _loss(data["loss"])
            if loss is None:
                raise NumericsError("expected a loss")
            return GivenSetting(
                _network(data), loss, tuple(exact_from(values) for values in data["weights"]),
                exact_from(data["inputs"]), exact_from(data["targets"]), Fraction(data["radius"]),
                _whole(data["seed"]), _truth(data["tied"]),
            )  # fmt: skip
        case "step":
            loss = _loss(data["loss"])
            if loss is None:
                raise NumericsError("expected a loss")
            return StepSetting(
                _network(data), loss, exact_from(data["inputs"]), exact_from(data["targets"]),
                Fraction(data["step"]), _number(data["momentum"]), _whole(data["seed"]), _truth(data["tied"]),
            )  # fmt: skip
        case _:
            raise NumericsError(f"expected a kind of setting but got {data['kind']!r}")


def _network_data(network: Network, loss: Loss | None) -> dict[str, Any]:
    parameters = {} if loss is None else {key: str(value) for key, value in loss.parameters}
    return {
        "input_dim": network.input_dim,
        "layers": [_layer_data(layer) for layer in network.layers],
        "loss": None if loss is None else {"name": loss.kind.value, **parameters},
    }


def _network(data: dict[str, Any]) -> Network:
    return Network(_whole(data["input_dim"]), tuple(_layer(layer) for layer in data["layers"]))


def _loss(data: dict[str, str] | None) -> Loss | None:
    if data is None:
        return None
    return loss_named(data["name"], **{key: value for key, value in data.items() if key != "name"})


def encode_instance(instance: Instance) -> dict[str, Any]:
    """Tensors by name as nested lists, every entry as text."""
    return {name: nested(tensor) for name, tensor in instance.items()}


def decode_instance(data: dict[str, Any]) -> Instance:
    """The instance of such values."""
    return {str(name): exact_from(values) for name, values in data.items()}


def exact_from(values: list[Any]) -> ExactTensor:
    """The exact tensor of nested lists of texts."""
    if isinstance(values[0], list):
        rows = [[Fraction(entry) for entry in row] for row in values]
        if len({len(row) for row in rows}) != 1:
            raise NumericsError("expected rows of one length")
        return ExactTensor.from_fractions((len(rows), len(rows[0])), tuple(e for row in rows for e in row))
    return ExactTensor.from_fractions((len(values),), tuple(Fraction(entry) for entry in values))


def function_data(function: Univariate) -> dict[str, Any]:
    """A row of the catalogue by name and parameters, other functions by their pieces."""
    parameters = {key: str(value) for key, value in function.parameters}
    if function.name in CATALOGUE and activation(function.name, **parameters) == function:
        return {"name": function.name, "parameters": parameters}
    period = function.period
    return {
        "name": function.name,
        "parameters": parameters,
        "pieces": [[_text(p.lower), _text(p.upper), _expression_data(p.expression)] for p in function.pieces],
        "values": [[str(point), str(value)] for point, value in function.values],
        "period": None if period is None else [str(period.length), str(period.drift), period.in_pi],
    }


def _function(data: dict[str, Any]) -> Univariate:
    parameters = {str(key): Fraction(value) for key, value in data["parameters"].items()}
    if "pieces" not in data:
        return activation(data["name"], **parameters)
    period = data["period"]
    return Univariate(
        data["name"],
        tuple(sorted(parameters.items())),
        tuple(Piece(_number(lower), _number(upper), _expression(e)) for lower, upper, e in data["pieces"]),
        None if period is None else Period(Fraction(period[0]), Fraction(period[1]), period[2]),
        tuple((Fraction(point), Fraction(value)) for point, value in data["values"]),
    )


def _expression_data(expression: Expression) -> list[Any]:
    return [
        [
            degree,
            [[c.name, _expression_data(c.argument), exponent] for c, exponent in calls],
            str(coefficient),
        ]
        for (degree, calls), coefficient in expression.terms
    ]


def _expression(data: list[Any]) -> Expression:
    return Expression(
        tuple(
            (
                (
                    degree,
                    tuple((Call(name, _expression(argument)), power) for name, argument, power in calls),
                ),
                Fraction(coefficient),
            )
            for degree, calls, coefficient in data
        )
    )


def _layer_data(layer: Dense | Activate) -> dict[str, Any]:
    match layer:
        case Dense(width=width, bias=bias):
            return {"dense": {"width": width, "bias": bias}}
        case Activate(activation=function):
            return {"activation": function_data(function)}
        case _:
            assert_never(layer)


def _layer(data: dict[str, Any]) -> Dense | Activate:
    if "dense" in data:
        return Dense(_whole(data["dense"]["width"]), bias=_truth(data["dense"]["bias"]))
    return Activate(_function(data["activation"]))


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise NumericsError(f"expected a whole number but got {value!r}")
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise NumericsError(f"expected true or false but got {value!r}")
    return value
