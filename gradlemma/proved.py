"""The Python interface to bounds: derive, read, print."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gradlemma.decimals import shown_bound
from gradlemma.problem import Problem, feed_forward
from gradlemma.resolve import Resolved, resolve
from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem
from proofs.network import Architecture, Loss, Network
from proofs.theorems.bounds import Absent, Bound, Derivation, Reading, ReadingName
from proofs.theorems.readings import at_residuals, at_weights, in_ball

__all__ = ["INTERRUPTED", "REFINED", "Bounds", "ProvedBound", "asked_for", "bounds", "derive_bounds"]

INTERRUPTED = "interrupted"
# The name of H_max by the joint refinement, after that of its reading.
REFINED = "H_max_refined"


@dataclass(frozen=True, slots=True, repr=False)
class ProvedBound:
    """One proved number: the norm of the gradient or of the Hessian is at most `value`.

    lower: the closed form that the number comes from is at least this; equal to `value` where
    the number is exact.
    """

    name: str
    value: Fraction
    lower: Fraction
    theorem: Theorem
    work: Derivation

    def __repr__(self) -> str:
        trust = f", relying on {', '.join(self.trust)}" if self.trust else ""
        return f"<{self.name} <= {shown_bound(self.value)}, {self.tier}{trust}>"

    @property
    def tier(self) -> str:
        """`exact` if value is the closed form's rational value, else `ball`."""
        return "exact" if self.value == self.lower else "ball"

    @property
    def trust(self) -> tuple[str, ...]:
        """What the proof relies on beyond the kernel's rules, such as `arb`."""
        return tuple(sorted(self.theorem.trust))

    def latex(self) -> str:
        """The closed form in LaTeX, read off the derivation: the statement and its recursions."""
        from proofs.typeset.closed_form import closed_forms, data_form, refined_form

        if not self.name.startswith(ReadingName.WORST_CASE.value):
            return data_form(self.work, self.theorem)
        if self.name.endswith(REFINED):
            return refined_form(self.work, self.theorem)
        forms = closed_forms(self.work, self.theorem)
        return forms.gradient if self.name.endswith("G_max") else forms.hessian

    def derivation(self, *, fragment: bool = False) -> str:
        """The whole derivation as LaTeX."""
        from proofs.typeset import Goal, to_latex

        return to_latex(Goal(self.name, self.theorem), fragment=fragment)

    def __float__(self) -> float:
        return float(self.value)


@dataclass(frozen=True, slots=True)
class ReadingBounds:
    """The bounds of one reading of BND-3; `refined` is H_max by the joint refinement, if asked for."""

    gradient: ProvedBound
    hessian: ProvedBound
    refined: ProvedBound | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Bounds:
    """All bounds of a problem; a reading without bounds is None and `absent` says why.

    failed: the readings among them that the problem asks for but that could not be derived.
    facts: `data.inputs` and `data.targets`, that given data are in the range of the worst case.
    """

    resolved: Resolved
    work: Derivation
    readings: dict[ReadingName, ReadingBounds]
    absent: dict[ReadingName, str]
    failed: frozenset[ReadingName]
    facts: dict[str, Theorem]
    interrupted: bool = False

    def __repr__(self) -> str:
        pairs = [bound for reading in self.readings.values() for bound in (reading.gradient, reading.hessian)]
        shown = ", ".join(f"{bound.name} <= {shown_bound(bound.value)}" for bound in pairs)
        return f"<Bounds of {self.resolved.problem.describe()}: {shown or 'none'}>"

    @property
    def worst_case(self) -> ReadingBounds | None:
        return self.readings.get(ReadingName.WORST_CASE)

    @property
    def at_weights(self) -> ReadingBounds | None:
        return self.readings.get(ReadingName.AT_WEIGHTS)

    @property
    def at_residuals(self) -> ReadingBounds | None:
        return self.readings.get(ReadingName.AT_RESIDUALS)

    @property
    def ball(self) -> ReadingBounds | None:
        return self.readings.get(ReadingName.BALL)

    @property
    def gradient(self) -> ProvedBound:
        """G_max of the worst case over the box; other readings have theirs, `found.at_weights.gradient`."""
        return self._worst_case("gradient").gradient

    @property
    def hessian(self) -> ProvedBound:
        """H_max of the worst case over the box; other readings have theirs, `found.at_weights.hessian`."""
        return self._worst_case("hessian").hessian

    def _worst_case(self, what: str) -> ReadingBounds:
        if self.worst_case is not None:
            return self.worst_case
        reason = self.absent[ReadingName.WORST_CASE]
        others = ", ".join(f".{name.value}.{what}" for name in self.readings)
        raise GradlemmaError(
            f"expected a worst case for .{what} but there is none: {reason}; "
            + (f"use {others}" if others else "state a box with weight_norms and bias_norms")
        )

    def goals(self) -> dict[str, Theorem]:
        """Every proved theorem by name: `worst_case.G_max`, `worst_case.H_max`, ..., and the facts."""
        found = dict(self.facts)
        for name, reading in self.readings.items():
            found[f"{name.value}.G_max"] = reading.gradient.theorem
            found[f"{name.value}.H_max"] = reading.hessian.theorem
            if reading.refined is not None:
                found[f"{name.value}.{REFINED}"] = reading.refined.theorem
        return found


