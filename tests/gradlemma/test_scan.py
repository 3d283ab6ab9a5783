"""`gradlemma scan`: forecast, report, JSON, figures, models of every kind, bad input, interrupts."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradlemma import Dense, Network, Problem, ProblemError, cli, load_problem, scan
from gradlemma.progress import Progress
from gradlemma.scan_forecast import ScanForecast, chunk_bytes, refuse_what_cannot_fit
from gradlemma.scan_setup import ScanOptions, setup_of_problem
from gradlemma.scan_summary import summary_of
from gradlemma.step_grid import step_grid
from numerics.objective import FunctionObjective, NetworkObjective
from numerics.scan import Mode

REGRESSION = "examples/regression.yaml"
SMALL = ("--seeds", "2", "--steps", "20", "--every", "5", "--eta", "1/10:1:4")


def run(*arguments) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of the command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        cli.main(["scan", *map(str, arguments)])
    return left.value.code, out.getvalue(), err.getvalue()


def test_the_report_names_step_sizes_crossings_and_errors(tmp_path) -> None:
    code, out, err = run(REGRESSION, *SMALL, "--out", tmp_path / "scan", "--profile")
    assert code == 0
    assert err.splitlines()[1].startswith("forecast: about ")
    for word in (
        "2/eta",
        "crossings of 2/eta",
        "8 runs",
        "errors of eigenvalues at most",
        "time of the workers",
    ):
        assert word in out
    names = {path.name for path in (tmp_path / "scan").iterdir()}
    assert {
        "scan.json",
        "spectrum.npy",
        "sharpness.svg",
        "spectrum.svg",
        "det_sign.svg",
        "final_loss.svg",
    } <= names


def test_the_json_document_has_what_it_promises(tmp_path) -> None:
    code, out, _ = run(REGRESSION, *SMALL, "--out", tmp_path / "scan", "--json", "--no-figures")
    document = json.loads(out)
    assert code == 0 and document["runs"] == 8
    arrays = {path.stem: np.load(path) for path in (tmp_path / "scan").glob("*.npy")}
    assert document["diverged"] == int((arrays["diverged_at"] >= 0).sum())
    assert document["sharpness"]["eta"] == arrays["eta"].tolist()
    np.testing.assert_allclose(document["sharpness"]["max"], np.nanmax(arrays["sharpness"], axis=(1, 2)))
    np.testing.assert_allclose(document["sharpness"]["final_by_seed"], arrays["sharpness"][:, :, -1])
    assert document["spectrum_error_max"] == pytest.approx(np.nanmax(arrays["spectrum_error"]))
    assert document["forecast"]["bytes"] > 0 and document["forecast"]["seconds"] > 0
    assert document["elapsed_s"] > 0 and document["peak_memory_bytes"] > 0 and document["device"] == "cpu"
    assert sum(document["profile"].values()) == pytest.approx(1.0, abs=1e-3)
    expected = list(crossings(arrays))
    assert [tuple(c[k] for k in ("kind", "eta", "seed", "step")) for c in document["crossings"]] == expected


def crossings(arrays):
    """Changes of the counts, found by a plain loop."""
    for e, eta in enumerate(arrays["eta"]):
        for kind, name in (("2/eta", "above_2_over_eta"), ("1/eta", "above_1_over_eta")):
            for s in range(len(arrays["seed"])):
                counts = arrays[name][e, s]
                for t in range(1, len(counts)):
                    if counts[t] != counts[t - 1] and counts[t] >= 0 and counts[t - 1] >= 0:
                        yield kind, eta, s, arrays["step"][t]


def test_the_same_command_again_computes_nothing(tmp_path) -> None:
    arguments = (REGRESSION, *SMALL, "--out", tmp_path / "scan", "--json", "--no-figures")
    first, second = json.loads(run(*arguments)[1]), json.loads(run(*arguments)[1])
    assert second["chunks"]["computed"] == 0 < first["chunks"]["computed"]
    for name in ("crossings", "sharpness", "diverged", "spectrum_error_max"):
        assert first[name] == second[name]
    assert second["profile"] == {"gemm": None, "eigen": None, "other": None}


@pytest.mark.parametrize("mode", ["full", "extreme", "verdict", "none"])
def test_every_mode_records_what_its_description_says(mode, tmp_path) -> None:
    code, out, _ = run(REGRESSION, *SMALL, "--spectrum", mode, "--out", tmp_path / "scan", "--json")
    document = json.loads((tmp_path / "scan" / "scan.json").read_text())
    assert code == 0 and json.loads(out)["mode"] == mode
    found = {path.stem for path in (tmp_path / "scan").glob("*.npy")}
    assert found == set(document["arrays"]) | set(document["coordinates"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--eta", "0:1:5"), "above 0"),
        (("--eta", "nan:1:5"), "expected a number"),
        (("--eta", "-1:1:5"), "above 0"),
        (("--eta", "1:2:0"), "step sizes"),
        (("--eta", "2:1:5"), "LOW < HIGH"),
        (("--eta", "1:2"), "LOW:HIGH:COUNT"),
        (("--eta", ""), "expected a number"),
        (("--eta", "1/10:1:4", "--spectrum", "all"), "auto, full, extreme, verdict or none"),
        (("--eta", "1/10:1:4", "--optimiser", "adam"), "gd, heavy-ball, nesterov"),
        (("--eta", "1/10:1:4", "--optimiser", "nesterov"), "0 < beta < 1"),
        (("--eta", "1/10:1:4", "--schedule", "warmup"), "a length in steps"),
        (("--eta", "1/10:1:4", "--batch", "1000"), "at most 24, the number of samples"),
        (("--eta", "1/10:1:4", "--dtype", "float32", "--tolerance", "1e-6"), "float32 can promise"),
        (("--eta", "1/10:1:4", "--dtype", "float16"), "float64 or float32"),
        (("--eta", "1/10:1:4", "--device", "tpu"), "auto, cpu or cuda"),
        (("--eta", "1/10:1:4", "--start", "here"), "random or weights"),
        (("--eta", "1/10:1:4", "--radius", "-1", "--start", "weights"), "radius >= 0"),
        (("--eta", "1/10:1:4", "--checkpoint", "0"), "above 0"),
        (("--eta", "1/10:1:4", "--radius", "1"), "--start weights"),
        (("--eta", "1/10:1:4", "--steps", "1000000000", "--every", "1"), "at most 2000000 records"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(arguments, words, tmp_path) -> None:
    code, out, err = run(REGRESSION, *arguments, "--out", tmp_path / "scan", "--quiet")
    assert code == 2 and out == ""
    assert words in err and "Traceback" not in err
    assert not (tmp_path / "scan").exists()


def test_a_problem_without_data_is_refused(tmp_path) -> None:
    code, _, err = run("examples/minimal.yaml", "--eta", "1", "--out", tmp_path / "scan", "--quiet")
    assert code == 2 and "expected data" in err


def test_a_problem_with_data_alone_can_be_scanned_and_not_bounded(tmp_path) -> None:
    network = Network.of(1, Dense(2), "tanh", Dense(1))
    problem = Problem.of(network, "half_mse", x=[[1], [2]], y=[[1], [0]])
    found = scan(problem, tmp_path / "scan", step_sizes=(0.1, 0.2), seeds=2, steps=4, every=2, figures=False)
    assert found.summary is not None and found.array("spectrum").shape == (2, 2, 3, 7)
    from gradlemma import check_problem
    from gradlemma.proved import derive_bounds

    assert check_problem(problem).reasons == (
        "no bound derived without a box or weights: there is nothing to bound",
    )
    with pytest.raises(ProblemError, match="nothing to bound"):
        derive_bounds(problem)


def test_a_file_of_ones_own_without_weights(tmp_path) -> None:
    rows = "\n".join(f"{i / 10},{i % 3},{i * i / 50}" for i in range(20))
    (tmp_path / "mine.csv").write_text(f"a,b,c\n{rows}\n")
    (tmp_path / "mine.yaml").write_text(
        "schema: 1\ndata:\n  csv: {path: mine.csv, features: [a, b], target: c}\nnetwork:\n"
        "  - dense: {width: 4}\n  - activation: silu\n  - dense: {width: 1}\nloss: {huber: {delta: 1}}\n"
    )
    code, out, _ = run(tmp_path / "mine.yaml", *SMALL, "--out", tmp_path / "scan", "--json", "--no-figures")
    assert code == 0 and json.loads(out)["diverged"] == 0


def test_modules_of_any_kind_are_scanned_and_agree(tmp_path) -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()

    class Other(torch.nn.Module):
        """The same map, of which nothing is known."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, x):
            return self.inner(x)

    x, y = torch.randn(7, 2, dtype=torch.float64), torch.randn(7, 1, dtype=torch.float64)
    options = {"step_sizes": (0.1, 0.4), "seeds": 2, "steps": 6, "every": 3, "radius": 0.1, "figures": False}
    known = scan(module, tmp_path / "known", loss="half_mse", x=x, y=y, **options)
    unknown = scan(Other(), tmp_path / "unknown", loss="half_mse", x=x, y=y, **options)
    for name in ("loss", "sharpness", "spectrum", "log_abs_det"):
        np.testing.assert_allclose(known.array(name), unknown.array(name), rtol=1e-9, atol=1e-10)
    assert np.isnan(unknown.array("kink_distance")).all()


