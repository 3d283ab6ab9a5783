"""Networks, activations and losses as frozen data."""

from proofs.kernel.univariate import Univariate as Univariate

from .activations import CATALOGUE as CATALOGUE
from .activations import activation as activation
from .architecture import Architecture as Architecture
from .layers import Activate as Activate
from .layers import Dense as Dense
from .layers import Layer as Layer
from .layers import Parameter as Parameter
from .losses import LOSS_PARAMETERS as LOSS_PARAMETERS
from .losses import LOSSES as LOSSES
from .losses import Loss as Loss
from .losses import LossKind as LossKind
from .losses import entry_function as entry_function
from .losses import loss_named as loss_named
from .network import Network as Network
