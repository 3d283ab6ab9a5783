"""What sections of a problem file have in common: strict keys, one of several, ranges of integers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from ._fields import between, refuse

__all__ = ["Extent", "Section", "exactly_one", "integers"]

MAX_WIDTH = 1_000_000


class Section(BaseModel):
    """A mapping whose keys are exactly the fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def exactly_one(section: Any, names: tuple[str, ...]) -> None:
    """Refuses a section in which not exactly one of the keys is given."""
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise refuse(f"expected exactly one of {', '.join(names)} but got {found}", "keep one")


def integers(least: int, most: int) -> WithJsonSchema:
    """The JSON schema of a range of integers."""
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


Extent = Annotated[Any, BeforeValidator(between(1, MAX_WIDTH)), integers(1, MAX_WIDTH)]