def test_the_route_is_chosen_by_the_model() -> None:
    from numerics.objective import objective_of
    from proofs.network import Loss

    x, y = torch.zeros(3, 2, dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64)
    assert isinstance(objective_of(Network.of(2, Dense(1)), Loss.MSE, x, y), NetworkObjective)
    assert isinstance(objective_of(torch.nn.Linear(2, 1).double(), Loss.MSE, x, y), FunctionObjective)


def test_losses_that_are_not_finite_at_the_start_are_refused(tmp_path) -> None:
    problem = Problem.of(Network.of(1, Dense(1)), "mse", x=[[1e200]], y=[[0]])
    with pytest.raises(ProblemError, match="finite loss at the start"):
        scan(problem, tmp_path / "scan", step_sizes=(1.0,))


def test_what_memory_cannot_hold_is_refused_with_limit_and_remedy(tmp_path) -> None:
    network = Network.of(500, Dense(400), "tanh", Dense(10))
    problem = Problem.of(network, "mse", x=np.ones((4, 500)), y=np.ones((4, 10)))
    with pytest.raises(
        ProblemError, match=r"mode full can hold \d+ parameters here .* 204410; use --spectrum"
    ):
        scan(problem, tmp_path / "scan", step_sizes=(0.1,), spectrum="full", steps=1)
    assert not (tmp_path / "scan").exists()


