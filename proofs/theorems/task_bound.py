"""TSK-3: the norm of C, the leading difference of task arithmetic, for any number of tasks and steps.

    C_k = sum_t sum_{e=1}^{k-1} H_t(x_e) R_e(t),   R_e(t) = sum_{m<e} r_t(x_m),   r_t = alpha s - g_t,

with g_t = grad L_t, s = sum_u g_u at one point, x_m the points of the multi-task run.  Expanding,

    sum_t ||alpha s - g_t||^2 = sum_t ||g_t||^2 + (T alpha^2 - 2 alpha) ||s||^2
                              <= T G^2 + max(0, T alpha^2 - 2 alpha) (T G)^2 = T G^2 max(1, (alpha T - 1)^2),

so that sum_t ||r_t|| <= T max(1, |alpha T - 1|) G by Cauchy-Schwarz; by induction ||R_e|| adds up to e
times this, and ||C_k|| to k (k - 1) / 2 times this and H.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.claims import Claim, Compare, ForIndices, Relation
from proofs.kernel.core import Theorem, infer
from proofs.kernel.indices import Index
from proofs.kernel.rules import (
    BallBend,
    BallSlope,
    BendBound,
    Cases,
    Certificate,
    Cut,
    DefinedLength,
    EveryTask,
    Induction,
    InRange,
    Instantiate,
    LargerThanEach,
    LengthSquared,
    LengthTriangle,
    Monotone,
    MultiplesAtMost,
    Nonnegative,
    OneTaskLength,
    OneTaskProduct,
    ProductOverTasks,
    RootAbove,
    SquareRoot,
    StartLength,
    StepNorm,
    Subrange,
    SumLength,
    SumOverTasks,
    TaskCauchy,
)
from proofs.kernel.rules.task_runs import distance
from proofs.kernel.scalars import Poly, Real, Root, is_nonnegative, number
from proofs.kernel.sequences import Natural, index_value
from proofs.kernel.series import (
    AnyTask,
    BendAt,
    BoundTask,
    Combination,
    DriftSum,
    Origin,
    PathTerm,
    Run,
    RunPoint,
    SlopeAt,
    Summed,
    basic,
    combined,
    summed,
)
from proofs.kernel.substitution import poly_at
from proofs.kernel.task_scalars import (
    BallBounds,
    BendNorm,
    ForTasks,
    Larger,
    StepLength,
    TaskCount,
    TaskNumber,
    length,
    over_tasks,
)

from .tactics import assume, certify, compare_of, rational

__all__ = [
    "TaskBound", "TaskBoundTheorems", "optimal_factor", "stays_in_ball", "task_bound", "task_bound_theorems",
]  # fmt: skip

TASK = AnyTask("t")
COUNT = TaskCount().poly()
ONE, NOW, NEXT, BEFORE = Index(1, False), Index(0, True), Index(1, True), Index(-1, True)
LE, EQ = Relation.LE, Relation.EQ
HALF = number(fmpq(1, 2))
N = Natural().poly()


@dataclass(frozen=True, slots=True)
class TaskBoundTheorems:
    """The theorems for symbolic k = n >= 1, T >= 1, alpha, G and H.

    bound: ||C_n|| <= T n (n - 1) / 2 max(1, |alpha T - 1|) H G;  one_task: with |alpha - 1| for T = 1;
    unequal: with a bound G_t for every task;  ball: x_n stays in the ball if n |alpha| eta T G <= r;
    bound_in_ball: the bound for a ball in which the run stays.
    """

    bound: Theorem
    one_task: Theorem
    unequal: Theorem
    ball: Theorem
    bound_in_ball: Theorem


@dataclass(frozen=True, slots=True)
class TaskBound:
    """||C|| <= value for k steps and T tasks, under the hypotheses of the theorem."""

    value: Fraction
    theorem: Theorem


# {||g_t|| <= G_t for every task t} |- sum_t ||r_t|| <= K at the point x_{n-1}, and K.
Sums = tuple[Theorem, Poly]


@dataclass(frozen=True, slots=True)
class _Setting:
    """alpha, a bound G_t or G of the gradients and H of the Hessians, with theorems 0 <= of what is a name.

    slope: as a polynomial about the task t.
    """

    alpha: Poly
    slope: Poly
    bend: Poly
    signs: tuple[Theorem, ...]

    @property
    def joint(self) -> Run:
        return Run(None, self.alpha)

    def gradient(self, index: Index) -> SlopeAt:
        return SlopeAt(TASK, self.joint, index)

    def total(self, index: Index) -> Summed:
        return Summed(SlopeAt(BoundTask(0), self.joint, index))

    @property
    def slopes(self) -> Claim:
        """||grad L_t(x_{n-1})|| <= G_t for every task t."""
        vector = SlopeAt(BoundTask(0), self.joint, BEFORE)
        return ForTasks(length(basic(vector)), _bound_of_task(self.slope))

    def rest(self, index: Index) -> Combination:
        """r_t(x_i)."""
        return combined([(self.alpha, basic(self.total(index))), (number(-1), basic(self.gradient(index)))])


@cache
def task_bound_theorems() -> TaskBoundTheorems:
    """TSK-3, derived once."""
    alpha, slope, bend = (Real(name).poly() for name in ("alpha", "G", "H"))
    own = TaskNumber("G", TASK).poly()
    signs = tuple(assume(Compare(number(0), LE, part)) for part in (slope, bend))
    setting = _Setting(alpha, slope, bend, signs)
    one = assume(Compare(COUNT, EQ, number(1)))
    several = _several(setting)
    bound = _path(_along(setting), several)
    single = _path(_along(setting), _single(setting, one))
    each = _Setting(alpha, own, bend, signs[1:])
    unequal = _path(_along(each), _unequal(each))
    radius = Real("r").poly()
    ball, inside = _stays(setting, radius), _path(_within(setting, radius), several)
    return TaskBoundTheorems(
        bound, single, unequal, _last_multiple(setting, radius, ball), _last_multiple(setting, radius, inside)
    )


# -- sums over the tasks at one point ---------------------------------------------------------------


def _le(theorem: Theorem) -> Theorem:
    """An equation as an inequality."""
    compared = compare_of(theorem)
    return certify(compared.left, compared.right, products=[((theorem,), number(1))])


def _expanded(setting: _Setting, index: Index) -> Theorem:
    """sum_t ||alpha s - g_t||^2 = sum_t ||g_t||^2 + (T alpha^2 - 2 alpha) ||s||^2."""
    rest = setting.rest(index)
    squares = infer(SumOverTasks(TASK), infer(LengthSquared(rest)))
    mixed = infer(ProductOverTasks(TASK, setting.total(index), setting.gradient(index)))
    total = length(basic(setting.total(index)))
    parts = over_tasks(TASK, length(basic(setting.gradient(index))) ** 2)
    wanted = parts + _growth(setting) * total**2
    return certify(compare_of(squares).left, wanted, squares, mixed)


def _growth(setting: _Setting) -> Poly:
    return COUNT * setting.alpha**2 - setting.alpha * 2


def _sizes(setting: _Setting, index: Index) -> tuple[Theorem, Theorem]:
    """sum_t ||g_t||^2 <= sum_t G_t^2 and ||s||^2 <= (sum_t G_t)^2 from ||g_t|| <= G_t."""
    known = infer(EveryTask(TASK), assume(setting.slopes))
    single = length(basic(setting.gradient(index)))
    gap = (known,)
    twice = (_positive(single), known)
    # G^2 = g^2 + (G - g)^2 + 2 g (G - g)
    square = certify(
        single**2,
        setting.slope**2,
        products=[((*gap, *gap), number(1)), (twice, number(1)), (twice, number(1))],
    )
    squares = infer(SumOverTasks(TASK), square)
    total = length(basic(setting.total(index)))
    norms = infer(SumLength(TASK, basic(setting.gradient(index))))
    sums = infer(SumOverTasks(TASK), known)
    whole = certify(
        total, over_tasks(TASK, setting.slope), products=[((norms,), number(1)), ((sums,), number(1))]
    )
    both = (_positive(total), whole)
    limit = over_tasks(TASK, setting.slope)
    joint = certify(
        total**2, limit**2, products=[((whole, whole), number(1)), (both, number(1)), (both, number(1))]
    )
    return squares, joint


def _positive(poly: Poly) -> Theorem:
    return infer(Nonnegative(poly))


def _sum_of_rests(
    setting: _Setting, index: Index, square: Theorem, bound: Poly, sign: Theorem | None
) -> Theorem:
    """sum_t ||r_t|| <= bound from sum_t ||r_t||^2 <= q with T q = bound^2."""
    rest = length(setting.rest(index))
    cauchy = infer(TaskCauchy(TASK, rest))
    counted = (_positive(COUNT), square)
    left = over_tasks(TASK, rest)
    found = certify(left**2, bound**2, products=[((cauchy,), number(1)), (counted, number(1))])
    return infer(SquareRoot(left, bound), found, *(() if sign is None else (sign,)))


def _several(setting: _Setting) -> Sums:
    """The sums with M = max(1, |alpha T - 1|)."""
    larger = Larger(number(1), Root((setting.alpha * COUNT - 1) ** 2).poly())
    factor = larger.poly()
    rate = Root((setting.alpha * COUNT - 1) ** 2).poly()
    above = infer(LargerThanEach(larger, True))
    root = infer(LargerThanEach(larger, False))
    both = (_positive(rate), root)
    # max^2 = rate^2 + (max - rate)^2 + 2 rate (max - rate)
    squares = certify(
        rate**2, factor**2, products=[((root, root), number(1)), (both, number(1)), (both, number(1))]
    )
    rate_above = infer(RootAbove((setting.alpha * COUNT - 1) ** 2))
    square = certify(
        (setting.alpha * COUNT - 1) ** 2,
        factor**2,
        products=[((rate_above,), number(1)), ((squares,), number(1))],
    )

    return _by_cases(setting, factor, above, square)


def _by_cases(setting: _Setting, factor: Poly, above: Theorem, square: Theorem) -> Sums:
    """sum_t ||r_t|| <= T M G from 1 <= M and (alpha T - 1)^2 <= M^2, by the sign of T alpha^2 - 2 alpha."""
    index = BEFORE
    expanded = _le(_expanded(setting, index))
    squares, joint = _sizes(setting, index)
    growth = _growth(setting)
    wanted = COUNT * setting.slope**2 * factor**2
    total = length(basic(setting.total(index)))
    left = compare_of(expanded).left
    one, counted = number(1), _positive(COUNT)
    falls = assume(Compare(growth, LE, number(0)))
    # T G^2 M^2 = T G^2 + T G^2 (M - 1)^2 + 2 T G^2 (M - 1)
    step = (counted, above)
    first = certify(
        left,
        wanted,
        products=[
            ((expanded,), one),
            ((falls,), total),
            ((squares,), one),
            ((counted, above, above), setting.slope),
            (step, setting.slope),
            (step, setting.slope),
        ],
    )
    grows = assume(Compare(number(0), LE, growth))
    second = certify(
        left,
        wanted,
        products=[
            ((expanded,), one),
            ((squares,), one),
            ((grows, joint), one),
            ((counted, square), setting.slope),
        ],
    )
    found = infer(Cases(growth, number(0)), first, second)
    bound = COUNT * factor * setting.slope
    return _sum_of_rests(setting, index, found, bound, _sign(bound, setting)), bound


def _sign(bound: Poly, setting: _Setting) -> Theorem | None:
    if is_nonnegative(bound):
        return None
    used = [s for s in setting.signs if compare_of(s).right.atoms() <= bound.atoms()]
    return infer(Nonnegative(bound), *used)


def _single(setting: _Setting, one: Theorem) -> Sums:
    """sum_t ||r_t|| <= T |alpha - 1| G if T = 1: then sum_t ||g_t||^2 = ||s||^2."""
    index = BEFORE
    gradient = length(basic(setting.gradient(index)))
    total = length(basic(setting.total(index)))
    whole = infer(OneTaskLength(TASK, basic(setting.gradient(index))), one)
    squares = infer(OneTaskProduct(TASK, gradient, gradient), one)
    norms = over_tasks(TASK, gradient)
    # sum ||g_t||^2 = (sum ||g_t||)^2 = ||s||^2
    equal = certify(total**2, norms**2, whole)
    expanded = _expanded(setting, index)
    rate = Root((setting.alpha - 1) ** 2).poly()
    above = infer(RootAbove((setting.alpha - 1) ** 2))
    _, joint = _sizes(setting, index)
    limit = over_tasks(TASK, setting.slope)
    left = compare_of(expanded).left
    reached = certify(left, norms**2 * (setting.alpha - 1) ** 2, expanded, squares, whole, one)
    norm_bound = certify(
        norms**2, limit**2, products=[((_le(_flipped(equal)),), number(1)), ((joint,), number(1))]
    )
    square = certify(
        left,
        COUNT * setting.slope**2 * rate**2,
        one,
        products=[
            ((_le(reached),), number(1)),
            ((norm_bound,), setting.alpha - 1),
            ((above,), limit),
        ],
    )
    bound = COUNT * rate * setting.slope
    return _sum_of_rests(setting, index, square, bound, _sign(bound, setting)), bound


def _flipped(theorem: Theorem) -> Theorem:
    """B = a from a = b."""
    compared = compare_of(theorem)
    return infer(Certificate(compared.right, (), ((0, number(-1)),)), theorem)


def _unequal(setting: _Setting) -> Sums:
    """sum_t ||r_t|| <= root(T (sum_t G_t^2 + max(0, T alpha^2 - 2 alpha) (sum_t G_t)^2))."""
    index = BEFORE
    expanded = _le(_expanded(setting, index))
    squares, joint = _sizes(setting, index)
    growth = Root(_growth(setting)).poly()
    above = infer(RootAbove(_growth(setting)))
    total = length(basic(setting.total(index)))
    limit = over_tasks(TASK, setting.slope)
    inside = over_tasks(TASK, setting.slope**2) + growth**2 * limit**2
    square = certify(
        compare_of(expanded).left,
        inside,
        products=[((expanded,), number(1)), ((above,), total), ((squares,), number(1)), ((joint,), growth)],
    )
    bound = Root(COUNT * inside).poly()
    rest = length(setting.rest(index))
    left = over_tasks(TASK, rest)
    cauchy = infer(TaskCauchy(TASK, rest))
    counted = (_positive(COUNT), square)
    root = infer(RootAbove(COUNT * inside))
    found = certify(
        left**2, bound**2, products=[((cauchy,), number(1)), (counted, number(1)), ((root,), number(1))]
    )
    return infer(SquareRoot(left, bound), found), bound


# -- induction over the steps -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Bounds along the multi-task run for every task: of gradients at x_0 and x_n, of Hessians at x_n."""

    setting: _Setting
    first: Theorem
    slope: Theorem
    bend: Theorem


