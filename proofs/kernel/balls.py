"""The ball reading of terms: certified values of nodes at given weights, for all samples at once."""

from __future__ import annotations

from collections.abc import Mapping

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from proofs.errors import KernelError

from .domains import check_analytic
from .intervals import evaluate_all
from .kinks import PieceReading
from .tensors import ExactTensor
from .terms import (
    Apply,
    Entrywise,
    Hadamard,
    Named,
    Ones,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Variable,
    Zero,
)
from .univariate import Function, Univariate

__all__ = ["Columns", "TermBalls", "columns_of", "norms", "shared_balls", "sup_norms"]

# A vector-valued node for N samples: a list of N lists of balls.
Columns = list[list[arb]]


def columns_of(tensor: ExactTensor) -> Columns:
    """The rows of a data tensor as columns of a node, exactly."""
    rows, width = tensor.shape
    if tensor.is_dyadic:
        return [[arb(value) for value in row] for row in tensor.to_numpy().tolist()]
    entries = tensor.fractions()
    return [
        [arb(fmpq(e.numerator, e.denominator)) for e in entries[i * width : (i + 1) * width]]
        for i in range(rows)
    ]


def _matrix(tensor: ExactTensor) -> arb_mat:
    rows, width = tensor.shape
    if tensor.is_dyadic:
        return arb_mat(rows, width, tensor.to_numpy().ravel().tolist())
    return arb_mat(fmpq_mat(rows, width, [fmpq(e.numerator, e.denominator) for e in tensor.fractions()]))


class TermBalls:
    """Values of vector terms at fixed blocks and at all samples of a data set.

    Args:
        blocks: the tensors of parameters and reference blocks.
        samples: the data tensors [N, n] of the sample variables.
    """

    def __init__(
        self, blocks: Mapping[Variable, ExactTensor], samples: Mapping[Variable, ExactTensor]
    ) -> None:
        self.count = next(iter(samples.values())).shape[0]
        self._blocks = blocks
        self._maps: dict[Variable, arb_mat] = {}
        self._values: dict[Term, Columns] = {}
        self._norms: dict[Term, list[arb]] = {}
        self._sup_norms: dict[Term, list[arb]] = {}
        for variable, tensor in samples.items():
            if tensor.shape != (self.count, *variable.shape):
                raise KernelError(
                    f"expected data of shape [{self.count}, {variable.shape}] for {variable.name}"
                )
            self._values[variable] = columns_of(tensor)

    def value(self, term: Term) -> Columns:
        """The node's values, computed after the nodes that it needs (an iterative walk)."""
        stack = [term]
        while stack:
            top = stack[-1]
            missing = [child for child in _children(top) if child not in self._values]
            if missing:
                stack.extend(missing)
                continue
            if top not in self._values:
                self._values[top] = self._compute(top)
            stack.pop()
        return self._values[term]

    def norms(self, term: Term) -> list[arb]:
        """||v|| of the node at every sample, as balls."""
        if term not in self._norms:
            self._norms[term] = norms(self.value(term))
        return self._norms[term]

    def sup_norms(self, term: Term) -> list[arb]:
        """max_i |v_i| of the node at every sample, as balls."""
        if term not in self._sup_norms:
            self._sup_norms[term] = sup_norms(self.value(term))
        return self._sup_norms[term]

    def _compute(self, term: Term) -> Columns:
        known = self._values
        match term:
            case Variable(role=Role.PARAMETER | Role.REFERENCE) if len(term.space) == 1:
                tensor = self._blocks[term]
                if tensor.shape != term.shape:
                    raise KernelError(f"expected a tensor of shape {term.shape} for {term.name}")
                column = [arb(fmpq(e.numerator, e.denominator)) for e in tensor.fractions()]
                return [column] * self.count
            case Named(body=body):
                return known[body]
            case Zero(space=(int() as width,)):
                return [[arb(0)] * width] * self.count
            case Ones(space=(int() as width,)):
                return [[arb(1)] * width] * self.count
            case Sum(parts=parts):
                return [_add_columns(columns) for columns in zip(*(known[p] for p in parts), strict=True)]
            case Scale(factor=factor, term=inner):
                weight = arb(factor)
                return [[weight * x for x in column] for column in known[inner]]
            case Apply(map=Variable() as linear, vector=vector):
                return self._apply(linear, known[vector])
            case Hadamard(left=left, right=right):
                pairs = zip(known[left], known[right], strict=True)
                return [[x * y for x, y in zip(a, b, strict=True)] for a, b in pairs]
            case Entrywise(function=function, order=order, vector=vector):
                return _entrywise(function, order, known[vector])
            case Softmax(vector=vector):
                return [_softmax(column) for column in known[vector]]
            case _:
                raise KernelError(f"no ball reading is known for {type(term).__name__}")

    def _apply(self, linear: Variable, columns: Columns) -> Columns:
        if linear not in self._maps:
            tensor = self._blocks[linear]
            if tensor.shape != linear.shape:
                raise KernelError(f"expected a tensor of shape {linear.shape} for {linear.name}")
            self._maps[linear] = _matrix(tensor).transpose()
        product = arb_mat(columns) * self._maps[linear]
        width = product.ncols()
        entries = product.entries()
        return [entries[i * width : (i + 1) * width] for i in range(self.count)]


