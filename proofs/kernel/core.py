"""The seal: theorems come from `infer` alone, and `replay` rebuilds them from rules."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, TypeVar, final

from proofs.errors import KernelError

from .claims import Claim, Sequent
from .fields import check_fields

__all__ = ["RULES", "Rule", "Theorem", "infer", "register", "replay", "replay_all", "steps_of"]


@dataclass(frozen=True)
class Rule:
    """The base of all rules.

    The docstring of a rule is its inference figure; its fields are what the figure leaves open.
    `conclude` computes the conclusion from the premises or raises `KernelError`.  Returning a
    claim means: under the union of the premises' hypotheses.
    """

    trust: ClassVar[str | None] = None

    def conclude(self, *premises: Sequent) -> Claim | Sequent:
        raise NotImplementedError


RULES: dict[str, type[Rule]] = {}
_R = TypeVar("_R", bound=Rule)


def register(rule: type[_R]) -> type[_R]:
    """Admits a class of rules to `infer`; used as a decorator in the rule families."""
    if rule.__name__ in RULES:
        raise KernelError(f"expected one rule of the name {rule.__name__}")
    RULES[rule.__name__] = rule
    return rule


@final
class Theorem:
    """A sequent with the rule and the premises that established it.

    Objects of this class are made by `infer` alone; any other object of the class is refused as
    a premise and by `replay`.
    """

    __slots__ = ("__weakref__", "premises", "rule", "sequent", "trust")
    sequent: Sequent
    rule: Rule
    premises: tuple[Theorem, ...]
    trust: frozenset[str]

    def __new__(cls, *_: object) -> NoReturn:
        raise KernelError("theorems are made by infer(rule, *premises) alone")

    def __init_subclass__(cls) -> NoReturn:
        raise KernelError("the class of theorems has no subclasses")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise KernelError("theorems do not change")

    def __reduce__(self) -> Any:
        raise KernelError("theorems are not pickled or copied; store a derivation instead")

    def __copy__(self) -> Theorem:
        return self

    def __deepcopy__(self, memo: object) -> Theorem:
        return self

    def __repr__(self) -> str:
        trust = f", relying on {', '.join(sorted(self.trust))}" if self.trust else ""
        count = len(self.hypotheses)
        return f"<Theorem by {type(self.rule).__name__} under {count} hypotheses{trust}>"

    @property
    def claim(self) -> Claim:
        return self.sequent.claim

    @property
    def hypotheses(self) -> frozenset[Claim]:
        return self.sequent.hypotheses


# What was issued, with the sequent it was issued for.
_ISSUED: weakref.WeakKeyDictionary[Theorem, Sequent] = weakref.WeakKeyDictionary()


def infer(rule: Rule, *premises: Theorem) -> Theorem:
    """The theorem that the rule concludes from the premises; the only door to a `Theorem`.

    Raises:
        KernelError: if the rule is not a registered one, a premise was not made here, or a
            side condition fails.
    """
    if RULES.get(type(rule).__name__) is not type(rule):
        raise KernelError(f"expected a registered rule but got {type(rule).__name__}")
    for premise in premises:
        if type(premise) is not Theorem or _ISSUED.get(premise) is not premise.sequent:
            raise KernelError("expected premises made by infer")
    sequent = _conclude(rule, [premise.sequent for premise in premises])
    theorem = object.__new__(Theorem)
    trust = frozenset([] if type(rule).trust is None else [type(rule).trust])
    fields = {
        "sequent": sequent,
        "rule": rule,
        "premises": premises,
        "trust": trust.union(*(premise.trust for premise in premises)),
    }
    for name, value in fields.items():
        object.__setattr__(theorem, name, value)
    _ISSUED[theorem] = sequent
    return theorem


def _conclude(rule: Rule, premises: list[Sequent]) -> Sequent:
    """The rule's conclusion; whatever goes wrong inside a rule is a refusal."""
    try:
        check_fields(rule)
        # The method of the class: an attribute put on the instance is not asked.
        concluded = type(rule).conclude(rule, *premises)
    except KernelError:
        raise
    except RecursionError as error:
        raise KernelError(f"{type(rule).__name__} recursed too deeply") from error
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise KernelError(f"{type(rule).__name__} does not apply: {error}") from error
    if isinstance(concluded, Sequent):
        return concluded
    if not isinstance(concluded, Claim):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise KernelError(f"{type(rule).__name__} computed no claim")
    hypotheses: frozenset[Claim] = frozenset()
    for premise in premises:
        if not premise.hypotheses <= hypotheses:
            hypotheses = hypotheses | premise.hypotheses
    return Sequent(hypotheses, concluded)


def steps_of(*theorems: Theorem) -> list[Theorem]:
    """All theorems that these rest on, premises first (an iterative walk)."""
    order: list[Theorem] = []
    seen: set[int] = set()
    stack = [(theorem, False) for theorem in reversed(theorems)]
    while stack:
        theorem, done = stack.pop()
        if type(theorem) is not Theorem:
            raise KernelError("expected a theorem")
        if done:
            order.append(theorem)
        elif id(theorem) not in seen:
            seen.add(id(theorem))
            stack.append((theorem, True))
            stack.extend((premise, False) for premise in reversed(theorem.premises))
    return order


def replay(theorem: Theorem) -> Theorem:
    """The same theorem, rebuilt from its rules alone.

    Raises:
        KernelError: if a step does not recompute to its sequent, naming the step.
    """
    return replay_all(theorem)[0]


def replay_all(*theorems: Theorem) -> tuple[Theorem, ...]:
    """The same theorems, each step that they share rebuilt once.

    Raises:
        KernelError: as `replay`.
    """
    rebuilt: dict[int, Theorem] = {}
    for number, step in enumerate(steps_of(*theorems), start=1):
        if any(id(premise) not in rebuilt for premise in step.premises):
            raise KernelError(f"step {number} rests on itself")
        again = infer(step.rule, *(rebuilt[id(premise)] for premise in step.premises))
        if again.sequent != step.sequent or again.trust != step.trust:
            raise KernelError(
                f"step {number} ({type(step.rule).__name__}) does not recompute to its conclusion"
            )
        rebuilt[id(step)] = again
    return tuple(rebuilt[id(theorem)] for theorem in theorems)
