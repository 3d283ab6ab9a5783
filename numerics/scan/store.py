"""The results of a scan on disk: preallocated .npy arrays and a ledger of the chunks that are in them.

A chunk counts once its bytes are in the arrays, the arrays are synchronised, the state after it is
stored, and its hash stands in the ledger; all of it survives a kill at any moment.  Whatever does not
agree with its hash when the directory is opened again is computed again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numerics.errors import NumericsError

from .chunk import ChunkResult, State
from .fields import COORDINATES, Field
from .plan import Chunk, Plan

__all__ = ["Store", "StoreError", "array_path"]

LEDGER, LOCK, STATES = "ledger.sqlite", "lock", "states"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS plan (fingerprint TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (
    block INTEGER NOT NULL, segment INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (block, segment)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS states (
    block INTEGER PRIMARY KEY, segment INTEGER NOT NULL, sha256 TEXT NOT NULL
);
"""


class StoreError(NumericsError):
    """The directory cannot be used, or not be written; the text says what to try."""


@contextlib.contextmanager
def _said(what: str) -> Iterator[None]:
    """Failures of the file system and the ledger as sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreError(
                f"expected room for {what} but the disk is full; what was finished is kept: free some "
                "space and run the same command again"
            ) from None
        raise StoreError(
            f"expected to write {what} but got: {error.strerror or type(error).__name__}; "
            "choose another --out"
        ) from None
    except sqlite3.Error as error:
        raise StoreError(
            f"expected to write the ledger but got: {error}; what was finished is kept: free some space "
            "and run the same command again"
        ) from None


def array_path(directory: Path, name: str) -> Path:
    """Where an array lies."""
    return directory / f"{name}.npy"


@dataclass(slots=True, eq=False)
class Store:
    """An open result directory; use `Store.open`, and `close` it."""

    directory: Path
    plan: Plan
    _connection: sqlite3.Connection
    _lock: int
    _done: dict[tuple[int, int], str]
    _states: dict[int, tuple[int, str]]
    repaired: int = 0

    @classmethod
    def open(cls, directory: Path, plan: Plan) -> Store:
        """The directory, made or continued.

        Raises:
            StoreError: if it holds another scan, is in use, or cannot be written.
        """
        _refuse_foreign(directory, plan)
        with _said(f"the directory {directory.name}"):
            directory.mkdir(parents=True, exist_ok=True)
            (directory / STATES).mkdir(exist_ok=True)
            lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise StoreError(
                f"expected {directory.name} for this scan alone but another process writes to it; "
                "wait for it, or choose another --out"
            ) from None
        try:
            connection = _ledger(directory, plan)
            store = cls(directory, plan, connection, lock, {}, {})
            with _said(f"{plan.result_bytes / 2**20:.1f} MiB of arrays"):
                store._allocate()
            store._read()
        except BaseException:
            os.close(lock)
            raise
        return store

    def close(self) -> None:
        """Give the directory back."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._lock)

    @property
    def finished(self) -> int:
        """How many chunks are in the arrays."""
        return len(self._done)

    @property
    def is_complete(self) -> bool:
        return self.finished == self.plan.block_count * self.plan.segment_count

    def pending(self, block: int) -> tuple[int, ...]:
        """The segments of a block that are not in the arrays, in order."""
        return tuple(s for s in range(self.plan.segment_count) if (block, s) not in self._done)

    def state(self, block: int, segment: int) -> State | None:
        """The kept state of a block if it lies before a segment; None if runs must start anew."""
        kept = self._states.get(block)
        if kept is None or kept[0] >= segment:
            return None
        return _decoded(self._state_path(block, kept[0]).read_bytes())

    def add(self, result: ChunkResult) -> None:
        """Put a chunk into the arrays and the ledger.

        Raises:
            StoreError: if the disk is full or cannot be written; the chunk does not count then.
        """
        chunk = result.chunk
        with _said("the results"):
            digest = hashlib.sha256()
            for field in self._fields(chunk):
                self._write(field, chunk, result.arrays[field.name])
                digest.update(np.ascontiguousarray(result.arrays[field.name]).tobytes())
            content = _encoded(result.state)
            _replace(self._state_path(chunk.block, chunk.segment), content)
            _synchronise(self.directory / STATES)
            state_hash = hashlib.sha256(content).hexdigest()
            before = self._states.get(chunk.block)
            with self._connection:
                self._connection.execute(
                    "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?)",
                    (chunk.block, chunk.segment, digest.hexdigest()),
                )
                self._connection.execute(
                    "INSERT OR REPLACE INTO states VALUES (?, ?, ?)",
                    (chunk.block, chunk.segment, state_hash),
                )
        self._done[chunk.block, chunk.segment] = digest.hexdigest()
        self._states[chunk.block] = (chunk.segment, state_hash)
        if before is not None and before[0] != chunk.segment:
            self._state_path(chunk.block, before[0]).unlink(missing_ok=True)

    def seal(self) -> None:
        """Bring the directory of a complete scan into its final form, the same however it was reached."""
        with _said("the ledger"):
            for path in (self.directory / STATES).glob("*"):
                path.unlink()
            (self.directory / STATES).rmdir()
            partial = self.directory / f"{LEDGER}.partial"
            for suffix in ("", "-journal", "-wal", "-shm"):
                partial.with_name(partial.name + suffix).unlink(missing_ok=True)
            final = sqlite3.connect(partial)
            with final:
                final.executescript(_SCHEMA)
                final.execute("INSERT INTO plan VALUES (?, ?)", _plan_row(self.plan))
                rows = [(b, s, digest) for (b, s), digest in sorted(self._done.items())]
                final.executemany("INSERT INTO chunks VALUES (?, ?, ?)", rows)
            final.close()
            self._connection.close()
            for suffix in ("-wal", "-shm"):
                (self.directory / f"{LEDGER}{suffix}").unlink(missing_ok=True)
            _synchronise(partial)
            partial.replace(self.directory / LEDGER)
            _synchronise(self.directory)

    def _state_path(self, block: int, segment: int) -> Path:
        return self.directory / STATES / f"{block}-{segment}.npz"

    def _fields(self, chunk: Chunk) -> Iterator[Field]:
        """The arrays that a chunk writes to."""
        last = chunk.last_record == len(self.plan.record_steps)
        yield from (field for field in self.plan.fields if field.per_record or last)

    def _shape(self, field: Field) -> tuple[int, ...]:
        """The shape on disk with the runs as one dimension."""
        records = (len(self.plan.record_steps),) if field.per_record else ()
        return (self.plan.run_count, *records, *field.inner_shape)

    def _allocate(self) -> None:
        """Reserve the bytes of all arrays, so that a full disk is known before the work."""
        for name, values in _coordinates(self.plan).items():
            path = array_path(self.directory, name)
            content = _npy(values)
            if not path.exists() or path.read_bytes() != content:
                _replace(path, content)
        for field in self.plan.fields:
            path = array_path(self.directory, field.name)
            header = _header(self.plan, field)
            size = (
                len(header)
                + int(np.prod(self._shape(field), dtype=np.int64)) * np.dtype(field.dtype).itemsize
            )
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if os.fstat(descriptor).st_size > size:
                    os.ftruncate(descriptor, size)
                _reserve(descriptor, size)
                if os.pread(descriptor, len(header), 0) != header:
                    os.pwrite(descriptor, header, 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _synchronise(self.directory)

    def _read(self) -> None:
        """Learn from the ledger what is done, and forget what does not agree with its hash."""
        try:
            chunks = self._connection.execute("SELECT block, segment, sha256 FROM chunks").fetchall()
            states = self._connection.execute("SELECT block, segment, sha256 FROM states").fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"expected a readable ledger but got: {error}; choose another --out") from None
        for block, segment, digest in chunks:
            if self._digest(self.plan.chunk(block, segment)) == digest:
                self._done[block, segment] = digest
            else:
                self.repaired += 1
        for block, segment, digest in states:
            path = self._state_path(block, segment)
            if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
                self._states[block] = (segment, digest)

    def _digest(self, chunk: Chunk) -> str:
        digest = hashlib.sha256()
        for field in self._fields(chunk):
            for start, length in self._strips(field, chunk):
                with array_path(self.directory, field.name).open("rb") as file:
                    file.seek(start)
                    left = length
                    while left > 0:
                        content = file.read(min(left, 1 << 22))
                        if not content:
                            return ""
                        digest.update(content)
                        left -= len(content)
        return digest.hexdigest()

    def _write(self, field: Field, chunk: Chunk, values: np.ndarray) -> None:
        rows = np.ascontiguousarray(values.astype(field.dtype, copy=False))
        descriptor = os.open(array_path(self.directory, field.name), os.O_RDWR)
        try:
            for row, (start, length) in zip(rows, self._strips(field, chunk), strict=True):
                content = memoryview(row.tobytes())
                if len(content) != length:
                    raise StoreError(f"expected {length} bytes of {field.name} but got {len(content)}")
                while content:
                    done = os.pwrite(descriptor, content, start)
                    content, start = content[done:], start + done
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _strips(self, field: Field, chunk: Chunk) -> Iterator[tuple[int, int]]:
        """(offset, length) in the file of every run of a chunk."""
        each = field.bytes_each
        records = len(self.plan.record_steps) if field.per_record else 1
        first = chunk.first_record if field.per_record else 0
        count = chunk.records if field.per_record else 1
        start = len(_header(self.plan, field))
        for run in range(chunk.first_run, chunk.last_run):
            yield start + (run * records + first) * each, count * each


