from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from numerics.dynamics import Optimiser, random_starts
from numerics.objective import NetworkObjective
from numerics.scan import Cut, Here, Mode, Plan, Spent, Store, run_plan
from proofs.network import Dense, Loss, Network

NETWORK = Network.of(2, Dense(4), "tanh", Dense(1))


def objective_of_seed(network: Network = NETWORK, samples: int = 12, seed: int = 0) -> NetworkObjective:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, network.input_dim, generator=generator, dtype=torch.float64)
    y = torch.randn(samples, network.widths()[-1], generator=generator, dtype=torch.float64)
    return NetworkObjective(network, Loss.HALF_MSE, x, y)


def plan_of(objective: NetworkObjective, **changes: Any) -> Plan:
    given: dict[str, Any] = {
        "step_sizes": (0.1, 0.5, 1.5), "seeds": 2, "steps": 30, "every": 4,
        "parameter_count": objective.parameter_count, "sample_count": objective.sample_count,
        "work_per_sample": objective.work_per_sample, "mode": Mode.full, "optimiser": Optimiser(),
        "identity": "test", "cut": Cut(2, 3),
    }  # fmt: skip
    return Plan(**(given | changes))


def starts_of(objective: NetworkObjective, plan: Plan) -> np.ndarray:
    return random_starts(objective.network, plan.seeds, plan.seed).numpy()


def scanned(
    directory: Path, objective: NetworkObjective, plan: Plan, executor: Any = None, **more: Any
) -> Spent:
    store = Store.open(directory, plan)
    try:
        starts = starts_of(objective, plan)
        spent = run_plan(objective, starts, store, executor or Here(), **more)
        if store.is_complete:
            store.seal()
        return spent
    finally:
        store.close()


def tree(directory: Path) -> dict[str, str]:
    """The hash of every file by its path."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def objective() -> NetworkObjective:
    return objective_of_seed()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    """Scan into a directory of its own and give its path."""
    numbers = iter(range(1000))

    def start(objective: NetworkObjective, plan: Plan, executor: Any = None, **more: Any) -> Path:
        directory = tmp_path / f"scan{next(numbers)}"
        scanned(directory, objective, plan, executor, **more)
        return directory

    return start
