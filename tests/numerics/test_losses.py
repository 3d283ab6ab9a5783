"""Each loss in four readings: torch, the kernel's term, plain twins, and balls."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import ctx

from numerics import losses
from numerics.ascent import off_kinks
from numerics.box import Box
from numerics.checks import check_data, check_free
from numerics.errors import NumericsError
from numerics.measure import measure
from numerics.reference import reference_sample_loss
from numerics.regions import FreeSample, InBox, Point, draw_sample, move
from numerics.terms import Instance, evaluate_term
from proofs.kernel.balls import TermBalls
from proofs.kernel.scalars import Norm, SupNorm
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Inner, Ones, Role, Sum, Variable
from proofs.network import LOSSES, Dense, Loss, Network
from proofs.theorems.bounds import Derivation
from proofs.theorems.tactics import compare_of

ALL = (*LOSSES, Loss.huber(Fraction(1, 2)))
NETWORK = Network.of(2, Dense(3), "tanh", Dense(4))


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def targets(loss: Loss, *shape: int) -> torch.Tensor:
    return torch.softmax(draw(*shape, seed=1), -1) if loss.has_range else draw(*shape, seed=1)


@pytest.mark.parametrize("loss", ALL, ids=Loss.label)
def test_values_and_derivatives_agree_with_autograd_of_the_twins(loss: Loss) -> None:
    f, y, v = draw(5, 4), targets(loss, 5, 4), draw(5, 4, seed=2)
    close = {"rtol": 1e-12, "atol": 1e-12}
    for row in range(5):
        single = lambda t, row=row: reference_sample_loss(loss, t, y[row])  # noqa: E731
        slope = torch.func.grad(single)(f[row])
        bend = torch.func.hessian(single)(f[row])
        torch.testing.assert_close(losses.values(loss, f, y)[row], single(f[row]), **close)
        torch.testing.assert_close(losses.output_gradient(loss, f, y)[row], slope, **close)
        torch.testing.assert_close(losses.hessian_product(loss, f, y, v)[row], bend @ v[row], **close)
        torch.testing.assert_close(losses.quadratic_form(loss, f, y, v)[row], v[row] @ bend @ v[row], **close)
    assert bool((losses.output_gradient(loss, f, y).abs() <= losses.terms_added(loss, f, y) + 1e-15).all())


@pytest.mark.parametrize("loss", ALL, ids=Loss.label)
def test_the_kernels_term_and_its_balls_agree_with_torch(loss: Loss) -> None:
    work = Derivation(NETWORK, loss)
    theta = {v.name: draw(*v.shape, seed=3 + i) for i, v in enumerate(work.jet.parameters)}  # type: ignore[arg-type]
    x, y = draw(3, 2, seed=9), targets(loss, 3, 4)
    exact = {v: ExactTensor.from_floats(t.numpy()) for v, t in zip(work.samples, (x, y), strict=True)}
    blocks = {v: ExactTensor.from_floats(theta[v.name].numpy()) for v in work.jet.parameters}
    residual = next(a for a in compare_of(work.sample.first).right.atoms() if isinstance(a, Norm))
    bends = [a for a in compare_of(work.sample.second).right.atoms() if isinstance(a, SupNorm)]
    with ctx.workprec(96):
        balls = TermBalls(blocks, exact)
        sizes = balls.norms(residual.term)
        largest = [balls.sup_norms(a.term) for a in bends]
    for row in range(3):
        instance = Instance(theta, {}, {"x": x[row], "y": y[row]}, {}, {}, {})
        f = evaluate_term(work.jet.output.node, theta, instance, {})
        value = evaluate_term(work.sample.node, theta, instance, {})
        torch.testing.assert_close(value, losses.values(loss, f, y[row]), rtol=1e-12, atol=1e-12)
        scale = 2.0 if loss == Loss.MSE else 1.0
        slope = float(losses.output_gradient(loss, f, y[row]).norm()) / scale
        assert abs(float(sizes[row].mid()) - slope) <= 1e-12 * (1 + slope)
        if bends:
            diagonal = losses.hessian_product(loss, f, y[row], torch.ones_like(f)).abs().max()
            assert abs(float(largest[0][row].mid()) - float(diagonal)) <= 1e-12
    assert bool(bends) == (loss.kind in (Loss.BCE.kind, Loss.HUBER.kind))


def test_the_sum_of_entries_is_read_in_torch_and_in_balls() -> None:
    v = Variable("x", (3,), Role.SAMPLE)
    instance = Instance({}, {}, {"x": torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)}, {}, {}, {})
    assert float(evaluate_term(Inner(Ones((3,)), v), {}, instance, {})) == 7.0
    table = {v: ExactTensor.from_floats(np.array([[1.0, 2.0, 4.0]]))}
    columns = TermBalls({}, table).value(Sum((Ones((3,)), v)))
    assert [float(ball.mid()) for ball in columns[0]] == [2.0, 3.0, 5.0]


@pytest.mark.parametrize("loss", ALL, ids=Loss.label)
def test_free_targets_stay_in_range(loss: Loss) -> None:
    generator = torch.Generator().manual_seed(0)
    free = FreeSample(1.5, float("inf") if loss.kind is Loss.HUBER.kind else 0.5)
    theta = draw(NETWORK.parameter_count)
    region = InBox(Box((3.0, 3.0), (1.0, 1.0)))
    for _ in range(20):
        point = draw_sample(NETWORK, loss, free, theta, generator)
        slopes = Point(draw(NETWORK.parameter_count), draw(1, 2), draw(1, 4))
        point = move(NETWORK, loss, region, free, point, slopes, 0.7)
        assert float(point.x.norm()) <= 1.5 * (1 + 1e-12)
        assert bool(torch.isfinite(point.y).all())
        if loss.has_range:
            assert float(point.y.min()) >= 0.0 and float(point.y.max()) <= 1.0
        elif loss.kind is not Loss.HUBER.kind:
            assert float(point.y.norm()) <= 0.5 * (1 + 1e-12)


def test_the_search_finds_targets_that_saturate_huber() -> None:
    found = measure(
        Network.of(1, Dense(1, bias=False)), Loss.huber(Fraction(1, 2)), None, None,
        box=Box((1.0,), (None,)), generator=torch.Generator().manual_seed(0), random_points=8,
        ascent_steps=10, input_norm=2.0, target_norm=float("inf"),
    )  # fmt: skip
    assert found.box_ascent is not None
    assert found.box_ascent.gradient_norm.value == pytest.approx(1.0, rel=1e-9)


def test_hessians_are_left_out_where_a_residual_lies_on_a_kink() -> None:
    network = Network.of(1, Dense(1, bias=False))
    one = torch.ones(1, dtype=torch.float64)
    x, y = torch.tensor([[2.0]], dtype=torch.float64), torch.tensor([[1.0]], dtype=torch.float64)
    assert losses.kink_distance(Loss.HUBER, x, y) == 0.0
    assert losses.kink_distance(Loss.huber(Fraction(1, 2)), x, y) == 0.5
    assert losses.kink_distance(Loss.MSE, x, y) == float("inf")
    assert not off_kinks(network, Loss.HUBER, Point(one, x, y))
    assert off_kinks(network, Loss.HUBER, Point(one, x, y + 0.25))
    assert off_kinks(network, Loss.HALF_MSE, Point(one, x, y))
    nan = torch.full_like(x, float("nan"))
    assert not off_kinks(network, Loss.HUBER, Point(one, nan, y))


def test_targets_and_norms_out_of_range_are_refused() -> None:
    x, y = draw(2, 2), draw(2, 4)
    with pytest.raises(NumericsError, match=r"targets of bce in \[0, 1\]"):
        check_data(NETWORK, Loss.BCE, x, y)
    assert check_data(NETWORK, Loss.BCE, x, torch.sigmoid(y)) is not None
    for norms in ((float("inf"), 1.0), (1.0, -1.0), (1.0, float("nan")), (-1.0, 1.0)):
        with pytest.raises(NumericsError, match="norm"):
            check_free(*norms)
