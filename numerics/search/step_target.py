"""Instances of statements about one or two steps of an optimiser: a point theta, in float64 and exactly.

Right sides come from no bound: a claim is that a determinant is 0, or that it is not 0 identically near
theta, which is decided by a polynomial identity of the case that counts there.
"""

from __future__ import annotations

from fractions import Fraction
from pprint import pformat
from typing import Any

import torch
from flint import fmpq, fmpq_mat
from torch import Tensor

from numerics.exact import Comparison, compare
from numerics.maps import reading, values
from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.map_hessians import exact_hessian
from proofs.kernel.map_polynomials import polynomial_hessian, polynomial_values
from proofs.kernel.map_values import Point, coordinates
from proofs.kernel.maps import Entry, Map, StepNumber, blocks_of, maps_below, size_of
from proofs.kernel.patterns import case_at
from proofs.kernel.rules.steps import CollapsingCase
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture
from proofs.network.lowering_losses import loss_on
from proofs.theorems.map_analyticity import Analyticity, Route
from proofs.theorems.step_patterns import equals_at, vanishing

from .attack import Target, Witness
from .batches import Batch, Instance
from .settings import StepSetting

__all__ = ["NEAR_ZERO", "StepTarget", "loss_of"]

# A determinant, relative to its factors, below this may be 0 identically; it is decided exactly.
NEAR_ZERO = 1e-6
EXACT = "exact rationals"


def loss_of(setting: StepSetting) -> Map:
    """The loss of the setting as a map of its parameters."""
    rows = [_rows(tensor) for tensor in (setting.inputs, setting.targets)]
    return loss_on(Architecture.of_network(setting.network), setting.loss, rows[0], rows[1])


def _rows(tensor: ExactTensor) -> list[tuple[Fraction, ...]]:
    entries, width = tensor.fractions(), tensor.shape[1]
    return [tuple(entries[i : i + width]) for i in range(0, len(entries), width)]