def _refuse_foreign(directory: Path, plan: Plan) -> None:
    """Refuse a directory that no scan has made and that holds files of the names of arrays.

    Raises:
        StoreError: naming one of them.
    """
    if (directory / LOCK).exists() or not directory.is_dir():
        return
    names = [*COORDINATES, *(field.name for field in plan.fields)]
    for name in names:
        if array_path(directory, name).exists():
            raise StoreError(
                f"expected an empty directory or one of a scan but {directory.name} holds a file "
                f"{name}.npy of another origin; choose another --out"
            )


def _ledger(directory: Path, plan: Plan) -> sqlite3.Connection:
    """The ledger of this plan; one that is damaged is begun anew."""
    path = directory / LEDGER
    try:
        return _connected(path, plan)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            with _said("the ledger"):
                raise
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with _said("the ledger"):
            return _connected(path, plan)


def _connected(path: Path, plan: Plan) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10.0)
    try:
        # Another scan's ledger is read and left as it is.
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'plan'").fetchone()
        rows = connection.execute("SELECT fingerprint, document FROM plan").fetchall() if tables[0] else []
        if rows and rows[0][0] != plan.fingerprint():
            raise _another(path.parent, rows[0][1], plan)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        with connection:
            connection.executescript(_SCHEMA)
            if not rows:
                connection.execute("INSERT INTO plan VALUES (?, ?)", _plan_row(plan))
    except BaseException:
        connection.close()
        raise
    return connection


