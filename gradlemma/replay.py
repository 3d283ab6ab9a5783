"""`gradlemma replay`: check a stored derivation again, from its rules alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import proofs.kernel.rules  # noqa: F401  (registers the rules)
from gradlemma.errors import ProblemError, printable
from gradlemma.progress import Progress
from gradlemma.resources import Stopwatch
from proofs.errors import KernelError, NetworkError
from proofs.kernel.codec import decode, functions_of
from proofs.kernel.core import Theorem, steps_of
from proofs.kernel.tensor_codec import decode_tensors, digests_of
from proofs.kernel.univariate import Function, Unspecified
from proofs.network import CATALOGUE, Loss, activation, entry_function

if TYPE_CHECKING:
    from gradlemma.compare import Difference

__all__ = ["load_derivation", "run_replay"]

PROVED, REFUSED, UNDECIDED = 0, 1, 3
MAX_BYTES = 2 << 30


def load_derivation(path: Path, quiet: bool = True) -> dict[str, Theorem]:
    """The theorems of a stored derivation, every step recomputed.

    Raises:
        ProblemError: if the file is no derivation at all.
        KernelError: if a step does not recompute, naming it, or the derivation is malformed.
    """
    return _decode(_document(path), quiet)


def _document(path: Path) -> dict[str, Any]:
    """The JSON document of a derivation; what it says is not looked at."""
    if not path.is_file():
        raise _no_derivation(path, "it is not a file" if path.exists() else "there is no such file")
    if path.stat().st_size > MAX_BYTES:
        raise _no_derivation(path, f"it has more than {MAX_BYTES} bytes")
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise _no_derivation(path, f"it is not JSON: {printable(error)}") from None
    inner = document.get("derivation") if isinstance(document, dict) else None
    if not isinstance(inner, dict) or "steps" not in inner:
        raise _no_derivation(path, "it is JSON of another kind")
    return document


def _no_derivation(path: Path, why: str) -> ProblemError:
    return ProblemError(
        f"expected a stored derivation but {why}",
        kind="file",
        file=str(path),
        remedy="give the derivation.json that `check` or `derive --format json` writes",
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise KernelError("expected each key once but got duplicate keys")
    return found


def _no_constant(name: str) -> Any:
    raise KernelError(f"{name} is no number of a derivation")


def _decode(document: dict[str, Any], quiet: bool) -> dict[str, Theorem]:
    if set(document) != {"derivation", "tensors"}:
        raise KernelError("expected a document with the keys derivation and tensors")
    decode_tensors(document["tensors"])
    with Progress(quiet=quiet) as progress:
        stage = progress.stage("replaying")
        goals = decode(document["derivation"], progress=lambda done, _: stage.update(done))
    if set(document["tensors"]) != set(digests_of(*goals.values())):
        raise KernelError("expected the tensors that the derivation speaks about and no others")
    for function in functions_of(*goals.values()):
        if function.name in CATALOGUE and not _is_known(function):
            raise KernelError(f"the function called {function.label()} is not the one of that name")
    return goals


def _is_known(function: Function) -> bool:
    """Whether a function with a name of the catalogue is that function: statements print the name alone."""
    if isinstance(function, Unspecified):
        return False
    try:
        known = activation(function.name, **dict(function.parameters))
    except NetworkError:
        known = None
    return function in (known, entry_function(Loss.BCE))


def run_replay(derivation: Path, *, problem: Path | None, as_json: bool, quiet: bool = False) -> int:
    """Replay a file and print what it proves.

    Returns:
        0; 1 if a step is refused or a goal does not fit the problem; 3 if all that is missing is that
        the problem's own nodes are twice differentiable.
    """
    watch = Stopwatch()
    try:
        goals = load_derivation(derivation, quiet=as_json or quiet)
    except KernelError as error:
        return _refused(str(error), as_json)
    unlike, missing = ([], []) if problem is None else _compared(goals, problem)
    summary = _summary(goals, watch.elapsed_s(), unlike, missing)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _print(goals, summary)
    return {"refuted": REFUSED, "undecided": UNDECIDED}.get(summary["verdict"], PROVED)


def _compared(goals: dict[str, Theorem], problem: Path) -> tuple[list[Difference], list[str]]:
    """What does not fit the problem, and which bounds it asks for that the derivation lacks."""
    from proofs.kernel.set_claims import SetClaim

    if any(isinstance(theorem.claim, SetClaim) for theorem in goals.values()):
        raise ProblemError(
            "expected a derivation of bounds with --problem but got one about sets of parameters",
            kind="usage",
            key="--problem",
            remedy="replay it without --problem; `check` and `steps` compare theirs with the problem",
        )
    from gradlemma.compare import compare
    from gradlemma.problem import feed_forward, load_problem
    from gradlemma.proved import asked_for
    from gradlemma.resolve import resolve
    from proofs.theorems.bounds import Derivation

    resolved = resolve(load_problem(problem))
    work = Derivation(feed_forward(resolved.problem), resolved.problem.loss)
    wanted = [f"{name.value}.{symbol}" for name in asked_for(resolved) for symbol in ("G_max", "H_max")]
    return compare(goals, work, resolved), [name for name in wanted if name not in goals]


def _refused(reason: str, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"schema_version": 1, "verdict": "refuted", "reason": reason}, indent=2))
    else:
        print(f"refused: {printable(reason, 600)}", file=sys.stderr)
    return REFUSED


def _summary(
    goals: dict[str, Theorem], elapsed: float, unlike: list[Difference], missing: list[str]
) -> dict[str, Any]:
    from proofs.typeset import claim_latex

    trust = sorted(frozenset[str]().union(*(theorem.trust for theorem in goals.values())))
    return {
        "schema_version": 1,
        "verdict": _verdict(unlike, trust),
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
        "differences": [difference.sentence for difference in unlike],
        "missing": missing,
        "elapsed_s": elapsed,
    }


def _verdict(unlike: list[Difference], trust: list[str]) -> str:
    if unlike:
        return "undecided" if all(difference.is_unshown for difference in unlike) else "refuted"
    return "certified" if trust else "proved"


def _print(goals: dict[str, Theorem], summary: dict[str, Any]) -> None:
    from gradlemma.plain import claim_text

    for name, theorem in goals.items():
        trust = f"   relying on {', '.join(sorted(theorem.trust))}" if theorem.trust else ""
        print(f"{printable(name)}: {claim_text(theorem.claim)}{trust}")
        for hypothesis in sorted(claim_text(claim, exact=True) for claim in theorem.hypotheses):
            print(f"    if {hypothesis}")
    for sentence in summary["differences"]:
        print(f"for this problem: {printable(sentence, 400)}")
    if summary["missing"]:
        print(f"not in this derivation: {', '.join(summary['missing'])}")
    print(f"{summary['steps']} steps recomputed in {summary['elapsed_s']:.2f} s: {summary['verdict']}")
