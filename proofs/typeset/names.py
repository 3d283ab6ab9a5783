"""Names of the validated alphabet as LaTeX: `W12` is W_{12}, `J_z1` is J_{z_1}, `z1_0` is z_1^0."""

from __future__ import annotations

import re
from dataclasses import dataclass

from proofs.kernel.univariate import Function, Univariate

from .escape import escape

__all__ = ["function_latex", "index_latex", "layer_of", "name_latex", "natural"]

_SEGMENTS = re.compile(r"([A-Za-z]+)(\d*)((?:_[A-Za-z0-9]+)*)\Z")
_GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "pi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
    ]
)
_KNOWN_FUNCTIONS = {"tanh": r"\tanh", "sin": r"\sin", "identity": r"\operatorname{id}"}


def index_latex(index: int, layer: int | None) -> str:
    """The index itself, or relative to the layer l: `l`, `l-1`, `l+2`."""
    if layer is None:
        return str(index)
    return "l" if index == layer else f"l{index - layer:+d}"


@dataclass(frozen=True, slots=True)
class _Parts:
    base: str
    subscript: str
    superscript: str


def name_latex(name: str, layer: int | None = None, entry: str | None = None) -> str:
    """The name typeset; `layer` prints indices relative to it, `entry` adds an entry's index.

    >>> name_latex("W12"), name_latex("J_z1"), name_latex("h1_2"), name_latex("kappa_z2"), name_latex("z1_0")
    ('W_{12}', 'J_{z_{1}}', 'h_{1}^{(2)}', '\\\\kappa_{z_{2}}', 'z_{1}^{0}')
    """
    parts = _parts(name, layer)
    subscript = parts.subscript
    if entry is not None:
        subscript = f"{subscript},{entry}" if subscript else entry
    result = parts.base
    if subscript:
        result += f"_{{{subscript}}}"
    if parts.superscript:
        result += f"^{{{parts.superscript}}}"
    return result


def _parts(name: str, layer: int | None) -> _Parts:
    match = _SEGMENTS.match(name)
    if match is None:
        return _Parts(rf"\mathrm{{{escape(name)}}}", "", "")
    word, digits, rest = match.groups()
    tail = rest.split("_")[1:]
    subscript = index_latex(int(digits), layer) if digits else ""
    if digits.startswith("0") and digits != "0":
        return _Parts(rf"\mathrm{{{escape(name)}}}", "", "")
    if tail and not tail[0].isdigit():
        inner = name_latex("_".join(tail), layer)
        return _Parts(_word(word), f"{subscript},{inner}" if subscript else inner, "")
    superscripts = ["0" if part == "0" else f"({part})" for part in tail]
    if not all(part.isdigit() for part in tail):
        return _Parts(rf"\mathrm{{{escape(name)}}}", "", "")
    return _Parts(_word(word), subscript, ",".join(superscripts))


def _word(word: str) -> str:
    if word in _GREEK:
        return "\\" + word
    if word == "loss":
        return r"\ell"
    return word if len(word) == 1 else rf"\mathrm{{{word}}}"


def layer_of(name: str) -> int | None:
    """The first index in a name: the layer that a node or a block belongs to."""
    found = re.search(r"\d+", name)
    return int(found.group()) if found else None


def function_latex(function: Function, order: int = 0) -> str:
    """The function's name with its parameters and as many primes as derivatives."""
    if isinstance(function, Univariate):
        base = _KNOWN_FUNCTIONS.get(function.name, rf"\operatorname{{{escape(function.name)}}}")
        if function.parameters and function.name != "selu":
            base += f"_{{{', '.join(str(value) for _, value in function.parameters)}}}"
    else:
        base = (
            "\\" + function.name if function.name in _GREEK else rf"\operatorname{{{escape(function.name)}}}"
        )
    return base + "'" * order


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which `W_{2}` comes before `W_{10}`."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part
    )
