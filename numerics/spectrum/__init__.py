"""Largest absolute eigenvalues of symmetric operators, with an error beside each."""

from .dense import dense_spectral_norm as dense_spectral_norm
from .hessian_norm import hessian_norm as hessian_norm
from .lanczos import extreme_pair as extreme_pair
from .lanczos import spectral_norm as spectral_norm
from .result import SpectralNorm as SpectralNorm