def _along(setting: _Setting) -> _Bounds:
    """Assumed: ||grad L_t(x_{m-1})|| <= G_t for m <= n + 1 and ||Hess L_t(x_m)|| <= H for m <= n."""
    bend: Claim = ForTasks(BendNorm(BoundTask(0), setting.joint, NOW).poly(), setting.bend)

    def member(claim: Claim, index: Index) -> Theorem:
        return infer(InRange(index), assume(ForIndices(index, claim)))

    return _Bounds(setting, member(setting.slopes, ONE), member(setting.slopes, NEXT), member(bend, NOW))


def _bound_of_task(slope: Poly) -> Poly:
    """The bound of every gradient, its task bound as by one sum."""
    own = TaskNumber("G", TASK)
    return TaskNumber(own.name, BoundTask(0)).poly() if slope == own.poly() else slope


def _path(bounds: _Bounds, sums: Sums) -> Theorem:
    """||C_n|| <= n (n - 1) / 2 H K by induction, K the bound of sum_t ||r_t||."""
    setting, known = bounds.setting, infer(EveryTask(TASK), bounds.bend)
    there, rate = sums
    base = infer(Cut(), bounds.first, infer(Instantiate(ONE), there))
    moving = infer(Cut(), bounds.slope, infer(Instantiate(NEXT), there))
    drift = _widened(_drift(setting, base, moving, rate))
    alpha, joint = setting.alpha, setting.joint
    claim = Compare(length(basic(PathTerm(alpha, NOW))), LE, HALF * N * (N - 1) * setting.bend * rate)
    start = _le(infer(DefinedLength(PathTerm(alpha, ONE))))
    vector = DriftSum(TASK, alpha, NOW)
    bend = BendAt(TASK, joint, NOW, vector)
    # ||C_{n+1}|| <= ||C_n|| + sum_t ||H_t(x_n) R_n(t)|| <= ||C_n|| + H sum_t ||R_n(t)||
    unfolded = infer(DefinedLength(PathTerm(alpha, NEXT)))
    split = infer(LengthTriangle((basic(PathTerm(alpha, NOW)), summed(TASK, basic(bend)))))
    apart = infer(SumLength(TASK, basic(bend)))
    product = infer(BendBound(TASK, joint, NOW, vector))
    each = certify(
        length(basic(bend)),
        setting.bend * length(basic(vector)),
        products=[((product,), number(1)), ((known, _positive(length(basic(vector)))), number(1))],
    )
    every = infer(SumOverTasks(TASK), each)
    one = number(1)
    chain = [((part,), one) for part in (_le(unfolded), split, apart, every, assume(claim))]
    positive = _sign_of_bend(setting)
    step = certify(
        compare_of(unfolded).left,
        _next(compare_of(assume(claim)).right),
        products=[*chain, ((positive, drift), one)],
    )
    return infer(Induction(claim), start, step)


