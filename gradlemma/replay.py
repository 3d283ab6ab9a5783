"""`gradlemma replay`: check a stored derivation again, from its rules alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import proofs.kernel.rules  # noqa: F401  (registers the rules)
from gradlemma.errors import printable
from gradlemma.progress import Progress
from gradlemma.resources import Stopwatch
from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.codec import decode
from proofs.kernel.core import Theorem, steps_of
from proofs.kernel.tensor_codec import decode_tensors, digests_of

__all__ = ["load_derivation", "run_replay"]

PROVED, REFUSED = 0, 1
MAX_BYTES = 2 << 30


def load_derivation(path: Path, quiet: bool = True) -> dict[str, Theorem]:
    """The theorems of a stored derivation, every step recomputed.

    Raises:
        KernelError: if a step does not recompute, naming it, or the document is malformed.
    """
    return _decode(_document(path), quiet)


def _document(path: Path) -> Any:
    if path.stat().st_size > MAX_BYTES:
        raise KernelError(f"expected a derivation of at most {MAX_BYTES} bytes")
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise KernelError(f"expected a JSON document but got: {printable(error)}") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate keys")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of a derivation")


def _decode(document: Any, quiet: bool) -> dict[str, Theorem]:
    if not isinstance(document, dict) or set(document) != {"derivation", "tensors"}:
        raise KernelError("expected a document with the keys derivation and tensors")
    decode_tensors(document["tensors"])
    with Progress(quiet=quiet) as progress:
        stage = progress.stage("replaying")
        goals = decode(document["derivation"], progress=lambda done, _: stage.update(done))
    if set(document["tensors"]) != set(digests_of(*goals.values())):
        raise KernelError("expected the tensors that the derivation speaks about and no others")
    return goals


def run_replay(derivation: Path, *, problem: Path | None, as_json: bool) -> int:
    """Replay a file and print what it proves; exit code 0, or 1 if a step is refused."""
    watch = Stopwatch()
    if not derivation.is_file():
        raise GradlemmaError(f"expected a derivation file but got {printable(derivation)}")
    try:
        goals = load_derivation(derivation, quiet=as_json)
    except KernelError as error:
        return _refused(str(error), as_json)
    unlike = _unlike(goals, problem)
    summary = _summary(goals, watch.elapsed_s(), unlike)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _print(goals, summary)
    return REFUSED if unlike else PROVED


def _unlike(goals: dict[str, Theorem], problem: Path | None) -> list[str]:
    if problem is None:
        return []
    from gradlemma.compare import differences
    from gradlemma.problem import load_problem
    from gradlemma.resolve import resolve
    from proofs.theorems.bounds import Derivation

    resolved = resolve(load_problem(problem))
    work = Derivation(resolved.problem.network, resolved.problem.loss)
    return differences(goals, work, resolved)


def _refused(reason: str, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"schema_version": 1, "verdict": "refuted", "reason": reason}, indent=2))
    else:
        print(f"refused: {printable(reason, 600)}", file=sys.stderr)
    return REFUSED


def _summary(goals: dict[str, Theorem], elapsed: float, unlike: list[str]) -> dict[str, Any]:
    from proofs.typeset import claim_latex

    trust = sorted(frozenset[str]().union(*(theorem.trust for theorem in goals.values())))
    return {
        "schema_version": 1,
        "verdict": "refuted" if unlike else ("certified" if trust else "proved"),
        "steps": len(steps_of(*goals.values())),
        "goals": {
            name: {
                "statement": claim_latex(theorem.claim),
                "hypotheses": sorted(claim_latex(claim, exact=True) for claim in theorem.hypotheses),
                "trust": sorted(theorem.trust),
            }
            for name, theorem in goals.items()
        },
        "trust": trust,
        "differences": unlike,
        "elapsed_s": elapsed,
    }


def _print(goals: dict[str, Theorem], summary: dict[str, Any]) -> None:
    from gradlemma.plain import claim_text

    for name, theorem in goals.items():
        trust = f"   relying on {', '.join(sorted(theorem.trust))}" if theorem.trust else ""
        print(f"{printable(name)}: {claim_text(theorem.claim)}{trust}")
        for hypothesis in sorted(claim_text(claim, exact=True) for claim in theorem.hypotheses):
            print(f"    if {hypothesis}")
    for sentence in summary["differences"]:
        print(f"does not fit the problem: {printable(sentence)}")
    print(f"{summary['steps']} steps recomputed in {summary['elapsed_s']:.2f} s: {summary['verdict']}")
