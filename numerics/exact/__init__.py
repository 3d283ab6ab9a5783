"""Exact re-checks: values and derivatives at rational instances, in rationals or in balls.

Rationals where every piece is a polynomial with rational kinks and the loss a polynomial too; balls
of 256 bits otherwise.  Points on a kink, of an activation or of huber, are refused: no derivative is
claimed there.
"""

from .compare import Comparison as Comparison
from .compare import as_ball as as_ball
from .compare import compare as compare
from .compare import norm_of as norm_of
from .gradients import Gradient as Gradient
from .gradients import gradient as gradient
from .gradients import gradient_in as gradient_in
from .hessians import hessian_in as hessian_in
from .jets import Derivatives as Derivatives
from .jets import Jet as Jet
from .jets import directional_derivatives as directional_derivatives
from .jets import jets as jets
from .jets import jets_of_nodes as jets_of_nodes
from .losses import output_value as output_value
from .norms import norm_at_most as norm_at_most
from .numbers import PRECISION as PRECISION
from .numbers import Balls as Balls
from .numbers import FieldTensor as FieldTensor
from .numbers import OnKink as OnKink
from .numbers import Rationals as Rationals
from .numbers import field_for as field_for
from .numbers import function_value as function_value
