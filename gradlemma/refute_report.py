"""The report of `gradlemma refute`: a table and witnesses, or one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradlemma.errors import printable
from gradlemma.problem_text import problem_text
from gradlemma.refute import title

if TYPE_CHECKING:
    from gradlemma.refute import Refuted
    from numerics.search.attack import Witness
    from numerics.search.outcome import Outcome

__all__ = ["document_of", "print_report"]


def document_of(found: Refuted) -> dict[str, Any]:
    """The JSON document of docs/json.md."""
    return {
        "schema_version": 1,
        "verdict": min(outcome.verdict for outcome in found.outcomes).name.lower(),
        "interrupted": found.interrupted,
        "profile": found.profile,
        "seed": found.seed,
        "statements": [_outcome(outcome) for outcome in found.outcomes],
        "elapsed_s": round(found.elapsed_s, 3),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "statement": outcome.statement,
        "dropped": outcome.dropped,
        "verdict": outcome.verdict.name.lower(),
        "sentence": outcome.sentence(),
        "instances": outcome.instances,
        "not_finite": outcome.not_finite,
        "settings": outcome.settings,
        "skipped_settings": outcome.skipped,
        "replayed_cases": outcome.replayed,
        "largest_ratio": outcome.largest_ratio,
        "ratios": dict(outcome.ratios),
        "witness": None if outcome.witness is None else _witness(outcome.witness),
        "reasons": list(outcome.reasons),
        "seed": outcome.seed,
        "elapsed_s": round(outcome.elapsed_s, 3),
    }


def _witness(witness: Witness) -> dict[str, Any]:
    return {
        "sentence": witness.sentence,
        "quantity": witness.quantity,
        "numbers": {name: _nested(tensor) for name, tensor in witness.instance.items()},
        "left": witness.recheck.left,
        "right": witness.recheck.right,
        "margin": witness.recheck.margin,
        "recheck": witness.recheck.method,
        "problem": _problem(witness),
        "snippet": witness.snippet,
    }


def _nested(tensor: Any) -> Any:
    entries = [str(entry) for entry in tensor.fractions()]
    if len(tensor.shape) == 1:
        return entries
    return [entries[i : i + tensor.shape[1]] for i in range(0, len(entries), tensor.shape[1])]


def _problem(witness: Witness) -> str | None:
    return None if witness.problem is None else problem_text(witness.problem)


def print_report(found: Refuted) -> None:
    """Print one line a statement, then the witnesses with snippet and problem file."""
    names = [title(outcome.statement, outcome.dropped) for outcome in found.outcomes]
    width = max(len("statement"), *(len(name) for name in names))
    print(f"{'statement'.ljust(width)}  largest ratio  verdict")
    for name, outcome in zip(names, found.outcomes, strict=True):
        ratio = "-" if outcome.largest_ratio is None else f"{outcome.largest_ratio:.6g}"
        print(f"{name.ljust(width)}  {ratio:>13}  {printable(outcome.sentence(), 300)}")
    for name, outcome in zip(names, found.outcomes, strict=True):
        if outcome.witness is not None:
            _print_witness(name, outcome.witness)
    if found.interrupted:
        print("interrupted: what was known before is printed")
    print(f"seed {found.seed}, profile {found.profile}, {found.elapsed_s:.1f} s")


def _print_witness(name: str, witness: Witness) -> None:
    print(f"\n{printable(name)} is refuted by an instance, re-checked in {witness.recheck.method}:")
    print(f"  {printable(witness.sentence, 2000)}")
    print("\nPython that shows it:\n")
    print(_indented(witness.snippet))
    problem = _problem(witness)
    if problem is not None:
        print("the same as a problem file:\n")
        print(_indented(problem))


def _indented(text: str) -> str:
    return "\n".join(f"    {printable(line, 4000)}" if line else "" for line in text.splitlines()) + "\n"
