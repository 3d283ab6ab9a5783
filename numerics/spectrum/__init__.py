"""Spectra of symmetric matrices and operators: whole, both ends, counts, densities, with an error each."""

from .dense import dense_spectral_norm as dense_spectral_norm
from .density import Density as Density
from .density import spectral_density as spectral_density
from .extremes import Extremes as Extremes
from .extremes import extremes as extremes
from .extremes import upper_bound as upper_bound
from .full import Spectra as Spectra
from .full import full_spectra as full_spectra
from .full import log_abs_det as log_abs_det
from .hessian_norm import hessian_norm as hessian_norm
from .inertia import Inertia as Inertia
from .inertia import inertia as inertia
from .inertia import solve_shifted as solve_shifted
from .lanczos import extreme_pair as extreme_pair
from .lanczos import spectral_norm as spectral_norm
from .result import SpectralNorm as SpectralNorm
from .verdict import Verdicts as Verdicts
from .verdict import verdicts as verdicts
from .verdict import verdicts_of_spectra as verdicts_of_spectra
