"""LAPACK's dsytrf and dsytrs on the CPU, called so that other threads go on meanwhile.

SciPy exports the addresses of its LAPACK for Cython; its Python wrappers hold the interpreter lock
for the whole factorisation, a call by ctypes does not.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["factor", "solve"]

_INT = ctypes.POINTER(ctypes.c_int)
_TEXT = ctypes.c_char_p
_ARRAY = ctypes.c_void_p


def factor(table: np.ndarray, pivots: np.ndarray) -> None:
    """Overwrite the upper triangle of a row-major matrix with its factors, pivots as LAPACK gives them.

    Args:
        table: [P, P], float64, C-contiguous; its upper triangle is LAPACK's lower one, whose routine is
            several times faster than the one for the other triangle from a thousand rows on.
        pivots: [P], int32, C-contiguous.
    """
    _check(table)
    size = ctypes.c_int(table.shape[0])
    work = np.empty(_work_size(table.shape[0]))
    length, info = ctypes.c_int(len(work)), ctypes.c_int(0)
    _function("dsytrf", (_TEXT, _INT, _ARRAY, _INT, _ARRAY, _ARRAY, _INT, _INT))(
        b"L", ctypes.byref(size), table.ctypes.data, ctypes.byref(size), pivots.ctypes.data,
        work.ctypes.data, ctypes.byref(length), ctypes.byref(info),
    )  # fmt: skip
    # info > 0: a block of D is exactly zero; the factors are complete and the count says so.


def solve(table: np.ndarray, pivots: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solutions x of A x = b with the factors of `factor`: b [P, k] -> [P, k]."""
    _check(table)
    found = np.array(right, dtype=np.float64, order="F")
    size, columns = ctypes.c_int(found.shape[0]), ctypes.c_int(found.shape[1])
    info = ctypes.c_int(0)
    _function("dsytrs", (_TEXT, _INT, _INT, _ARRAY, _INT, _ARRAY, _ARRAY, _INT, _INT))(
        b"L", ctypes.byref(size), ctypes.byref(columns), table.ctypes.data, ctypes.byref(size),
        pivots.ctypes.data, found.ctypes.data, ctypes.byref(size), ctypes.byref(info),
    )  # fmt: skip
    return found


def _check(table: np.ndarray) -> None:
    if table.dtype != np.float64 or not table.flags.c_contiguous or not table.flags.writeable:
        raise TypeError("expected a contiguous, writable float64 matrix")


@lru_cache(maxsize=64)
def _work_size(size: int) -> int:
    import scipy.linalg.lapack as lapack  # pyright: ignore

    return max(1, int(lapack.dsytrf_lwork(size, lower=1)[0]))  # pyright: ignore


@lru_cache(maxsize=8)
def _function(name: str, arguments: tuple[Any, ...]) -> Any:
    from scipy.linalg import cython_lapack  # pyright: ignore

    capsule = cython_lapack.__pyx_capi__[name]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
    return ctypes.CFUNCTYPE(None, *arguments)(address)
