"""The rule of signs: entries that are > 0 or >= 0 by the form of a map."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Sequent
from ..core import Rule, register
from ..maps import Map
from ..positivity import signs_needed
from ..set_claims import Positive

__all__ = ["PositiveByForm"]


@register
@dataclass(frozen=True)
class PositiveByForm(Rule):
    """
    G_1 |- p_1 > 0   ...   G_n |- p_n > 0
    -------------------------------------- PositiveByForm
    G_1, ..., G_n |- f > 0

    f is a sum or product of the p_i, a positive multiple, a selection of entries, an inverse or a
    square root; or a function whose pieces are shown to be positive, or positive constants, without
    premise.  A product with constants >= 0 is > 0 where every sum has a constant > 0.  With >= 0 in
    place of > 0: also a sum of squares; in a sum > 0 the last summand is > 0, the others are >= 0.
    """

    map: Map
    strict: bool

    def conclude(self, *premises: Sequent) -> Positive:
        needed = [Positive(part, strict) for part, strict in signs_needed(self.map, self.strict)]
        found = [premise.claim for premise in premises]
        if len(needed) != len(found):
            raise KernelError(f"expected {len(needed)} premises but got {len(found)}")
        for want, got in zip(needed, found, strict=True):
            weaker = not want.strict and got is Positive(want.of, True)
            if got is not want and not weaker:
                raise KernelError("expected premises about the signs of the parts in order")
        return Positive(self.map, self.strict)
