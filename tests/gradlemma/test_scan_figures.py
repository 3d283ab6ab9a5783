"""The figures of a scan: their data against numpy, the same bytes each time, and arrays at the edges."""

from __future__ import annotations

import json
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradlemma.errors import ProblemError
from gradlemma.figures import scan_data
from gradlemma.figures._scan_arrays import evenly, median_of_finite, open_scan
from gradlemma.figures._scan_axes import eta_names
from gradlemma.figures._scan_det_sign import draw_det_sign
from gradlemma.figures._scan_final_loss import draw_final_loss
from gradlemma.figures._style import figure_style
from gradlemma.figures.scan_figure import FIGURES, scan_svg, write_scan_figures

pytest.importorskip("matplotlib")

EXPLODED = 1e6
P = 5
MEGABYTE = 2**20
ALL_FILES = [f"{name}.{kind}" for name in FIGURES for kind in ("json", "svg")]


def quadratic(
    etas: Any, seeds: int = 3, steps: Any = range(0, 40, 2), schedule: Any = None
) -> dict[str, Any]:
    """Gradient descent on x^T H x / 2, H = diag(1, ..., P) (1 + seed / 10), from (1, ..., 1), in closed form.

    The schedule is seen in the recorded arrays alone; the iterates have the constant step size.
    """
    eta, step = np.array(etas, dtype=np.float64), np.array(steps, dtype=np.int64)
    seed = np.arange(seeds, dtype=np.int64) + 7
    factor = np.ones(len(step)) if schedule is None else np.asarray(schedule(step), dtype=np.float64)
    hessian = np.arange(1.0, P + 1) * (1 + np.arange(seeds)[:, None] / 10)
    contraction = 1 - eta[:, None, None] * hessian
    every = np.arange(step[-1] + 1)
    with np.errstate(over="ignore"):
        losses = (hessian[:, None] * contraction[:, :, None] ** (2 * every[:, None]) / 2).sum(axis=-1)
    gone = losses > EXPLODED
    diverged_at = np.where(gone.any(axis=-1), gone.argmax(axis=-1), -1)
    alive = (diverged_at[..., None] < 0) | (step < diverged_at[..., None])
    shape = (len(eta), seeds, len(step))
    one_minus = np.broadcast_to(1 - (eta[:, None] * factor)[:, None, :, None] * hessian[:, None], (*shape, P))
    spectrum = np.where(alive[..., None], np.broadcast_to(hessian[:, None], (*shape, P)), np.nan)
    sign = np.sign(np.where(abs(one_minus) < 1e-9, 0.0, one_minus)).prod(axis=-1)
    return {
        "eta": eta, "seed": seed, "step": step, "eta_factor": factor, "diverged_at": diverged_at,
        "loss": np.where(alive, losses[..., step], np.nan), "sharpness": spectrum[..., -1],
        "lambda_min": spectrum[..., 0], "spectrum": spectrum,
        "det_sign": np.where(alive & np.isfinite(sign), sign, 0).astype(np.int8),
    }  # fmt: skip


def saved(directory: Path, arrays: dict[str, Any], *, without: tuple[str, ...] = ()) -> Path:
    directory.mkdir(exist_ok=True)
    for name, array in arrays.items():
        if name not in without:
            np.save(directory / f"{name}.npy", array)
    return directory