def test_what_the_disk_cannot_hold_is_refused(tmp_path, monkeypatch) -> None:
    from gradlemma import scan_forecast

    setup = setup_of_problem(load_problem(REGRESSION), ScanOptions(step_sizes=(0.1,)))
    monkeypatch.setattr(scan_forecast, "free_disk_bytes", lambda _: 1000)
    with pytest.raises(ProblemError, match="room for"):
        refuse_what_cannot_fit(setup.plan, ScanForecast(1, 1, 1.0, 1, 1), tmp_path, 0)


def test_memory_does_not_grow_with_the_records() -> None:
    problem = load_problem(REGRESSION)
    plans = [
        setup_of_problem(problem, ScanOptions(step_sizes=(0.1,), seeds=1, steps=steps, every=1)).plan
        for steps in (10_000, 1_000_000)
    ]
    assert chunk_bytes(plans[1]) <= 1.2 * chunk_bytes(plans[0])
    assert plans[1].result_bytes > 90 * plans[0].result_bytes


def test_interrupts_keep_what_is_finished(tmp_path) -> None:
    arguments = [
        sys.executable, "-m", "gradlemma.cli", "scan", REGRESSION, "--eta", "1/10:1:4", "--steps", "100000",
        "--checkpoint", "0.1", "--out", str(tmp_path / "scan"), "--json", "--no-figures",
    ]  # fmt: skip
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ledger = tmp_path / "scan" / "ledger.sqlite-wal"
    deadline = time.monotonic() + 30
    while not ledger.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    document = json.loads(out)
    assert process.returncode == 130 and document["interrupted"]
    assert 0 < document["chunks"]["computed"] < document["chunks"]["total"]


