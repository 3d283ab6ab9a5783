"""YAML text as a tree of plain values with line numbers, read within limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from gradlemma.errors import ProblemError, printable

from ._numerals import looks_numeric, read_number

__all__ = ["Node", "Value", "parse_yaml"]

MAX_BYTES = 1 << 20
MAX_LINES = 10_000
MAX_DEPTH = 12
MAX_NODES = 20_000
MAX_SCALAR = 4_096

# Text in quotes stays text; plain scalars are read by the rules of `_scalar`.
Value = bool | int | Fraction | str | None
Step = str | int

_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_BEYOND = "move arrays to a csv, npz or safetensors file beside the problem file"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file, the line it starts on, and its children by key or index."""

    value: Any
    line: int
    children: dict[Step, Node] = field(default_factory=dict)

    def line_of(self, path: tuple[Step, ...]) -> int:
        """The line of the deepest node on the path."""
        node = self
        for step in path:
            if step not in node.children:
                break
            node = node.children[step]
        return node.line


def parse_yaml(content: bytes) -> Node:
    """The one document in `content`.

    Anchors, aliases, tags, directives and further documents are refused; numbers are exact; every
    other plain scalar is text, except `null`, `true` and `false`.

    Raises:
        ProblemError: with the line, for anything that is not such a document or exceeds a limit.
    """
    if len(content) > MAX_BYTES:
        raise _limit(f"a file of at most {MAX_BYTES} bytes but got {len(content)} bytes", None)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"expected a text file in UTF-8 but got byte {content[error.start]:#04x}"
        raise ProblemError(message, kind="syntax", line=line, remedy="save it as UTF-8 text") from None
    if text.count("\n") > MAX_LINES:
        raise _limit(f"at most {MAX_LINES} lines but got {text.count(chr(10)) + 1}", None)
    if text.count(",") > MAX_NODES:
        raise _limit(f"at most {MAX_NODES} values but got {text.count(',')} commas", None)
    return _Builder().build(text)


