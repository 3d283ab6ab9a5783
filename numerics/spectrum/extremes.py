"""The largest and smallest eigenvalues of a batch of symmetric operators, by Lanczos.

After k steps A Q = Q T + beta q e_k^T with orthonormal rows of Q and T tridiagonal, for every member of
the batch at once.  An eigenpair (t, s) of T has the residual r = beta |s_k|, so some eigenvalue of A lies
within r of t; where t is alone, with the distance g to the next one, within r^2 / g.  g is read off the
other Ritz values less their residuals.

One start vector sees one vector of each eigenspace, so of a multiple eigenvalue only one copy is found.
When several eigenvalues are asked for, a run in the complement of what was found follows, of as many
steps as the first one: its Ritz values stay inside, or it brings a copy and is repeated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from numerics.errors import NumericsError
from numerics.metering import METER, product

from .result import UNDERFLOW

__all__ = ["Extremes", "extremes", "upper_bound"]

Operator = Callable[[Tensor], Tensor]

BREAKDOWN = 1e-13
# Numbers that the basis of a batch may hold: 2^28 float64 numbers are 2 GiB.
BASIS_ENTRIES = 1 << 28
# Eigenvalues of T are looked at after each of the first steps and then after one more eighth of them; after
# each step where a product is long compared with a look.
EARLY, SHARE, LONG = 8, 8, 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Extremes:
    """Ritz values at both ends, each with its error; a float estimate for a random start.

    `largest` [B, k] descending, `smallest` [B, l] ascending, errors of the same shapes: residual bounds
    (see the module) plus rounding, whether or not the tolerance was reached; infinite, with the value
    NaN, where a product was not finite or a run of few steps found fewer values.  Values never exceed
    the true k-th largest (are never below the true l-th smallest) by more than rounding.  `steps`
    counts products.
    `tridiagonal`: the diagonal of T, [B, m], and the entries beside it with beta last, [B, m], of the
    first run; it ends early only after a breakdown, where beta is 0.
    """

    largest: Tensor
    largest_error: Tensor
    smallest: Tensor
    smallest_error: Tensor
    steps: int
    converged: Tensor
    tridiagonal: tuple[Tensor, Tensor]


@torch.no_grad()
def extremes(
    operator: Operator,
    shape: tuple[int, int],
    *,
    generator: torch.Generator,
    largest: int = 1,
    smallest: int = 1,
    tolerance: float = 1e-6,
    relative_to_norm: bool = True,
    max_steps: int = 200,
    copies: bool = True,
    sharp: bool = False,
    extra: int = 0,
    start: Tensor | None = None,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> Extremes:
    """The `largest` largest and `smallest` smallest eigenvalues: `[B, P] -> [B, P]` applied B at a time.

    Args:
        operator: symmetric for each member of the batch.
        shape: (B, P).
        generator: the source of the start vector, which all members share.
        largest: how many at the upper end, at most P.
        smallest: how many at the lower end, at most P.
        tolerance: stop when every error is at most this times the largest |Ritz value| of the member.
        relative_to_norm: False for this times the |value| itself.
        max_steps: products at most in one run.
        copies: look for further copies of multiple eigenvalues when more than one is asked for.
        sharp: errors min(r, r^2 / g) in place of r; an estimate, which is too small where eigenvalues
            that the run has not seen yet lie closer than g.
        extra: give out this many further Ritz values at the upper end, which need not be exact.
        start: start vectors of their own, [B, P], in place of one that all members share.
        dtype: of the vectors.
        device: where they live.

    Raises:
        NumericsError: for counts outside 0..P, both zero, or a tolerance that the dtype cannot promise.
    """
    batch, size = shape
    if not (0 <= largest <= size and 0 <= smallest <= size and largest + smallest and batch):
        raise NumericsError(
            f"expected counts from 0 to P={size}, not both 0, but got largest={largest}, smallest={smallest}"
        )
    if tolerance < 32 * torch.finfo(dtype).eps:
        raise NumericsError(f"expected a tolerance that {dtype} can promise but got tolerance={tolerance:g}")
    wanted = _Wanted(largest, smallest, tolerance, relative_to_norm, sharp, extra)
    limit = max(2, min(max_steps, BASIS_ENTRIES // (batch * size)))
    first = _random(size, generator).to(device=device, dtype=dtype) if start is None else start
    first = first.expand(batch, size)
    run = _krylov(operator, first, None, limit, generator, wanted.reached)
    found, steps = wanted.pairs(run), run.steps
    rounds = max(largest, smallest) if copies and max(largest, smallest) > 1 else 0
    for _ in range(rounds):
        if found.vectors.shape[1] >= size:
            break
        again = _krylov(
            operator, _random(size, generator).to(device=device, dtype=dtype).expand(batch, size),
            found.vectors, limit, generator, lambda ritz, found=found: wanted.nothing_missing(ritz, found),
            run.steps,
        )  # fmt: skip
        steps += again.steps
        found, changed = wanted.merged(found, again)
        if not changed:
            break
    return wanted.result(found, steps, run.tridiagonal)


@dataclass(frozen=True, slots=True, eq=False)
class _Ritz:
    """Ritz values ascending, [B, k], their residuals and errors, eigenvectors of T, and the scale of A."""

    values: Tensor
    residuals: Tensor
    errors: Tensor
    vectors: Tensor
    scale: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """A finished run: what T says, the basis [B, k, P], and the number of products."""

    ritz: _Ritz
    basis: Tensor
    steps: int
    tridiagonal: tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Values at both ends with errors, and the Ritz vectors of all of them, [B, l + k, P]."""

    low: Tensor
    low_error: Tensor
    high: Tensor
    high_error: Tensor
    vectors: Tensor
    scale: Tensor