def _widened(theorem: Theorem) -> Theorem:
    """The theorem under its hypotheses for m <= n in place of those for m <= n - 1."""
    ranges = [claim for claim in theorem.hypotheses if isinstance(claim, ForIndices)]
    for claim in sorted(ranges, key=lambda claim: claim.claim.key):  # type: ignore[attr-defined]
        if claim.end is BEFORE:
            longer = assume(ForIndices(NOW, claim.claim))
            theorem = infer(Cut(), infer(Subrange(BEFORE), longer), theorem)
    return theorem


def _sign_of_bend(setting: _Setting) -> Theorem:
    for sign in setting.signs:
        if compare_of(sign).right == setting.bend:
            return sign
    return _positive(setting.bend)


def _next(poly: Poly) -> Poly:
    return poly_at(poly, NEXT)


def _drift(setting: _Setting, base: Theorem, moving: Theorem, rate: Poly) -> Theorem:
    """sum_t ||R_n(t)|| <= n K by induction."""

    def vector(index: Index) -> DriftSum:
        return DriftSum(TASK, setting.alpha, index)

    def grown(index: Index, sums: Theorem) -> Theorem:
        """sum_t ||R_{i+1}(t)|| <= sum_t ||R_i(t)|| + K."""
        after = vector(index.shifted(1))
        unfolded = _le(infer(DefinedLength(after)))
        rest = setting.rest(index)
        split = infer(LengthTriangle((basic(vector(index)), rest)))
        parts = [((part,), number(1)) for part in (unfolded, split)]
        each = certify(length(basic(after)), compare_of(split).right, products=parts)
        every = infer(SumOverTasks(TASK), each)
        left, right = compare_of(every).left, over_tasks(TASK, length(basic(vector(index)))) + rate
        return certify(left, right, products=[((every,), number(1)), ((sums,), number(1))])

    one = number(1)
    zero = infer(SumOverTasks(TASK), infer(DefinedLength(vector(Index(0, False)))))
    started = grown(Index(0, False), base)
    first = certify(compare_of(started).left, rate, products=[((started,), one), ((_le(zero),), one)])
    claim = Compare(over_tasks(TASK, length(basic(vector(NOW)))), LE, N * rate)
    supposed, further = assume(claim), grown(NOW, moving)
    step = certify(compare_of(further).left, (N + 1) * rate, products=[((further,), one), ((supposed,), one)])
    return infer(Induction(claim), first, step)


