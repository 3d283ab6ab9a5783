"""Networks of any depth as one recursion, and the norms of their nodes by induction over the layers.

    z_1 = W_1 x,   h_n = phi(z_n),   z_{n+1} = W_{n+1} h_n        (W_n of d_n x d_{n-1})

With ||W_l|| <= s, ||x|| <= M, phi(0) = 0, |phi'| <= beta, |phi''| <= gamma and q = beta s, for every
n >= 1 and every direction u,
    ||z_n|| <= M s q^(n-1),
    ||D z_n[u]|| <= M q^(n-1) root(n) ||u_{<= n}||,
    ||D^2 z_{n+1}[u, u]|| <= q^(n-1) (n beta M + gamma s M^2 S_n) ||u_{<= n+1}||^2,
where S_n = sum_{m=1}^n m q^(m-1) and u_{<= n} are the blocks of u in the first n layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from proofs.kernel.claims import Compare, ForIndices, Relation, Smooth
from proofs.kernel.core import Theorem, infer
from proofs.kernel.families import Indexed, Recursive
from proofs.kernel.indices import Index
from proofs.kernel.rules import (
    ApplyBound,
    Differentiate,
    EntryBound,
    FamilySplit,
    HadamardBound,
    Induction,
    InRange,
    RootSquared,
    SecantBound,
    SmoothByParts,
    SquareRoot,
    SumStep,
    SupNormBound,
    Triangle,
)
from proofs.kernel.scalars import Poly, Root, number
from proofs.kernel.sequences import direction_norm, family_norm, index_value
from proofs.kernel.substitution import claim_at
from proofs.kernel.terms import Apply, Deriv, Entrywise, Hadamard, Role, Variable
from proofs.kernel.univariate import Function

from .any_depth import BEFORE, HERE, INPUT, NEXT, ONE, Constants, at, block, widened
from .jet import Jet, vanishing_second
from .tactics import assume, assume_at_most, certify, insert, nonnegative, norm, rewrite

__all__ = ["Layered"]

LE = Relation.LE


@dataclass(frozen=True)
class Layered:
    """The network of an activation, with the lemmas; each holds for every n >= 1."""

    function: Function
    constants: Constants

    def z(self, index: Index) -> Recursive:
        before = Variable("z", (("d", HERE),), Role.PREVIOUS)
        step = Apply(block(NEXT), Indexed("h", HERE, Entrywise(self.function, 0, before)))
        return Recursive("z", Apply(block(ONE), INPUT), step, index)

    def h(self, index: Index) -> Indexed:
        return Indexed("h", index, Entrywise(self.function, 0, self.z(index)))

    # -- hypotheses ----------------------------------------------------------------------------

    def weight_bound(self, index: Index, end: Index) -> Theorem:
        """||W_i|| <= s, where ||W_n|| <= s for n = 1, ..., end."""
        claim = Compare(norm(block(HERE)), LE, self.constants.weight)
        return infer(InRange(index), assume(ForIndices(end, claim)))

    @cached_property
    def input_bound(self) -> Theorem:
        (atom,) = norm(INPUT).atoms()
        return assume_at_most(atom, self.constants.inputs)

    def smooth_h(self, index: Index) -> Theorem:
        """h_i is twice differentiable: by composition, or assumed of h_1, ..., h_i."""
        if self.function.is_analytic:
            return infer(SmoothByParts(self.h(index), 2), self.smooth_z(index))
        return infer(InRange(index), assume(ForIndices(index, Smooth(self.h(HERE), 2))))

    # -- smoothness ----------------------------------------------------------------------------

    @cached_property
    def smooth(self) -> Theorem:
        """z_n is twice differentiable in theta."""
        claim = Smooth(self.z(HERE), 2)
        if self.function.is_analytic:
            middle = infer(SmoothByParts(self.h(HERE), 2), assume(claim))
        else:
            middle = self.smooth_h(HERE)
        base = infer(SmoothByParts(self.z(ONE), 2))
        return infer(Induction(claim), base, infer(SmoothByParts(self.z(NEXT), 2), middle))

    def smooth_z(self, index: Index) -> Theorem:
        if index is ONE:
            return infer(SmoothByParts(self.z(ONE), 2))
        return at(self.smooth, index)

    # -- values --------------------------------------------------------------------------------

    @cached_property
    def value(self) -> Theorem:
        """||z_n|| <= M s q^(n-1)."""
        given = self.constants
        bound = given.inputs * given.weight * given.power(BEFORE)
        claim = Compare(norm(self.z(HERE)), LE, bound)
        # ||z_1|| <= ||W_1|| ||x|| <= s M.
        base = insert(
            infer(Triangle(self.z(ONE))),
            infer(ApplyBound(Apply(block(ONE), INPUT))),
            self.weight_bound(ONE, ONE),
            self.input_bound,
            signs=given.positive,
        )
        # ||z_{n+1}|| <= ||W_{n+1}|| ||h_n|| <= s beta ||z_n||.
        step = insert(
            infer(Triangle(self.z(NEXT))),
            infer(ApplyBound(Apply(block(NEXT), self.h(HERE)))),
            self.weight_bound(NEXT, NEXT),
            self.value_of_h(HERE),
            assume(claim),
            signs=given.positive,
        )
        wanted = given.inputs * given.weight * given.power(HERE)
        return infer(Induction(claim), base, rewrite(step, wanted, given.power_step(BEFORE)))

    def value_of_h(self, index: Index) -> Theorem:
        """||h_i|| <= beta ||z_i||."""
        return infer(SecantBound(self.h(index)), self.constants.at_zero, self.constants.secant)

    # -- first derivatives ---------------------------------------------------------------------

    def along(self, end: Index) -> Poly:
        """||u_{<= end}||."""
        return family_norm(block(HERE), end)

    def _size(self, index: Index) -> Poly:
        return direction_norm(block(HERE), index).poly()

    def first_bound(self, index: Index) -> Poly:
        """M q^(i-1) root(i) ||u_{<= i}||."""
        given = self.constants
        slope = given.inputs * given.power(index.shifted(-1)) * Root(index_value(index)).poly()
        return slope * self.along(index)

    @cached_property
    def first_base(self) -> Theorem:
        """||D z_1[u]|| = ||U_1 x|| <= M ||U_1||."""
        split = infer(Differentiate(self.z(ONE), 1), self.smooth_z(ONE))
        product = Apply(block(ONE).as_role(Role.DIRECTION), INPUT)
        return insert(
            infer(Triangle(Deriv(self.z(ONE), 1)), split),
            infer(ApplyBound(product)),
            self.input_bound,
            signs=self.constants.positive,
        )

    @cached_property
    def first(self) -> Theorem:
        """||D z_n[u]|| <= M q^(n-1) root(n) ||u_{<= n}||."""
        given = self.constants
        claim = Compare(norm(Deriv(self.z(HERE), 1)), LE, self.first_bound(HERE))
        # D z_{n+1}[u] = W_{n+1} D h_n[u] + U_{n+1} h_n.
        split = infer(Differentiate(self.z(NEXT), 1), self.smooth_z(NEXT), self.smooth_h(HERE))
        step = insert(
            infer(Triangle(Deriv(self.z(NEXT), 1)), split),
            infer(ApplyBound(Apply(block(NEXT).as_role(Role.DIRECTION), self.h(HERE)))),
            infer(ApplyBound(Apply(block(NEXT), Deriv(self.h(HERE), 1)))),
            self.weight_bound(NEXT, NEXT),
            self.value_of_h(HERE),
            self.value,
            self.first_of_h(HERE, assume(claim)),
            signs=given.positive,
        )
        # Together M q^n (root(n) a + b) <= M q^n root(n+1) root(a^2 + b^2).
        factor = given.inputs * given.power(HERE)
        step = rewrite(
            step,
            self.first_bound(NEXT),
            given.power_step(BEFORE),
            products=[((nonnegative(factor, given.positive), self._joined()), number(1))],
        )
        return infer(Induction(claim), self.first_base, widened(step))

    def _joined(self) -> Theorem:
        """root(n) a + b <= root(n+1) c, c^2 = a^2 + b^2: the squares differ by (a - root(n) b)^2."""
        root, after = Root(index_value(HERE)).poly(), Root(index_value(NEXT)).poly()
        a, b = self.along(HERE), self._size(NEXT)
        left, right = root * a + b, after * self.along(NEXT)
        squares = certify(
            left**2,
            right**2,
            infer(RootSquared(index_value(HERE))),
            infer(RootSquared(index_value(NEXT))),
            infer(FamilySplit(block(HERE), HERE)),
            products=[((), a - root * b)],
        )
        return infer(SquareRoot(left, right), squares)

    def first_of_h(self, index: Index, first: Theorem) -> Theorem:
        """||D h_i[u]|| <= beta times the bound of ||D z_i[u]||."""
        slope = Hadamard(Entrywise(self.function, 1, self.z(index)), Deriv(self.z(index), 1))
        split = infer(Differentiate(self.h(index), 1), self.smooth_h(index), self.smooth_z(index))
        return insert(
            infer(Triangle(Deriv(self.h(index), 1)), split),
            infer(EntryBound(slope)),
            infer(SupNormBound(Entrywise(self.function, 1, self.z(index))), self.constants.slope),
            first,
            signs=self.constants.positive,
        )

    # -- second derivatives --------------------------------------------------------------------

    def second_factor(self, index: Index) -> Poly:
        """k_i = q^(i-1) (i beta M + gamma s M^2 S_i), for the node z_{i+1}."""
        given = self.constants
        bent = given.gamma * given.weight * given.inputs**2 * given.total(index)
        return given.power(index.shifted(-1)) * (index_value(index) * given.beta * given.inputs + bent)

    def second_bound(self, index: Index) -> Poly:
        """k_i ||u_{<= i+1}||^2, which bounds ||D^2 z_{i+1}[u, u]||."""
        return self.second_factor(index) * self.along(index.shifted(1)) ** 2

    @cached_property
    def second(self) -> Theorem:
        """||D^2 z_{n+1}[u, u]|| <= k_n ||u_{<= n+1}||^2."""
        given = self.constants
        claim = Compare(norm(Deriv(self.z(NEXT), 2)), LE, self.second_bound(HERE))
        # With a = ||U_1||, b = ||U_2||: s gamma M^2 a^2 + 2 beta M a b <= k_1 (a^2 + b^2).
        flat = vanishing_second(Jet(self.z(ONE), self.smooth_z(ONE), None, None))
        base = self._next_second(ONE, self.first_base, flat)
        base = rewrite(
            base,
            claim_at(claim, ONE).right,  # type: ignore[attr-defined]
            infer(FamilySplit(block(HERE), ONE)),
            products=self._squares(ONE),
        )
        # With a = ||u_{<= n+1}||, b = ||U_{n+2}||.
        step = self._next_second(NEXT, at(self.first, NEXT), assume(claim))
        step = rewrite(
            step,
            self.second_bound(NEXT),
            infer(SumStep(given.summand, HERE)),
            given.power_step(HERE),
            given.power_step(BEFORE),
            infer(RootSquared(index_value(NEXT))),
            infer(FamilySplit(block(HERE), NEXT)),
            products=self._squares(NEXT),
        )
        return infer(Induction(claim), base, widened(step))

    def _squares(self, index: Index) -> list[tuple[tuple[Theorem, ...], Poly]]:
        """q^(i-1) beta M (a - root(i) b)^2 and q^(i-1) gamma s M^2 S_i b^2, which are left over."""
        given = self.constants
        a, b = self.along(index), self._size(index.shifted(1))
        factor = given.power(index.shifted(-1)) * given.inputs
        bent = factor * given.inputs * given.weight * given.gamma * given.total(index)
        root = Root(index_value(index)).poly() if index is not ONE else number(1)
        found = [((nonnegative(factor * given.beta, given.positive),), a - root * b)]
        if bent.terms:
            found.append(((nonnegative(bent, given.positive),), b))
        return found

    def _next_second(self, index: Index, first: Theorem, second: Theorem) -> Theorem:
        """A bound of ||D^2 z_{i+1}[u, u]|| from those of ||D z_i[u]|| and ||D^2 z_i[u, u]||."""
        # D^2 z_{i+1}[u,u] = W_{i+1} D^2 h_i[u,u] + 2 U_{i+1} D h_i[u].
        after, h = index.shifted(1), self.h(index)
        split = infer(Differentiate(self.z(after), 2), self.smooth_z(after), self.smooth_h(index))
        return insert(
            infer(Triangle(Deriv(self.z(after), 2)), split),
            infer(ApplyBound(Apply(block(after).as_role(Role.DIRECTION), Deriv(h, 1)))),
            infer(ApplyBound(Apply(block(after), Deriv(h, 2)))),
            self.weight_bound(after, after),
            self.first_of_h(index, first),
            self._second_of_h(index, first, second),
            signs=self.constants.positive,
        )

    def _second_of_h(self, index: Index, first: Theorem, second: Theorem) -> Theorem:
        # D^2 h_i[u,u] = phi''(z_i) o D z_i[u] o D z_i[u] + phi'(z_i) o D^2 z_i[u,u].
        z = self.z(index)
        bend = Hadamard(Entrywise(self.function, 2, z), Deriv(z, 1))
        split = infer(Differentiate(self.h(index), 2), self.smooth_h(index), self.smooth_z(index))
        return insert(
            infer(Triangle(Deriv(self.h(index), 2)), split),
            infer(HadamardBound(Hadamard(bend, Deriv(z, 1)))),
            infer(EntryBound(bend)),
            infer(EntryBound(Hadamard(Entrywise(self.function, 1, z), Deriv(z, 2)))),
            infer(SupNormBound(Entrywise(self.function, 2, z)), self.constants.bend),
            infer(SupNormBound(Entrywise(self.function, 1, z)), self.constants.slope),
            first,
            second,
            signs=self.constants.positive,
        )
