"""Gradients, per-sample gradient norms, Hessians and Hessian-vector products of the mean loss."""

from .closed_form import hessians as hessians
from .gradients import gradient as gradient
from .gradients import sample_gradient_norms as sample_gradient_norms
from .jets import NodeJet as NodeJet
from .jets import first_of_loss as first_of_loss
from .jets import node_jets as node_jets
from .jets import second_derivative as second_derivative
from .jets import second_of_loss as second_of_loss
from .products import hessian as hessian
from .products import hessian_vector_product as hessian_vector_product
from .rounding import hessian_rounding as hessian_rounding