_LAST: dict[tuple[object, ...], TermBalls] = {}


def shared_balls(
    blocks: Mapping[Variable, ExactTensor], samples: Mapping[Variable, ExactTensor]
) -> TermBalls:
    """The values at these tensors; the last few are kept, since several bounds read the same."""
    key: tuple[object, ...] = (
        ctx.prec,
        frozenset((v, t.digest) for v, t in blocks.items()),
        frozenset((v, t.digest) for v, t in samples.items()),
    )
    if key not in _LAST:
        while len(_LAST) >= 2:
            del _LAST[next(iter(_LAST))]
        _LAST[key] = TermBalls(blocks, samples)
    return _LAST[key]


def _children(term: Term) -> tuple[Term, ...]:
    match term:
        case Named(body=body):
            return (body,)
        case Sum(parts=parts):
            return parts
        case Scale(term=inner):
            return (inner,)
        case Apply(vector=vector) | Entrywise(vector=vector) | Softmax(vector=vector):
            return (vector,)
        case Hadamard(left=left, right=right):
            return (left, right)
        case _:
            return ()


def _add_columns(columns: tuple[list[arb], ...]) -> list[arb]:
    total = columns[0]
    for column in columns[1:]:
        total = [x + y for x, y in zip(total, column, strict=True)]
    return total


def _softmax(column: list[arb]) -> list[arb]:
    """exp(f_i - c) / sum_j exp(f_j - c), the ratio kept tight by a common shift c."""
    shift = max(x.mid() for x in column)
    powers = [(x - shift).exp() for x in column]
    total = sum(powers, arb(0))
    return [power / total for power in powers]


def _entrywise(function: Function, order: int, columns: Columns) -> Columns:
    if not isinstance(function, Univariate):
        raise KernelError("expected a function given by pieces")
    check_analytic(function)
    if function.is_analytic:
        (piece,) = function.derivative_pieces(order)
        return [evaluate_all(piece.expression, column) for column in columns]
    reading = PieceReading(function, order)
    return [[reading.value(x) for x in column] for column in columns]


def norms(columns: Columns) -> list[arb]:
    """||v|| of every sample, as balls."""
    squares = [sum((x * x for x in column), arb(0)) for column in columns]
    if not all(q.is_finite() for q in squares):
        raise KernelError("expected finite balls: the values at the data could not be enclosed")
    return [max(q.lower(), arb(0)).sqrt().union(max(q.upper(), arb(0)).sqrt()) for q in squares]


def sup_norms(columns: Columns) -> list[arb]:
    """max_i |v_i| of every sample, as balls."""
    found: list[arb] = []
    for column in columns:
        sizes = [abs(x) for x in column]
        if not all(size.is_finite() for size in sizes):
            # max() would pass over NaN.
            raise KernelError("expected finite balls: the values at the data could not be enclosed")
        lower, upper = max(x.lower() for x in sizes), max(x.upper() for x in sizes)
        found.append(lower.union(upper))
    return found