# -- a ball in which the run stays ------------------------------------------------------------------


def _speed(setting: _Setting) -> Poly:
    """|alpha| eta T G, at least the length of a step."""
    return Root(setting.alpha**2).poly() * StepLength().poly() * COUNT * setting.slope


def _stays(setting: _Setting, radius: Poly) -> Theorem:
    """||x_n - theta0|| <= n |alpha| eta T G by induction, if m |alpha| eta T G <= r for m < n and 0 <= r."""
    bounds = assume(BallBounds(radius, setting.slope, setting.bend))
    speed, joint = _speed(setting), setting.joint
    start = infer(StartLength(joint))
    one = number(1)

    def moved(index: Index, near: Theorem) -> Theorem:
        """||x_{i+1} - theta0|| <= ||x_i - theta0|| + |alpha| eta T G if x_i lies in the ball."""
        slope = infer(EveryTask(TASK), infer(BallSlope(joint, index), bounds, near))
        sums = infer(SumOverTasks(TASK), slope)
        norms = infer(SumLength(TASK, basic(setting.gradient(index))))
        step = infer(StepNorm(joint, index))
        here, after = basic(RunPoint(joint, index)), basic(RunPoint(joint, index.shifted(1)))
        origin = basic(Origin())
        split = infer(
            LengthTriangle((combined([(one, after), (-one, here)]), combined([(one, here), (-one, origin)])))
        )
        scale = _positive(Root(setting.alpha**2).poly() * StepLength().poly())
        return certify(
            compare_of(split).left,
            distance(joint, index) + speed,
            products=[
                ((split,), one),
                ((_le(step),), one),
                ((scale, norms), one),
                ((scale, sums), one),
            ],
        )

    centre = _centre(setting, radius)
    begun = moved(Index(0, False), centre)
    first = certify(compare_of(begun).left, speed, products=[((begun,), one), ((_le(start),), one)])
    claim = Compare(distance(joint, NOW), LE, N * speed)
    supposed = assume(claim)
    near = _reaches(setting, radius, supposed)
    further = moved(NOW, near)
    step = certify(
        compare_of(further).left, (N + 1) * speed, products=[((further,), one), ((supposed,), one)]
    )
    return infer(Induction(claim), first, step)