def bounds(network: Network | Any, loss: Loss | str, **settings: Any) -> Bounds:
    """Proved bounds of the gradient and the Hessian of the mean loss of a network.

    Args:
        network: a `Network` or a feed-forward `torch.nn.Sequential`, whose weights are then used
            unless `weights` is given.
        loss: `cross_entropy`, `mse`, `half_mse`, `bce`, `huber`, or a `Loss`.
        **settings: as for `Problem.of`: x, y, input_norm, target_norm, weights, weight_norms,
            bias_norms, factor, radius, refine, name, seed, measure.

    Returns:
        For each reading that applies the theorems ||grad L|| <= G_max and ||Hess L|| <= H_max.

    >>> from gradlemma import Dense, Network, bounds
    >>> net = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))
    >>> found = bounds(net, "half_mse", input_norm=1, target_norm=1, weight_norms=[1, 1], bias_norms=[0, 0])
    >>> str(found.hessian.value), found.hessian.tier
    ('4', 'exact')
    """
    _known_settings(settings)
    if not isinstance(network, Network | Architecture):
        from gradlemma.problem.from_torch import network_from_torch

        network, weights = network_from_torch(network)
        if weights is not None:
            settings.setdefault("weights", weights)
    return derive_bounds(Problem.of(network, loss, **settings))


def _known_settings(settings: dict[str, Any]) -> None:
    """Refuses a keyword that `bounds` does not have.

    Raises:
        TypeError: naming it, with the keyword that is meant where one is close.
    """
    known = [name for name in inspect.signature(Problem.of).parameters if name not in ("network", "loss")]
    for name in settings:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"choose among {', '.join(known)}"
            raise TypeError(f"bounds() got an unexpected keyword argument {name!r}; {hint}")


def derive_bounds(problem: Problem, report: Callable[[str], object] | None = None) -> Bounds:
    """The bounds of a problem, in every reading that applies.

    Args:
        problem: the problem.
        report: called with a title as each part starts.

    Returns:
        The readings; after Ctrl-C those finished so far, with `interrupted` set.
    """
    say = report or (lambda title: None)
    say("certifying norms")
    resolved = resolve(problem)
    say("deriving BND-1")
    work = Derivation(feed_forward(problem), problem.loss)
    readings: dict[ReadingName, ReadingBounds] = {}
    absent: dict[ReadingName, str] = {}
    failed: set[ReadingName] = set()
    interrupted = False
    for name in ReadingName:
        reason = _not_asked(resolved, name)
        if reason is not None or interrupted:
            absent[name] = reason or INTERRUPTED
            continue
        say(f"deriving the reading {name.value}")
        try:
            found = _derive(work, resolved, name)
        except GradlemmaError as error:
            failed.add(name)
            absent[name] = str(error)
        except OverflowError:
            failed.add(name)
            absent[name] = "numbers beyond the range of double precision"
        except KeyboardInterrupt:
            interrupted = True
            absent[name] = INTERRUPTED
        else:
            if isinstance(found, Absent):
                absent[name] = found.reason
            else:
                readings[name] = _proved(work, found)
    facts: dict[str, Theorem] = {}
    if resolved.data is not None and ReadingName.WORST_CASE in readings and not interrupted:
        try:
            facts = work.data_facts(resolved.data, resolved.input_norm, resolved.target_norm)
        except KeyboardInterrupt:
            interrupted = True
    return Bounds(resolved, work, readings, absent, frozenset(failed), facts, interrupted)


def _not_asked(resolved: Resolved, name: ReadingName) -> str | None:
    """Why the problem does not ask for a reading, or None."""
    if name is ReadingName.WORST_CASE:
        return "the problem states no box" if resolved.box is None else None
    if resolved.weights is None or resolved.data is None:
        return "the problem has no weights or no data"
    if name is ReadingName.BALL and resolved.problem.radius is None:
        return "the problem states no ball"
    return None


def asked_for(resolved: Resolved) -> list[ReadingName]:
    """The readings that the problem's parts ask for."""
    return [name for name in ReadingName if _not_asked(resolved, name) is None]


def _derive(work: Derivation, resolved: Resolved, name: ReadingName) -> Reading | Absent:
    box, weights, data, radius = resolved.box, resolved.weights, resolved.data, resolved.problem.radius
    match name:
        case ReadingName.WORST_CASE if box is not None:
            refine = resolved.problem.refine
            return work.worst_case(box, resolved.input_norm, resolved.target_norm, refine=refine)
        case ReadingName.AT_WEIGHTS if weights is not None and data is not None:
            return at_weights(work, weights, data)
        case ReadingName.AT_RESIDUALS if weights is not None and data is not None:
            return at_residuals(work, weights, data)
        case ReadingName.BALL if weights is not None and data is not None and radius is not None:
            return in_ball(work, weights, data, radius)
        case _:
            return Absent(name, _not_asked(resolved, name) or "it does not apply")


def _proved(work: Derivation, reading: Reading) -> ReadingBounds:
    def one(symbol: str, bound: Bound) -> ProvedBound:
        return ProvedBound(f"{reading.name.value}.{symbol}", bound.value, bound.lower, bound.theorem, work)

    return ReadingBounds(
        one("G_max", reading.gradient),
        one("H_max", reading.hessian),
        None if reading.refined is None else one(REFINED, reading.refined),
    )
