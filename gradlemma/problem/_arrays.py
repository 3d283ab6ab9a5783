"""Arrays out of untrusted bytes: npz archives without pickle, and safetensors."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from tokenize import TokenError
from typing import TYPE_CHECKING

import numpy as np

from gradlemma.errors import ProblemError, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Arrays", "finite", "read_npz", "read_safetensors"]

MAX_ARRAY_BYTES = 1 << 29
MAX_MEMBERS = 10_000
Arrays = dict[str, "NDArray[np.float64]"]

# What numpy raises for headers that are no literal, or no description of an array.
_HEADER_ERRORS = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, SyntaxError, TokenError,
    TypeError,
)  # fmt: skip
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def read_npz(content: bytes, name: str, key: str) -> Arrays:
    """Every array of the archive as float64.

    Sizes are compared with the headers before anything is unpacked, and objects are never unpickled.

    Raises:
        ProblemError: for a damaged or oversized archive, and for arrays of anything but real numbers.
    """
    found: Arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_ARRAY_BYTES:
                raise _damaged(name, key, f"it unpacks to more than {MAX_ARRAY_BYTES} bytes", "limit")
            for member in members:
                if not member.filename.endswith(".npy"):
                    raise _damaged(name, key, f"it contains {printable(member.filename)}, which is no array")
                label = member.filename.removesuffix(".npy")
                with archive.open(member) as stream:
                    found[label] = _npy(stream.read(member.file_size + 1), label, name, key)
    except ProblemError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        ValueError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise _damaged(name, key, printable(error)) from None
    return found


def _npy(content: bytes, label: str, name: str, key: str) -> NDArray[np.float64]:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise _damaged(name, key, f"array {printable(label)} has format version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, _, dtype = read(stream)
    except _HEADER_ERRORS as error:
        raise _damaged(
            name, key, f"array {printable(label)} has a damaged header ({type(error).__name__})"
        ) from None
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise _damaged(
            name, key, f"array {printable(label)} has dtype {printable(dtype)} and not real numbers"
        )
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise _damaged(
            name, key, f"array {printable(label)} does not have the {math.prod(shape)} entries of its header"
        )
    stream.seek(0)
    array = np.lib.format.read_array(stream, allow_pickle=False)
    if dtype.kind in "iu" and array.size and max(abs(int(array.max())), abs(int(array.min()))) > 2**53:
        raise _damaged(name, key, f"array {printable(label)} has integers beyond 2^53")
    return array.astype(np.float64)


def read_safetensors(content: bytes, name: str, key: str) -> Arrays:
    """Every tensor of a safetensors file as float64; float16, bfloat16 and float32 are widened.

    Raises:
        ProblemError: for a damaged file or a tensor of another type.
    """
    from safetensors import SafetensorError, deserialize

    try:
        tensors = deserialize(content)
    except (SafetensorError, ValueError, OverflowError) as error:
        raise _damaged(name, key, printable(error)) from None
    found: Arrays = {}
    for label, fields in tensors:
        kind, shape, data = fields["dtype"], fields["shape"], bytes(fields["data"])
        if kind == "BF16":
            # A bfloat16 is the upper half of a float32.
            flat = (np.frombuffer(data, "<u2").astype("<u4") << np.uint32(16)).view("<f4")
        elif kind in _FLOATS:
            flat = np.frombuffer(data, _FLOATS[kind])
        else:
            raise _damaged(
                name, key, f"tensor {printable(label)} has dtype {printable(kind)} and not floating point"
            )
        found[label] = flat.astype(np.float64).reshape(shape)
    return found


def finite(array: NDArray[np.float64], label: str, key: str) -> NDArray[np.float64]:
    """The array itself.

    Raises:
        ProblemError: at the first entry that is NaN or infinite.
    """
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(str(index) for index in bad[0].tolist())
        raise ProblemError(
            f"expected finite numbers but got {array[tuple(bad[0])]} in {printable(label)}[{place}]",
            kind="data",
            key=key,
            remedy="remove or replace these entries",
        )
    return array


def _damaged(name: str, key: str, why: str, kind: str = "file") -> ProblemError:
    return ProblemError(
        f"expected a usable array file {printable(repr(name))} but {why}",
        kind=kind,
        key=key,
        remedy="save plain arrays with numpy.savez or safetensors",
    )
