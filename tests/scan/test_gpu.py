"""On a CUDA device the scan gives what it gives on the CPU, in batches without loops over the runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gradlemma.scan_setup import ScanOptions, setup_of_problem
from gradlemma.scanning import run_setup
from numerics.dynamics import Runs, advance
from numerics.scan import Mode, record
from proofs.network import Dense, Network
from tests.scan.conftest import objective_of_seed, plan_of, starts_of, tree

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
NETWORK = Network.of(3, Dense(8), "tanh", Dense(6), "relu", Dense(2))


@pytest.mark.parametrize("mode", list(Mode))
def test_the_device_agrees_with_the_cpu(mode, run) -> None:
    objective = objective_of_seed(NETWORK, samples=24)
    # Few steps, so that rounding does not grow.
    changes = {"mode": mode, "steps": 6, "every": 3, "step_sizes": (0.01, 0.05, 0.1)}
    arrays = []
    for device in ("cpu", "cuda"):
        directory = run(objective, plan_of(objective, device=device, **changes))
        arrays.append({p.stem: np.load(p) for p in directory.glob("*.npy")})
    for name in ("loss", "gradient_norm", "kink_distance", "final_parameters"):
        np.testing.assert_allclose(arrays[1][name], arrays[0][name], rtol=1e-8, atol=1e-9, err_msg=name)
    for name in {"sharpness", "lambda_min"} & set(arrays[0]):
        reach = arrays[0][f"{name}_error"] + arrays[1][f"{name}_error"] + 1e-9
        assert (np.abs(arrays[1][name] - arrays[0][name]) <= reach).all()
    if "spectrum" in arrays[0]:
        np.testing.assert_allclose(arrays[1]["spectrum"], arrays[0]["spectrum"], atol=1e-8)


def launches(work) -> int:
    """Kernels that a piece of work starts."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as found:
        work()
        torch.cuda.synchronize()
    return sum(event.count for event in found.key_averages() if event.device_type.name == "CUDA")


@pytest.mark.parametrize("mode", [Mode.full, Mode.extreme, Mode.none])
def test_kernels_do_not_grow_with_the_runs(mode) -> None:
    objective = objective_of_seed(NETWORK, samples=24).moved("cuda", torch.float64)
    counts = []
    for seeds in (2, 64):
        plan = plan_of(objective, seeds=seeds, mode=mode, device="cuda")
        theta = torch.from_numpy(starts_of(objective, plan)).cuda()
        rates = torch.full((seeds,), 0.01, dtype=torch.float64, device="cuda")
        advance(objective, plan.optimiser, Runs.at(theta), rates, until=1, steps=9)
        step = launches(
            lambda t=theta, r=rates, p=plan: advance(objective, p.optimiser, Runs.at(t), r, until=1, steps=9)
        )
        counts.append(step)
        record(objective, plan, theta, rates)
    assert counts[1] <= 1.1 * counts[0] + 2


def test_a_device_scan_is_repeatable_and_fits_its_forecast(tmp_path) -> None:
    from gradlemma import Problem
    from gradlemma.progress import Progress

    objective = objective_of_seed(NETWORK, samples=24)
    problem = Problem.of(NETWORK, "half_mse", x=objective.x, y=objective.y)
    options = ScanOptions(step_sizes=(0.01, 0.1), seeds=4, steps=10, every=5, device="cuda")
    setup = setup_of_problem(problem, options)
    for name in ("one", "two"):
        run_setup(setup, tmp_path / name, workers=None, figures=False, progress=Progress(quiet=True))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert setup.plan.device == "cuda"
    assert replace(setup.plan, device="cpu").fingerprint() != setup.plan.fingerprint()