def test_step_sizes_of_a_schedule_end_without_thresholds(tmp_path) -> None:
    problem = load_problem(REGRESSION)
    from numerics.dynamics import Optimiser, Schedule, ScheduleKind

    rule = Optimiser(schedule=Schedule(ScheduleKind.cosine))
    found = scan(problem, tmp_path / "scan", step_sizes=(0.5,), seeds=1, steps=10, every=5, optimiser=rule)
    assert np.load(tmp_path / "scan" / "eta_factor.npy").tolist() == pytest.approx([1.0, 0.5, 0.0])
    assert found.array("above_2_over_eta")[0, 0, -1] == 0 and found.array("det_sign")[0, 0, -1] == 1


def test_a_grid_is_what_was_asked_for() -> None:
    assert step_grid("1:1:1") == (1.0,)
    assert step_grid("3,1,2,1") == (1.0, 2.0, 3.0)
    assert len(step_grid("1/1000:10:200:log")) == 200
    ratios = np.diff(np.log(step_grid("1/1000:10:200:log")))
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-6)


def test_an_error_above_the_tolerance_is_reported(tmp_path) -> None:
    problem = load_problem(REGRESSION)
    found = scan(problem, tmp_path / "scan", step_sizes=(0.1,), seeds=1, steps=4, every=2, figures=False)
    assert found.summary is not None and found.summary.beyond_tolerance == 0
    strict = replace(found.plan, tolerance=1e-18)
    assert summary_of(found.directory, strict).beyond_tolerance == 3


def test_progress_goes_to_the_error_stream_alone(tmp_path) -> None:
    stream = io.StringIO()
    problem = load_problem(REGRESSION)
    with contextlib.redirect_stdout(io.StringIO()) as out, Progress(stream=stream) as progress:
        scan(
            problem, tmp_path / "scan", step_sizes=(0.1,), seeds=1, steps=4, figures=False, progress=progress
        )
    assert out.getvalue() == "" and stream.getvalue().startswith("forecast: ")


def test_float32_is_computed_in_float32(tmp_path) -> None:
    problem = load_problem(REGRESSION)
    options = {"step_sizes": (0.1,), "seeds": 1, "steps": 10, "every": 5, "figures": False}
    single = scan(problem, tmp_path / "single", dtype="float32", **options)
    double = scan(problem, tmp_path / "double", **options)
    error = single.array("spectrum_error")
    assert (error > 1e-7).all()
    assert (np.abs(single.array("spectrum") - double.array("spectrum")).max(-1) <= error).all()
    assert single.plan.mode is Mode.full


class Wave(torch.nn.Module):
    """sin(k x w): what it computes depends on a number that is no parameter."""

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k
        self.inner = torch.nn.Linear(2, 1)

    def forward(self, x):
        return torch.sin(self.k * self.inner(x))


def module_scan(module, directory):
    torch.manual_seed(1)
    x, y = torch.randn(6, 2, dtype=torch.float64), torch.randn(6, 1, dtype=torch.float64)
    return scan(module, directory, loss="mse", x=x, y=y, step_sizes=(0.1,), seeds=1, steps=2, figures=False)


