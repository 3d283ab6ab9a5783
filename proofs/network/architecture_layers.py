"""The layers of an architecture as frozen data: what maps a tensor of one shape to one of another.

Shapes: a vector (d,), tokens or nodes (t, d) with one row each, an image (channels, height, width) or a
signal (channels, length).  Every layer with tensors may share them: `shared` pairs the role of a tensor,
such as `W`, with a name, and all tensors of one name are the same tensor.  The tensors of a `frozen` layer
are data and not trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from proofs.errors import NetworkError
from proofs.kernel.univariate import Univariate

from .architecture_base import NAME, HasTensors, check_extent, check_window
from .layers import Activate

__all__ = [
    "ArchitectureLayer", "Attention", "AveragePool", "Convolution", "Embedding", "Flatten",
    "GraphConvolution", "LayerNorm", "Linear", "MaxPool", "MeanOverPositions", "Positions",
    "Recurrent", "Residual", "Softmax", "TopK", "TrainedSlope", "UserMap",
]  # fmt: skip


MAX_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Linear(HasTensors):
    """h -> W h + b for vectors, and for each row of (t, d); W of shape [width, d].

    transposed: h -> W^T h + b with W of shape [d, width].
    """

    ROLES: ClassVar = ("W", "b")

    width: int
    bias: bool = True
    transposed: bool = False

    def __post_init__(self) -> None:
        check_extent("width", self.width)
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class Convolution(HasTensors):
    """Cross-correlation with a kernel W of shape [channels, incoming channels, *kernel], plus b [channels].

    kernel, stride, padding: one number each for (channels, length), two for (channels, height, width);
    padding is by zeros on both sides.
    """

    ROLES: ClassVar = ("W", "b")

    channels: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    bias: bool = True

    def __post_init__(self) -> None:
        check_extent("channels", self.channels)
        check_window("kernel", self.kernel)
        check_window("stride", self.stride)
        check_window("padding", self.padding, 0)
        if not len(self.kernel) == len(self.stride) == len(self.padding):
            raise NetworkError("expected kernel, stride and padding of one length")
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class TrainedSlope(HasTensors):
    """h -> relu(h) - a relu(-h): a trained slope a below 0, one for all entries or one an entry of axis 0."""

    ROLES: ClassVar = ("a",)

    each: bool = False

    def __post_init__(self) -> None:
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class Embedding(HasTensors):
    """Tokens -> rows (t, width) of the table E of shape [vocabulary, width]; the tokens are one-hot rows."""

    ROLES: ClassVar = ("E",)

    width: int

    def __post_init__(self) -> None:
        check_extent("width", self.width)
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class Positions(HasTensors):
    """h -> h + P for rows (t, d), P of the same shape: a learned embedding of positions."""

    ROLES: ClassVar = ("P",)

    def __post_init__(self) -> None:
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class Attention(HasTensors):
    """Softmax self-attention over the rows of (t, d), with `heads` heads of width `width / heads`.

    q = Wq h, k = Wk h, v = Wv h of shape (t, width), head by head softmax(q k^T / sqrt(width/heads)) v,
    side by side, and Wo of them of shape (t, d) where `output` is set.

    causal: row t attends to the rows up to t only.
    """

    ROLES: ClassVar = ("Wq", "Wk", "Wv", "Wo", "bq", "bk", "bv", "bo")

    width: int
    heads: int = 1
    bias: bool = False
    output: bool = True
    causal: bool = False

    def __post_init__(self) -> None:
        check_extent("width", self.width)
        check_extent("heads", self.heads)
        if self.width % self.heads:
            raise NetworkError(
                f"expected heads that divide the width {self.width} but got heads={self.heads}"
            )
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class LayerNorm(HasTensors):
    """Over the last axis, h -> (h - mean) / sqrt(variance + eps), times g and plus b where `affine`."""

    ROLES: ClassVar = ("g", "b")

    eps: Fraction = Fraction(1, 100_000)
    affine: bool = True

    def __post_init__(self) -> None:
        if type(self.eps) is not Fraction or self.eps <= 0:
            raise NetworkError(f"expected eps as an exact number > 0 but got eps={self.eps}")
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class GraphConvolution(HasTensors):
    """H -> A H W^T + b for nodes (n, d), A the given n x n adjacency, W of shape [width, d]."""

    ROLES: ClassVar = ("W", "b")

    width: int
    adjacency: tuple[tuple[Fraction, ...], ...]
    bias: bool = True

    def __post_init__(self) -> None:
        check_extent("width", self.width)
        count = len(self.adjacency)
        if not count or any(len(row) != count for row in self.adjacency):
            raise NetworkError("expected a square adjacency, one row and one column for each node")
        if any(type(entry) is not Fraction for row in self.adjacency for entry in row):
            raise NetworkError("expected exact numbers in the adjacency")
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class Recurrent(HasTensors):
    """h_t = sigma(W x_t + U h_{t-1} + b), h_0 = 0, unrolled over `steps` steps.

    The rows of (steps, d) are x_1, x_2, ...; of a vector (d,), x_t = x in every step.  The value is the
    last state (width,), or all of them (steps, width) where `all_states` is set.
    """

    ROLES: ClassVar = ("W", "U", "b")

    width: int
    steps: int
    activation: Univariate
    bias: bool = True
    all_states: bool = False

    def __post_init__(self) -> None:
        check_extent("width", self.width)
        check_extent("steps", self.steps)
        if self.steps > MAX_STEPS:
            raise NetworkError(f"expected at most {MAX_STEPS} steps but got steps={self.steps}")
        self.check_tensors()


@dataclass(frozen=True, slots=True)
class AveragePool:
    """The mean over windows of (channels, length) or (channels, height, width), without padding."""

    window: tuple[int, ...]
    stride: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_pool(self.window, self.stride)


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The maximum over windows of (channels, length) or (channels, height, width), without padding."""

    window: tuple[int, ...]
    stride: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_pool(self.window, self.stride)


