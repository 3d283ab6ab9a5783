"""Numbers in problem files are read exactly or refused."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradlemma.errors import ProblemError
from gradlemma.problem._numerals import looks_numeric, read_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-3", -3),
        ("+3", 3),
        ("1/16", Fraction(1, 16)),
        ("-9/10", Fraction(-9, 10)),
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1e-3", Fraction(1, 1000)),
        ("1.25E+2", Fraction(125)),
        ("1e-400", Fraction(1, 10**400)),
    ],
)
def test_a_number_is_read_exactly(text: str, value: Fraction) -> None:
    assert read_number(text) == value


def test_only_whole_numbers_are_int() -> None:
    assert type(read_number("2")) is int
    assert type(read_number("2.0")) is Fraction


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " 1",
            "1 ",
            "1\n",
            "nan",
            ".inf",
            "1/0",
            "1//2",
            "1/2/3",
            "1/-2",
            "0x1",
            "1_0",
            "٣",
            "1e",
            "1e401",
        ),
        *("e5", ".", "-", "--1", "9**9", "1e5/2", "007", "1/02", "9" * 101, "1e" + "9" * 50, "True", "1j"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ProblemError):
        read_number(text)


@given(st.fractions(), st.integers(-300, 300))
def test_what_python_prints_is_read_back(value: Fraction, exponent: int) -> None:
    assert read_number(str(value)) == value
    assert read_number(f"{value.numerator}e{exponent}") == value.numerator * Fraction(10) ** exponent


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_float_is_read_as_its_decimal_text(value: float) -> None:
    assert read_number(repr(value)) == Fraction(repr(value))


@given(st.text(max_size=40))
def test_no_text_makes_another_exception(text: str) -> None:
    try:
        read_number(text)
    except ProblemError:
        return
    assert looks_numeric(text)
