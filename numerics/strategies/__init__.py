"""Hypothesis strategies for networks, losses, boxes, data, weights and step sizes.

They mirror `proofs.network`.  Hypotheses of theorems (norms in a box, targets in range, continuous
activations) hold by construction, in exact numbers; nothing is drawn and thrown away.  Everything
shrinks to the smallest case: identity, depth 1, width 1, one sample, zeros, norms of 1.
"""

from ._activations import JUMPING as JUMPING
from ._activations import activations as activations
from ._activations import piecewise_activations as piecewise_activations
from ._architectures import architectures as architectures
from ._boxes import boxes as boxes
from ._boxes import norms as norms
from ._boxes import step_sizes as step_sizes
from ._data import data_sets as data_sets
from ._data import inputs as inputs
from ._data import targets as targets
from ._losses import losses as losses
from ._weights import weights as weights
