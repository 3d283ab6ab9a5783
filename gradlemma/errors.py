"""The refusals of the front door: every one is a sentence with place and remedy."""

from __future__ import annotations

from proofs.errors import GradlemmaError

__all__ = ["ProblemError", "as_json", "printable"]

MAX_SHOWN = 120


def printable(text: object, limit: int = MAX_SHOWN) -> str:
    r"""The text with control characters escaped and at most `limit` characters, safe on a terminal.

    >>> printable("a" + chr(27) + "[31m")
    'a\\x1b[31m'
    """
    shown = str(text)
    if len(shown) > limit:
        shown = shown[: limit - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


class ProblemError(GradlemmaError):
    """A problem file, or what it refers to, cannot be used; the text says where and what to try.

    Args:
        message: what was expected and what was found.
        kind: one of `syntax`, `limit`, `unknown-key`, `duplicate-key`, `missing-key`, `type`,
            `value`, `shape`, `data`, `weights`, `network`, `expression`, `file`.
        file: the problem file, where there is one.
        line: the line in that file, counted from 1.
        key: the path to the value, such as `network[2].dense.width`.
        remedy: what to try.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "value",
        file: str | None = None,
        line: int | None = None,
        key: str | None = None,
        remedy: str = "",
    ) -> None:
        self.kind = kind
        self.message = printable(message, 600)
        self.file = None if file is None else printable(file, 400)
        self.line = line
        self.key = None if key is None else printable(key)
        self.remedy = printable(remedy, 400)
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """One sentence: place, what was expected, what was found, what to try."""
        place = self.file or ""
        if self.line is not None:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        if self.key:
            place = f"{place}, key {self.key}" if place else f"key {self.key}"
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}; {self.remedy}" if self.remedy else text

    def placed(self, file: str, line: int | None) -> ProblemError:
        """The same refusal with its place in a file; a place that is known already is kept."""
        return ProblemError(
            self.message,
            kind=self.kind,
            file=self.file or file,
            line=self.line or line,
            key=self.key,
            remedy=self.remedy,
        )

    def as_json(self) -> dict[str, dict[str, str | int | None]]:
        """The error document that `--json` prints."""
        return as_json(self)


def as_json(error: Exception, kind: str = "refused") -> dict[str, dict[str, str | int | None]]:
    """The error document of any exception: kind, message, file, line, key and remedy under `error`."""
    fields: dict[str, str | int | None] = {"kind": getattr(error, "kind", kind)}
    fields["message"] = getattr(error, "message", None) or printable(error, 2000)
    for name in ("file", "line", "key", "remedy"):
        fields[name] = getattr(error, name, None) or None
    return {"error": fields}
