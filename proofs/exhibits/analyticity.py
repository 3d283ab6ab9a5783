"""Exhibits of ACT and AEA: kinks, smooth activations, and compositions that are analytic nowhere."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from fractions import Fraction

from flint import fmpq

from proofs.errors import KernelError

from ._exhibit import Exhibit, Shown, require

__all__ = ["CRACIUN", "GELU", "GENERIC_DATA", "KINKS", "OTHER_ORDER"]

CRACIUN = "Craciun and Ghoshdastidar, arXiv 2510.24466"
MOST_KINKS = 400
QUOTIENTS = 8
POINTS = (Fraction(0), Fraction(1, 3), Fraction(2, 7), Fraction(5, 11), Fraction(-3, 4))


def _kinks() -> Shown:
    from proofs.kernel.core import infer
    from proofs.kernel.rules.analytic import PiecewiseByPieces
    from proofs.kernel.univariate import Piece, Univariate, argument, constant
    from proofs.network import activation

    kinks = [1 - Fraction(1, i) for i in range(1, MOST_KINKS + 1)]
    require(all(a < b < 1 for a, b in zip(kinks, kinks[1:], strict=False)), "the kinks increase below 1")
    # Every interval between two neighbours lies left of 1, so none holds t = 2; of the first
    # 2n + 1 kinks more than n lie between 1 - 1/n and 1.
    require(not any(a <= 2 <= b for a, b in zip(kinks, kinks[1:], strict=False)), "no interval holds 2")
    for n in (1, 10, 100):
        near = sum(1 - Fraction(1, n) < kink for kink in kinks[: 2 * n + 1])
        require(near > n, f"more than {n} kinks lie within 1/{n} of 1")
    zero, t = constant(0), argument()
    pieces = [
        Piece(a, b, zero if i % 2 else t) for i, (a, b) in enumerate(zip(kinks, kinks[1:], strict=False))
    ]
    refused = _refusal(lambda: Univariate("piled", (), (Piece(None, kinks[0], zero), *pieces)))
    require("cover all of R" in refused, "pieces between these kinks do not cover R")
    wave = infer(PiecewiseByPieces(activation("triangle")))
    return Shown(
        f"the kinks 1 - 1/i, i = 1, ..., {MOST_KINKS}, increase strictly and stay below 1: nothing is asked of the "
        "function for t >= 1, where it may be analytic nowhere, and more than n of the first 2n + 1 lie within "
        "1/n of 1; the pieces between them are refused, as they do not cover R",
        "the triangle wave has infinitely many kinks, two in every period, and is piecewise analytic",
        {"triangle": wave},
    )


def _refusal(make: object) -> str:
    try:
        make()  # type: ignore[operator]
    except KernelError as error:
        return str(error)
    return ""


KINKS = Exhibit(
    "bounded-kinks",
    f"The kinks are a strictly increasing sequence ({CRACIUN}, Definition 2).",
    "Every bounded interval has finitely many kinks.",
    _kinks,
)


def _gelu() -> Shown:
    from proofs.kernel.core import infer
    from proofs.kernel.maps import Entry, Unknown
    from proofs.kernel.rules.analytic import AnalyticOuter, PiecewiseByPieces
    from proofs.network import activation

    gelu, relu, h = activation("gelu"), activation("relu"), Unknown("h", None)
    require(len(gelu.pieces) == 1 and not gelu.kinks, "gelu has one piece and no kink")
    analytic = infer(AnalyticOuter(Entry(gelu, h), False), infer(PiecewiseByPieces(gelu)))
    piecewise = infer(PiecewiseByPieces(relu))
    refused = _refusal(lambda: infer(AnalyticOuter(Entry(relu, h), False), piecewise))
    require("without kinks" in refused, "relu is refused as an analytic function")
    return Shown(
        "gelu = t Phi(t) has one piece, on all of R, and no kink; it is analytic",
        "relu has a kink at 0, and that it be analytic on R is refused",
        {"gelu": analytic, "relu": piecewise},
    )


GELU = Exhibit(
    "gelu",
    f"gelu is piecewise analytic but not analytic ({CRACIUN}, list of activations).",
    "gelu is analytic on R; relu, leaky_relu, elu and others have kinks.",
    _gelu,
)


def _other_order() -> Shown:
    from proofs.exhibits.weierstrass import BASE, quotients
    from proofs.kernel.core import infer
    from proofs.kernel.maps import ParameterBlock
    from proofs.kernel.rules.analytic import OperationSingular
    from proofs.kernel.rules.patterns import DiffersAt
    from proofs.kernel.rules.zeros import ZERO, ZeroSetNull
    from proofs.theorems.analyticity import analytic_after

    # f = 0 off the line y = 0, which is null.
    y = ParameterBlock("y", ())
    away = infer(DiffersAt(y, ZERO, (("y", (fmpq(1),)),)))
    line = infer(ZeroSetNull(), infer(OperationSingular(y)), away)
    slowest = float("inf")
    for x in POINTS:
        for m, (left, right) in enumerate(quotients(x, QUOTIENTS), start=1):
            require(bool(left.ball * right.ball < 0), f"the quotients at {x} have opposite signs")
            slowest = min(slowest, *(side.size_at_least / (BASE / 2) ** m for side in (left, right)))
    require(slowest > 0.09, "the quotients grow like (13/2)^m")
    return Shown(
        f"w(x) = sum_n cos(13^n pi x) / 2^n, f(x, y) = w(x) where y = 0 and else 0, g(x) = (x, 0): f is 0 off the null "
        f"line y = 0, and f(g) = w.  At {len(POINTS)} points, for m = 1, ..., {QUOTIENTS}, the difference quotients of w to the "
        f"left and right at distances below 2/13^m have opposite signs and are at least {slowest:.3f} (13/2)^m (in balls, "
        "with the rest of the sum): they settle nowhere",
        "an analytic function of an almost everywhere analytic map is almost everywhere analytic (AEA-2)",
        {"line": line, "analytic_after": analytic_after()},
    )


OTHER_ORDER = Exhibit(
    "other-order",
    "If g is analytic and f almost everywhere analytic, f(g) is almost everywhere analytic.",
    "If f is analytic and g almost everywhere analytic, f(g) is almost everywhere analytic.",
    _other_order,
)


def _generic_data() -> Shown:
    from proofs.kernel.maps import Entry
    from proofs.kernel.rules.ranks import jacobian_at
    from proofs.network import activation
    from proofs.theorems.analyticity_instances import convolution, convolution_analytic
    from proofs.theorems.map_analyticity import Analyticity, Route

    special, generic = (1, 0, 0), (1, 2, 5)
    point = (("k", (fmpq(1), fmpq(1))),)
    # The convolution is linear in k: its Jacobian is the same everywhere.
    require(jacobian_at(convolution(special), point).rank() == 1, "the data (1, 0, 0) give rank 1")
    refused = _refusal(lambda: convolution_analytic(special))
    require("onto" in refused, "the rank test refuses the data (1, 0, 0)")
    entrywise = Analyticity(Route.SCALAR).almost_everywhere(Entry(activation("relu"), convolution(special)))
    return Shown(
        "a kernel k of length 2 on the data (1, 0, 0) is k -> (k_1, 0), of rank 1 everywhere; with sigma(x, y) = w(x) "
        "where y = 0 and else 0, w nowhere differentiable (AEA-3), sigma of it is k -> w(k_1)",
        "on the data (1, 2, 5) it has rank 2 and sigma of it is almost everywhere analytic for every almost everywhere "
        "analytic sigma; entry by entry, such as relu, it is so on (1, 0, 0) too",
        {"generic": convolution_analytic(generic), "entrywise": entrywise},
    )


GENERIC_DATA = Exhibit(
    "generic-data",
    "sigma(convolution) is almost everywhere analytic for every almost everywhere analytic sigma: R^n -> R^k, whatever "
    "the data.",
    "It is so where the convolution has full rank at one point; entry by entry for all data.",
    _generic_data,
)
