"""The report of `gradlemma refute`: a table and witnesses, one JSON document, or files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.errors import printable
from gradlemma.witness_text import problem_file, sentence, snippet, title

if TYPE_CHECKING:
    from gradlemma.refute import Refuted
    from numerics.search.attack import Attack, Witness
    from numerics.search.outcome import Outcome

__all__ = ["document_of", "print_report", "write_witnesses"]


def document_of(found: Refuted) -> dict[str, Any]:
    """The JSON document of docs/json.md."""
    pairs = zip(found.outcomes, found.attacks, strict=False)
    return {
        "schema_version": 1,
        "verdict": min(outcome.verdict for outcome in found.outcomes).name.lower(),
        "interrupted": found.interrupted,
        "profile": found.profile,
        "seed": found.seed,
        "statements": [_outcome(outcome, attack) for outcome, attack in pairs],
        "elapsed_s": round(found.elapsed_s, 3),
        "unusable_cases": found.unusable_cases,
    }


def _outcome(outcome: Outcome, attack: Attack) -> dict[str, Any]:
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
        "largest_ratio": outcome.largest_ratio if attack.is_ratio else None,
        "largest_margin": None if attack.is_ratio else outcome.largest_ratio,
        "ratios": dict(outcome.ratios) if attack.is_ratio else {},
        "witness": None if outcome.witness is None else _witness(outcome.witness, attack),
        "reasons": list(outcome.reasons),
        "seed": outcome.seed,
        "elapsed_s": round(outcome.elapsed_s, 3),
    }


def _witness(witness: Witness, attack: Attack) -> dict[str, Any]:
    from numerics.search.codec import encode_instance

    target = attack.prepare(witness.setting)
    return {
        "sentence": sentence(witness, target),
        "quantity": witness.quantity,
        "says": target.says(witness.quantity),
        "numbers": encode_instance(witness.instance),
        "left": witness.recheck.left,
        "right": witness.recheck.right,
        "margin": witness.recheck.margin,
        "recheck": witness.recheck.method,
        "problem": problem_file(witness, target),
        "snippet": snippet(witness, target),
    }


def print_report(found: Refuted) -> None:
    """Print one line a statement, then the witnesses with snippet and problem file."""
    names = [title(outcome.statement, outcome.dropped) for outcome in found.outcomes]
    width = max(len("statement"), *(len(name) for name in names))
    measured = "largest ratio" if all(attack.is_ratio for attack in found.attacks) else "largest margin"
    print(f"{'statement'.ljust(width)}  {measured}  verdict")
    for name, outcome in zip(names, found.outcomes, strict=True):
        ratio = "-" if outcome.largest_ratio is None else _ratio(outcome.largest_ratio)
        print(f"{name.ljust(width)}  {ratio:>{len(measured)}}  {printable(outcome.sentence(), 300)}")
    for outcome, attack in zip(found.outcomes, found.attacks, strict=False):
        if outcome.witness is not None:
            _print_witness(outcome.witness, attack)
    if found.unusable_cases:
        print(f"kept cases that could not be used: {found.unusable_cases}")
    if found.interrupted:
        print("interrupted: what was known before is printed")
    print(f"seed {found.seed}, profile {found.profile}, {found.elapsed_s:.1f} s")


def _ratio(value: float) -> str:
    """Left over right; the right side may be 0."""
    return "infinite" if value > 1e290 else f"{value:.6g}"


def _print_witness(witness: Witness, attack: Attack) -> None:
    target = attack.prepare(witness.setting)
    name = title(witness.statement, witness.dropped)
    print(f"\n{printable(name)} is refuted by an instance, re-checked in {witness.recheck.method}:")
    print(f"  {printable(sentence(witness, target), 4000)}")
    print("\nPython that shows it:\n")
    print(_indented(snippet(witness, target)))
    print("a problem file with these numbers:\n")
    print(_indented(problem_file(witness, target)), end="")


def _indented(text: str) -> str:
    return "\n".join(f"    {printable(line, 4000)}" if line else "" for line in text.splitlines()) + "\n"


def write_witnesses(found: Refuted, directory: Path) -> None:
    """Write snippet and problem file of every witness: `BND-1--weight-norms.py` and `.yaml`."""
    directory.mkdir(parents=True, exist_ok=True)
    for outcome, attack in zip(found.outcomes, found.attacks, strict=False):
        witness = outcome.witness
        if witness is None:
            continue
        target = attack.prepare(witness.setting)
        name = witness.statement if witness.dropped is None else f"{witness.statement}--{witness.dropped}"
        stem = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        (directory / f"{stem}.py").write_text(snippet(witness, target), encoding="utf-8")
        (directory / f"{stem}.yaml").write_text(problem_file(witness, target), encoding="utf-8")
