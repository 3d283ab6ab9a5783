"""What layers with tensors have in common: names of shared tensors, and the checks of their numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from proofs.errors import NetworkError

from .layers import MAX_WIDTH

__all__ = ["NAME", "HasTensors", "check_extent", "check_window"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
# Names of the data of a sample.
RESERVED = ("x", "y")


def check_extent(name: str, value: object, least: int = 1) -> None:
    """Refuses anything but a whole number of moderate size."""
    if type(value) is not int or not least <= value <= MAX_WIDTH:
        raise NetworkError(f"expected {name} from {least} to {MAX_WIDTH} but got {name}={value!r}")


def check_window(name: str, values: tuple[int, ...], least: int = 1) -> None:
    """Refuses anything but one or two such numbers."""
    if type(values) is not tuple or len(values) not in (1, 2):  # pyright: ignore[reportUnnecessaryComparison]
        raise NetworkError(f"expected {name} with one or two numbers but got {values!r}")
    for value in values:
        check_extent(name, value, least)


@dataclass(frozen=True, slots=True, kw_only=True)
class HasTensors:
    """The base of layers with tensors: which are shared under which name, and whether they are trained."""

    ROLES: ClassVar[tuple[str, ...]] = ()

    shared: tuple[tuple[str, str], ...] = ()
    frozen: bool = False

    def check_tensors(self) -> None:
        """Refuses a role that the layer does not have, one given twice, and names that are none."""
        roles = [role for role, _ in self.shared]
        for role, name in self.shared:
            if role not in self.ROLES or roles.count(role) != 1:
                known = ", ".join(self.ROLES)
                raise NetworkError(f"expected shared tensors among {known}, each once, but got {role!r}")
            if not isinstance(name, str) or not NAME.fullmatch(name) or name in RESERVED:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise NetworkError(
                    "expected the name of a shared tensor, a letter and then letters, digits and _ "
                    f"(at most 32, not x or y), but got {name!r}"
                )

    def name_of(self, role: str) -> str | None:
        """The name under which a tensor is shared, or None."""
        return dict(self.shared).get(role)
