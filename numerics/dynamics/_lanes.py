"""Vectors of float64 lanes as LLVM values: the arithmetic that the compiled readings are written in.

A vector holds one number of each of `count` runs.  No operation mixes lanes and none carries a
fast-math flag, so a run's numbers do not depend on its lane and NaN and infinity stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

__all__ = ["Lanes", "Vector"]

Vector = ir.Value

DOUBLE = ir.DoubleType()
INTEGER = ir.IntType(64)
# Adding 1.5 * 2^52 rounds to an integer, whose lowest bits are then those of the sum.
EXPONENT_BITS = 52
ROUNDER = 1.5 * 2.0**EXPONENT_BITS
ONE_AS_BITS = 0x3FF << EXPONENT_BITS


@dataclass(frozen=True, slots=True)
class Lanes:
    """Emits operations on vectors of `count` lanes at the end of `builder`'s current block."""

    context: Any
    builder: Any
    count: int

    @property
    def vector(self) -> ir.VectorType:
        return ir.VectorType(DOUBLE, self.count)

    def constant(self, number: float) -> Vector:
        return ir.Constant(self.vector, [ir.Constant(DOUBLE, float(number))] * self.count)

    def integer(self, number: int) -> ir.Value:
        return ir.Constant(INTEGER, number)

    def spread(self, scalar: ir.Value) -> Vector:
        """The vector with the same number in every lane."""
        first = self.builder.insert_element(
            ir.Constant(self.vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
        )
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
        return self.builder.shuffle_vector(first, first, zeros)

    def add(self, a: Vector, b: Vector) -> Vector:
        return self.builder.fadd(a, b)

    def subtract(self, a: Vector, b: Vector) -> Vector:
        return self.builder.fsub(a, b)

    def multiply(self, a: Vector, b: Vector) -> Vector:
        return self.builder.fmul(a, b)

    def divide(self, a: Vector, b: Vector) -> Vector:
        return self.builder.fdiv(a, b)

    def negate(self, a: Vector) -> Vector:
        return self.builder.fsub(self.constant(-0.0), a)

    def multiply_add(self, a: Vector, b: Vector, c: Vector) -> Vector:
        """A b + c, rounded once where the processor has the instruction."""
        return self._intrinsic("fmuladd", a, b, c)

    def floor(self, a: Vector) -> Vector:
        return self._intrinsic("floor", a)

    def nearest_integer(self, a: Vector) -> Vector:
        return self._intrinsic("rint", a)

    def absolute(self, a: Vector) -> Vector:
        return self._intrinsic("fabs", a)

    def square_root(self, a: Vector) -> Vector:
        return self._intrinsic("sqrt", a)

    def less(self, a: Vector, b: Vector) -> ir.Value:
        """A < b in every lane; false where one of them is NaN."""
        return self.builder.fcmp_ordered("<", a, b)

    def equal(self, a: Vector, b: Vector) -> ir.Value:
        return self.builder.fcmp_ordered("==", a, b)

    def select(self, condition: ir.Value, a: Vector, b: Vector) -> Vector:
        return self.builder.select(condition, a, b)

    def keep_nan(self, z: Vector, value: Vector) -> Vector:
        """`value`, and NaN where z is NaN."""
        return self.select(self.builder.fcmp_unordered("uno", z, z), z, value)

    def power_of_two(self, n: Vector) -> Vector:
        """2^n for integers n from -1022 to 1023, by writing n into the exponent's bits."""
        wide = ir.VectorType(INTEGER, self.count)
        shift = ir.Constant(wide, [EXPONENT_BITS] * self.count)
        one = ir.Constant(wide, [ONE_AS_BITS] * self.count)
        bits = self.builder.bitcast(self.add(n, self.constant(ROUNDER)), wide)
        return self.builder.bitcast(self.builder.add(self.builder.shl(bits, shift), one), self.vector)

    def scalar_call(self, function: Callable[[float], float], a: Vector) -> Vector:
        """A function of the `math` module lane by lane: there is no vector form of it here."""
        compiled = self.context.get_function(function, types.float64(types.float64))
        result = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.count):
            place = ir.Constant(ir.IntType(32), lane)
            value = compiled(self.builder, (self.builder.extract_element(a, place),))
            result = self.builder.insert_element(result, value, place)
        return result

    def load(self, start: ir.Value, row: int) -> Vector:
        """Row `row` of a table [.., count] of numbers that starts at `start`."""
        return self.builder.load(self._row(start, row), align=8)

    def store(self, value: Vector, start: ir.Value, row: int) -> None:
        self.builder.store(value, self._row(start, row), align=8)

    def load_scalar(self, start: ir.Value, index: ir.Value) -> ir.Value:
        return self.builder.load(self.builder.gep(start, [index]))

    def slot(self, value: Vector) -> ir.Value:
        """A variable with that value; LLVM keeps it in a register where it can."""
        place = cgutils.alloca_once(self.builder, self.vector)
        self.builder.store(value, place)
        return place

    def _row(self, start: ir.Value, row: int) -> ir.Value:
        place = self.builder.gep(start, [self.integer(row * self.count)])
        return self.builder.bitcast(place, self.vector.as_pointer())

    def _intrinsic(self, name: str, *operands: Vector) -> Vector:
        kind = ir.FunctionType(self.vector, [self.vector] * len(operands))
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.{name}.v{self.count}f64")
        return self.builder.call(function, operands)
