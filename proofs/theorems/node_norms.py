"""JET-1 in numbers: the norm of a network's output and of its derivatives over a box.

||f|| <= a, ||D f|| <= c with c >= ||j||_2 and ||D^2 f|| <= lambda with lambda >= lambda_max(K), for all
weights in the box and all inputs with ||x|| <= M.
"""

from __future__ import annotations

from fractions import Fraction

from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import Monotone
from proofs.kernel.scalars import Norm
from proofs.network import Network

from .bounds import Box, box_premises
from .finish import gradient_norm, hessian_norm
from .jet import NetworkJet, network_jet
from .tactics import at_most_itself, used_bounds
from .values import worst_case_values

__all__ = ["node_norm", "output_norms"]

BITS = 64


def output_norms(network: Network, box: Box, input_norm: Fraction) -> dict[str, Theorem]:
    """`first`: ||D f|| <= c, and `second`: ||D^2 f|| <= lambda, left out where D^2 f = 0.

    Raises:
        GradlemmaError: if a constant of the derivation is infinite.
    """
    jet = network_jet(network)
    known = _known(jet, box, input_norm)
    found: dict[str, Theorem] = {}
    if jet.output.first is not None:
        found["first"] = gradient_norm(_numeric(jet.output.first, known), jet.groups)
    if jet.output.second is not None:
        found["second"] = hessian_norm(_numeric(jet.output.second, known), jet.groups)
    return found


def node_norm(network: Network, layer: int, box: Box, input_norm: Fraction) -> Theorem:
    """||h|| <= a for the node after that many layers; 0 is the input.

    Raises:
        GradlemmaError: if a constant of the derivation is infinite.
    """
    jet = network_jet(network)
    node = jet.jets[layer].node
    return _numeric(at_most_itself(Norm(node).poly()), _known(jet, box, input_norm))


def _known(jet: NetworkJet, box: Box, input_norm: Fraction) -> tuple[Theorem, ...]:
    return worst_case_values(jet, box_premises(jet, box, input_norm)).all_bounds()


def _numeric(target: Theorem, known: tuple[Theorem, ...]) -> Theorem:
    return infer(Monotone(BITS, unfold=True), target, *used_bounds(target, known))