class _Builder:
    """Consumes parser events and never holds more than the limits allow."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.stack: list[tuple[Node, list[Node]]] = []
        self.nodes = 0
        self.documents = 0

    def build(self, text: str) -> Node:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            for event in YAML(typ="safe", pure=True).parse(text):
                self._event(event)
        except ProblemError as error:
            raise self._keyed(error) from None
        except YAMLError as error:
            raise _syntax(error, text) from None
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ProblemError(
                f"expected YAML but the reader stopped with {type(error).__name__}",
                kind="syntax",
                remedy="compare with the examples in docs/problem-file.md",
            ) from None
        if self.root is None or self.root.value is None:
            raise ProblemError(
                "expected a problem but got an empty file",
                kind="syntax",
                line=1,
                remedy="start with `schema: 1`, then `network` and `loss`",
            )
        return self.root

    def _keyed(self, error: ProblemError) -> ProblemError:
        """The refusal with the path to the value that was being read."""
        path = ""
        for node, parts in self.stack:
            if isinstance(node.value, list):
                path += f"[{len(parts)}]"
            elif len(parts) % 2 and isinstance(parts[len(parts) - 1].value, str):
                path += "." + printable(parts[len(parts) - 1].value, 64)
        key = f"{path}.{error.key}" if error.key else path
        return ProblemError(
            error.message,
            kind=error.kind,
            line=error.line,
            key=key.removeprefix(".") or None,
            remedy=error.remedy,
        )

    def _event(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match type(event).__name__:
            case "ScalarEvent":
                self._refuse_decoration(event, line)
                self._add(Node(_scalar(event, line), line))
            case "MappingStartEvent":
                self._refuse_decoration(event, line)
                self._open(Node({}, line))
            case "SequenceStartEvent":
                self._refuse_decoration(event, line)
                self._open(Node([], line))
            case "MappingEndEvent" | "SequenceEndEvent":
                node, parts = self.stack.pop()
                _close(node, parts)
                self._add(node)
            case "AliasEvent":
                raise _decorated("an alias", f"*{event.anchor}", line)
            case "DocumentStartEvent":
                self._document(event, line)
            case _:
                pass

    def _document(self, event: Any, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            raise ProblemError(
                "expected one document but got a second one after `---`",
                kind="syntax",
                line=line,
                remedy="use one file for each problem",
            )
        if event.version or event.tags:
            raise _decorated("a directive", "%", line)

    def _refuse_decoration(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            raise _decorated("an anchor", f"&{event.anchor}", line)
        tag = getattr(event, "tag", None) or getattr(event, "ctag", None)
        if tag is not None and str(tag) not in ("", "None"):
            raise _decorated("a tag", str(tag), line)

    def _open(self, node: Node) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _limit(f"at most {MAX_DEPTH} levels of nesting but got more", node.line)
        self.stack.append((node, []))

    def _add(self, node: Node) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _limit(f"at most {MAX_NODES} values but got more", node.line)
        if self.stack:
            self.stack[-1][1].append(node)
        elif self.root is None:
            self.root = node


def _close(node: Node, parts: list[Node]) -> None:
    """Fill a mapping or a list from the nodes that were read inside it."""
    if isinstance(node.value, list):
        for index, child in enumerate(parts):
            _refuse_nothing(child, f"entry {index}", None)
            node.children[index] = child
            node.value.append(child.value)
        return
    for key, child in zip(parts[0::2], parts[1::2], strict=True):
        # Points such as `0` in `{0: 1/2}` are keys by their exact value.
        is_number = isinstance(key.value, int | Fraction) and not isinstance(key.value, bool)
        name = str(key.value) if is_number else key.value
        if not isinstance(name, str):
            raise ProblemError(
                f"expected a word as a key but got {printable(repr(name), 40)}",
                kind="type",
                line=key.line,
                remedy="keys are words such as `network`, or numbers where values at points are given",
            )
        if name in node.children:
            raise ProblemError(
                f"expected each key once but got {printable(name, 60)!r} twice, "
                f"first on line {node.children[name].line}",
                kind="duplicate-key",
                line=key.line,
                key=name,
                remedy="remove one of them",
            )
        _refuse_nothing(child, name, key.line)
        node.children[name] = Node(child.value, key.line, child.children)
        node.value[name] = child.value


def _refuse_nothing(child: Node, name: str, line: int | None) -> None:
    if child.value is None:
        raise ProblemError(
            f"expected a value for {printable(name, 60)} but got nothing",
            kind="type",
            line=line or child.line,
            key=None if line is None else name,
            remedy="write the value or remove the key",
        )


def _scalar(event: Any, line: int) -> Value:
    text: str = event.value
    if len(text) > MAX_SCALAR:
        raise _limit(f"text of at most {MAX_SCALAR} characters but got {len(text)}", line)
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if not looks_numeric(text):
        return text
    try:
        return read_number(text)
    except ProblemError as error:
        raise error.placed("", line) from None


def _limit(what: str, line: int | None) -> ProblemError:
    return ProblemError(f"expected {what}", kind="limit", line=line, remedy=_BEYOND)


def _decorated(what: str, name: str, line: int) -> ProblemError:
    return ProblemError(
        f"expected plain YAML but got {what} {printable(name, 60)}",
        kind="syntax",
        line=line,
        remedy="write the value out; anchors, aliases, tags and directives are not part of problem files",
    )


def _syntax(error: Any, text: str) -> ProblemError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    line = None if mark is None else mark.line + 1
    if line is None and isinstance(getattr(error, "position", None), int):
        line = text.count("\n", 0, error.position) + 1
    return ProblemError(
        f"expected valid YAML but the reader says: {printable(problem)}",
        kind="syntax",
        line=line,
        remedy="check indentation, brackets, quotes and colons near this line",
    )
