"""A resolved problem as frozen data, with every agreement between its parts checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.errors import printable
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Dense, Loss, Network, loss_named

from ._checks import check_problem
from ._frozen import Frozen, read_frozen
from ._parts import BoxSpec, Measure, Samples
from ._python import box_of, norm_of, samples_of, tensors_of
from ._tasks import TaskSplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Problem:
    """A network, its loss, and where its gradient and Hessian are to be bounded.

    `input_norm` is M with ||x|| <= M, `None` means the largest norm in the data; `target_norm` is M_y
    with ||y|| <= M_y, `None` means the data again.  `weights` follow `network.parameters()`;
    a tensor of more than two axes is kept as rows, its first axis by the rest.  `frozen` are the values given
    to frozen tensors, by name.  `tasks` says which samples belong to which task of task arithmetic.

    Raises:
        ProblemError: if sizes, norms or parts do not agree, naming the key.
    """

    network: Network | Architecture
    loss: Loss
    name: str = "problem"
    path: Path | None = None
    sha256: str | None = None
    input_norm: Fraction | None = None
    target_norm: Fraction | None = None
    samples: Samples | None = None
    weights: tuple[ExactTensor, ...] | None = None
    frozen: Frozen = ()
    box: BoxSpec | None = None
    radius: Fraction | None = None
    refine: bool = False
    seed: int = 0
    measure: Measure = field(default_factory=Measure)
    tasks: TaskSplit | None = None

    def __post_init__(self) -> None:
        check_problem(self)

    def __repr__(self) -> str:
        return f"<Problem {self.describe()}>"

    @classmethod
    def of(
        cls,
        network: Network | Architecture,
        loss: Loss | str,
        *,
        name: str = "problem",
        x: Any = None,
        y: Any = None,
        input_norm: Any = None,
        target_norm: Any = None,
        weights: Sequence[Any] | Mapping[str, Any] | None = None,
        frozen: Mapping[str, Any] | None = None,
        weight_norms: Sequence[Any] | str | None = None,
        bias_norms: Sequence[Any] | str | None = None,
        factor: Any = 1,
        radius: Any = None,
        refine: bool = False,
        seed: int = 0,
        measure: Measure | None = None,
        tasks: TaskSplit | None = None,
    ) -> Problem:
        """A problem from Python values, with the checks of a problem file.

        Numbers are `int`, `Fraction` or text such as `"1/16"`; tensors are arrays, torch tensors or
        nested lists; integer `y` of one dimension are class labels unless there is one output and the
        loss is not cross-entropy.  A loss is a name or a `Loss` such as `Loss.huber(Fraction(1, 2))`.
        `refine` asks for the joint refinement of cross-entropy's Hessian bound as well.

        >>> from proofs.network import Dense, Network
        >>> net = Network.of(64, Dense(32), "tanh", Dense(10))
        >>> p = Problem.of(net, "cross_entropy", input_norm=8, weight_norms=[2, 2], bias_norms=[1, 1])
        >>> p.box.weight_norms, p.weights
        ((Fraction(2, 1), Fraction(2, 1)), None)
        """
        chosen = loss_named(loss)
        return cls(
            network=network,
            loss=chosen,
            name=name,
            input_norm=norm_of(input_norm, "input.norm"),
            target_norm=norm_of(target_norm, "targets.norm"),
            samples=samples_of(x, y, network, chosen),
            weights=tensors_of(weights, network),
            frozen=read_frozen(frozen),
            box=box_of(network, weight_norms, bias_norms, factor),
            radius=norm_of(radius, "ball.radius"),
            refine=refine,
            seed=seed,
            measure=measure or Measure(),
            tasks=tasks,
        )

    @property
    def dense_layers(self) -> tuple[Dense, ...]:
        """The dense layers in order; box norms are given per dense layer."""
        return tuple(layer for layer in self.network.layers if isinstance(layer, Dense))

    def describe(self) -> str:
        """One line: name, network, loss, number of samples.

        >>> from proofs.network import Dense, Network
        >>> Problem.of(Network.of(2, Dense(1)), "mse", input_norm=1, target_norm=1,
        ...            weight_norms=[1], bias_norms=[0]).describe()
        'problem: 2-1, mse, no samples'
        """
        count = "no" if self.samples is None else str(self.samples.count)
        # Exact parameters may have as many digits as a problem file allows.
        parts = (printable(self.network.describe()), printable(self.loss.label(), 40), f"{count} samples")
        return f"{printable(self.name)}: {', '.join(parts)}"
