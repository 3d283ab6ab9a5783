"""Taylor coefficients of univariate expressions over balls: f^(k)(x)/k! for k < n."""

from __future__ import annotations

from flint import arb, arb_series, ctx

from proofs.errors import KernelError

from .intervals import ball, plain_call
from .univariate import Call, Expression

__all__ = ["taylor_coefficients"]


def taylor_coefficients(expression: Expression, x: arb, count: int) -> list[arb]:
    """Balls around f^(k)(t)/k! for k = 0, ..., count - 1 and all t in the ball x."""
    saved = ctx.cap
    ctx.cap = count
    try:
        series = _series(expression, arb_series([x, 1], count), count)
    except (ValueError, ZeroDivisionError):
        return [arb("nan")] * count
    finally:
        ctx.cap = saved
    return [series[k] for k in range(count)]


def _series(expression: Expression, t: arb_series, count: int) -> arb_series:
    calls: dict[Call, arb_series] = {}
    total = arb_series([0], count)
    for (degree, powers), coefficient in expression.terms:
        term = arb_series([ball(coefficient)], count)
        for _ in range(degree):
            term = term * t
        for inner, exponent in powers:
            if inner not in calls:
                calls[inner] = _call(inner, t, count)
            for _ in range(exponent):
                term = term * calls[inner]
        total = total + term
    return total


def _call(inner: Call, t: arb_series, count: int) -> arb_series:
    if inner.argument.is_constant:
        return arb_series([plain_call(inner.name, _series(inner.argument, t, count)[0])], count)
    x = _series(inner.argument, t, count)
    one = arb_series([1], count)
    match inner.name:
        case "exp":
            found = x.exp()
        case "tanh":
            found = one - 2 / ((2 * x).exp() + 1)
        case "sigmoid":
            found = 1 / ((-x).exp() + 1)
        case "softplus":
            found = (x.exp() + 1).log()
        case "normal_cdf":
            found = (x * (1 / arb(2).sqrt())).erf() * arb(0.5) + arb(0.5)
        case "normal_pdf":
            found = (x * x * arb(-0.5)).exp() * (1 / (2 * arb.pi()).sqrt())
        case "sin":
            found = x.sin()
        case "cos":
            found = x.cos()
        case "inverse":
            found = 1 / x
        case "sqrt":
            found = x.sqrt()
        case "log":
            found = x.log()
        case _:
            raise KernelError(f"no series is known for {inner.name!r}")
    return _sharper(inner.name, found, x)


def _sharper(name: str, found: arb_series, x: arb_series) -> arb_series:
    """The series with the value itself from the function's own enclosure, which is tighter."""
    coefficients = [found[k] for k in range(ctx.cap)]
    coefficients[0] = plain_call(name, x[0])
    return arb_series(coefficients, ctx.cap)
