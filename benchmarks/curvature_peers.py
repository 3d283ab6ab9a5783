"""Hessians, products and eigenvalues as other packages compute them, for `bench_curvature`.

Every function takes the widths, activation and loss of a network and parameters in the order of
`numerics`: the matrix of a layer row by row and then its bias.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

Array = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A network with data: widths, `tanh` or `relu`, `mse` or `cross-entropy`, theta [B, P], x, y."""

    name: str
    widths: tuple[int, ...]
    activation: str
    loss: str
    theta: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor


def layers(widths: tuple[int, ...]) -> list[tuple[slice, tuple[int, int], slice]]:
    """Where the matrix of each layer lies, its shape, and where the bias lies."""
    found, start = [], 0
    for incoming, width in zip(widths, widths[1:], strict=False):
        middle = start + width * incoming
        found.append((slice(start, middle), (width, incoming), slice(middle, middle + width)))
        start = middle + width
    return found


def torch_hessians(problem: Problem) -> Callable[[], Array]:
    activation = getattr(torch, problem.activation)
    parts = layers(problem.widths)

    def loss(theta: torch.Tensor) -> torch.Tensor:
        h = problem.x
        for number, (weight, shape, bias) in enumerate(parts):
            h = h @ theta[weight].reshape(shape).T + theta[bias]
            h = h if number == len(parts) - 1 else activation(h)
        if problem.loss == "mse":
            return ((h - problem.y) ** 2).sum(-1).mean()
        return -(problem.y * torch.log_softmax(h, -1)).sum(-1).mean()

    compute = torch.func.vmap(torch.func.hessian(loss))
    return lambda: compute(problem.theta).detach().numpy()


def _jax_loss(problem: Problem) -> Callable:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    activation = jnp.tanh if problem.activation == "tanh" else jax.nn.relu
    parts = layers(problem.widths)
    x, y = jnp.asarray(problem.x.numpy()), jnp.asarray(problem.y.numpy())

    def loss(theta):
        h = x
        for number, (weight, shape, bias) in enumerate(parts):
            h = h @ theta[weight].reshape(shape).T + theta[bias]
            h = h if number == len(parts) - 1 else activation(h)
        if problem.loss == "mse":
            return ((h - y) ** 2).sum(-1).mean()
        return -(y * jax.nn.log_softmax(h, -1)).sum(-1).mean()

    return loss


def jax_hessians(problem: Problem, mapped: bool) -> Callable[[], Array]:
    """By `jit(vmap(hessian))`, or by `jit` of `lax.map(hessian)` if `mapped`."""
    import jax
    import jax.numpy as jnp

    single = jax.hessian(_jax_loss(problem))
    compute = jax.jit((lambda t: jax.lax.map(single, t)) if mapped else jax.vmap(single))
    theta = jnp.asarray(problem.theta.numpy())
    return lambda: np.asarray(compute(theta).block_until_ready())


def jax_product(problem: Problem) -> Callable[[Array], Array]:
    """v -> H v at the first theta: `jit` of the derivative of the gradient in the direction v."""
    import jax
    import jax.numpy as jnp

    gradient = jax.grad(_jax_loss(problem))
    theta = jnp.asarray(problem.theta[0].numpy())
    compute = jax.jit(lambda t, v: jax.jvp(gradient, (t,), (v,))[1])
    return lambda v: np.asarray(compute(theta, v).block_until_ready())


def eigenvalues(matrices: Array, whole: bool) -> Array:
    """Spectra by numpy: a matrix for each core with one BLAS thread, or all threads for each if `whole`."""
    if whole:
        return np.linalg.eigvalsh(matrices)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(CORES) as pool:
        parts = np.array_split(matrices, min(len(matrices), 8 * CORES))
        return np.concatenate(list(pool.map(np.linalg.eigvalsh, parts)))


def _torch_module(problem: Problem) -> torch.nn.Module:
    parts = layers(problem.widths)
    modules: list[torch.nn.Module] = []
    for weight, (width, incoming), bias in parts:
        linear = torch.nn.Linear(incoming, width, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(problem.theta[0, weight].reshape(width, incoming))
            linear.bias.copy_(problem.theta[0, bias])
        modules += [linear, torch.nn.Tanh() if problem.activation == "tanh" else torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def pyhessian_top(problem: Problem, count: int, tolerance: float) -> Array:
    """The largest |eigenvalues| by PyHessian, which stops on the change of its estimate; cross-entropy."""
    from pyhessian import hessian

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        module = _torch_module(problem)
        data = (problem.x, problem.y.argmax(-1))
        found = hessian(module, torch.nn.CrossEntropyLoss(), data=data, cuda=False)
        values, _ = found.eigenvalues(maxIter=1000, tol=tolerance, top_n=count)
    finally:
        torch.set_default_dtype(before)
    return np.array(values)


def curvlinops_top(problem: Problem, count: int, tolerance: float) -> Array:
    """The largest eigenvalues by scipy's `eigsh` on curvlinops' operator; cross-entropy."""
    from curvlinops import HessianLinearOperator
    from scipy.sparse.linalg import eigsh

    module = _torch_module(problem)
    data = [(problem.x, problem.y.argmax(-1))]
    operator = HessianLinearOperator(
        module, torch.nn.CrossEntropyLoss(), list(module.parameters()), data, check_deterministic=False
    )
    start = np.random.default_rng(0).standard_normal(problem.theta.shape[1])
    values = eigsh(
        operator.to_scipy(), k=count, which="LA", tol=tolerance, v0=start, return_eigenvectors=False
    )
    return np.sort(values)[::-1]