def _check_pool(window: tuple[int, ...], stride: tuple[int, ...]) -> None:
    check_window("window", window)
    check_window("stride", stride)
    if len(window) != len(stride):
        raise NetworkError("expected window and stride of one length")


@dataclass(frozen=True, slots=True)
class Softmax:
    """h -> exp h_i / sum_j exp h_j over the last axis."""


@dataclass(frozen=True, slots=True)
class TopK:
    """Over the last axis: the k largest entries are kept and the others are 0.

    Of equal entries the first ones are kept.  With `softmax` the kept entries are replaced by their softmax.
    """

    k: int
    softmax: bool = False

    def __post_init__(self) -> None:
        check_extent("k", self.k)


@dataclass(frozen=True, slots=True)
class Flatten:
    """A tensor of any shape -> its entries as a vector, row by row."""


@dataclass(frozen=True, slots=True)
class MeanOverPositions:
    """(t, d) -> (d,), the mean of the rows."""


@dataclass(frozen=True, slots=True)
class UserMap:
    """h -> foo(h) in R^width: a fixed almost-everywhere analytic map of that name, known by its name only."""

    name: str
    width: int

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise NetworkError(
                "expected the name of a map, a letter and then letters, digits and _ (at most 32), "
                f"but got {self.name!r}"
            )
        check_extent("width", self.width)


@dataclass(frozen=True, slots=True)
class Residual:
    """h -> h + (layers applied to h), which must keep the shape."""

    layers: tuple[ArchitectureLayer, ...]

    def __post_init__(self) -> None:
        if type(self.layers) is not tuple or not self.layers:  # pyright: ignore[reportUnnecessaryComparison]
            raise NetworkError("expected at least one layer inside a residual sum")


ArchitectureLayer = (
    Linear | Activate | TrainedSlope | Convolution | AveragePool | MaxPool | Embedding | Positions
    | Attention | LayerNorm | Softmax | TopK | GraphConvolution | Recurrent | Residual | Flatten
    | MeanOverPositions | UserMap
)  # fmt: skip
