"""The command line: verbs that call the library, errors as sentences, verdicts as exit codes.

Exit codes: 0 proved or holds, 1 refuted, 2 bad input, 3 undecided, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gradlemma.errors import as_json, printable
from proofs.errors import GradlemmaError

__all__ = ["app", "main"]

BAD_INPUT = 2
UNDECIDED = 3
INTERRUPTED = 130

app = typer.Typer(
    name="gradlemma",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)


class Format(StrEnum):
    """How a derivation is printed."""

    tex = "tex"
    md = "md"
    json = "json"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"gradlemma {version('gradlemma')}")
        raise typer.Exit(0)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Proved bounds on gradients and Hessians of neural networks, with their derivations.

    Exit codes: 0 proved or holds, 1 refuted, 2 bad input, 3 undecided, 130 interrupted.
    """


@app.command()
def check(
    problem: Annotated[Path, typer.Argument(metavar="PROBLEM.yaml", help="The problem file.")],
    out: Annotated[Path, typer.Option("--out", help="The directory of the report.")] = Path("report"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Bound gradient and Hessian of the problem, prove it, and compare with measurements."""
    from gradlemma.check_command import run_check

    raise typer.Exit(run_check(problem, out=out, as_json=as_json, quiet=quiet))


@app.command()
def derive(
    theorem: Annotated[str, typer.Argument(metavar="ID", help="A theorem, such as BND-1.")],
    problem: Annotated[Path | None, typer.Option("--problem", help="Derive it for this problem.")] = None,
    depth: Annotated[int | None, typer.Option("--depth", min=1, help="The number of dense layers.")] = None,
    activation: Annotated[
        str | None, typer.Option("--activation", help="For BND-2: an activation instead of any smooth one.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.tex,
    fragment: Annotated[bool, typer.Option("--fragment", help="Without the document around it.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file.")] = None,
) -> None:
    """Derive a theorem and print assumptions, steps, statement and bibliography."""
    from gradlemma.derive import run_derive

    raise typer.Exit(
        run_derive(
            theorem,
            problem=problem,
            depth=depth,
            form=form.value,
            fragment=fragment,
            out=out,
            activation=activation,
        )
    )


@app.command()
def replay(
    derivation: Annotated[Path, typer.Argument(metavar="FILE", help="A stored derivation.json.")],
    problem: Annotated[Path | None, typer.Option("--problem", help="Compare with this problem.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check every step of a stored derivation again, from its rules alone."""
    from gradlemma.replay import run_replay

    raise typer.Exit(run_replay(derivation, problem=problem, as_json=as_json))


@app.command()
def refute(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID ...]", help="Statements, such as BND-1; all without.")
    ] = None,
    drop: Annotated[str | None, typer.Option("--drop", help="Attack without this hypothesis.")] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", min=1, max=1_000_000, help="Settings for each statement.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.001, max=100_000, help="Time for all statements.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="The same seed finds the same.")] = 0,
    profile: Annotated[str, typer.Option("--profile", help="ci, default or nightly.")] = "default",
    file: Annotated[
        Path | None, typer.Option("--file", help="Attack the claims of this Python file (it is run).")
    ] = None,
    cases: Annotated[
        Path, typer.Option("--cases", help="Where failing cases are kept and replayed from.")
    ] = Path(".gradlemma/cases"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Search for counterexamples; a violation counts only if it is shown in exact arithmetic."""
    from gradlemma.refute import run_refute

    raise typer.Exit(
        run_refute(
            ids or [],
            drop=drop,
            examples=examples,
            minutes=minutes,
            seed=seed,
            profile=profile,
            file=file,
            cases=cases,
            as_json=as_json,
            quiet=quiet,
        )
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; no input leads to a traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    wants_json = "--json" in given or "--format=json" in given
    try:
        code: Any = app(args=given, prog_name="gradlemma", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader left: what remains in the buffer must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = UNDECIDED
    except Exception as error:
        code = _failure(error, wants_json)
    except KeyboardInterrupt:
        if wants_json:
            print(json.dumps({"error": {"kind": "interrupted", "message": "interrupted", "remedy": ""}}))
        code = _say("interrupted", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _failure(error: Exception, wants_json: bool) -> int:
    """Say what went wrong in one sentence and return the exit code."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    if isinstance(error, GradlemmaError):
        return _report(error, str(error), "refused", wants_json, BAD_INPUT)
    usage = getattr(error, "format_message", None)
    if usage is not None and hasattr(error, "exit_code"):
        return _usage(error, str(usage()), wants_json)
    if isinstance(
        error, FileExistsError | FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError
    ):
        where = printable(error.filename, 300)
        text = f"expected a usable file {where} but got: {error.strerror}; choose another path"
        return _report(error, text, "file", wants_json, BAD_INPUT)
    if os.environ.get("GRADLEMMA_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    text = (
        f"internal error: {type(error).__name__}: {printable(error, 300)}; set GRADLEMMA_DEBUG=1 to see where"
    )
    return _report(error, text, "internal", wants_json, UNDECIDED)


def _usage(error: Exception, text: str, wants_json: bool) -> int:
    """A mistake on the command line; without any argument the text is the help."""
    if not text.strip():
        text = "expected a command but got none; see gradlemma --help"
    if type(error).__name__ == "NoArgsIsHelpError":
        print(text)
        return BAD_INPUT
    text = f"{printable(text, 600)}; see gradlemma --help"
    return _report(error, text, "usage", wants_json, BAD_INPUT)


def _report(error: Exception, text: str, kind: str, wants_json: bool, code: int) -> int:
    if wants_json:
        document = as_json(error, kind)
        if not isinstance(error, GradlemmaError):
            document["error"]["message"] = text
        print(json.dumps(document, indent=2, sort_keys=True))
        return code
    return _say(text, code)


def _say(text: str, code: int) -> int:
    """Print one line on the error stream, without control characters or markup."""
    print(f"gradlemma: {printable(text, 4000)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
