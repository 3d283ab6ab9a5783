"""Task arithmetic in numbers, against sympy with mpmath, autograd and plain loops."""

from __future__ import annotations

import math
from fractions import Fraction as F

import pytest
import sympy as sp
import torch
from flint import arb, ctx, fmpq
from mpmath import mp
from torch import Tensor

from gradlemma.figures.task_order_figure import task_order_data, task_order_svg
from numerics.curvature import products as products_module
from numerics.dynamics import random_starts
from numerics.errors import NumericsError
from numerics.objective import FunctionObjective, NetworkObjective
from numerics.tasks import (
    BALLS,
    RATIONALS,
    ExactTask,
    ExactTasks,
    KinkMet,
    KinkOutcome,
    OrderOutcome,
    Sweep,
    Tasks,
    Unit,
    certify_pieces,
    exact_leading_term,
    exact_path_term,
    exact_runs,
    explained,
    leading_term,
    merged,
    naive_path_term,
    order_table,
    path_term,
    pieces_seen,
    run_tasks,
    tasks_of,
)
from numerics.tasks.kinks import _Search
from proofs.kernel.map_hessians import ball_hessian, exact_hessian
from proofs.network import Architecture, Dense, Loss, Network
from proofs.network.activations import activation
from proofs.network.architecture_layers import LayerNorm, Linear, Residual
from proofs.network.layers import Activate
from proofs.network.lowering_losses import loss_on

pytestmark = pytest.mark.usefixtures("one_thread")

NETWORK = Network.of(3, Dense(4), "tanh", Dense(2))
COUNTS = (5, 7, 5, 40)
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


def data(counts: tuple[int, ...] = COUNTS) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(3)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    return [(draw(n, 3), draw(n, 2).softmax(-1)) for n in counts]


