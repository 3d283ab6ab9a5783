"""Claims from a user's Python file, which is run."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from gradlemma.errors import ProblemError, printable
from proofs.errors import UnknownNameError

from ._claim import Claim, ClaimAttack, collected

__all__ = ["attacks_of", "load_claims"]


def attacks_of(file: Path, names: Sequence[str]) -> list[ClaimAttack]:
    """The attacks on the claims of that file, or on those of these names.

    Raises:
        ProblemError: if the file cannot be run, or has no claims.
        UnknownNameError: for a name that is none of them.
    """
    claims = load_claims(file)
    for name in names:
        if name not in claims:
            raise UnknownNameError("a claim", name, list(claims))
    return [claims[name].attack() for name in (dict.fromkeys(names) or claims)]


def load_claims(file: Path | str) -> dict[str, Claim]:
    """Run a Python file and return its claims by name, in order.

    Raises:
        ProblemError: if there is no such file, it raises, or it has no claims or two of one name.
    """
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        raise _refusal(path, "expected a Python file of claims", "give the path of a .py file")
    name = f"_claims_of_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _refusal(path, "expected a Python file of claims", "give the path of a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with collected() as declared:
            spec.loader.exec_module(module)
    except SystemExit as error:
        raise _refusal(path, f"the file ends with exit({error.code})", "remove it") from None
    except Exception as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        if isinstance(error, SyntaxError):
            lines.append(error.lineno)
        raise ProblemError(
            f"the file raises {type(error).__name__}: {printable(error, 300)}",
            kind="file",
            file=str(path),
            line=lines[-1] if lines else None,
            remedy="correct it",
        ) from None
    found: dict[str, Claim] = {}
    imported = (value for value in vars(module).values() if isinstance(value, Claim))
    for value in dict.fromkeys((*declared, *imported)):
        if value.name in found:
            raise _refusal(path, f"expected one claim called {value.name} but got two", "rename one")
        found[value.name] = value
    if not found:
        raise _refusal(path, "expected claims but the file has none", "decorate a function with @claim")
    return found


def _refusal(path: Path, message: str, remedy: str) -> ProblemError:
    return ProblemError(message, kind="file", file=str(path), remedy=remedy)
