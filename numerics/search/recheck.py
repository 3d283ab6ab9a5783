"""A violation as plain data, and its exact re-check: what is kept, printed and replayed."""

from __future__ import annotations

from typing import Any

from numerics.errors import NumericsError
from numerics.exact import Comparison

from .attack import Attack, Witness
from .codec import decode_instance, decode_setting, encode_instance, encode_setting
from .settings import Setting

__all__ = ["FORMAT", "case_of", "recheck", "setting_of"]

FORMAT = 1


def case_of(witness: Witness) -> dict[str, Any]:
    """The violation as JSON values, every number an exact text."""
    return {
        "format": FORMAT,
        "statement": witness.statement,
        "dropped": witness.dropped,
        "quantity": witness.quantity,
        "setting": encode_setting(witness.setting),
        "instance": encode_instance(witness.instance),
    }


def setting_of(case: dict[str, Any]) -> Setting:
    """The setting of a case: network, loss, box and the range of the data.

    Raises:
        Exception: of any kind, for anything that is no case.
    """
    return decode_setting(case["setting"])


def recheck(case: dict[str, Any], attack: Attack | None = None) -> Comparison:
    """Derive the right side of the statement again and decide the inequality at the exact instance.

    Args:
        case: what `case_of` gives.
        attack: the statement, if it is not a registered one.

    Raises:
        NumericsError: if the instance violates a hypothesis that was not dropped, or lies on a kink.
        Exception: of any kind, for anything that is no case.
    """
    if attack is None:
        from .attacks import ATTACKS

        attack = ATTACKS[case["statement"]](case["dropped"])
    setting = setting_of(case)
    if not attack.covers(setting):
        raise NumericsError(f"expected a setting that {attack.statement} is about")
    target, quantity = attack.prepare(setting), case["quantity"]
    if quantity not in target.quantities:
        raise NumericsError(f"expected a quantity among {', '.join(target.quantities)} but got {quantity}")
    instance = decode_instance(case["instance"])
    if not target.admits(instance, quantity):
        raise NumericsError("expected an instance that satisfies the hypotheses")
    return target.recheck(instance, quantity)