def _centre(setting: _Setting, radius: Poly) -> Theorem:
    """||x_0 - theta0|| <= r."""
    start, sign = infer(StartLength(setting.joint)), assume(Compare(number(0), LE, radius))
    place = distance(setting.joint, Index(0, False))
    return certify(place, radius, products=[((_le(start),), number(1)), ((sign,), number(1))])


def _multiples(setting: _Setting, radius: Poly, end: Index) -> Theorem:
    """M |alpha| eta T G <= r for m = 1, ..., end, assumed."""
    return assume(ForIndices(end, Compare(N * _speed(setting), LE, radius)))


def _reaches(setting: _Setting, radius: Poly, moved: Theorem) -> Theorem:
    """||x_n - theta0|| <= r from ||x_n - theta0|| <= n |alpha| eta T G."""
    last = infer(InRange(NOW), _multiples(setting, radius, NOW))
    return certify(compare_of(moved).left, radius, products=[((moved,), number(1)), ((last,), number(1))])


def _within(setting: _Setting, radius: Poly) -> _Bounds:
    """The bounds along the run from those in the ball, in which it stays for m <= n."""
    joint, bounds = setting.joint, assume(BallBounds(radius, setting.slope, setting.bend))
    shorter = infer(Subrange(BEFORE), _multiples(setting, radius, NOW))
    near = _reaches(setting, radius, infer(Cut(), shorter, _stays(setting, radius)))
    return _Bounds(
        setting,
        infer(BallSlope(joint, Index(0, False)), bounds, _centre(setting, radius)),
        infer(BallSlope(joint, NOW), bounds, near),
        infer(BallBend(joint, NOW), bounds, near),
    )