def upper_bound(found: Extremes, frobenius: Tensor) -> Tensor:
    """A bound of the largest eigenvalue from a run and ||A||_F: `[B] -> [B]`; it holds up to rounding.

    In a basis that begins with the m Lanczos vectors, A has the blocks T, beta e_m v^T and C with
    ||C||_F^2 <= c^2 = ||A||_F^2 - ||T||_F^2 - 2 beta^2.  So A <= the same with C = c I, and the largest
    eigenvalue is at most that of T with one more row (beta, c).
    """
    diagonal, beside = found.tridiagonal
    inner = diagonal.square().sum(-1) + 2.0 * beside.square().sum(-1)
    total = frobenius.double().square()
    eps = torch.finfo(torch.float64).eps
    rest = ((total - inner).clamp(min=0.0) + 64.0 * eps * diagonal.shape[-1] * total).sqrt()
    longer = torch.cat((diagonal, rest[:, None]), -1)
    table = torch.diag_embed(longer) + torch.diag_embed(beside, 1) + torch.diag_embed(beside, -1)
    finite = torch.isfinite(table).all(-1).all(-1)
    with METER.eigenvalues():
        values = torch.linalg.eigvalsh(table.masked_fill(~finite[:, None, None], 0.0).cpu())
    bound = values[:, -1].to(diagonal) + 64.0 * eps * longer.shape[-1] * frobenius.double()
    return torch.where(finite, bound, torch.inf)


