"""Recursive descent over the tokens of an expression.

sum     = [+|-] product {(+|-) product}
product = factor {(*|/) factor}
factor  = {+|-} atom [^ natural number]
atom    = number | t | pi | e | function ( sum ) | ( sum )
"""

from __future__ import annotations

from fractions import Fraction

from gradlemma.errors import ProblemError, printable
from proofs.errors import KernelError
from proofs.kernel.univariate import Expression, constant

from .._numerals import read_number
from ._functions import CONSTANTS, FUNCTIONS, apply_function, inverse_of, unknown_name
from ._sizes import Sized, check_numbers, check_weight, minus, plus, power, sized, times
from ._tokens import Kind, Token, refusal, tokenize

__all__ = ["parse_expression"]

MAX_NESTING = 12
MAX_EXPONENT = 16


def parse_expression(text: str) -> Expression:
    """The expression that the text denotes, with exact numbers; nothing in it is ever executed.

    >>> from proofs.kernel.univariate import argument, call
    >>> parse_expression("t*tanh(t)/2") == (argument() * call("tanh")).scaled(Fraction(1, 2))
    True

    Raises:
        ProblemError: with the column, what was expected there, and what to try.
    """
    if type(text) is not str:
        kind = type(text).__name__
        raise ProblemError(
            f"expected an expression as text but got {kind}", kind="type", remedy="write 't^2'"
        )
    expression = _Parser(tokenize(text)).whole()
    check_numbers(expression)
    return expression


class _Parser:
    """One pass over the tokens; `depth` counts open parentheses and signs before a factor."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def whole(self) -> Expression:
        if self._next.kind is Kind.END:
            raise refusal(1, "expected an expression in t but got nothing", "write t, or a number such as 0")
        value = self._sum()
        if self._next.kind is not Kind.END:
            raise self._unexpected("an operator or the end")
        return value.expression

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += token.kind is not Kind.END
        return token

    def _is(self, *signs: str) -> bool:
        return self._next.kind is Kind.SIGN and self._next.text in signs

    def _sum(self) -> Sized:
        total = self._product()
        while self._is("+", "-"):
            sign = self._take()
            term = self._product()
            total = plus(total, minus(term) if sign.text == "-" else term, sign)
        return total

    def _product(self) -> Sized:
        total = self._factor()
        while self._is("*", "/"):
            sign = self._take()
            factor = self._factor()
            total = times(total, _inverse(factor, sign) if sign.text == "/" else factor, sign)
        return total

    def _factor(self) -> Sized:
        negative = False
        while self._is("+", "-"):
            negative ^= self._take().text == "-"
        base = self._atom()
        if self._is("^"):
            sign = self._take()
            base = power(base, self._exponent(), sign)
            if self._is("^"):
                raise refusal(self._next.column, "expected one power but got a second one", "add parentheses")
        return minus(base) if negative else base

    def _exponent(self) -> int:
        token = self._take()
        digits = token.text
        if token.kind is not Kind.NUMBER or not digits.isdigit():
            remedy = "write 1/(...)^n for a negative power, sqrt(...) for a root, exp(...) for others"
            raise refusal(token.column, f"expected a whole number as power but got {token.shown()}", remedy)
        if len(digits) > 2 or int(digits) > MAX_EXPONENT:
            message = f"expected a power of at most {MAX_EXPONENT} but got {printable(digits, 20)}"
            raise refusal(token.column, message, "lower the power", "limit")
        return int(digits)

    def _atom(self) -> Sized:
        token = self._take()
        if token.kind is Kind.NUMBER:
            return Sized(constant(_number(token)), 1)
        if token.kind is Kind.NAME:
            return self._named(token)
        if token.kind is Kind.SIGN and token.text == "(":
            return self._group(token)
        self._place -= token.kind is not Kind.END
        raise self._unexpected("a number, t, a function or (")

    def _named(self, name: Token) -> Sized:
        if name.text in FUNCTIONS:
            if not self._is("("):
                raise refusal(
                    self._next.column,
                    f"expected ( after {name.text} but got {self._next.shown()}",
                    f"write {name.text}(t)",
                )
            inside = self._group(self._take())
            # cosh and erf hold their argument more than once, or a number with it.
            check_weight(4 * inside.weight + 4, name)
            value = apply_function(name, inside.expression)
            return sized(value)
        if name.text not in CONSTANTS:
            raise unknown_name(name)
        return Sized(CONSTANTS[name.text], 1)

    def _group(self, opening: Token) -> Sized:
        self._depth += 1
        if self._depth > MAX_NESTING:
            message = f"expected at most {MAX_NESTING} levels of parentheses but got more"
            raise refusal(opening.column, message, "multiply out, or simplify", "limit")
        value = self._sum()
        if not self._is(")"):
            raise self._unexpected(f"an operator or the ) of column {opening.column}")
        self._take()
        self._depth -= 1
        return value

    def _unexpected(self, expected: str) -> ProblemError:
        token = self._next
        remedy = "compare with the examples in docs/problem-file.md"
        if token.kind in (Kind.NUMBER, Kind.NAME) or self._is("("):
            remedy = "write * between factors, as in 2*t"
        return refusal(token.column, f"expected {expected} but got {token.shown()}", remedy)


def _number(token: Token) -> Fraction:
    try:
        return Fraction(read_number(token.text))
    except ProblemError as error:
        raise refusal(token.column, error.message, error.remedy, error.kind) from None


def _inverse(divisor: Sized, at: Token) -> Sized:
    try:
        return sized(inverse_of(divisor.expression))
    except KernelError as error:
        raise refusal(at.column, f"expected a suitable divisor, but {error}", "correct it") from None