def _last_multiple(setting: _Setting, radius: Poly, theorem: Theorem) -> Theorem:
    """The theorem under (n - 1) |alpha| eta T G <= r alone."""
    speed = _speed(setting)
    signs = [] if is_nonnegative(speed) else [_sign(speed, setting)]
    premise = assume(Compare(index_value(BEFORE) * speed, LE, radius))
    found = infer(MultiplesAtMost(BEFORE, speed), premise, *(s for s in signs if s is not None))
    return infer(Cut(), found, theorem)


# -- numbers ----------------------------------------------------------------------------------------


def optimal_factor(alpha: Fraction | int, tasks: int) -> Fraction:
    """max(1, |alpha T - 1|) for T >= 2, |alpha - 1| for T = 1: no smaller factor is right for every loss."""
    if tasks < 1:
        raise GradlemmaError(f"expected at least one task but got tasks={tasks!r}")
    rate = abs(Fraction(alpha) * tasks - 1)
    return rate if tasks == 1 else max(Fraction(1), rate)


def stays_in_ball(
    slope: Fraction | int,
    alpha: Fraction | int,
    tasks: int,
    step: Fraction | int,
    steps: int,
    radius: Fraction | int,
) -> bool:
    """Whether (k - 1) |alpha| eta T G <= r, so that x_0, ..., x_{k-1} lie in the ball where G holds."""
    return (steps - 1) * abs(Fraction(alpha)) * Fraction(step) * tasks * Fraction(slope) <= Fraction(radius)