def _krylov(
    operator: Operator,
    start: Tensor,
    locked: Tensor | None,
    limit: int,
    generator: torch.Generator,
    enough: Callable[[_Ritz], bool],
    least: int = 1,
) -> _Run:
    """Run Lanczos in the complement of `locked` [B, j, P], `least` steps, until `enough` or the limit."""
    batch, size = start.shape
    before = 0 if locked is None else locked.shape[1]
    room = size - before
    limit = min(limit, room)
    basis = start.new_empty(batch, before + limit, size)
    if locked is not None:
        basis[:, :before] = locked
    direction = _orthogonal(start.clone(), basis[:, :before])
    basis[:, before] = _unit(direction)
    diagonal = start.new_zeros(batch, limit, dtype=torch.float64)
    beside = start.new_zeros(batch, limit, dtype=torch.float64)
    scale = start.new_zeros(batch, dtype=torch.float64)
    step = look = 0
    while True:
        q = basis[:, before + step]
        moved = operator(q)
        scale = torch.maximum(scale, moved.norm(dim=-1).double())
        diagonal[:, step] = (q * moved).sum(-1)
        direction = _orthogonal(moved, basis[:, : before + step + 1])
        beta = direction.norm(dim=-1)
        broken = beta.double() <= BREAKDOWN * scale
        # The whole space is seen after `room` steps: what is left over is rounding.
        beside[:, step] = torch.zeros_like(beta) if step + 1 == room else torch.where(broken, 0.0, beta)
        last = step + 1 == limit
        if last or step < EARLY or step >= look or size >= LONG:
            look = step + max(2, step // SHARE)
            ritz = _ritz(diagonal[:, : step + 1], beside[:, : step + 1], scale, size)
            # After a breakdown the space seen so far is invariant; what a new direction adds counts too.
            if last or (step + 1 >= least and enough(ritz) and not bool(broken.any())):
                table = diagonal[:, : step + 1], beside[:, : step + 1]
                return _Run(ritz, basis[:, before : before + step + 1], step + 1, table)
        if bool(broken.any()):
            fresh = _random(size, generator).to(start)
            other = _orthogonal(fresh.expand(batch, size).clone(), basis[:, : before + step + 1])
            direction = torch.where(broken[:, None], other, direction)
        step += 1
        basis[:, before + step] = _unit(direction)


def _random(size: int, generator: torch.Generator) -> Tensor:
    return torch.randn(size, generator=generator, dtype=torch.float64, device=generator.device)


def _orthogonal(vectors: Tensor, basis: Tensor) -> Tensor:
    """The parts of `vectors` [B, P] orthogonal to the rows of `basis` [B, j, P] (two passes)."""
    if basis.shape[1] == 0:
        return vectors
    if basis.shape[-1] >= LONG:
        # A member at a time by torch, as the operator's large products: two BLAS would share the cores.
        return torch.stack([_orthogonal_to(known, v) for known, v in zip(basis, vectors, strict=True)])
    row = vectors.unsqueeze(-2)
    for _ in range(2):
        # Both products run along the rows of the basis as they lie in memory.
        row = row - product(product(basis, row.mT).mT, basis)
    return row.squeeze(-2)


def _orthogonal_to(known: Tensor, vector: Tensor) -> Tensor:
    """The part of a vector [P] orthogonal to the rows of `known` [j, P] (two passes)."""
    for _ in range(2):
        vector = torch.addmv(vector, known.mT, torch.mv(known, vector), alpha=-1.0)
    return vector


def _ritz(diagonal: Tensor, beside: Tensor, scale: Tensor, size: int) -> _Ritz:
    """Eigenvalues of the tridiagonal matrices [B, k], with residuals and errors."""
    count = diagonal.shape[-1]
    table = torch.diag_embed(diagonal)
    if count > 1:
        off = beside[:, : count - 1]
        table = table + torch.diag_embed(off, 1) + torch.diag_embed(off, -1)
    finite = torch.isfinite(table).all(-1).all(-1) & torch.isfinite(scale)
    safe = table.masked_fill(~finite[:, None, None], 0.0).cpu()
    with METER.eigenvalues():
        values, vectors = torch.linalg.eigh(safe)
    values, vectors = values.to(diagonal), vectors.to(diagonal)
    residuals = beside[:, count - 1, None] * vectors[:, -1].abs()
    eps = torch.finfo(torch.float64).eps
    rounding = 4.0 * (math.sqrt(size) + count) * eps * scale[:, None] + UNDERFLOW
    errors = torch.minimum(residuals, residuals.square() / _gaps(values, residuals)) + rounding
    nan = ~finite[:, None]
    return _Ritz(
        values.masked_fill(nan, torch.nan),
        residuals.masked_fill(nan, torch.inf),
        errors.masked_fill(nan, torch.inf),
        vectors,
        torch.where(finite, values.abs().amax(-1), 0.0),
    )


def _gaps(values: Tensor, residuals: Tensor) -> Tensor:
    """A lower estimate of the distance of each value to the others, [B, k]; tiny where they touch."""
    tiny = torch.finfo(values.dtype).tiny
    if values.shape[-1] == 1:
        return torch.full_like(values, tiny)
    between = values[:, 1:] - values[:, :-1]
    edge = torch.full_like(values[:, :1], torch.inf)
    above = torch.cat((between - residuals[:, 1:], edge), -1)
    below = torch.cat((edge, between - residuals[:, :-1]), -1)
    return torch.minimum(above, below).clamp(min=tiny)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How many values at each end, and how exact."""

    largest: int
    smallest: int
    tolerance: float
    relative_to_norm: bool
    sharp: bool
    extra: int

    def reached(self, ritz: _Ritz) -> bool:
        """Whether every wanted value of every member is within the tolerance, or not finite."""
        count = ritz.values.shape[-1]
        if count < max(self.largest, self.smallest, 2):
            return False
        ends = [ritz.values[:, : self.smallest], ritz.values[:, count - self.largest :]]
        known = self.error(ritz)
        errors = [known[:, : self.smallest], known[:, count - self.largest :]]
        return all(
            bool((self.close(v, e, ritz.scale) | torch.isnan(v)).all())
            for v, e in zip(ends, errors, strict=True)
        )

    def error(self, ritz: _Ritz) -> Tensor:
        """The errors that are given out."""
        return ritz.errors if self.sharp else torch.maximum(ritz.errors, ritz.residuals)

    def close(self, values: Tensor, errors: Tensor, scale: Tensor) -> Tensor:
        """Whether each error is small enough."""
        measure = scale[:, None].expand_as(values) if self.relative_to_norm else values.abs()
        return errors <= self.tolerance * measure + 4.0 * UNDERFLOW

    def pairs(self, run: _Run) -> _Found:
        """The wanted Ritz pairs of a run; with too few steps the ends overlap."""
        count = run.ritz.values.shape[-1]
        low, high = min(self.smallest, count), min(self.largest + self.extra, count)
        order = [*range(low), *range(count - 1, count - 1 - high, -1)]
        kept = sorted(set(order))
        vectors = product(run.ritz.vectors[:, :, kept].mT.to(run.basis.dtype), run.basis)
        v, e = run.ritz.values, self.error(run.ritz)
        return _Found(
            v[:, :low], e[:, :low], v[:, order[low:]], e[:, order[low:]], _unit(vectors), run.ritz.scale
        )

    def nothing_missing(self, ritz: _Ritz, found: _Found) -> bool:
        """Whether both ends of a run in the complement stay inside what was found, or are exact."""
        done = torch.ones_like(ritz.scale, dtype=torch.bool)
        for sign, count, end in ((1.0, self.largest, -1), (-1.0, self.smallest, 0)):
            have, _ = self._end(found, sign)
            if count == 0 or have.shape[1] == 0:
                continue
            value, residual, error = sign * ritz.values[:, end], ritz.residuals[:, end], ritz.errors[:, end]
            inside = value + residual < sign * have[:, -1]
            exact = self.close(value[:, None], error[:, None], found.scale).squeeze(1)
            done = done & (inside | exact | torch.isnan(value))
        return bool(done.all())

    def merged(self, found: _Found, run: _Run) -> tuple[_Found, bool]:
        """What was found with what a run in the complement adds, and whether it added something."""
        changed = False
        ends: list[tuple[Tensor, Tensor]] = []
        columns: set[int] = set()
        count = run.ritz.values.shape[-1]
        for sign, wanted, column in ((-1.0, self.smallest, 0), (1.0, self.largest, count - 1)):
            have, error = self._end(found, sign)
            value, its_error = run.ritz.values[:, column], run.ritz.errors[:, column]
            if wanted:
                better = sign * value > sign * have[:, -1] + error[:, -1]
                changed = changed or have.shape[1] < wanted or bool(better.any())
            values = torch.cat((sign * have, sign * value[:, None]), -1)
            errors = torch.cat((error, its_error[:, None]), -1)
            known = values.masked_fill(torch.isnan(values), -torch.inf)
            order = known.sort(dim=-1, descending=True, stable=True).indices[:, :wanted]
            ends.append(
                (sign * values.gather(1, order), errors.gather(1, order)) if wanted else (have, error)
            )
            columns |= {column} if wanted else set()
        rows = run.ritz.vectors[:, :, sorted(columns)].mT.to(run.basis.dtype)
        vectors = torch.cat((found.vectors, _unit(product(rows, run.basis))), 1)
        (low, low_error), (high, high_error) = ends
        return _Found(low, low_error, high, high_error, vectors, found.scale), changed

    def _end(self, found: _Found, sign: float) -> tuple[Tensor, Tensor]:
        return (found.high, found.high_error) if sign > 0 else (found.low, found.low_error)

    def result(self, found: _Found, steps: int, tridiagonal: tuple[Tensor, Tensor]) -> Extremes:
        """The values as they are given out."""
        converged = torch.ones_like(found.scale, dtype=torch.bool)
        high = slice(0, self.largest)
        ends = (found.high[:, high], found.high_error[:, high]), (found.low, found.low_error)
        for values, errors in ends:
            converged = converged & self.close(values, errors, found.scale).all(-1)
        missing = found.high.shape[1] < self.largest or found.low.shape[1] < self.smallest
        return Extremes(
            _padded(found.high, self.largest, torch.nan), _padded(found.high_error, self.largest, torch.inf),
            _padded(found.low, self.smallest, torch.nan), _padded(found.low_error, self.smallest, torch.inf),
            steps, converged & (not missing), tridiagonal,
        )  # fmt: skip


def _padded(values: Tensor, count: int, filler: float) -> Tensor:
    """At least so many columns: a run of few steps finds few values."""
    lacking = count - values.shape[1]
    return values if lacking <= 0 else torch.nn.functional.pad(values, (0, lacking), value=filler)


def _unit(vectors: Tensor) -> Tensor:
    norms = vectors.norm(dim=-1, keepdim=True)
    return vectors / norms.clamp(min=torch.finfo(norms.dtype).tiny)
