"""The spectral norm of the Hessian of the mean loss."""

from __future__ import annotations

import torch
from torch import Tensor

from numerics.curvature import hessian, hessian_vector_product
from proofs.network import Loss, Network

from .dense import dense_spectral_norm
from .lanczos import spectral_norm
from .result import SpectralNorm

__all__ = ["hessian_norm"]

# Measured on two CPU cores: below both limits all P products and the eigenvalues take less than
# about 0.1 s.  Above, Lanczos needs 20 to 80 products and the dense route P of them.
DENSE_PARAMETERS = 512
DENSE_WORK = 1 << 17


def hessian_norm(
    network: Network,
    loss: Loss,
    theta: Tensor,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    tolerance: float = 1e-6,
    max_steps: int = 300,
) -> SpectralNorm:
    """||D^2 L(theta)|| for the mean loss L: `[P], [N, d], [N, out]`.

    Dense for P <= 512 and P N <= 2^17, Lanczos above.  `tolerance` and `max_steps` bound the work
    of Lanczos.

    Returns:
        For Lanczos a lower estimate up to rounding (see `SpectralNorm`); its squared relative
        residual is the usual size of what is missing, `error` is the residual itself.

    Raises:
        NumericsError: if there is no sample or a shape does not fit.
    """
    size = theta.shape[0]
    if size <= DENSE_PARAMETERS and size * x.shape[0] <= DENSE_WORK:
        return dense_spectral_norm(hessian(network, loss, theta, x, y))
    return spectral_norm(
        hessian_vector_product(network, loss, theta, x, y),
        size,
        tolerance=tolerance,
        max_steps=max_steps,
        generator=generator,
        device=theta.device,
    )