def task_bound(
    slope: Fraction | int, bend: Fraction | int, alpha: Fraction | int, tasks: int, steps: int
) -> TaskBound:
    """||C|| <= T k (k - 1) / 2 max(1, |alpha T - 1|) H G in numbers; |alpha - 1| for the maximum if T = 1.

    Args:
        slope: G, at least the norms of the gradients of all L_t at x_0, ..., x_{k-2}, the points of the
            multi-task run.
        bend: H, at least those of their Hessians at x_1, ..., x_{k-1}.
        alpha: the factor of task arithmetic.
        tasks: T.
        steps: k.

    Raises:
        GradlemmaError: for T or k below 1, or negative bounds.

    >>> str(task_bound(1, 1, 1, tasks=2, steps=5).value)
    '20'
    """
    rate = optimal_factor(alpha, tasks)
    if steps < 1 or slope < 0 or bend < 0:
        raise GradlemmaError(f"expected k >= 1 and bounds >= 0 but got k={steps!r}, G={slope!r}, H={bend!r}")
    numbers = [number(Fraction(part)) for part in (alpha, slope, bend)]
    setting = _Setting(numbers[0], numbers[1], numbers[2], ())
    count = assume(Compare(COUNT, EQ, number(tasks)))
    theorem = infer(
        Instantiate(Index(steps, False)), _path(_along(setting), _sums_in_numbers(setting, rate, count))
    )
    value = Fraction(tasks * steps * (steps - 1), 2) * rate * Fraction(slope) * Fraction(bend)
    if compare_of(theorem).right.constant() is None:
        theorem = infer(Monotone(), theorem, _le(count))
    return TaskBound(value, theorem)


def _sums_in_numbers(setting: _Setting, rate: Fraction, count: Theorem) -> Sums:
    if compare_of(count).right == number(1):
        return _single(setting, count)
    factor, one = number(rate), number(1)
    alpha, tasks = setting.alpha, compare_of(count).right
    above = infer(Certificate(one, ((rational(rate - 1), (), one),), ()))
    left = (alpha * COUNT - 1) ** 2
    gap = (factor**2 - (alpha * tasks - 1) ** 2).constant() or fmpq(0)
    # (alpha T - 1)^2 + (alpha^2 (T + c) - 2 alpha) (c - T) = (alpha c - 1)^2
    multiplier = alpha**2 * (COUNT + tasks) - alpha * 2
    square = infer(Certificate(left, ((gap, (), one),), ((0, multiplier),)), count)
    return _by_cases(setting, factor, above, square)
