"""The command line: verbs that call the library, errors as sentences, verdicts as exit codes.

Exit codes: 0 proved or holds, 1 refuted, 2 bad input, 3 undecided, 130 interrupted; ended by SIGPIPE
(141 in a shell) if the reader of the output leaves.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gradlemma.errors import ProblemError, as_json, printable
from gradlemma.streams import OutputFailed, ReaderLeft, drop_output, end_by_broken_pipe, watched_output
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


class _Interrupted(BaseException):
    """Ctrl-C in a command; Typer would turn a KeyboardInterrupt into a silent exit."""


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise _Interrupted from None


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"gradlemma {version('gradlemma')}")
        raise typer.Exit(0)


def _place(text: str | Path) -> Path:
    """A path; an empty one, say of an unset variable, is refused and not read as the current directory."""
    if not str(text):
        raise typer.BadParameter("expected a path but got nothing")
    return Path(text)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Proved bounds on gradients and Hessians of neural networks, with their derivations.

    Exit codes: 0 proved or holds, 1 refuted, 2 bad input, 3 undecided, 130 interrupted, 141 output closed.
    """


@app.command()
def check(
    problem: Annotated[Path, typer.Argument(metavar="PROBLEM.yaml", help="The problem file.")],
    out: Annotated[
        Path, typer.Option("--out", parser=_place, metavar="DIRECTORY", help="The directory of the report.")
    ] = Path("report"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Bound gradient and Hessian of the problem, prove it, and compare with measurements."""
    with _interruptible():
        from gradlemma.check_command import run_check

        raise typer.Exit(run_check(problem, out=out, as_json=as_json, quiet=quiet))


@app.command()
def derive(
    theorem: Annotated[str, typer.Argument(metavar="ID", help="A statement, such as BND-1; see list.")],
    problem: Annotated[Path | None, typer.Option("--problem", help="Derive it for this problem.")] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth", min=1, help="For BND-2: this number of dense layers; default: every number L >= 2."
        ),
    ] = None,
    activation: Annotated[
        str | None, typer.Option("--activation", help="For BND-2 and ACT: an activation of the catalogue.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.tex,
    fragment: Annotated[bool, typer.Option("--fragment", help="Without the document around it.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", parser=_place, metavar="FILE", help="Write to this file.")
    ] = None,
) -> None:
    """Derive a theorem and print assumptions, steps, statement and bibliography.

    BND-1 is derived for a problem; BND-2 for networks of any number of layers, or of a given one.
    """
    with _interruptible():
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
def refute(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID ...]", help="Statements, such as BND-1; all without.")
    ] = None,
    drop: Annotated[
        str | None, typer.Option("--drop", metavar="HYPOTHESIS", help="Attack without this hypothesis.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", min=1, max=1_000_000, help="Settings for each statement.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.001, max=100_000, help="Time for all statements.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**63 - 1, help="The same seed finds the same.")
    ] = 0,
    profile: Annotated[str, typer.Option("--profile", help="ci, default or nightly.")] = "default",
    file: Annotated[
        Path | None, typer.Option("--file", help="Attack the claims of this Python file (it is run).")
    ] = None,
    cases: Annotated[
        Path, typer.Option("--cases", help="Where failing cases are kept and replayed from.")
    ] = Path(".gradlemma/cases"),
    out: Annotated[
        Path | None, typer.Option("--out", help="Write snippets and problem files of witnesses here.")
    ] = None,
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
            out=out,
            as_json=as_json,
            quiet=quiet,
        )
    )


@app.command()
def scan(
    problem: Annotated[Path, typer.Argument(metavar="PROBLEM.yaml", help="The problem file.")],
    eta: Annotated[
        str, typer.Option("--eta", metavar="LOW:HIGH:COUNT[:log]", help="The step sizes; or a list, 0.1,0.2.")
    ],
    out: Annotated[
        Path, typer.Option("--out", parser=_place, metavar="DIRECTORY", help="Where the arrays go.")
    ],
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100_000, help="Runs for each step size.")] = 16,
    steps: Annotated[int, typer.Option("--steps", min=1, max=10**9, help="Steps of every run.")] = 2000,
    every: Annotated[int, typer.Option("--every", min=1, max=10**9, help="Steps between records.")] = 20,
    spectrum: Annotated[
        str, typer.Option("--spectrum", help="auto, full, extreme, verdict or none; see docs/scan.md.")
    ] = "auto",
    optimiser: Annotated[
        str, typer.Option("--optimiser", help="gd, heavy-ball or nesterov; with --batch stochastic.")
    ] = "gd",
    beta: Annotated[str, typer.Option("--beta", help="Momentum, for heavy-ball and nesterov.")] = "0",
    weight_decay: Annotated[
        str, typer.Option("--weight-decay", help="w: adds w theta to the gradient.")
    ] = "0",
    batch: Annotated[
        int | None, typer.Option("--batch", min=1, help="Samples of a mini-batch; default: all.")
    ] = None,
    schedule: Annotated[
        str, typer.Option("--schedule", help="constant, cosine, warmup:STEPS or step:STEPS.")
    ] = "constant",
    start: Annotated[str, typer.Option("--start", help="random, or weights: those of the file.")] = "random",
    radius: Annotated[
        str, typer.Option("--radius", help="With --start weights: how far seeds 1, 2, ... start from them.")
    ] = "0",
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Where random numbers begin.")] = 0,
    largest: Annotated[
        int, typer.Option("--largest", min=1, max=1000, help="Mode extreme: eigenvalues at the upper end.")
    ] = 3,
    smallest: Annotated[
        int, typer.Option("--smallest", min=1, max=1000, help="Mode extreme: eigenvalues at the lower end.")
    ] = 1,
    tolerance: Annotated[
        str | None, typer.Option("--tolerance", help="Of eigenvalues, relative to the norm; default 1e-6.")
    ] = None,
    dtype: Annotated[str, typer.Option("--dtype", help="float64 or float32.")] = "float64",
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", metavar="SECONDS", help="About how much work a kill may cost.")
    ] = "10",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=1024, help="Processes; results do not depend on them."),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")] = True,
    profile: Annotated[bool, typer.Option("--profile", help="Say where the time went.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run gradient descent for a grid of step sizes and follow the Hessian's spectrum.

    A run that was killed is continued by the same command.
    """
    with _interruptible():
        from gradlemma.scan_command import run_scan

        rule = {
            "momentum": optimiser, "beta": beta, "weight_decay": weight_decay, "batch": batch,
            "schedule": schedule,
        }  # fmt: skip
        raise typer.Exit(
            run_scan(
                problem, eta=eta, out=out, workers=workers, figures=figures, profile=profile, as_json=as_json,
                quiet=quiet, optimiser=rule, seeds=seeds, steps=steps, every=every, spectrum=spectrum,
                start=start, radius=radius, seed=seed, largest=largest, smallest=smallest,
                tolerance=tolerance, dtype=dtype, device=device, checkpoint=checkpoint,
            )
        )  # fmt: skip


@app.command()
def steps(
    problem: Annotated[Path, typer.Argument(metavar="PROBLEM.yaml", help="The problem file, with data.")],
    eta: Annotated[
        str | None, typer.Option("--eta", metavar="LIST", help="Step sizes to decide, such as 1/100,1/10,1.")
    ] = None,
    optimiser: Annotated[
        str,
        typer.Option("--optimiser", help="gd, sgd:BATCH, heavy-ball:BETA, nesterov:BETA or proximal."),
    ] = "gd",
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="LIST", help="Steps taken one after the other.")
    ] = None,
    weight_decay: Annotated[
        str, typer.Option("--weight-decay", help="w: adds w/2 |theta|^2 to the loss.")
    ] = "0",
    patterns: Annotated[
        int, typer.Option("--patterns", metavar="LIMIT", help="Activation patterns held at once.")
    ] = 4096,
    samples: Annotated[
        int, typer.Option("--samples", help="Random points where the patterns are more.")
    ] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Of random points.")] = 0,
    rationalise: Annotated[
        bool, typer.Option("--rationalise", help="Take data of floating point as the numbers stored.")
    ] = False,
    denominator: Annotated[
        int | None, typer.Option("--denominator", metavar="D", help="Round the data to multiples of 1/D.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=_place, metavar="DIRECTORY", help="Write report and derivation here."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Prove at which step sizes gradient descent is singular: it takes an open set to a null set.

    Exit codes: 0 every asked step is nonsingular (none asked: all exceptional ones are known), 1 one is
    singular, 3 undecided.
    """
    with _interruptible():
        from gradlemma.steps_command import run_steps

        raise typer.Exit(
            run_steps(
                problem, eta=eta, schedule=schedule, out=out, as_json=as_json, quiet=quiet,
                optimiser=optimiser, weight_decay=weight_decay, patterns=patterns, samples=samples,
                seed=seed, rationalise=rationalise, denominator=denominator,
            )
        )  # fmt: skip


@app.command()
def tasks(
    problem: Annotated[Path, typer.Argument(metavar="PROBLEM.yaml", help="The problem file, with tasks.")],
    eta: Annotated[
        str | None,
        typer.Option("--eta", metavar="E", help="The step size, such as 1/10; default: the file's."),
    ] = None,
    alpha: Annotated[
        str | None, typer.Option("--alpha", metavar="A", help="The coefficient; default: the file's.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="K", help="Steps of every run; default: the file's.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=_place, metavar="DIRECTORY", help="Write report and derivation here."),
    ] = None,
    order: Annotated[bool, typer.Option("--order/--no-order", help="Observe the orders.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Measure and bound how far task arithmetic is from multi-task training.

    Exit codes: 0 the expansion holds, 1 a bound is refuted, 3 undecided: a kink is crossed or a run diverged.
    """
    with _interruptible():
        from gradlemma.tasks_command import run_tasks_command

        raise typer.Exit(
            run_tasks_command(
                problem, eta=eta, alpha=alpha, steps=steps, out=out, order=order, as_json=as_json, quiet=quiet
            )
        )


@app.command()
def replay(
    derivation: Annotated[Path, typer.Argument(metavar="FILE", help="A stored derivation.json.")],
    problem: Annotated[Path | None, typer.Option("--problem", help="Compare with this problem.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Check every step of a stored derivation again, from its rules alone."""
    with _interruptible():
        from gradlemma.replay import run_replay

        raise typer.Exit(run_replay(derivation, problem=problem, as_json=as_json, quiet=quiet))


@app.command("list")
def list_statements(
    identifier: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A statement, such as BND-1; default: a table.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the registered statements, or print one with its hypotheses and how to use it."""
    from gradlemma.list_command import run_list

    raise typer.Exit(run_list(identifier, as_json=as_json))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; no input leads to a traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        with watched_output():
            code = _run(given, "--json" in given or "--format=json" in given)
            sys.stdout.flush()
    except ReaderLeft:
        end_by_broken_pipe()
    except OutputFailed as failed:
        drop_output()
        code = _say(f"expected an output that can be written but got: {failed}; free some space", BAD_INPUT)
    sys.exit(code)


def _run(given: list[str], wants_json: bool) -> int:
    """The exit code of the command; whatever it raises has been said."""
    try:
        code: Any = app(args=given, prog_name="gradlemma", standalone_mode=False)
    except Exception as error:
        return _failure(error, wants_json)
    except (KeyboardInterrupt, _Interrupted):
        return _interrupted(wants_json)
    return code if isinstance(code, int) else 0


def _interrupted(wants_json: bool) -> int:
    if wants_json:
        document = as_json(RuntimeError("interrupted"), "interrupted")
        print(json.dumps(document, indent=2, sort_keys=True))
    return _say("interrupted", INTERRUPTED)


def _failure(error: Exception, wants_json: bool) -> int:
    """Say what went wrong in one sentence and return the exit code."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    if isinstance(error, GradlemmaError):
        return _report(error, wants_json, BAD_INPUT)
    usage = getattr(error, "format_message", None)
    if usage is not None and hasattr(error, "exit_code"):
        return _usage(type(error).__name__, str(usage()), wants_json)
    if isinstance(
        error, FileExistsError | FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError
    ):
        text = f"expected a usable file {printable(error.filename, 300)} but got: {error.strerror}"
        remedy = "choose another path"
        return _report(ProblemError(text, kind="file", remedy=remedy), wants_json, BAD_INPUT)
    if os.environ.get("GRADLEMMA_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    text = f"internal error: {type(error).__name__}: {printable(error, 300)}"
    remedy = "set GRADLEMMA_DEBUG=1 to see where"
    return _report(ProblemError(text, kind="internal", remedy=remedy), wants_json, UNDECIDED)


def _usage(name: str, text: str, wants_json: bool) -> int:
    """A mistake on the command line; without any argument the text is the help."""
    if not text.strip():
        text = "expected a command but got none"
    if name == "NoArgsIsHelpError":
        print(text)
        return BAD_INPUT
    text = printable(text, 600).rstrip(". ")
    return _report(ProblemError(text, kind="usage", remedy="see gradlemma --help"), wants_json, BAD_INPUT)


def _report(error: GradlemmaError, wants_json: bool, code: int) -> int:
    if wants_json:
        print(json.dumps(as_json(error), indent=2, sort_keys=True))
        return code
    return _say(str(error), code)


def _say(text: str, code: int) -> int:
    """Print one line on the error stream, without control characters or markup."""
    print(f"gradlemma: {printable(text, 4000)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
