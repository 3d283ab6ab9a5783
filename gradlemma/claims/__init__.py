"""Statements of one's own: declare them with `claim`, attack them with `gradlemma refute --file`."""

from ._balls import Ball as Ball
from ._balls import ReadingError as ReadingError
from ._claim import Claim as Claim
from ._claim import ClaimAttack as ClaimAttack
from ._claim import claim as claim
from ._files import attacks_of as attacks_of
from ._files import load_claims as load_claims
from ._functions import absolute as absolute
from ._functions import exp as exp
from ._functions import log as log
from ._functions import maximum as maximum
from ._functions import minimum as minimum
from ._functions import norm as norm
from ._functions import sqrt as sqrt
from ._functions import tanh as tanh
from ._network import BallNetwork as BallNetwork
from ._network import ClaimNetwork as ClaimNetwork
from ._network import Data as Data
from ._network import FloatNetwork as FloatNetwork
from ._target import ClaimTarget as ClaimTarget
from ._weights import Weights as Weights
