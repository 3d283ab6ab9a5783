"""From a problem and the options of a scan to its plan, its objective and its starting points."""

from __future__ import annotations

import copy
import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from gradlemma.errors import ProblemError, printable
from gradlemma.problem import Problem, feed_forward
from numerics.dynamics import Optimiser, around, random_starts
from numerics.errors import NumericsError
from numerics.objective import NetworkObjective, Objective, module_objective
from numerics.scan import Mode, Plan, chosen_cut, fields_of
from proofs.errors import GradlemmaError

if TYPE_CHECKING:
    from proofs.network import Loss

__all__ = ["AUTO_FULL", "ScanOptions", "Setup", "setup_of_module", "setup_of_problem"]

# `auto` follows whole spectra up to this many parameters, both ends above.
AUTO_FULL = 400
# What float32 can promise of an eigenvalue, relative to the norm.
FLOAT32_TOLERANCE = 1e-3
MIN_FREE_SHARE = 0.25
MAX_RECORDS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """What to scan; the defaults are those of the command line.

    `checkpoint` is about how many seconds of work a kill may cost; it decides how the work is cut.
    """

    step_sizes: tuple[float, ...]
    seeds: int = 16
    steps: int = 2000
    every: int = 20
    spectrum: str = "auto"
    optimiser: Optimiser = field(default_factory=Optimiser)
    start: str = "random"
    radius: float = 0.0
    seed: int = 0
    largest: int = 3
    smallest: int = 1
    tolerance: float | None = None
    dtype: str = "float64"
    device: str = "auto"
    checkpoint: float = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """A scan ready to run: plan, objective on the CPU, starts [S, P], and a line that describes it."""

    plan: Plan
    objective: Objective
    starts: np.ndarray
    title: str


def setup_of_problem(problem: Problem, options: ScanOptions) -> Setup:
    """The scan of a problem file's network, loss and data.

    Raises:
        ProblemError: without data, without weights where runs start at them, or if a loss is not finite.
    """
    if problem.samples is None:
        raise ProblemError(
            "expected data, which gradient descent needs, but the problem has none",
            kind="missing-key", key="data", remedy="add a section `data`",
            file=None if problem.path is None else str(problem.path),
        )  # fmt: skip
    x = torch.from_numpy(problem.samples.x.to_numpy())
    y = torch.from_numpy(problem.samples.y.to_numpy())
    network = feed_forward(problem, "scan")
    objective = NetworkObjective(network, problem.loss, x, y.reshape(len(x), -1))
    return _setup(objective, _starts(problem, options), options, repr(problem.network), problem.loss,
                  problem.describe())  # fmt: skip


def setup_of_module(
    module: torch.nn.Module, loss: Loss, x: torch.Tensor, y: torch.Tensor, options: ScanOptions
) -> Setup:
    """The scan of any torch module by torch.func; runs start at its parameters, or around them.

    A copy of the module in evaluation mode is used; the module itself stays as it is.

    Raises:
        ProblemError: if a loss is not finite, options do not fit, or torch.func cannot differentiate it.
    """
    module = copy.deepcopy(module).double().eval()
    parameters = [p.detach().reshape(-1).cpu() for p in module.parameters()]
    if not parameters:
        raise ProblemError("expected a module with parameters but got none", kind="network")
    starts = around(torch.cat(parameters), options.radius, options.seeds, options.seed)
    objective = module_objective(module, loss, x.double(), y.double())
    buffers = [(name, _hash(b.detach().cpu().numpy())) for name, b in module.named_buffers()]
    # What the module computes is named by its values: its code cannot be compared.
    with torch.no_grad():
        outputs = _attempted(lambda: module(objective.x))
    values = _attempted(lambda: torch.cat((objective.losses(starts), objective.gradients(starts).sum(1))))
    _attempted(lambda: objective.products(starts[:1])(starts[:1]))
    if _mode(objective.parameter_count, options).holds_hessians:
        _attempted(lambda: objective.hessians(starts[:1]))
    seen = [_hash(part.detach().cpu().numpy()) for part in (outputs, values)]
    return _setup(objective, starts, options, f"{module!r} {buffers} {seen}", loss, type(module).__name__)


def _attempted(work: Callable[[], torch.Tensor]) -> torch.Tensor:
    """What a module gives, or a refusal where torch.func cannot follow it."""
    try:
        return work()
    except GradlemmaError:
        raise
    except Exception as error:
        raise ProblemError(
            f"expected a module that torch.func can differentiate twice but got {type(error).__name__}: "
            f"{printable(error, 200)}",
            kind="network",
            remedy="write it with operations that torch.func.vmap and jvp know, or use a Sequential",
        ) from None


def _starts(problem: Problem, options: ScanOptions) -> torch.Tensor:
    if options.start == "random" and options.radius:
        raise ProblemError(
            "expected --radius with --start weights alone", kind="usage", remedy="add --start weights"
        )
    if options.start == "random":
        return random_starts(feed_forward(problem, "scan"), options.seeds, options.seed)
    if options.start != "weights":
        raise ProblemError(
            f"expected --start random or weights but got {printable(options.start)}",
            kind="usage", remedy="choose one of them",
        )  # fmt: skip
    if problem.weights is None:
        raise ProblemError(
            "expected weights to start at but the problem has none",
            kind="missing-key", key="weights", remedy="add a section `weights`, or use --start random",
        )  # fmt: skip
    flat = np.concatenate([tensor.to_numpy().reshape(-1) for tensor in problem.weights])
    return around(torch.from_numpy(flat), options.radius, options.seeds, options.seed)


