"""What a scan does, as data: the grid, what is recorded, and how the work is cut into chunks.

A chunk is a block of consecutive runs (step sizes slowest, seeds fastest) over a segment of consecutive
records.  The cut follows from the plan alone, never from the number of workers, so that every way of
running the plan gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from numerics.dynamics.optimiser import Momentum, Optimiser, Schedule, ScheduleKind
from numerics.errors import NumericsError

from .fields import Field, fields_of

__all__ = ["Chunk", "Cut", "Mode", "Plan", "chosen_cut"]


class Mode(StrEnum):
    """What is followed of the Hessian's spectrum.

    full      all eigenvalues, from exact Hessians
    extreme   the largest and smallest ones by Lanczos, from Hessian-vector products
    verdict   what a step size needs, from exact Hessians without their spectra
    none      nothing
    """

    full = "full"
    extreme = "extreme"
    verdict = "verdict"
    none = "none"

    @property
    def holds_hessians(self) -> bool:
        """Whether whole Hessians are formed."""
        return self in (Mode.full, Mode.verdict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Runs `first_run` to `last_run` (exclusive) over records `first_record` to `last_record` (exclusive).

    `block` and `segment` number the blocks of runs and the segments of records.
    """

    block: int
    segment: int
    first_run: int
    last_run: int
    first_record: int
    last_record: int

    @property
    def runs(self) -> int:
        return self.last_run - self.first_run

    @property
    def records(self) -> int:
        return self.last_record - self.first_record


