"""Values of univariate expressions as SymPy expressions, for printing closed forms."""

# SymPy carries no types; this file is a border to it.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from proofs.errors import KernelError
from proofs.kernel.scalars import FunctionValue
from proofs.kernel.univariate import Expression

if TYPE_CHECKING:
    import sympy  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["call_sympy", "value_latex", "value_sympy"]


def value_sympy(value: FunctionValue) -> sympy.Expr:
    """|e(p root(q))| as a SymPy number, without the absolute value where SymPy knows the sign.

    >>> from proofs.kernel.univariate import call
    >>> value_sympy(FunctionValue(call("normal_pdf"), Fraction(0), Fraction(1)))
    sqrt(2)/(2*sqrt(pi))
    """
    import sympy  # pyright: ignore[reportMissingTypeStubs]

    point = _rational(sympy, value.factor) * sympy.sqrt(_rational(sympy, value.radicand))
    return sympy.Abs(_convert(sympy, value.expression, point))


def value_latex(value: FunctionValue) -> str:
    """The value in closed form."""
    import sympy  # pyright: ignore[reportMissingTypeStubs]

    return str(sympy.latex(sympy.expand(value_sympy(value))))


def _rational(sympy: Any, value: Fraction) -> Any:
    return sympy.Rational(value.numerator, value.denominator)


def _convert(sympy: Any, expression: Expression, t: Any) -> Any:
    total = sympy.Integer(0)
    for (degree, calls), coefficient in expression.terms:
        term = _rational(sympy, coefficient) * t**degree
        for inner, exponent in calls:
            term = term * call_sympy(sympy, inner.name, _convert(sympy, inner.argument, t)) ** exponent
        total = total + term
    return total


def call_sympy(sympy: Any, name: str, x: Any) -> Any:
    """A function of `univariate.CALLS` of a SymPy expression."""
    match name:
        case "exp" | "tanh" | "sin" | "cos" | "sqrt" | "log":
            return getattr(sympy, name)(x)
        case "sigmoid":
            return 1 / (1 + sympy.exp(-x))
        case "softplus":
            return sympy.log(1 + sympy.exp(x))
        case "normal_cdf":
            return (1 + sympy.erf(x / sympy.sqrt(2))) / 2
        case "normal_pdf":
            return sympy.exp(-x * x / 2) / sympy.sqrt(2 * sympy.pi)
        case "inverse":
            return 1 / x
        case "pi":
            return sympy.pi
        case _:
            raise KernelError(f"no SymPy reading is known for {name!r}")