def _setup(
    objective: Objective, starts: torch.Tensor, options: ScanOptions, network: str, loss: Loss, title: str
) -> Setup:
    finite = torch.isfinite(objective.losses(starts))
    if not bool(finite.all()):
        seed = int((~finite).nonzero()[0])
        raise ProblemError(
            f"expected a finite loss at the start but seed {seed} has a loss that is NaN or infinite",
            kind="data", remedy="scale the data or the weights",
        )  # fmt: skip
    data = [_hash(t.numpy()) for t in (objective.x, objective.y, starts)]
    identity = _hash_text(" ".join([network, loss.label(), *data]))
    return Setup(_plan(objective, options, identity), objective, starts.numpy(), title)


def _plan(objective: Objective, options: ScanOptions, identity: str) -> Plan:
    mode = _mode(objective.parameter_count, options)
    device = _device(options.device)
    ends = [min(n, objective.parameter_count) for n in (options.largest, options.smallest)]
    if options.optimiser.batch is not None and options.optimiser.batch > objective.sample_count:
        raise ProblemError(
            f"expected --batch of at most {objective.sample_count}, the number of samples, but got "
            f"{options.optimiser.batch}",
            kind="usage",
            remedy="use a smaller --batch, or none for all samples",
        )
    sizes = {
        "parameter_count": objective.parameter_count, "sample_count": objective.sample_count,
        "work_per_sample": objective.work_per_sample, "every": options.every,
    }  # fmt: skip
    each = sum(f.bytes_each for f in fields_of(mode.value, objective.parameter_count, *ends) if f.per_record)
    if options.steps < 1 or options.every < 1 or options.seeds < 1:
        raise ProblemError(
            f"expected --steps, --every and --seeds of at least 1 but got {options.steps}, "
            f"{options.every}, {options.seeds}",
            kind="usage",
        )  # fmt: skip
    if options.steps // options.every > MAX_RECORDS:
        raise ProblemError(
            f"expected at most {MAX_RECORDS} records of a run but got {options.steps // options.every}",
            kind="limit",
            remedy="use a larger --every",
        )
    if not 0.0 < options.checkpoint <= 1e6:
        raise ProblemError(
            f"expected --checkpoint above 0 seconds but got {options.checkpoint:g}",
            kind="usage",
            remedy="use 10",
        )
    cut = chosen_cut(
        runs=len(options.step_sizes) * options.seeds, records=options.steps // options.every + 2,
        record_bytes=each, seconds=options.checkpoint, mode=mode, **sizes, **_room(device),
    )  # fmt: skip
    try:
        return Plan(
            step_sizes=options.step_sizes, seeds=options.seeds, steps=options.steps, mode=mode,
            optimiser=options.optimiser, identity=identity, cut=cut, seed=options.seed, largest=ends[0],
            smallest=ends[1], tolerance=_tolerance(options), dtype=options.dtype, device=device,
            versions=_versions(), **sizes,
        )  # fmt: skip
    except NumericsError as error:
        raise ProblemError(str(error), kind="usage") from None


def _mode(size: int, options: ScanOptions) -> Mode:
    if options.spectrum == "auto":
        return Mode.full if size <= AUTO_FULL else Mode.extreme
    try:
        return Mode(options.spectrum)
    except ValueError:
        raise ProblemError(
            f"expected --spectrum auto, full, extreme, verdict or none but got {printable(options.spectrum)}",
            kind="usage", remedy="choose one of them",
        ) from None  # fmt: skip


def _tolerance(options: ScanOptions) -> float:
    single = options.dtype == "float32"
    if options.dtype not in ("float32", "float64"):
        raise ProblemError(
            f"expected --dtype float64 or float32 but got {printable(options.dtype)}", kind="usage"
        )
    asked = options.tolerance
    if asked is None:
        return FLOAT32_TOLERANCE if single else 1e-6
    least = FLOAT32_TOLERANCE if single else 1e-12
    if not least <= asked < 1.0:
        raise ProblemError(
            f"expected a tolerance from {least:g} to 1, which {options.dtype} can promise, but got {asked:g}",
            kind="usage", remedy="use --dtype float64" if single else "choose a larger --tolerance",
        )  # fmt: skip
    return asked


def _device(wanted: str) -> str:
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted not in ("cpu", "cuda"):
        raise ProblemError(f"expected --device auto, cpu or cuda but got {printable(wanted)}", kind="usage")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ProblemError(
            "expected a CUDA device but PyTorch finds none", kind="usage", remedy="use --device cpu"
        )
    return wanted


def _room(device: str) -> dict[str, int]:
    """How large blocks may be: on a device a quarter of its free memory, and all runs at once if they fit."""
    if device == "cpu":
        return {}
    free, _ = torch.cuda.mem_get_info()
    # In powers of two, so that a few pages more or less give the same plan.
    return {"table_bytes": 1 << int(MIN_FREE_SHARE * free).bit_length() - 1, "least_blocks": 1}


def _versions() -> tuple[tuple[str, str], ...]:
    return (("numpy", np.__version__), ("python", platform.python_version()), ("torch", torch.__version__))


def _hash(array: np.ndarray) -> str:
    content = np.ascontiguousarray(array)
    return hashlib.sha256(str((content.shape, content.dtype.str)).encode() + content.tobytes()).hexdigest()


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
