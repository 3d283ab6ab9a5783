"""A witness as text: one sentence, a Python snippet that shows it, and a problem file."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pprint import pformat
from typing import TYPE_CHECKING, assert_never

from gradlemma.problem_text import ProblemParts, problem_text
from proofs.kernel.tensors import ExactTensor
from proofs.network import Activate, Dense, Loss, LossKind, Network

if TYPE_CHECKING:
    from numerics.search.attack import Target, Witness
    from numerics.search.network_target import NetworkTarget
    from numerics.search.settings import FunctionSetting, GivenSetting, NetworkSetting, StepSetting

__all__ = ["problem_file", "sentence", "snippet", "title"]


def title(statement: str, dropped: str | None) -> str:
    """`BND-1 without weight-norms`."""
    return statement if dropped is None else f"{statement} without {dropped}"


def sentence(witness: Witness, target: Target) -> str:
    """The setting, the numbers, and the inequality that fails."""
    from numerics.search.batches import plain

    numbers = ", ".join(f"{name} = {plain(tensor)}" for name, tensor in _shown(witness, target))
    shown = f"{witness.recheck.left} > {witness.recheck.right}"
    return f"{witness.setting.describe()}; {numbers}: {target.says(witness.quantity)} fails, as {shown}"


def _shown(witness: Witness, target: Target) -> Iterator[tuple[str, ExactTensor]]:
    """The numbers of the instance, without a direction that says nothing: one entry, or no derivative."""
    from numerics.search.network_target import NetworkTarget

    along = [name for name in witness.instance if name.startswith("u.")]
    single = len(along) == 1 and len(witness.instance[along[0]].fractions()) == 1
    sides = target.by_name.get(witness.quantity) if isinstance(target, NetworkTarget) else None
    plain = sides is not None and sides.order == 0
    hidden = along if single or plain else []
    return ((name, tensor) for name, tensor in witness.instance.items() if name not in hidden)


def snippet(witness: Witness, target: Target) -> str:
    """Python text that decides the inequality again, and computes its left side another way in float64."""
    from numerics.search.recheck import case_of
    from numerics.search.settings import FunctionSetting

    own = target.snippet(witness)
    if own is not None:
        return own
    case = pformat(case_of(witness), width=100, compact=True)
    head = f"{title(witness.statement, witness.dropped)} fails at an exact instance."
    lines = [
        f'"""{head}"""',
        "",
        "import torch",
        "",
        "from numerics.search.recheck import recheck, setting_of",
        "",
        f"case = {case}",
        "",
        f"# {target.says(witness.quantity)}: the right side is derived, the left side decided exactly.",
        "shown = recheck(case)",
        'print(f"{shown.left} > {shown.right} ({shown.method}, margin at least {shown.margin:.3g})")',
        "assert shown.refuted",
        "",
        "# The left side once more, in float64.",
    ]
    if isinstance(witness.setting, FunctionSetting):
        lines += _function_lines(witness.quantity)
    else:
        from numerics.search.network_target import NetworkTarget

        if not isinstance(target, NetworkTarget):
            raise TypeError("expected a statement about networks")
        lines += _network_lines(witness, target)
    lines.append('print(f"in float64: {float(left):.12g}")')
    return "\n".join(lines) + "\n"


def _function_lines(quantity: str) -> list[str]:
    from proofs.theorems.rows import CONSTANTS

    start = ["from numerics.activations import apply", "", "function = setting_of(case).function"]
    point = "float(Fraction(case['instance']['t'][0]))"
    start.insert(0, "from fractions import Fraction")
    start.append(f"t = torch.tensor({point}, dtype=torch.float64)")
    if quantity == "secant":
        rise = "(apply(function, 0, t) - apply(function, 0, torch.zeros_like(t))).abs()"
        return [*start, f"left = {rise} / t.abs()"]
    return [*start, f"left = apply(function, {CONSTANTS[quantity]}, t).abs()"]


def _network_lines(witness: Witness, target: NetworkTarget) -> list[str]:
    sides = target.by_name[witness.quantity]
    owners = list(target.sharing.owners)
    value = "mean_loss(network, loss, point, x, y)" if sides.is_loss else "output(network, point, x)"
    imports = "mean_loss" if sides.is_loss else "output"
    lines = [
        "from fractions import Fraction",
        "",
        f"from numerics.evaluate import {imports}",
        "",
        "",
        "def tensor(values):",
        "    rows = [[float(Fraction(e)) for e in row] if isinstance(row, list) else float(Fraction(row)) "
        "for row in values]",
        "    return torch.tensor(rows, dtype=torch.float64)",
        "",
        "",
        "setting, numbers = setting_of(case), {k: tensor(v) for k, v in case['instance'].items()}",
        "network, loss, x = setting.network, setting.loss, numbers['x']",
        *(["y = numbers['y']"] if sides.is_loss else []),
        f"theta = torch.cat([numbers[name].flatten() for name in {owners!r}])",
        f"u = torch.cat([numbers['u.' + name].flatten() for name in {owners!r}])",
        "",
        "",
        "def along(t):",
        "    point = theta + t * u",
        f"    return {value}",
        "",
        "",
        "zero = torch.zeros((), dtype=torch.float64)",
        f"left = {'torch.func.jacfwd(' * sides.order}along{')' * sides.order}(zero).norm()",
    ]
    if sides.norm_order:
        names = [f"u.{name}" for name in target.sharing.shapes]
        lines.append(f"size = torch.cat([numbers[name].flatten() for name in {names!r}]).norm()")
        lines.append(f"left = left / size**{sides.norm_order}")
    return lines


def problem_file(witness: Witness, target: Target) -> str:
    """A problem file with the numbers of the witness; `check` measures gradient and Hessian there.

    A norm that the witness exceeds because its bound was dropped is left out of the file.
    """
    from numerics.search.settings import FunctionSetting, GivenSetting, NetworkSetting, StepSetting

    setting = witness.setting
    comments = [
        f"{title(witness.statement, witness.dropped)}: {target.says(witness.quantity)} fails here,",
        f"as {witness.recheck.left} > {witness.recheck.right} ({witness.recheck.method}).",
        f"Claimed for: {setting.describe()}.",
    ]
    match setting:
        case FunctionSetting():
            return problem_text(_of_function(setting, witness), comments)
        case NetworkSetting():
            parts = _of_box(setting, witness, target)
        case GivenSetting():
            parts = _of_given(setting, witness, target)
        case StepSetting():
            parts = _of_step(setting, witness)
        case _:
            assert_never(setting)
    if setting.tied:
        comments.append("All layers use one weight there, which a problem file cannot say.")
    if witness.dropped in ("targets", "target-range"):
        comments.append(
            "`check` refuses this file: its targets are outside the range that the loss asks for."
        )
    return problem_text(parts, comments)


def _of_function(setting: FunctionSetting, witness: Witness) -> ProblemParts:
    """F(x) = sigma(w x) at w = 1 and x = t."""
    (t,) = witness.instance["t"].fractions()
    network = Network(1, (Dense(1, bias=False), Activate(setting.function)))
    return ProblemParts(network, Loss.HALF_MSE, [[[1]]], [[t]], [[0]])


def _of_box(setting: NetworkSetting, witness: Witness, target: Target) -> ProblemParts:
    from numerics.search.batches import nested

    instance, dropped = witness.instance, witness.dropped
    free_box = dropped in ("weight-norms", "bias-norms")
    free_input = dropped in ("input-norm", "node-norm")
    loss = setting.loss or Loss.HALF_MSE
    return ProblemParts(
        setting.network,
        loss,
        _weights(witness, target),
        nested(instance["x"]),
        nested(instance["y"]) if "y" in instance else [[0] * setting.network.output_dim],
        None if free_input else setting.input_norm,
        None if dropped == "target-norm" or loss.has_range else setting.target_norm or Fraction(0),
        None if free_box else setting.box.weight_norms,
        setting.box.bias_norms,
        refine=witness.statement == "BND-1-joint" and loss.kind is LossKind.CROSS_ENTROPY,
    )


def _of_given(setting: GivenSetting, witness: Witness, target: Target) -> ProblemParts:
    from numerics.search.batches import nested

    return ProblemParts(
        setting.network,
        setting.loss,
        _weights(witness, target),
        nested(setting.inputs),
        nested(setting.targets),
        radius=None if witness.dropped == "ball-radius" else setting.radius,
    )


def _of_step(setting: StepSetting, witness: Witness) -> ProblemParts:
    from numerics.search.batches import nested

    names = [parameter.name for parameter in setting.network.parameters()]
    weights = [nested(witness.instance[name]) for name in names]
    return ProblemParts(
        setting.network, setting.loss, weights, nested(setting.inputs), nested(setting.targets)
    )


def _weights(witness: Witness, target: Target) -> list[list[object]]:
    from numerics.search.batches import nested
    from numerics.search.network_target import NetworkTarget

    if not isinstance(target, NetworkTarget):
        raise TypeError("expected a statement about networks")
    return [nested(tensor) for tensor in target.sharing.tensors(witness.instance, "")]