def test_another_module_of_the_same_name_is_refused(tmp_path) -> None:
    from numerics.scan import StoreError

    torch.manual_seed(0)
    module, other = Wave(1.0), Wave(5.0)
    other.load_state_dict(module.state_dict())
    module_scan(module, tmp_path / "scan")
    assert module_scan(module, tmp_path / "scan").spent.chunks == 0
    with pytest.raises(StoreError, match="differs in the problem"):
        module_scan(other, tmp_path / "scan")


def test_the_module_stays_as_it_is(tmp_path) -> None:
    layer = torch.nn.Linear(2, 2)
    module = torch.nn.Sequential(layer, torch.nn.Dropout(0.5), layer, torch.nn.Linear(2, 1)).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for _ in range(2):
        module_scan(module, tmp_path / "scan")
    assert module.training and all(p.dtype == torch.float32 for p in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


class Stuck(torch.nn.Module):
    """A module that looks at its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(2, 1)

    def forward(self, x):
        return self.inner(x) * self.inner(x).sum().item()


def test_a_module_that_cannot_be_differentiated_is_refused_in_a_sentence(tmp_path) -> None:
    with pytest.raises(ProblemError, match=r"torch.func can differentiate twice"):
        module_scan(Stuck(), tmp_path / "scan")


def test_files_of_another_origin_are_left_alone(tmp_path) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "loss.npy").write_text("mine")
    code, _, err = run(REGRESSION, *SMALL, "--out", tmp_path / "scan", "--quiet")
    assert code == 2 and "another origin" in err
    assert (tmp_path / "scan" / "loss.npy").read_text() == "mine"


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
@pytest.mark.parametrize("mode", ["full", "extreme", "verdict"])
def test_errors_cover_what_cancels_in_saturated_outputs(loss, mode, tmp_path) -> None:
    """One layer and one sample: H = (softmax or sigmoid Hessian) x [x; 1][x; 1]^T, known in closed form."""
    from fractions import Fraction

    from flint import arb, ctx

    weight, x = Fraction(40), Fraction(3, 4)
    problem = Problem.of(
        Network.of(1, Dense(2)), loss, x=[[x]], y=[[0, 1]], weights=[[[weight], [-weight]], [0, 0]]
    )
    options = {
        "step_sizes": (0.1,),
        "seeds": 1,
        "steps": 1,
        "start": "weights",
        "spectrum": mode,
        "figures": False,
    }
    found = scan(problem, tmp_path / "scan", **options)
    ctx.prec = 300
    z = arb(int(weight * x * (2 if loss == "cross_entropy" else 1)))
    share = 1 / (1 + (-z).exp()) * (1 / (1 + z.exp()))
    scale = arb(int(16 * (1 + x * x))) / 16
    exact = float((2 * share if loss == "cross_entropy" else share) * scale)
    assert abs(float(found.array("sharpness")[0, 0, 0]) - exact) <= float(
        found.array("sharpness_error")[0, 0, 0]
    )


def test_layers_that_normalise_have_the_hessian_of_autograd() -> None:
    from numerics.objective import module_objective
    from proofs.network import Loss

    torch.manual_seed(3)
    module = torch.nn.Sequential(
        torch.nn.Linear(6, 4), torch.nn.LayerNorm(4), torch.nn.Tanh(), torch.nn.Linear(4, 4),
        torch.nn.GroupNorm(2, 4), torch.nn.Linear(4, 1),
    ).double()  # fmt: skip
    x, y = torch.randn(5, 6, dtype=torch.float64), torch.randn(5, 1, dtype=torch.float64)
    objective = module_objective(module, Loss.MSE, x, y)
    theta = torch.cat([p.detach().reshape(-1) for p in module.parameters()])
    expected = torch.autograd.functional.hessian(lambda t: objective.function(t, x, y), theta)
    with torch.no_grad():
        torch.testing.assert_close(objective.hessians(theta[None])[0], expected, rtol=1e-9, atol=1e-9)
        v = torch.randn_like(theta)
        torch.testing.assert_close(
            objective.products(theta[None])(v[None])[0], expected @ v, rtol=1e-9, atol=1e-9
        )