def function(theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The cross-entropy of NETWORK in torch's own operations."""
    h = torch.tanh(x @ theta[:12].view(4, 3).T + theta[12:16])
    f = h @ theta[16:24].view(2, 4).T + theta[24:26]
    return (torch.logsumexp(f, -1) - (y * f).sum(-1)).mean()


def network_tasks(counts: tuple[int, ...] = COUNTS) -> Tasks:
    return tasks_of(NETWORK, Loss.CROSS_ENTROPY, data(counts))


def function_tasks() -> Tasks:
    return Tasks(tuple(FunctionObjective(function, 26, x, y) for x, y in data()))


def start() -> Tensor:
    return random_starts(NETWORK, 1, 0)[0]


# -- Runs and C in float64 ---------------------------------------------------------------------------


def by_autograd(eta: float, alpha: float, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """theta_TA, theta_MT, C along the run and at theta0, from torch.autograd and the double sum."""
    parts = data()
    slope = lambda theta, t: torch.func.grad(function)(theta, *parts[t])  # noqa: E731
    bend = lambda theta, t: torch.func.hessian(function)(theta, *parts[t])  # noqa: E731
    moved = start()
    for t in range(len(parts)):
        theta = start()
        for _ in range(k):
            theta = theta - eta * slope(theta, t)
        moved = moved + alpha * (theta - start())
    joint = [start()]
    for _ in range(k):
        joint.append(joint[-1] - alpha * eta * sum(slope(joint[-1], t) for t in range(len(parts))))

    def residual(m: int, t: int) -> Tensor:
        return alpha * sum(slope(joint[m], u) for u in range(len(parts))) - slope(joint[m], t)

    path, leading = torch.zeros(26).double(), torch.zeros(26).double()
    for t in range(len(parts)):
        leading += k * (k - 1) / 2 * bend(start(), t) @ residual(0, t)
        for e in range(1, k):
            path += bend(joint[e], t) @ sum(residual(m, t) for m in range(e))
    return moved, joint[-1], path, leading


@pytest.mark.parametrize("tasks", [network_tasks, function_tasks], ids=["network", "function"])
@pytest.mark.parametrize(("alpha", "k"), [(0.4, 4), (-0.7, 2), (0.25, 1)])
def test_runs_and_both_forms_of_c_are_those_of_autograd(tasks, alpha: float, k: int) -> None:
    runs = run_tasks(tasks(), start(), 0.3, alpha, k)
    merged_model, joint, path, leading = by_autograd(0.3, alpha, k)
    torch.testing.assert_close(runs.merged, merged_model, **CLOSE)
    torch.testing.assert_close(runs.multi_task, joint, **CLOSE)
    torch.testing.assert_close(path_term(runs).vector, path, **CLOSE)
    torch.testing.assert_close(leading_term(runs).vector, leading, **CLOSE)
    torch.testing.assert_close(runs.difference, merged_model - joint, rtol=1e-9, atol=1e-14)
    torch.testing.assert_close(merged(start(), runs.ends, alpha), runs.merged, **CLOSE)


@pytest.mark.parametrize("cached", [False, True])
def test_the_double_sum_is_c(cached: bool) -> None:
    runs = run_tasks(network_tasks(), start(), 0.3, 0.4, 6)
    found, count = naive_path_term(runs, cached=cached)
    term = path_term(runs)
    torch.testing.assert_close(term.vector, found, **CLOSE)
    assert count == 4 * 15 and term.products == 4 * 5


def test_c_takes_one_product_for_a_task_and_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = run_tasks(network_tasks((5, 6)), start(), 0.3, 0.4, 6)
    rows: list[int] = []
    own = products_module.Linearised.product

    def counted(self, v: Tensor) -> Tensor:
        rows.append(math.prod(v.shape[:-1]))
        return own(self, v)

    monkeypatch.setattr(products_module.Linearised, "product", counted)
    term = path_term(runs)
    # The last call is that of the rounding estimate, two rows at theta0.
    assert rows == [10, 2] and term.products == 10 and term.batches == 1


def test_tasks_in_a_batch_are_the_tasks_alone() -> None:
    runs = run_tasks(network_tasks(), start(), 0.3, 0.4, 5)
    for t, part in enumerate(data()):
        alone = run_tasks(tasks_of(NETWORK, Loss.CROSS_ENTROPY, [part]), start(), 0.3, 0.4, 5)
        torch.testing.assert_close(runs.own[:, t], alone.own[:, 0], **CLOSE)


def test_sample_counts_within_a_factor_of_two_share_a_batch() -> None:
    groups = network_tasks((4, 20, 8, 9, 40)).groups
    assert [group.members for group in groups] == [(0, 2), (3,), (1, 4)]


def test_losses_and_functions_may_differ_between_tasks() -> None:
    (x, y), *_ = data()
    mixed = Tasks((
        FunctionObjective(function, 26, x, y),
        NetworkObjective(NETWORK, Loss.MSE, x, y),
        NetworkObjective(NETWORK, Loss.CROSS_ENTROPY, x, y),
    ))  # fmt: skip
    theta = torch.stack([start(), 2 * start(), 3 * start()])
    found = mixed.gradients(theta)
    for t, objective in enumerate(mixed.objectives):
        torch.testing.assert_close(found[t], objective.gradients(theta[t : t + 1])[0], **CLOSE)
        v = torch.linspace(-1, 1, 26).double()[None]
        one = objective.products(theta[t : t + 1])(v)[0]
        torch.testing.assert_close(mixed.products(theta)(v.expand(3, -1))[t], one, **CLOSE)


def test_a_share_near_one_is_explained_at_small_step_sizes() -> None:
    shares = []
    for eta in (0.2, 0.02, 0.002):
        runs = run_tasks(network_tasks(), start(), eta, 0.4, 5)
        shares.append(explained(runs, path_term(runs)).share)
    assert 0.5 < shares[0] < shares[1] < shares[2] < 1 and shares[2] > 0.995


def test_no_share_is_told_where_the_difference_is_rounding() -> None:
    runs = run_tasks(network_tasks(), start(), 0.3, 0.4, 1)
    found = explained(runs, path_term(runs))
    assert math.isnan(found.share) and found.difference <= found.rounding < 1e-14
    assert not path_term(runs).vector.any() and not leading_term(runs).vector.any()


# -- Divergence --------------------------------------------------------------------------------------


def line(*slopes: float) -> Tasks:
    """L_t = (w x_t - 0)^2 / 2, x_t^2 the slope."""
    network = Network.of(1, Dense(1, bias=False))
    parts = [(torch.tensor([[s**0.5]], dtype=torch.float64), torch.zeros(1, 1).double()) for s in slopes]
    return tasks_of(network, Loss.HALF_MSE, parts)


@pytest.mark.parametrize(
    ("slopes", "alpha", "task", "step"),
    [((1.0, 11.0, 1.0), 0.0, 1, 4), ((1.0, 2.0), 4.0, None, 4), ((1e300, 1.0), 1.0, 0, 1)],
)
def test_the_first_run_beyond_the_limit_is_named(slopes, alpha, task, step) -> None:
    # From 1 with eta = 1: w -> (1 - slope) w, and (1 - alpha sum of slopes) w for the multi-task run.
    one = torch.ones(1).double()
    runs = run_tasks(line(*slopes), one, 1.0, alpha, 9, limit=2000.0)
    assert runs.divergence is not None
    assert (runs.divergence.task, runs.divergence.step) == (task, step)
    assert runs.steps == step - 1 == len(runs.slopes) and torch.isfinite(runs.own).all()
    name = "multi-task run" if task is None else f"run of task {task + 1}"
    assert name in runs.divergence.sentence(runs.limit) and f"step {step}" in runs.divergence.sentence(1.0)
    if step > 1:
        shorter = run_tasks(line(*slopes), one, 1.0, alpha, step - 1, limit=2000.0)
        assert shorter.divergence is None and torch.equal(shorter.own, runs.own)
        assert torch.equal(shorter.joint, runs.joint)


REFUSED = {
    "at least one task": lambda: Tasks(()),
    "one parameter vector": lambda: Tasks((*line(1.0).objectives, *network_tasks().objectives)),
    "theta0 of shape": lambda: run_tasks(line(1.0), torch.ones(2).double(), 1.0, 1.0, 1),
    "a step size > 0": lambda: run_tasks(line(1.0), torch.ones(1).double(), 0.0, 1.0, 1),
    "steps >= 1": lambda: run_tasks(line(1.0), torch.ones(1).double(), 1.0, 1.0, 0),
    "entries of at most": lambda: run_tasks(line(1.0), math.nan * torch.ones(1).double(), 1.0, 1.0, 1),
    "bits >= 256": lambda: order_table(smooth(1), 1, 2, bits=64),
    "polynomial pieces for rationals": lambda: exact_runs(smooth(1), 1, 1, 1, RATIONALS),
    "with the entries": lambda: ExactTasks(smooth(1).tasks, {"W1": [1]}),
}  # fmt: skip


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(sentence: str) -> None:
    with pytest.raises(NumericsError, match=sentence):
        REFUSED[sentence]()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_does_not_matter() -> None:
    here = run_tasks(network_tasks(), start(), 0.3, 0.4, 5)
    there = run_tasks(network_tasks().moved("cuda"), start().cuda(), 0.3, 0.4, 5)
    torch.testing.assert_close(there.own.cpu(), here.own, **CLOSE)
    torch.testing.assert_close(path_term(there).vector.cpu(), path_term(here).vector, **CLOSE)


# -- Balls and rationals -----------------------------------------------------------------------------

SMALL = Architecture.of_network(Network.of(1, Dense(1), "tanh", Dense(1, bias=False)))
POINT = {"W1": [F(2, 3)], "b1": [F(-1, 4)], "W2": [F(5, 4)]}
SAMPLES = [(((1,), (F(1, 2),)), ((F(1, 3),), (-1,))), (((F(-3, 2),),), ((2,),)), (((2,),), ((F(1, 5),),))]


def smooth(count: int, loss: Loss = Loss.HALF_MSE) -> ExactTasks:
    parts = [SAMPLES[t % 3] for t in range(count)]
    scaled = [(tuple((F(x[0]) * (1 + t // 3),) for x in xs), ys) for t, (xs, ys) in enumerate(parts)]
    return ExactTasks(tuple(ExactTask(SMALL, loss, xs, ys) for xs, ys in scaled), POINT)


def by_sympy(eta: F, alpha: F, k: int) -> tuple[list, list, list]:
    """(difference, C along the run, C at theta0) of three tasks in 90 digits, as W1, W2, b1."""
    w, v, b = names = sp.symbols("w v b")
    slopes, bends = [], []
    for xs, ys in SAMPLES:
        pairs = [(sp.Rational(str(x[0])), sp.Rational(str(y[0]))) for x, y in zip(xs, ys, strict=True)]
        loss = sum((v * sp.tanh(w * x + b) - y) ** 2 / 2 for x, y in pairs) / len(pairs)
        slope = [sp.diff(loss, name) for name in names]
        slopes.append(sp.lambdify(names, slope, "mpmath"))
        bends.append(sp.lambdify(names, sp.hessian(loss, names).tolist(), "mpmath"))
    number = lambda q: mp.mpf(F(q).numerator) / F(q).denominator  # noqa: E731
    eta, alpha = number(eta), number(alpha)
    origin = [number(POINT["W1"][0]), number(POINT["W2"][0]), number(POINT["b1"][0])]
    total, three = [mp.mpf(0)] * 3, range(3)
    for slope in slopes:
        theta = origin
        for _ in range(k):
            theta = [a - eta * g for a, g in zip(theta, slope(*theta), strict=True)]
        total = [a + alpha * (p - q) for a, p, q in zip(total, theta, origin, strict=True)]
    joint = [origin]
    for _ in range(k):
        steps = [slope(*joint[-1]) for slope in slopes]
        joint.append([joint[-1][i] - alpha * eta * sum(s[i] for s in steps) for i in three])

    def residual(m: int, t: int) -> list:
        steps = [slope(*joint[m]) for slope in slopes]
        return [alpha * sum(s[i] for s in steps) - steps[t][i] for i in three]

    path, leading = [mp.mpf(0)] * 3, [mp.mpf(0)] * 3
    for t in three:
        r = residual(0, t)
        h = bends[t](*origin)
        leading = [leading[i] + k * (k - 1) * sum(h[i][j] * r[j] for j in three) / 2 for i in three]
        for e in range(1, k):
            h = bends[t](*joint[e])
            for m in range(e):
                r = residual(m, t)
                path = [path[i] + sum(h[i][j] * r[j] for j in three) for i in three]
    return [origin[i] + total[i] - joint[-1][i] for i in three], path, leading


@pytest.mark.parametrize(("alpha", "k"), [(F(1, 3), 2), (F(-3, 4), 4), (F(2), 1)])
def test_balls_hold_what_sympy_and_mpmath_find(alpha: F, k: int) -> None:
    eta = F(1, 7)
    with mp.workdps(90):
        texts = [[mp.nstr(x, 80) for x in row] for row in by_sympy(eta, alpha, k)]
    with ctx.workprec(320):
        runs = exact_runs(smooth(3), eta, alpha, k)
        found = [runs.difference(), exact_path_term(runs), exact_leading_term(runs)]
        for row, own in zip(texts, found, strict=True):
            assert all(abs(arb(a) - b) < arb("1e-70") for a, b in zip(row, own, strict=True))
    floats = floats_of(smooth(3), Network.of(1, Dense(1), "tanh", Dense(1, bias=False)))
    measured = run_tasks(
        floats, torch.tensor([2 / 3, -1 / 4, 5 / 4], dtype=torch.float64), float(eta), float(alpha), k
    )
    for term, row in ((path_term(measured), texts[1]), (leading_term(measured), texts[2])):
        wanted = torch.tensor([float(row[i]) for i in (0, 2, 1)], dtype=torch.float64)
        assert float((term.vector - wanted).norm()) <= term.rounding <= 1e-11 * float(wanted.norm())


def floats_of(tasks: ExactTasks, network: Network) -> Tasks:
    tensor = lambda rows: torch.tensor([[float(q) for q in row] for row in rows], dtype=torch.float64)  # noqa: E731
    parts = [(tensor(task.inputs), tensor(task.targets)) for task in tasks.tasks]
    return tasks_of(network, tasks.tasks[0].loss, parts)


def plain(name: str) -> Architecture:
    return Architecture.of_network(Network.of(2, Dense(2), name, Dense(2)))


DEEP = Architecture(
    (2,), (Residual((Linear(2), Activate(activation("softplus")))), LayerNorm(), Linear(3, False))
)
MAPS = {
    "cross-entropy": (plain("sigmoid"), Loss.CROSS_ENTROPY),
    "bce": (plain("gelu"), Loss.BCE),
    "layer norm": (DEEP, Loss.MSE),
}  # fmt: skip


@pytest.mark.parametrize("name", MAPS)
def test_sweeps_give_the_kernels_gradients_and_hessians_in_balls(name: str) -> None:
    architecture, loss = MAPS[name]
    width = architecture.output_dim
    root = loss_on(architecture, loss, [(F(1, 2), -1), (2, F(1, 3))], [(0,) * (width - 1) + (1,)] * 2)
    sweep = Sweep(root)
    entries = [fmpq(((7 * i) % 11) - 5, 4 + i % 3) for i in range(sweep.size)]
    point: dict[str, tuple[fmpq, ...]] = {}
    for (block, _), entry in zip(sweep.coordinates, entries, strict=True):
        point[block] = (*point.get(block, ()), entry)
    with ctx.workprec(200):
        _, gradient, hessian = ball_hessian(root, point, 200)
        theta = [arb(q) for q in entries]
        v = [arb(i - 2) for i in range(sweep.size)]
        own, product = sweep.gradient(BALLS, theta), sweep.product(BALLS, theta, v)
        for i in range(sweep.size):
            wanted = sum((hessian[i, j] * v[j] for j in range(sweep.size)), arb(0))
            assert abs(own[i] - gradient[i]) < 1e-45 and abs(product[i] - wanted) < 1e-45


def test_sweeps_are_exact_in_rationals() -> None:
    square = Architecture.of_network(Network.of(2, Dense(2), "square", Dense(1)))
    root = loss_on(square, Loss.MSE, [(F(1, 2), -1), (2, F(1, 3))], [(1,), (0,)])
    sweep = Sweep(root)
    entries = [fmpq(i - 4, 3) for i in range(sweep.size)]
    point: dict[str, tuple[fmpq, ...]] = {}
    for (block, _), entry in zip(sweep.coordinates, entries, strict=True):
        point[block] = (*point.get(block, ()), entry)
    _, gradient, hessian = exact_hessian(root, point)
    v = [fmpq(i, 2) for i in range(sweep.size)]
    assert sweep.gradient(RATIONALS, entries) == gradient
    rows = [sum((hessian[i, j] * v[j] for j in range(sweep.size)), fmpq(0)) for i in range(sweep.size)]
    assert sweep.product(RATIONALS, entries, v) == rows


@pytest.mark.parametrize("alpha", [F(1, 3), F(-5, 2), F(1)])
@pytest.mark.parametrize("name", ["relu", "square", "hardswish"])
def test_one_step_makes_no_difference_exactly(name: str, alpha: F) -> None:
    network = Architecture.of_network(Network.of(2, Dense(2), name, Dense(1)))
    parts = [(((1, F(1, 2)),), ((1,),)), (((F(-1, 3), 2), (1, 1)), ((0,), (F(1, 7),)))]
    point = {"W1": [F(1, 3), 1, F(-1, 2), 2], "b1": [F(1, 5), 0], "W2": [1, F(-2, 3)], "b2": [F(1, 9)]}
    tasks = ExactTasks(tuple(ExactTask(network, Loss.HALF_MSE, *part) for part in parts), point)
    assert exact_runs(tasks, F(3, 7), alpha, 1, RATIONALS).difference() == [0] * 9
    assert any(exact_runs(tasks, F(3, 7), alpha, 2, RATIONALS).difference())


# -- Orders ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "count", "alpha"),
    [(2, 1, F(2)), (2, 3, F(-1, 2)), (3, 5, F(1, 5)), (5, 2, F(1, 3)), (7, 3, F(1)), (12, 2, F(-2))],
)
def test_the_corrected_form_has_order_three_and_the_printed_one_two(k: int, count: int, alpha: F) -> None:
    table = order_table(smooth(count), alpha, k, largest=F(1, 2048), halvings=3)
    assert table.outcome is OrderOutcome.AS_STATED
    for form in ("corrected_path", "corrected_leading"):
        assert abs(table.observed(form) - 3) < 0.02
    for form in ("difference", "printed_path", "printed_leading"):
        assert abs(table.observed(form) - 2) < 0.02
    assert all(len(norm.split("e")[0].replace(".", "").lstrip("0")) >= 60 for norm in table.rungs[-1].norms)


@pytest.mark.nightly
@pytest.mark.parametrize("alpha", [F(1, 3), F(-1, 2), F(2), F(-3)])
@pytest.mark.parametrize("count", range(1, 6))
@pytest.mark.parametrize("k", range(2, 13))
def test_the_orders_are_those_stated_for_all_small_numbers(k: int, count: int, alpha: F) -> None:
    table = order_table(smooth(count), alpha, k, largest=F(1, 2**14), halvings=2)
    assert table.outcome is OrderOutcome.AS_STATED


LINEAR = Architecture.of_network(Network.of(1, Dense(1)))


def quadratic() -> ExactTasks:
    parts = [(((1,),), ((2,),)), (((2,),), ((F(1, 3),),))]
    return ExactTasks(
        tuple(ExactTask(LINEAR, Loss.HALF_MSE, *part) for part in parts), {"W1": [1], "b1": [F(1, 2)]}
    )


OUTCOMES = {
    OrderOutcome.ONE_STEP: lambda: order_table(smooth(2), F(1, 2), 1, halvings=1),
    OrderOutcome.FORMS_AGREE: lambda: order_table(smooth(2), -1, 3, halvings=2),
    OrderOutcome.NO_MOVE: lambda: order_table(smooth(2), 0, 3, halvings=1),
    # One task with alpha = 1: theta_TA is theta_MT.
    OrderOutcome.VANISHES: lambda: order_table(smooth(1), 1, 3, halvings=1),
    OrderOutcome.NO_REMAINDER: lambda: order_table(quadratic(), F(1, 2), 2, halvings=1),
    OrderOutcome.AS_STATED: lambda: order_table(quadratic(), F(1, 2), 3, halvings=2),
    OrderOutcome.OTHERWISE: lambda: order_table(smooth(2), F(1, 2), 3, largest=F(4), halvings=2),
}


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.name)
def test_where_no_order_can_be_observed_the_table_says_so(outcome: OrderOutcome) -> None:
    assert OUTCOMES[outcome]().outcome is outcome


def test_the_figure_of_a_ladder_is_the_same_each_time() -> None:
    pytest.importorskip("matplotlib")
    first = task_order_data(order_table(smooth(2), F(-1, 2), 2, halvings=2))
    assert first["curves"]["corrected_path"]["order"] == pytest.approx(3, abs=0.05)
    assert task_order_svg(first) == task_order_svg(
        task_order_data(order_table(smooth(2), F(-1, 2), 2, halvings=2))
    )
    nothing = task_order_data(order_table(smooth(2), F(1, 2), 1, halvings=1))
    assert "<svg" in task_order_svg(nothing)[0]


# -- Kinks -------------------------------------------------------------------------------------------

RELU = Architecture.of_network(Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False)))
DEEP_RELU = Architecture.of_network(Network.of(1, Dense(1), "relu", Dense(1), "relu", Dense(1, bias=False)))


def near_the_kink(weight: F) -> ExactTasks:
    """f(x) = v relu(w x) at x = 1 with targets -1 and 3: task 1 moves w down by about eta, task 2 up."""
    tasks = tuple(ExactTask(RELU, Loss.HALF_MSE, ((1,),), ((y,),)) for y in (-1, 3))
    return ExactTasks(tasks, {"W1": [weight], "W2": [1]})


def there_and_back() -> ExactTasks:
    """With eta = 1/4, task 1 has z2 = 6 - 33/2 s + 45/4 s^2: 6 at s = 0, 0 at 2/3 and 4/5, 3/4 at 1."""
    parts = [(((-2,),), ((3,),)), (((2,),), ((2,),))]
    return ExactTasks(
        tuple(ExactTask(DEEP_RELU, Loss.HALF_MSE, *part) for part in parts),
        {"W1": [-3], "b1": [-2], "W2": [1], "b2": [2], "W3": [1]},
    )


def test_off_the_kinks_all_segments_are_certified_and_the_orders_are_those_stated() -> None:
    report = certify_pieces(near_the_kink(F(1)), F(1, 256), F(1, 2), 3)
    assert report.outcome is KinkOutcome.CERTIFIED and report.segments == 8 and report.task is None
    assert order_table(near_the_kink(F(1)), F(1, 2), 3).outcome is OrderOutcome.AS_STATED


def test_across_a_kink_the_order_drops_to_one() -> None:
    tasks = near_the_kink(F(1, 2**40))
    for eta in (F(1, 256), F(1, 2**14)):
        report = certify_pieces(tasks, eta, F(1, 2), 3)
        assert report.outcome is KinkOutcome.CROSSED and not report.equal_ends
        assert (report.task, report.step, report.joint) == (0, 1, False)
        assert report.unit == Unit("layer 2: activation relu", 1, 1)
        # w falls from 2^-40 by eta (f - y) = eta (1 + 2^-40).
        low, high = report.between
        assert low <= F(1, 2**40) / (eta * (1 + F(1, 2**40))) <= high
    table = order_table(tasks, F(1, 2), 3)
    assert table.outcome is OrderOutcome.OTHERWISE
    for form in ("difference", "corrected_path", "corrected_leading"):
        assert abs(table.observed(form) - 1) < 0.02


def test_below_the_crossing_the_certificate_and_the_order_come_back() -> None:
    tasks = near_the_kink(F(1, 2**12))
    assert certify_pieces(tasks, F(1, 2**9), F(1, 2), 3).outcome is KinkOutcome.CROSSED
    assert certify_pieces(tasks, F(1, 2**14), F(1, 2), 3).outcome is KinkOutcome.CERTIFIED
    assert order_table(tasks, F(1, 2), 3, largest=F(1, 2**14), halvings=3).outcome is OrderOutcome.AS_STATED


def test_a_segment_may_cross_between_ends_of_equal_patterns() -> None:
    report = certify_pieces(there_and_back(), F(1, 4), F(1, 2), 2)
    assert report.outcome is KinkOutcome.CROSSED and report.equal_ends is True
    assert report.unit == Unit("layer 4: activation relu", 1, 1)
    low, high = report.between
    assert low < F(2, 3) <= high and high - low < F(1, 10**9)
    assert "Task 1, segment to theta_1^(1)" in report.sentence() and "same" in report.sentence()


def test_a_start_on_a_kink_is_named() -> None:
    report = certify_pieces(near_the_kink(F(0)), F(1, 4), F(1, 2), 2)
    assert report.outcome is KinkOutcome.CROSSED and report.step == 0 and "at theta0" in report.sentence()
    with pytest.raises(KinkMet):
        order_table(near_the_kink(F(0)), F(1, 2), 2)


def test_a_kink_behind_a_smooth_layer_is_read_in_balls() -> None:
    network = Architecture.of_network(Network.of(1, Dense(1, bias=False), "tanh", Dense(1), "relu", Dense(1)))
    task = ExactTask(network, Loss.HALF_MSE, ((1,),), ((3,),))
    # tanh(1/2) - 1/2 is -0.038: off the kink, which w - 1/2 = 0 would be on.
    point = {"W1": [F(1, 2)], "W2": [1], "b2": [F(-1, 2)], "W3": [1], "b3": [0]}
    report = certify_pieces(ExactTasks((task,), point), F(1, 8), F(2), 3)
    assert report.outcome is KinkOutcome.CERTIFIED and report.segments == 4


def test_what_only_touches_a_kink_is_not_certified() -> None:
    # The argument of relu is (1 - 2 s)^2 along the segment, 0 at its middle alone.
    network = Architecture.of_network(
        Network.of(1, Dense(1, bias=False), "square", Dense(1), "relu", Dense(1))
    )
    task = ExactTask(network, Loss.HALF_MSE, ((1,),), ((0,),))
    places = [name for name, _ in task.sweep.coordinates]
    point = {"W1": 1, "W2": 1, "b2": 0, "W3": 1, "b3": 0}
    with ctx.workprec(256):
        move = [arb(-2 if name == "W1" else 0) for name in places]
        search = _Search(task.sweep, [fmpq(point[name]) for name in places], move)
        assert search.run() is KinkOutcome.UNDECIDED and search.equal_ends() is True
        assert search.between[0] <= F(1, 2) <= search.between[1]


def test_kinks_of_the_loss_count_and_arguments_that_never_move_do_not() -> None:
    # relu of 0 * w is 0 whatever w is; the residual of huber falls from 2 through delta = 1.
    tasks = ExactTasks(
        (ExactTask(RELU, Loss.huber(F(1)), ((0,), (1,)), ((0,), (F(3, 2),))),), {"W1": [F(7, 2)], "W2": [1]}
    )
    report = certify_pieces(tasks, F(1), F(2), 2)
    assert report.outcome is KinkOutcome.CROSSED and report.unit == Unit("loss", 1, None)
    assert certify_pieces(tasks, F(1, 100), F(2), 2).outcome is KinkOutcome.CERTIFIED


@pytest.mark.parametrize("seed", range(12))
def test_no_grid_of_a_certified_segment_changes_its_pattern(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    whole = lambda *shape: torch.randint(-4, 5, shape, generator=generator).tolist()  # noqa: E731
    network = Network.of(2, Dense(3), "relu", Dense(2), "relu", Dense(1))
    names = {p.name: p.size for p in network.parameters()}
    point = {
        name: [F(n, 3) + F(1 + 2 * i, 97) for i, n in enumerate(whole(size))] for name, size in names.items()
    }
    parts = [(tuple(map(tuple, whole(2, 2))), tuple(map(tuple, whole(2, 1)))) for _ in range(2)]
    tasks = ExactTasks(
        tuple(ExactTask(Architecture.of_network(network), Loss.HALF_MSE, *part) for part in parts), point
    )
    eta = F(1, 10 ** (1 + seed % 3))
    report = certify_pieces(tasks, eta, F(1, 2), 3)
    floats = floats_of(tasks, network)
    theta = torch.tensor([float(q) for p in network.parameters() for q in point[p.name]], dtype=torch.float64)
    runs = run_tasks(floats, theta, float(eta), 0.5, 3)
    changed = []
    for e in (1, 2):
        for t in range(2):
            for joint, move in ((False, runs.own[e, t]), (True, runs.joint[e])):
                points = theta + torch.linspace(0, 1, 400).double()[:, None] * move
                signs = torch.cat(
                    [(z > 0).flatten(1) for z in pre_activations(network, points, floats, t)], 1
                )
                if bool((signs != signs[:1]).any()):
                    changed.append((t, e, joint))
    if report.outcome is KinkOutcome.CERTIFIED:
        assert not changed and report.segments == 8
    else:
        assert (
            report.outcome is KinkOutcome.CROSSED and (report.task, report.step, report.joint) == changed[0]
        )


def pre_activations(network: Network, points: Tensor, tasks: Tasks, t: int) -> list[Tensor]:
    from numerics.evaluate import nodes

    found = nodes(network, points, tasks.objectives[t].x)
    return [found[1], found[3]]


def test_pieces_seen_counts_changes_at_points_of_the_runs():
    network = Network.of(2, Dense(3), "relu", Dense(1))
    generator = torch.Generator().manual_seed(5)
    parts = [
        (torch.randn(6, 2, generator=generator).double(), torch.randn(6, 1, generator=generator).double())
        for _ in range(2)
    ]
    start = torch.randn(network.parameter_count, generator=generator).double()
    runs = run_tasks(tasks_of(network, Loss.HALF_MSE, parts), start, 1.0, 0.5, 4)
    changed = set()
    for number, (x, _) in enumerate(parts):
        points = [*(start + runs.own[1:4, number]), *(start + runs.joint[1:4])]
        signs = [x @ p[:6].reshape(3, 2).mT + p[6:9] > 0 for p in (start, *points)]
        changed |= {
            (number, n, k) for n in range(6) for k in range(3) if len({bool(s[n, k]) for s in signs}) > 1
        }
    seen = pieces_seen(runs)
    assert (seen.changed, seen.total) == (len(changed), 36) and 0 < len(changed) < 36
    still = pieces_seen(run_tasks(tasks_of(network, Loss.HALF_MSE, parts), start, 1e-9, 0.5, 4))
    assert still.changed == 0 and "none of 36" in still.sentence()


def test_pieces_seen_counts_kinks_of_the_loss():
    network = Network.of(1, Dense(1, bias=False))
    parts = [(torch.ones(1, 1).double(), torch.zeros(1, 1).double())]
    runs = run_tasks(tasks_of(network, Loss.huber(F(1, 2)), parts), torch.tensor([0.6]).double(), 0.3, 1.0, 3)
    seen = pieces_seen(runs)
    assert (seen.changed, seen.total, seen.step) == (1, 1, 1)
