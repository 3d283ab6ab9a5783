from __future__ import annotations

import math

import pytest
import torch

from numerics.box import Box, check_box, contains, project, project_to_ball, random_in_ball, random_point
from numerics.errors import NumericsError
from numerics.evaluate import unpack
from proofs.network import Dense, Network

NETWORK = Network.of(5, Dense(4), "tanh", Dense(3, bias=False), "tanh", Dense(1))
BOX = Box((1.5, 0.25, 2.0), (0.5, None, 0.0))


def spectral(value: torch.Tensor) -> float:
    return float(torch.linalg.matrix_norm(value, 2) if value.ndim == 2 else value.norm())


def test_random_points_lie_in_the_box_and_show_its_extremes() -> None:
    generator = torch.Generator().manual_seed(0)
    boundary = inside = low_rank = equal = 0
    for _ in range(100):
        theta = random_point(NETWORK, BOX, generator)
        parts = unpack(NETWORK, theta)
        for name, value in parts.items():
            assert spectral(value) <= BOX.of(name) * (1.0 + 1e-12)
        singular = torch.linalg.svdvals(parts["W1"]) / 1.5
        boundary += float(singular[0]) > 1.0 - 1e-9
        inside += float(singular[0]) < 0.99
        low_rank += float(singular[-1]) < 1e-12
        equal += float(singular[0] - singular[-1]) < 1e-12
    assert min(boundary, inside, low_rank, equal) >= 10


def test_projection_clips_singular_values_and_keeps_points_inside() -> None:
    generator = torch.Generator().manual_seed(1)
    for scale in (0.01, 1.0, 100.0):
        theta = scale * torch.randn(NETWORK.parameter_count, generator=generator, dtype=torch.float64)
        found = project(NETWORK, BOX, theta)
        assert contains(NETWORK, BOX, found)
        before, after = unpack(NETWORK, theta), unpack(NETWORK, found)
        clipped = torch.linalg.svdvals(before["W1"]).clamp(max=1.5)
        torch.testing.assert_close(torch.linalg.svdvals(after["W1"]), clipped, rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(project(NETWORK, BOX, found), found, rtol=1e-12, atol=1e-13)
    inner = random_point(NETWORK, Box((1.0, 0.2, 1.9), (0.4, None, 0.0)), generator)
    assert torch.equal(project(NETWORK, BOX, inner), inner)


def test_the_projection_is_the_nearest_point() -> None:
    generator = torch.Generator().manual_seed(2)
    theta = 3.0 * torch.randn(NETWORK.parameter_count, generator=generator, dtype=torch.float64)
    nearest = float((theta - project(NETWORK, BOX, theta)).norm())
    for _ in range(50):
        assert nearest <= float((theta - random_point(NETWORK, BOX, generator)).norm())


def test_points_of_the_ball_lie_in_the_ball() -> None:
    generator = torch.Generator().manual_seed(3)
    center = torch.randn(30, generator=generator, dtype=torch.float64)
    distances = [float((random_in_ball(center, 0.5, generator) - center).norm()) for _ in range(60)]
    assert max(distances) <= 0.5 * (1.0 + 1e-12)
    assert min(distances) < 0.4 < 0.499 < max(distances)
    assert torch.equal(project_to_ball(center, 0.5, center), center)
    far = center + 100.0
    assert abs(float((project_to_ball(center, 0.5, far) - center).norm()) - 0.5) < 1e-12


def test_a_point_with_nan_is_in_no_box() -> None:
    theta = torch.zeros(NETWORK.parameter_count, dtype=torch.float64)
    assert contains(NETWORK, BOX, theta)
    theta[-2] = math.nan
    assert not contains(NETWORK, BOX, theta)


def test_a_point_just_outside_is_not_contained() -> None:
    theta = torch.zeros(NETWORK.parameter_count, dtype=torch.float64)
    theta[0] = 1.5 * (1.0 + 1e-9)
    assert not contains(NETWORK, BOX, theta)


def test_boxes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NumericsError, match="as many bias norms"):
        Box((1.0,), (1.0, 2.0))
    with pytest.raises(NumericsError, match="finite norms"):
        Box((math.nan,), (None,))
    with pytest.raises(NumericsError, match="no bias norm for layer 2"):
        check_box(NETWORK, Box((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)))
    with pytest.raises(NumericsError, match="radius=-1"):
        project_to_ball(torch.zeros(1), -1.0, torch.zeros(1))
