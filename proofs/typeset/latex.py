"""The LaTeX printer: blocks as a document of its own or as a fragment for an article."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from .blocks import Block, Heading, Item, Items, Paragraph, Raw, References
from .escape import escape
from .layout import Cite, Inline, Math, Mono, Strong, break_lines, width_of
from .references import SOURCES

__all__ = ["inline_latex", "print_document", "print_fragment"]

# Widths in em that are free for a formula in a line of a list; the article's own type area is narrower.
DOCUMENT_WIDTH = 33.0
FRAGMENT_WIDTH = 27.0

_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage{lmodern}
\usepackage{amsmath,amssymb,amsthm,mathtools}
\usepackage[margin=27mm]{geometry}
\usepackage{microtype}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 2pt}
"""

# A reason stands at the right end of the last line if it fits there, else on a line of its own.
_MACROS = r"""\providecommand{\gradlemmareason}[1]{{\unskip\nobreak\hfil\penalty50\hskip1.5em\hbox{}\nobreak
  \hfil  \mbox{\small\itshape #1}\parfillskip=0pt \finalhyphendemerits=0 \par}}
\providecommand{\gradlemmaremark}[1]{\par{\small\raggedright #1\par}}
"""

# Fewer than four lines left on the page: go to the next one.
_ROOM = r"\par\vskip0pt plus4\baselineskip\penalty-200\vskip0pt plus-4\baselineskip"

_LIST = (
    r"\begin{list}{}{\setlength{\leftmargin}{3.4em}\setlength{\labelwidth}{2.9em}\setlength{\labelsep}{0.5em}"
    r"\setlength{\itemsep}{2.5pt plus 1pt}\setlength{\parsep}{0pt}\setlength{\topsep}{2pt}"
    r"\setlength{\itemindent}{0pt}}"
    r"\rightskip=0pt plus 6em\relax"
)


def print_document(blocks: Iterable[Block], title: Iterable[Inline]) -> str:
    heading = rf"\begin{{center}}\Large\bfseries\boldmath {_join(title, DOCUMENT_WIDTH)}\end{{center}}"
    lines = [_PREAMBLE + _MACROS + r"\begin{document}", heading]
    lines.append(r"\sloppy")
    lines += [_block(block, DOCUMENT_WIDTH) for block in blocks]
    return "\n".join([*lines, r"\end{document}", ""])


def print_fragment(blocks: Iterable[Block], title: Iterable[Inline] | None) -> str:
    lines = [
        "% needs \\usepackage{amsmath,amssymb,amsthm}; cites by \\cite",
        _MACROS.rstrip(),
        r"\begingroup",
        r"\sloppy\setlength{\parindent}{0pt}%",
    ]
    if title is not None:
        lines.append(rf"\par\medskip{{\large\bfseries\boldmath {_join(title, FRAGMENT_WIDTH)}\par}}")
    keys: list[str] = []
    for block in blocks:
        if isinstance(block, References):
            keys += block.keys
        else:
            lines.append(_block(_left_to_the_article(block), FRAGMENT_WIDTH))
    lines.append(r"\par\endgroup")
    if keys:
        lines.append("% BibTeX entries of the works cited above:")
        lines += [f"% {line}" for key in keys for line in SOURCES[key].bibtex.splitlines()]
    return "\n".join([*lines, ""])


def _left_to_the_article(block: Block) -> Block:
    """References as commands that look into the article's own bibliography."""
    if not isinstance(block, Paragraph):
        return block
    inlines = (Raw(rf"\cite{{{SOURCES[i.key].cite}}}") if isinstance(i, Cite) else i for i in block.inlines)
    return Paragraph(tuple(inlines), block.is_statement)


def _block(block: Block, width: float) -> str:
    match block:
        case Heading(inlines=inlines, level=1):
            return _ROOM + rf"\medskip{{\large\bfseries {_join(inlines, width)}\par}}\nopagebreak\smallskip"
        case Heading(inlines=inlines):
            return _ROOM + rf"\smallskip{{\bfseries\boldmath {_join(inlines, width)}.\par}}\nopagebreak"
        case Paragraph(inlines=inlines, is_statement=True):
            return rf"\par\smallskip{{\raggedright {_join(inlines, width)}\par}}\smallskip"
        case Paragraph(inlines=inlines):
            return rf"{{\raggedright {_join(inlines, width)}\par}}"
        case Items(items=items):
            return "\n".join([_LIST, *(_item(item, width) for item in items), r"\end{list}"])
        case References(keys=keys):
            title = _block(Heading(("References",), 1), width)
            entries = [Item(f"[{SOURCES[key].label}]", (Raw(SOURCES[key].entry),)) for key in keys]
            return title + "\n" + _block(Items(tuple(entries)), width)
        case _:
            assert_never(block)


def _item(item: Item, width: float) -> str:
    label = rf"\item[{{{escape(item.label)}}}] " if item.label else r"\item[] "
    text = label + _join(item.inlines, width)
    reason = _join(item.reason, width)
    if reason:
        short = sum(_width(part) for part in item.reason) < 0.8 * width
        text += rf"\gradlemmareason{{{reason}}}" if short else rf"\gradlemmaremark{{\itshape {reason}}}"
    elif not item.label:
        text = r"\item[]\hspace*{-2em}" + text.removeprefix(r"\item[] ")
    if item.remark:
        text += rf"\gradlemmaremark{{{_join(item.remark, width)}}}"
    return text


def _width(inline: Inline) -> float:
    if isinstance(inline, Math):
        return width_of(inline.text)
    if isinstance(inline, Cite):
        return 4.0
    return 0.5 * len(inline if isinstance(inline, str) else inline.text)


def _join(inlines: Iterable[Inline | Raw], width: float) -> str:
    return "".join(inline_latex(inline, width) for inline in inlines)


def inline_latex(inline: Inline | Raw, width: float) -> str:
    match inline:
        case Cite(key=key):
            return f"[{SOURCES[key].label}]"
        case str():
            return escape(inline)
        case Raw(latex=text):
            return text.replace("–", "--")
        case Mono(text=text):
            return rf"\texttt{{{escape(text)}}}"
        case Strong(text=text):
            return rf"\textbf{{{escape(text)}}}"
        case Math():
            return _formula(inline, width)
        case _:
            assert_never(inline)


def _formula(formula: Math, width: float) -> str:
    lines = break_lines(formula, width)
    if len(lines) == 1:
        return f"${formula.text}$"
    rows = [" ".join(piece.text for piece in line) for line in lines]
    body = " \\\\\n  ".join([f"&{rows[0]}", *(rf"&\quad {{}}{row}" for row in rows[1:])])
    return f"$\\begin{{aligned}}[t]\n  {body}\n\\end{{aligned}}$"