def drawn(directory: Path) -> tuple[list[Path], list[str]]:
    """Writes the figures; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written, reasons = write_scan_figures(directory)
    for path in written:
        if path.suffix == ".json":
            json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert not list(directory.glob("*.partial"))
    return written, reasons


ETAS = np.geomspace(0.05, 0.8, 9)


@pytest.fixture
def arrays() -> dict[str, Any]:
    return quadratic(ETAS)


@pytest.fixture
def directory(tmp_path: Path, arrays: dict[str, Any]) -> Path:
    return saved(tmp_path / "scan", arrays)


def close(found: Any, expected: Any) -> None:
    """Equal to nine digits, None where there is no finite value."""
    found = np.array([[np.nan if y is None else y for y in row] for row in found])
    expected = np.where(np.isfinite(expected), expected, np.nan)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_fixture_has_runs_of_every_kind(arrays):
    diverged = arrays["diverged_at"] >= 0
    assert diverged.all(axis=1).any() and not diverged.any(axis=1).all()
    assert (diverged.any(axis=1) & ~diverged.all(axis=1)).any()
    assert set(np.unique(arrays["det_sign"])) == {-1, 0, 1}


def test_sharpness_is_scaled_by_half_the_step_size_of_the_schedule(tmp_path):
    arrays = quadratic(ETAS, schedule=lambda t: 1 / (1 + t))
    data = scan_data.sharpness_data(open_scan(saved(tmp_path, arrays)))
    scaled = arrays["sharpness"] * (ETAS[:, None] * arrays["eta_factor"])[:, None] / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        close([c["median"] for c in data["curves"]], np.nanmedian(scaled, axis=1))
        close([c["low"] for c in data["curves"]], np.nanmin(scaled, axis=1))
        close([c["high"] for c in data["curves"]], np.nanmax(scaled, axis=1))
    assert data["has_schedule"]
    assert data["steps"] == arrays["step"].tolist()


def test_diverged_runs_are_marked_where_they_diverged(directory, arrays):
    data = scan_data.sharpness_data(open_scan(directory))
    for e, curve in enumerate(data["curves"]):
        expected = [
            (int(arrays["seed"][s]), int(at), arrays["sharpness"][e, s, 0] * ETAS[e] / 2)
            for s, at in enumerate(arrays["diverged_at"][e])
            if at >= 0
        ]
        assert curve["diverged"] == len(expected)
        assert [(m["seed"], m["step"]) for m in curve["marks"]] == [(s, at) for s, at, _ in expected]
        np.testing.assert_allclose(
            [m["height"] for m in curve["marks"]], [h for *_, h in expected], rtol=1e-8
        )


def test_a_spike_between_the_drawn_points_stays_in_the_band(tmp_path):
    arrays = quadratic([0.1, 0.2], seeds=2, steps=range(5000))
    arrays["sharpness"] = arrays["sharpness"].copy()
    arrays["sharpness"][1, 1, 3001] = 1000.0
    arrays["sharpness"][1, 1, 3003] = -70.0
    data = scan_data.sharpness_data(open_scan(saved(tmp_path, arrays)))
    assert len(data["steps"]) == 600 and 3001 not in data["steps"] and 3003 not in data["steps"]
    assert max(data["curves"][1]["high"]) == 100.0
    assert min(data["curves"][1]["low"]) == -7.0
    assert max(data["curves"][1]["median"]) < 1
    assert data["curves"][1]["high"].index(100.0) == np.searchsorted(data["steps"], 3001, side="right") - 1


def test_chunks_do_not_change_the_data(tmp_path, arrays, monkeypatch):
    arrays["sharpness"] = arrays["sharpness"] * np.random.default_rng(2).uniform(1, 2, (9, 3, 20))
    directory = saved(tmp_path, arrays)
    whole = [FIGURES[name][1](open_scan(directory)) for name in FIGURES]
    monkeypatch.setattr("gradlemma.figures._scan_arrays.CHUNK", 7)
    assert [FIGURES[name][1](open_scan(directory)) for name in FIGURES] == whole


def test_quantiles_of_the_spectrum_are_numpys(tmp_path):
    arrays = quadratic([0.05, 0.1, 0.2])
    shape = arrays["spectrum"].shape
    arrays["spectrum"] = np.sort(np.random.default_rng(0).standard_cauchy((*shape[:3], 12)), axis=-1)
    arrays["spectrum"][0, 0, 3] = np.nan
    data = scan_data.spectrum_data(open_scan(saved(tmp_path, arrays)))
    assert data["levels"] == [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]
    for e, panel in enumerate(data["panels"]):
        close(panel["quantiles"], np.quantile(arrays["spectrum"][e, 0], data["levels"], axis=-1))
        close([panel["inverse"]], [[1 / arrays["eta"][e]] * shape[2]])


def test_the_spectrum_is_shown_for_runs_that_did_not_diverge_unless_all_did(directory, tmp_path):
    panels = scan_data.spectrum_data(open_scan(directory))["panels"]
    assert len(panels) == 4 and all(panel["diverged_at"] is None for panel in panels)
    diverging = open_scan(saved(tmp_path / "all", quadratic([3.0, 4.0])))
    assert [panel["diverged_at"] for panel in scan_data.spectrum_data(diverging)["panels"]] == [3, 3]


def test_extreme_eigenvalues_are_ascending_whatever_their_order(tmp_path, arrays):
    spectrum = arrays.pop("spectrum")
    arrays |= {"largest": spectrum[..., :-4:-1], "smallest": spectrum[..., :2]}
    data = scan_data.spectrum_data(open_scan(saved(tmp_path, arrays)))
    assert data["levels"] is None
    close(data["panels"][0]["largest"], spectrum[0, 0, :, -3:].T)
    close(data["panels"][0]["smallest"], spectrum[0, 0, :, :2].T)


def test_signs_are_counted_over_seeds_and_spelt_for_the_first(directory, arrays):
    data = scan_data.det_sign_data(open_scan(directory))
    sign, at = arrays["det_sign"], arrays["diverged_at"][..., None]
    gone = (at >= 0) & (arrays["step"] >= at)
    assert data["negative"] == ((sign == -1) & ~gone).sum(axis=1).tolist()
    assert data["decided"] == ((sign != 0) & ~gone).sum(axis=1).tolist()
    assert data["diverged"] == gone.sum(axis=1).tolist()
    names = np.select([gone, sign == -1, sign == 1], ["x", "-", "+"], "?")
    assert data["first"] == ["".join(row) for row in names[:, 0]]
    assert set("".join(data["first"])) == {"x", "-", "+", "?"}


def test_the_median_of_final_losses_counts_diverged_runs_as_infinite(directory, arrays):
    data = scan_data.final_loss_data(open_scan(directory))
    final = np.where(arrays["diverged_at"] >= 0, np.inf, arrays["loss"][..., -1])
    close(data["loss"], final)
    close([data["median"]], [np.sort(final, axis=1)[:, 1]])
    assert data["diverged"] == (arrays["diverged_at"] >= 0).tolist()
    assert data["diverged_runs"] == (arrays["diverged_at"] >= 0).sum(axis=1).tolist()


def test_a_run_without_a_finite_loss_at_the_end_counts_as_diverged(tmp_path, arrays):
    arrays["loss"][0, 1, -1] = np.inf
    data = scan_data.final_loss_data(open_scan(saved(tmp_path, arrays)))
    assert data["diverged"][0] == [False, True, False] and data["diverged_runs"][0] == 1


def test_thresholds_are_two_over_the_last_finite_sharpness_of_runs_that_ended(tmp_path, arrays):
    arrays["sharpness"] = arrays["sharpness"].copy()
    arrays["sharpness"][0, 0, -1] = np.nan
    arrays["sharpness"][0, 0, -2] = 8.0
    arrays["sharpness"][1, 1, -1] = -3.0
    data = scan_data.final_loss_data(open_scan(saved(tmp_path, arrays)))
    expected = np.where(arrays["diverged_at"] >= 0, np.nan, 2 / (P * (1 + np.arange(3) / 10)))
    expected[0, 0], expected[1, 1] = 2 / 8, np.nan
    close(data["threshold"], expected)
    assert data["sharpness"][1][1] == -3.0


def test_the_same_arrays_give_the_same_bytes(directory):
    assert [path.name for path in drawn(directory)[0]] == ALL_FILES
    first = {name: (directory / name).read_bytes() for name in ALL_FILES}
    drawn(directory)
    assert {name: (directory / name).read_bytes() for name in ALL_FILES} == first
    assert all(b"dc:date" not in content for content in first.values())


def test_the_file_beside_a_figure_is_the_data_that_it_names(directory):
    drawn(directory)
    for name, (_, data, _) in FIGURES.items():
        svg, text = scan_svg(data(open_scan(directory)))
        assert (directory / f"{name}.json").read_text() == text
        assert (directory / f"{name}.svg").read_text() == svg
        assert json.loads(text)["figure"] == name


def test_figures_without_arrays_are_left_out_with_a_reason(tmp_path, arrays):
    spectrum = arrays.pop("spectrum")
    extreme = {**arrays, "largest": spectrum[..., -2:], "smallest": spectrum[..., :3]}
    written, reasons = drawn(saved(tmp_path / "extreme", extreme, without=("det_sign",)))
    assert {path.stem for path in written} == {"sharpness", "spectrum", "final_loss"}
    assert reasons == [
        "The figure det_sign is left out: it needs det_sign.npy, which this scan did not record."
    ]
    bare = saved(tmp_path / "none", arrays, without=("det_sign", "sharpness", "lambda_min"))
    written, reasons = drawn(bare)
    assert [path.name for path in written] == ["final_loss.json", "final_loss.svg"]
    assert "spectrum.npy or largest.npy and smallest.npy" in reasons[1] and len(reasons) == 3


@pytest.mark.parametrize("name", ["eta", "seed", "step", "eta_factor", "diverged_at"])
def test_a_missing_coordinate_is_refused(tmp_path, arrays, name):
    with pytest.raises(ProblemError, match=rf"expected the array {name}\.npy"):
        open_scan(saved(tmp_path, arrays, without=(name,)))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("loss", np.zeros((9, 3, 19)), r"loss.npy: expected shape \[9, 3, 20\] but got \[9, 3, 19\]"),
        ("spectrum", np.zeros((9, 3)), r"expected shape \[9, 3, 20, any number of eigenvalues\]"),
        ("sharpness", np.zeros((9, 3, 20), dtype=complex), "real numbers but got complex128"),
        ("eta", np.full(9, 0.1), "increasing order"),
        ("eta", np.array([*ETAS[:-1], np.inf]), "finite numbers"),
        ("step", np.arange(20)[::-1], "increasing order"),
        ("loss", np.array([{}], dtype=object), "an array in numpy's format"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(directory, name, array, message):
    np.save(directory / f"{name}.npy", array)
    with pytest.raises(ProblemError, match=message):
        open_scan(directory)


def test_a_file_that_is_no_array_is_refused(directory):
    (directory / "loss.npy").write_bytes(b"no array")
    with pytest.raises(ProblemError, match="an array in numpy's format"):
        write_scan_figures(directory)


def _filled(value: float) -> dict[str, Any]:
    arrays = quadratic(ETAS)
    for name in ("loss", "sharpness", "spectrum"):
        arrays[name] = np.full_like(arrays[name], value)
    return arrays


def _mixed() -> dict[str, Any]:
    arrays = quadratic(ETAS)
    odd = np.array([0.0, np.nan, np.inf, -np.inf, -1.0, 1e308, -1e308, 5e-324])
    for name in ("loss", "sharpness", "spectrum"):
        arrays[name] = np.random.default_rng(1).choice(odd, arrays[name].shape)
    return arrays


def _zero_loss() -> dict[str, Any]:
    arrays = quadratic(ETAS)
    arrays["loss"][:3, :2] = 0.0
    return arrays


EDGES = {
    "everything diverged": lambda: quadratic([3.0, 4.0, 5.0]),
    "everything diverged at once": lambda: _filled(np.nan) | {"diverged_at": np.zeros((9, 3), int)},
    "one step size": lambda: quadratic([0.1]),
    "one diverging step size": lambda: quadratic([3.0]),
    "step size zero": lambda: quadratic([0.0, 0.1, 0.2]),
    "step size zero alone": lambda: quadratic([0.0]),
    "tiny step sizes": lambda: quadratic([1e-300, 1e-12, 1e-3]),
    "one seed": lambda: quadratic(ETAS, seeds=1),
    "one recorded step": lambda: quadratic(ETAS, steps=[0]),
    "two recorded steps": lambda: quadratic(ETAS, steps=[0, 1000]),
    "one of each": lambda: quadratic([0.1], seeds=1, steps=[4]),
    "200 step sizes": lambda: quadratic(np.geomspace(0.01, 0.9, 200), seeds=2),
    "equally spaced step sizes": lambda: quadratic(np.linspace(0.2, 0.5, 7)),
    "step sizes close together": lambda: quadratic(0.3 + np.arange(12) * 1e-7),
    "schedule ending at zero": lambda: quadratic(ETAS, schedule=lambda t: 1 - t / t[-1]),
    "schedule of zeros": lambda: quadratic(ETAS, schedule=lambda t: 0 * t),
    "schedule of NaN": lambda: quadratic(ETAS, schedule=lambda t: np.nan * t),
    "zeros": lambda: _filled(0.0),
    "NaN": lambda: _filled(np.nan),
    "infinity": lambda: _filled(np.inf),
    "negative": lambda: _filled(-2.0),
    "huge": lambda: _filled(1e308),
    "negative and huge": lambda: _filled(-1e308),
    "tiny": lambda: _filled(5e-324),
    "everything mixed": _mixed,
    "loss exactly zero": _zero_loss,
}  # fmt: skip


@pytest.mark.parametrize("edge", EDGES)
def test_edges_are_drawn_without_a_warning(tmp_path, edge):
    written, reasons = drawn(saved(tmp_path, EDGES[edge]()))
    assert [path.name for path in written] == ALL_FILES and reasons == []


@pytest.mark.parametrize("edge", ["everything diverged", "one of each", "everything mixed", "zeros", "NaN"])
def test_edges_of_extreme_eigenvalues_are_drawn_without_a_warning(tmp_path, edge):
    arrays = EDGES[edge]()
    spectrum = arrays.pop("spectrum")
    arrays |= {"largest": spectrum[..., -2:], "smallest": spectrum[..., :1]}
    assert "spectrum.svg" in {path.name for path in drawn(saved(tmp_path, arrays))[0]}


def test_memory_does_not_grow_with_the_spectrum(tmp_path):
    etas, seeds, records, parameters = 8, 2, 4000, 400
    arrays = quadratic(np.geomspace(0.05, 0.3, etas), seeds=seeds, steps=range(records))
    del arrays["spectrum"]
    saved(tmp_path, arrays)
    shape = (etas, seeds, records, parameters)
    # A file with holes: zeros that take no room on disk.
    big = np.lib.format.open_memmap(tmp_path / "spectrum.npy", mode="w+", dtype=np.float64, shape=shape)
    assert big.nbytes > 195 * MEGABYTE
    del big, arrays
    # The first call imports matplotlib and fills its caches.
    drawn(saved(tmp_path / "small", quadratic([0.1])))
    tracemalloc.start()
    drawn(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * MEGABYTE


def test_the_four_states_differ_in_lightness_and_the_smallest_step_size_is_below(tmp_path, arrays):
    arrays["det_sign"][:] = np.array([1, 1, 1, -1, -1, -1, 0, 0, 0])[:, None, None]
    arrays["diverged_at"][:] = -1
    arrays["diverged_at"][7:] = 0
    data = scan_data.det_sign_data(open_scan(saved(tmp_path, arrays)))
    with figure_style():
        axes = draw_det_sign(data).axes[0]
        bottom, top = np.log(axes.get_ylim())
        assert axes.images[0].origin == "lower"
        picture = np.asarray(axes.images[0].get_array(), dtype=float)
    places = ((np.log(ETAS[[0, 4, 6, 8]]) - bottom) / (top - bottom) * len(picture)).astype(int)
    lightness = picture @ [0.299, 0.587, 0.114]
    positive, negative, undecided, diverged = (lightness[place] for place in places)
    assert positive.min() > negative.max() + 60 > diverged.max() + 120
    assert negative.max() > diverged.max() + 60
    # Stripes: no other state has two lightnesses in one cell.
    assert len(np.unique(undecided)) == 2 and all(len(np.unique(row)) == 1 for row in (positive, negative))


def test_one_seed_has_one_panel_of_signs_and_several_have_a_share():
    few, many = (signs_of_seeds(seeds) for seeds in (1, 3))
    with figure_style():
        assert [len(draw_det_sign(data).axes) for data in (few, many)] == [1, 3]


def signs_of_seeds(seeds: int) -> dict[str, Any]:
    counts = {"negative": [[1, 0]], "decided": [[1, 1]], "diverged": [[0, 0]]}
    return {"seeds": seeds, "seed": 0, "steps": [0, 1], "etas": [0.1], "first": ["-+"], **counts}


def test_runs_above_their_own_threshold_have_another_mark(tmp_path):
    etas = np.linspace(0.3, 0.45, 16)
    arrays = quadratic(etas)
    data = scan_data.final_loss_data(open_scan(saved(tmp_path, arrays)))
    with figure_style():
        figure = draw_final_loss(data)
        found = {(axes, line.get_marker()): line for axes in figure.axes for line in axes.lines}
    thresholds = 2 / (P * (1 + np.arange(3) / 10))
    alive = arrays["diverged_at"] < 0
    for marker, side in (("o", etas[:, None] <= thresholds), ("^", etas[:, None] > thresholds)):
        e, s = np.nonzero(side & alive)
        assert len(e) > 3
        expected = sorted(zip(etas[e], thresholds[s], strict=True))
        shown = sorted(zip(*found[figure.axes[1], marker].get_data(), strict=True))
        np.testing.assert_allclose(shown, expected, rtol=1e-8)


def test_curves_and_panels_have_limits(tmp_path):
    arrays = quadratic(np.linspace(0.01, 0.2, 300), seeds=2, steps=range(1500))
    scan = open_scan(saved(tmp_path, arrays))
    sharpness, sign = scan_data.sharpness_data(scan), scan_data.det_sign_data(scan)
    assert [len(sharpness["curves"]), len(sharpness["steps"])] == [12, 600]
    assert (sharpness["curves"][0]["eta"], sharpness["curves"][-1]["eta"]) == (0.01, 0.2)
    assert [len(sign["etas"]), len(sign["steps"])] == [240, 480]
    assert len(scan_data.spectrum_data(scan)["panels"]) == 4


def test_medians_leave_out_what_is_not_finite():
    values = np.array([[3.0, np.nan, 1.0], [1.0, np.nan, np.nan], [2.0, np.nan, 4.0]])
    np.testing.assert_array_equal(median_of_finite(values), [2.0, np.nan, 2.5])


@pytest.mark.parametrize(("count", "most"), [(1, 5), (5, 5), (7, 3), (1000, 600), (13, 12)])
def test_chosen_indices_hold_both_ends_and_differ(count, most):
    chosen = evenly(count, most).tolist()
    assert chosen[0] == 0 and chosen[-1] == count - 1
    assert len(set(chosen)) == len(chosen) == min(count, most)


def test_names_of_step_sizes_tell_them_apart():
    assert eta_names([0.3, 0.3000001]) == ["0.3", "0.3000001"]
