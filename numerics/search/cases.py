"""Failing cases on disk: JSON files named by the hash of their content, read back before a search."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .attack import Witness
from .recheck import FORMAT, case_of
from .settings import Setting

__all__ = ["Cases"]

MOST_BYTES = 1 << 20
MOST_CASES = 50


class Cases:
    """The failing cases below a directory; at most `MOST_CASES` a statement are read.

    Files that are not what `keep` writes, or are larger than 1 MiB, are passed over and counted in
    `unreadable`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.unreadable = 0

    def keep(self, witness: Witness) -> Path | None:
        """Write the witness; None where its setting has no stored form or the place cannot be written."""
        if not isinstance(witness.setting, Setting):
            return None
        content = json.dumps(case_of(witness), indent=1, sort_keys=True).encode()
        place = self._place(witness.statement, witness.dropped)
        path = place / f"{hashlib.sha256(content).hexdigest()[:32]}.json"
        try:
            place.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=place, suffix=".part")
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(name).replace(path)
        except OSError:
            return None
        return path

    def of(self, statement: str, dropped: str | None) -> Iterator[dict[str, Any]]:
        """The kept cases of a statement, in the order of their names; not yet re-checked."""
        place = self._place(statement, dropped)
        if not place.is_dir():
            return
        for path in sorted(place.glob("*.json"))[:MOST_CASES]:
            case = _read(path, statement, dropped)
            if case is None:
                self.unreadable += 1
            else:
                yield case

    def _place(self, statement: str, dropped: str | None) -> Path:
        name = statement if dropped is None else f"{statement}--{dropped}"
        return self.directory / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _read(path: Path, statement: str, dropped: str | None) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        case: Any = json.loads(path.read_bytes())
        named = (case["format"], case["statement"], case["dropped"]) == (FORMAT, statement, dropped)
    except Exception:
        # Whatever is wrong with a file, it is no case; nothing in it is executed.
        return None
    return case if named else None
