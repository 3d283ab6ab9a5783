"""The kernel's expressions as text of the language, so that they can be read back."""

from __future__ import annotations

from fractions import Fraction

from proofs.kernel.univariate import Call, Expression

__all__ = ["expression_text"]

# Names of the language for calls of the kernel that are called otherwise.
_NAMES = {"normal_cdf": "Phi"}


def expression_text(expression: Expression) -> str:
    """The expression as `parse_expression` reads it.

    >>> from proofs.kernel.univariate import argument, call, constant
    >>> t = argument()
    >>> expression_text((t * t).scaled(Fraction(-1, 2)) + call("inverse", constant(1) + t))
    '(1/(1 + t)) - 1/2*t^2'
    """
    parts = [_term(degree, calls, coefficient) for (degree, calls), coefficient in expression.terms]
    if not parts:
        return "0"
    first, *rest = sorted(parts, key=lambda part: part.startswith("-"))
    return first + "".join(f" - {p[1:]}" if p.startswith("-") else f" + {p}" for p in rest)


def _term(degree: int, calls: tuple[tuple[Call, int], ...], coefficient: Fraction) -> str:
    factors = [_power("t", degree)] if degree else []
    factors += [_power(_call(inner), exponent) for inner, exponent in calls]
    sign = "-" if coefficient < 0 else ""
    size = abs(coefficient)
    if size != 1 or not factors:
        factors.insert(0, str(size))
    return sign + "*".join(factors)


def _power(base: str, exponent: int) -> str:
    return base if exponent == 1 else f"{base}^{exponent}"


def _call(inner: Call) -> str:
    if inner.name == "pi":
        return "pi"
    inside = expression_text(inner.argument)
    if inner.name == "inverse":
        return f"(1/({inside}))"
    return f"{_NAMES.get(inner.name, inner.name)}({inside})"