def _another(directory: Path, document: str, plan: Plan) -> StoreError:
    try:
        names = Plan.of_document(json.loads(document)).differences(plan)
    except (ValueError, NumericsError):
        names = ()
    # Starts follow from the seed, and the cut from other options.
    names = tuple(n for n in names if not (n == "identity" and "seed" in names))
    shown = {"identity": "the problem file, its data or its starts", "cut": "checkpoint"}
    what = ", ".join(shown.get(name, name) for name in names) or "the plan"
    return StoreError(
        f"expected the scan that {directory.name} was begun with but it differs in {what}; "
        "choose another --out, or run the first command again"
    )


def _plan_row(plan: Plan) -> tuple[str, str]:
    return plan.fingerprint(), json.dumps(plan.document(), sort_keys=True, separators=(",", ":"))


def _coordinates(plan: Plan) -> dict[str, np.ndarray]:
    steps = plan.record_steps
    factors = [plan.optimiser.schedule.factor(step, plan.steps) for step in steps]
    values = {
        "eta": np.array(plan.step_sizes, dtype="<f8"),
        "seed": np.arange(plan.seeds, dtype="<i8"),
        "step": np.array(steps, dtype="<i8"),
        "eta_factor": np.array(factors, dtype="<f8"),
    }
    return {name: values[name] for name in COORDINATES}


def _npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, allow_pickle=False)
    return stream.getvalue()


def _header(plan: Plan, field: Field) -> bytes:
    records = (len(plan.record_steps),) if field.per_record else ()
    shape = (len(plan.step_sizes), plan.seeds, *records, *field.inner_shape)
    stream = io.BytesIO()
    description: dict[str, Any] = {"descr": field.dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, description)
    return stream.getvalue()


def _replace(path: Path, content: bytes) -> None:
    """Write to a temporary name, synchronise, rename."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _reserve(descriptor: int, size: int) -> None:
    """Make the file at least so long, with all of its bytes on the disk."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    end = os.fstat(descriptor).st_size
    while end < size:
        end += os.pwrite(descriptor, bytes(min(1 << 22, size - end)), end)


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encoded(state: State) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, theta=state.theta, velocity=state.velocity, diverged_at=state.diverged_at,
             step=np.array(state.step))  # fmt: skip
    return stream.getvalue()


def _decoded(content: bytes) -> State:
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return State(found["theta"], found["velocity"], found["diverged_at"], int(found["step"]))