@dataclass(frozen=True, slots=True)
class Cut:
    """How many runs a block holds and how many records a segment."""

    runs: int
    records: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A scan: step sizes (increasing, positive) x seeds 0..S-1, a record every `every` of `steps` steps.

    `identity` names problem and starts by hash.  `largest` and `smallest` count the eigenvalues kept in
    the mode extreme; `tolerance` is relative to the spectral norm.

    Raises:
        NumericsError: naming the field that cannot be.
    """

    step_sizes: tuple[float, ...]
    seeds: int
    steps: int
    every: int
    parameter_count: int
    sample_count: int
    work_per_sample: int
    mode: Mode
    optimiser: Optimiser
    identity: str
    cut: Cut
    seed: int = 0
    largest: int = 1
    smallest: int = 1
    tolerance: float = 1e-6
    dtype: str = "float64"
    device: str = "cpu"
    versions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _check_grid(self.step_sizes)
        for name in ("seeds", "steps", "every"):
            if getattr(self, name) < 1:
                raise NumericsError(f"expected {name} >= 1 but got {name}={getattr(self, name)}")
        if self.dtype not in ("float32", "float64"):
            raise NumericsError(f"expected dtype float32 or float64 but got dtype={self.dtype}")
        if self.mode is Mode.extreme and not (
            0 < self.largest <= self.parameter_count and 0 < self.smallest <= self.parameter_count
        ):
            raise NumericsError(
                f"expected from 1 to {self.parameter_count} eigenvalues at each end but got "
                f"{self.largest} and {self.smallest}"
            )

    @property
    def run_count(self) -> int:
        return len(self.step_sizes) * self.seeds

    @property
    def record_steps(self) -> tuple[int, ...]:
        """The recorded steps: 0, every, 2 every, ..., and the last one."""
        found = list(range(0, self.steps + 1, self.every))
        return tuple(found if found[-1] == self.steps else [*found, self.steps])

    @property
    def fields(self) -> tuple[Field, ...]:
        """The arrays that are recorded."""
        return fields_of(self.mode.value, self.parameter_count, self.largest, self.smallest)

    @property
    def record_bytes(self) -> int:
        """Bytes that one record of one run takes in the result."""
        return sum(field.bytes_each for field in self.fields if field.per_record)

    @property
    def result_bytes(self) -> int:
        """Bytes of all arrays."""
        once = sum(field.bytes_each for field in self.fields if not field.per_record)
        return self.run_count * (self.record_bytes * len(self.record_steps) + once)

    @property
    def segment_count(self) -> int:
        return math.ceil(len(self.record_steps) / self.cut.records)

    @property
    def block_count(self) -> int:
        return math.ceil(self.run_count / self.cut.runs)

    def chunk(self, block: int, segment: int) -> Chunk:
        """The chunk of that block and segment."""
        first, start = block * self.cut.runs, segment * self.cut.records
        return Chunk(
            block, segment, first, min(first + self.cut.runs, self.run_count),
            start, min(start + self.cut.records, len(self.record_steps)),
        )  # fmt: skip

    def document(self) -> dict[str, Any]:
        """The plan as JSON values."""
        found = asdict(self)
        found["step_sizes"] = list(self.step_sizes)
        found["versions"] = dict(self.versions)
        return found

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> Plan:
        """The plan of `document`.

        Raises:
            NumericsError: for anything else.
        """
        try:
            given = dict(document)
            optimiser = dict(given.pop("optimiser"))
            schedule = optimiser.pop("schedule")
            given["optimiser"] = Optimiser(
                Momentum(optimiser.pop("momentum")),
                schedule=Schedule(ScheduleKind(schedule["kind"]), int(schedule["length"])),
                **optimiser,
            )
            given["cut"] = Cut(**given["cut"])
            given["mode"] = Mode(given["mode"])
            given["step_sizes"] = tuple(float(entry) for entry in given["step_sizes"])
            given["versions"] = tuple((str(k), str(v)) for k, v in given["versions"].items())
            return cls(**given)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise NumericsError(f"expected the plan of a scan but got {type(error).__name__}") from None

    def fingerprint(self) -> str:
        """A hash of everything that the bytes of the result depend on."""
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, other: Plan) -> tuple[str, ...]:
        """The fields in which two plans differ."""
        mine, its = self.document(), other.document()
        return tuple(name for name in mine if mine[name] != its[name])


def _check_grid(step_sizes: tuple[float, ...]) -> None:
    if not step_sizes:
        raise NumericsError("expected at least one step size but got none")
    for value in step_sizes:
        if not (math.isfinite(value) and value > 0.0):
            raise NumericsError(f"expected step sizes above 0 but got eta={value:g}")
    if any(a >= b for a, b in zip(step_sizes, step_sizes[1:], strict=False)):
        raise NumericsError("expected step sizes in increasing order, each once")


# Bytes of the tables that a block may fill, and of the records that a segment may fill.
TABLE_BYTES, RECORD_BYTES = 48 << 20, 4 << 20
# Operations that a core does in a second, and those it could do while a step or a record is started.
SPEED, STEP_START, RECORD_START = 2e10, 8e6, 6e7
# Blocks that a scan has at least, if it has as many runs, so that cores share it.
LEAST_BLOCKS = 8
# Operations of one step of a block below which starting them takes longer than computing.
BUSY_WORK = 2e7


def chosen_cut(
    *, runs: int, records: int, every: int, parameter_count: int, sample_count: int, work_per_sample: int,
    mode: Mode, record_bytes: int, seconds: float, table_bytes: int = TABLE_BYTES,
    least_blocks: int = LEAST_BLOCKS,
) -> Cut:  # fmt: skip
    """Blocks and segments whose memory is moderate, and that take about so many seconds of a core.

    `table_bytes` and `least_blocks` are for devices that want larger blocks.
    """
    tables = run_table_bytes(parameter_count, sample_count, work_per_sample, mode)
    step, record = step_work(parameter_count, sample_count), record_work(parameter_count, sample_count, mode)
    shared = max(math.ceil(runs / least_blocks), math.ceil(BUSY_WORK / step))
    block = max(1, min(runs, shared, table_bytes // max(tables, 1)))
    by_memory = max(1, RECORD_BYTES // max(1, block * record_bytes))
    work = every * (block * step + STEP_START) + block * record + RECORD_START
    by_work = max(1, int(seconds * SPEED / work))
    return Cut(block, min(records, by_memory, by_work))


def run_table_bytes(parameter_count: int, sample_count: int, work_per_sample: int, mode: Mode) -> int:
    """Bytes that the passes through one run fill, without whole Hessians, which are made in parts."""
    copies = 12 if mode is Mode.extreme else 8
    return 8 * (copies * sample_count * work_per_sample + 80 * parameter_count)


def step_work(parameter_count: int, sample_count: int) -> float:
    """Floating-point operations of one gradient of one run."""
    return 6.0 * parameter_count * sample_count + 2e4


def record_work(parameter_count: int, sample_count: int, mode: Mode) -> float:
    """Floating-point operations of one record of one run, in units of matrix products."""
    p, n = float(parameter_count), float(sample_count)
    match mode:
        case Mode.full:
            # An eigenvalue routine runs at about a fifth of the speed of matrix products.
            return n * p * p + 5 * 4 / 3 * p**3 + 2e5
        case Mode.verdict:
            return n * p * p + p**3 + 40 * p * p + 1e6
        case Mode.extreme:
            return 30 * 12.0 * p * n + 2e6
        case Mode.none:
            return 2.0 * p * n
