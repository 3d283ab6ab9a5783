"""The loss of one sample: |D l[u]| <= g J and |D^2 l[u,u]| <= h J^2 + g K, derived per loss.

g bounds the norm of the gradient of the loss in the network's output, h its Hessian's:
softmax cross-entropy g = ||p - y|| <= sqrt(2), h = 1/2; half squared error g = ||f - y||, h = 1;
squared error twice that; sums over the outputs of a function of one variable: `entry_losses`.
"""

from __future__ import annotations

from typing import assert_never

from flint import fmpq

from proofs.kernel.core import infer
from proofs.kernel.rules import (
    Differentiate,
    InnerBound,
    LinearIdentity,
    SmoothByParts,
    Triangle,
)
from proofs.kernel.terms import (
    Deriv,
    Inner,
    Named,
    Role,
    Scale,
    Sum,
    Term,
    Variable,
)
from proofs.network import Loss, LossKind

from .cross_entropy import cross_entropy
from .entry_losses import binary_cross_entropy, huber
from .jet import Jet
from .sample_loss import Constants, SampleLoss, jet_premises, right_of
from .tactics import replace

__all__ = ["sample_loss"]

MINUS = fmpq(-1)


def sample_loss(loss: Loss, output: Jet) -> SampleLoss:
    """The derivation for a loss on the output node of a network."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return cross_entropy(output)
        case LossKind.MSE:
            return _squared_error(output, half=False)
        case LossKind.HALF_MSE:
            return _squared_error(output, half=True)
        case LossKind.BCE:
            return binary_cross_entropy(output, loss)
        case LossKind.HUBER:
            return huber(output, loss)
        case _:
            assert_never(loss.kind)


def _squared_error(output: Jet, *, half: bool) -> SampleLoss:
    smooth_f, first_f, second_f = jet_premises(output)
    f = output.node
    y = Variable("y", f.space, Role.SAMPLE)
    gap = Sum((f, Scale(MINUS, y)))
    square = Inner(gap, gap)
    node = Named("loss", Scale(fmpq(1, 2), square) if half else square)
    smooth = infer(SmoothByParts(node, 2), smooth_f)
    v, a = Deriv(f, 1), Deriv(f, 2)

    def weighted(term: Term) -> Term:
        return term if half else Scale(fmpq(2), term)

    # D l[u] = <f - y, v> (twice for mse), v = D f[u].
    slope = infer(Differentiate(node, 1), smooth, smooth_f)
    slope = infer(LinearIdentity(right_of(slope), weighted(Inner(gap, v))), slope)
    size = infer(InnerBound(Inner(gap, v)))
    first = replace(infer(Triangle(Deriv(node, 1)), slope), size, first_f)

    # D^2 l[u,u] = <v, v> + <f - y, D^2 f[u,u]> (twice for mse).
    curve = infer(Differentiate(node, 2), smooth, smooth_f)
    split = Sum((weighted(Inner(v, v)), weighted(Inner(gap, a))))
    curve = infer(LinearIdentity(right_of(curve), split), curve)
    second = infer(Triangle(Deriv(node, 2)), curve)
    second = replace(
        second, infer(InnerBound(Inner(v, v))), infer(InnerBound(Inner(gap, a))), first_f, second_f
    )
    return SampleLoss(
        node, y, smooth, first, second, (Constants((infer(Triangle(gap)),), needs_target_norm=True),)
    )