class StepTarget(Target):
    """The loss of a setting; an instance is a point theta (and a velocity), off all kinks.

    stays: |det(I - eta Hess L)| <= 0, on the pattern of `pattern` where it is given.
    open: P <= rank(I - eta Hess L) somewhere near theta.
    """

    is_directed = False

    def __init__(
        self, setting: StepSetting, quantities: dict[str, str], pattern: Point | None = None
    ) -> None:
        self.setting = setting
        self.loss = loss_of(setting)
        self.step = to_fmpq(setting.step)
        self.pattern = pattern
        self.by_name = quantities
        self.quantities = tuple(quantities)
        self.blocks = blocks_of(self.loss)
        self.size = len(coordinates(self.loss))
        self._analyticity = Analyticity(Route.SCALAR)

    def says(self, quantity: str) -> str:
        return self.by_name[quantity]

    # -- float64 ----------------------------------------------------------------------------------

    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        """Random points; in half of them whole blocks have one sign, so that units are on or off together."""
        found = {block.name: self._drawn(block.extents, generator, count) for block in self.blocks}
        if self.pattern is not None:
            near = torch.rand(count, generator=generator) < 0.75
            found = {name: self._near(name, value, near) for name, value in found.items()}
        return Batch(found)

    def _drawn(self, shape: tuple[int, ...], generator: torch.Generator, count: int) -> Tensor:
        drawn = torch.randn((count, *shape), generator=generator, dtype=torch.float64)
        sign = torch.randint(-3, 4, (count,), generator=generator).clamp(-1, 1).to(torch.float64)
        sign = sign.reshape(-1, *[1] * len(shape))
        return torch.where(sign == 0, drawn, sign * drawn.abs())

    def _near(self, name: str, drawn: Tensor, near: Tensor) -> Tensor:
        entries = () if self.pattern is None else self.pattern[name]
        centre = torch.tensor([float(Fraction(int(q.p), int(q.q))) for q in entries], dtype=torch.float64)
        away = centre.reshape(drawn.shape[1:]) + 0.05 * drawn
        return torch.where(near.reshape(-1, *[1] * (drawn.ndim - 1)), away, drawn)

    def flat(self, batch: Batch) -> Tensor:
        """theta, [B, P], in the order of `coordinates`."""
        return torch.cat([batch[block.name].flatten(1) for block in self.blocks], 1)

    def margins(self, batch: Batch, quantity: str) -> Tensor:
        theta = self.flat(batch)
        hessian = torch.func.vmap(torch.func.hessian(reading(self.loss)))(theta)
        return self.of_hessians(theta, hessian, quantity)

    def of_hessians(self, theta: Tensor, hessian: Tensor, quantity: str) -> Tensor:
        """The margins from the Hessians [B, P, P]; NaN stays NaN."""
        moved = float(self.setting.step) * torch.linalg.eigvalsh(hessian)
        share = ((1.0 - moved).abs() / (1.0 + moved.abs())).prod(1)
        if quantity == "open":
            return NEAR_ZERO - share
        if self.pattern is None:
            return share
        return torch.where(self._inside(theta), share, -torch.ones_like(share))

    def _inside(self, theta: Tensor) -> Tensor:
        """Whether every argument is on the same side of every kink as at the pattern's point, [B]."""
        if self.pattern is None:
            return torch.ones(len(theta), dtype=torch.bool)
        entries = [float(Fraction(int(q.p), int(q.q))) for b in self.blocks for q in self.pattern[b.name]]
        centre = torch.tensor(entries, dtype=torch.float64)
        sides = self._sides()
        return (torch.func.vmap(sides)(theta) == sides(centre)).all(1)

    def _sides(self) -> Any:
        every = values(self.loss)
        kinked = [n for n in maps_below(self.loss) if isinstance(n, Entry) and not n.function.is_analytic]

        def sides(theta: Tensor) -> Tensor:
            found = every(theta)
            marks = [theta.new_zeros(1)]
            for node in kinked:
                kinks = torch.tensor([float(k) for k in getattr(node.function, "kinks", ())])
                marks.append((found[node.of].reshape(-1, 1) > kinks).to(torch.float64).flatten())
            return torch.cat(marks)

        return sides

    def project(self, batch: Batch) -> Batch:
        return batch

    def scales(self, quantity: str) -> dict[str, float]:
        """Nothing is moved: at isolated zeros of a determinant nothing is violated."""
        return {}

    # -- exactly ----------------------------------------------------------------------------------

    def restored(self, instance: Instance, quantity: str) -> Instance:
        return instance

    def point(self, instance: Instance) -> dict[str, tuple[fmpq, ...]]:
        """Theta as the kernel reads it."""
        return {b.name: tuple(to_fmpq(q) for q in instance[b.name].fractions()) for b in self.blocks}

    def admits(self, instance: Instance, quantity: str) -> bool:
        shapes = all(size_of(instance[b.name].shape) == size_of(b.extents) for b in self.blocks)
        if not shapes or self.pattern is None:
            return shapes
        return case_at(self.loss, self.point(instance)) is case_at(self.loss, self.pattern)

    def recheck(self, instance: Instance, quantity: str) -> Comparison:
        point = self.point(instance)
        case = case_at(self.loss, point)
        if quantity == "open":
            return self._open(case, point)
        hessian = exact_hessian(case, point)[2]
        return compare((identity(self.size) - embedded(self.loss, case, hessian) * self.step).det(), fmpq(0))

    def _open(self, case: Map, point: Point) -> Comparison:
        """Refuted by a theorem that the pattern's open set goes to a null set."""
        matrix = identity(self.size) - embedded(self.loss, case, exact_hessian(case, point)[2]) * self.step
        rank = matrix.rank()
        if rank == self.size:
            return Comparison(False, str(self.size), str(rank), 0.0, EXACT, holds=True)
        theorem = self.collapse(case, point)
        if theorem is None:
            return Comparison(False, "", "", 0.0, "", "that the determinant is 0 identically was not shown")
        return collapsed(self.size, rank)

    def collapse(self, case: Map, point: Point) -> Theorem | None:
        """The theorem that the step is singular by the case at the point; None where it is not shown."""
        flat = vanishing(case, StepNumber(self.step))
        equal = None if flat is None else equals_at(case, point, self._analyticity)
        if flat is None or equal is None:
            return None
        try:
            return infer(CollapsingCase(), equal, flat)
        except KernelError:
            return None

    def snippet(self, witness: Witness) -> str | None:
        """Python text that decides the claim again, and computes the determinant or rank by autograd."""
        from .recheck import case_of

        names = [block.name for block in self.blocks]
        lines = [
            f'"""{witness.statement} fails at an exact instance."""',
            "",
            "from fractions import Fraction",
            "",
            "import torch",
            "",
            "from numerics.maps import reading",
            "from numerics.search.recheck import recheck, setting_of",
            "from numerics.search.step_target import loss_of",
            "",
            f"case = {pformat(case_of(witness), width=100, compact=True)}",
            "",
            f"# {self.says(witness.quantity)}: decided in rationals, with the polynomials of the case.",
            "shown = recheck(case)",
            'print(f"{shown.left} > {shown.right} ({shown.method})")',
            "assert shown.refuted",
            "",
            "",
            "def flat(values):",
            "    deep = isinstance(values, list)",
            "    return [e for v in values for e in flat(v)] if deep else [float(Fraction(values))]",
            "",
            "",
            "# The same by autograd, in float64.",
            "setting, numbers = setting_of(case), case['instance']",
            f"entries = [e for name in {names!r} for e in flat(numbers[name])]",
            "theta = torch.tensor(entries, dtype=torch.float64)",
            "loss, eta = reading(loss_of(setting)), float(setting.step)",
            *self.float_lines(witness.quantity),
        ]
        return "\n".join(lines) + "\n"

    def float_lines(self, quantity: str) -> list[str]:
        """The lines that print the determinant or the rank, after those that read theta."""
        value = "torch.linalg.matrix_rank(matrix)" if quantity == "open" else "torch.linalg.det(matrix).abs()"
        return [
            "matrix = torch.eye(len(theta)) - eta * torch.func.hessian(loss)(theta)",
            f'print(f"in float64: {{float({value}):.12g}}")',
        ]


def collapsed(size: int, rank: int) -> Comparison:
    """P <= rank somewhere near theta fails: the rank is less than P on the whole open set."""
    return Comparison(True, str(size), str(rank), size / max(rank, 1) - 1.0, EXACT)


def identity(size: int) -> fmpq_mat:
    return fmpq_mat(size, size, [fmpq(int(i == j)) for i in range(size) for j in range(size)])


def embedded(loss: Map, case: Map, hessian: fmpq_mat) -> fmpq_mat:
    """The Hessian of the case in the coordinates of the loss; the case may lack some of them."""
    whole, part = coordinates(loss), coordinates(case)
    places = {place: number for number, place in enumerate(part)}
    if len(places) != hessian.nrows():
        raise GradlemmaError("expected a Hessian in the coordinates of the case")
    entries = [
        hessian[places[a], places[b]] if a in places and b in places else fmpq(0)
        for a in whole
        for b in whole
    ]
    return fmpq_mat(len(whole), len(whole), entries)


def is_quadratic(case: Map) -> bool:
    """Whether the case is a polynomial with constant second derivatives."""
    (polynomial,) = polynomial_values(case)[case]
    rows = polynomial_hessian(polynomial)
    return all(len(entry) == 0 or entry.is_constant() for row in rows for entry in row)
