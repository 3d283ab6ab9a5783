"""Inputs that are tokens: whole numbers below the size of the vocabulary."""

from __future__ import annotations

from gradlemma.errors import ProblemError, printable
from proofs.kernel.tensors import ExactTensor

__all__ = ["check_tokens"]


def check_tokens(x: ExactTensor, vocabulary: int) -> None:
    """Refuses inputs [N, t] with an entry that is no token, naming sample and position."""
    for index, entry in enumerate(x.fractions()):
        if entry.denominator != 1 or not 0 <= entry < vocabulary:
            raise ProblemError(
                f"expected tokens from 0 to {vocabulary - 1} but got {printable(entry, 40)} "
                f"at sample {index // x.shape[1]}, position {index % x.shape[1]}",
                kind="data",
                key="data",
                remedy="correct the data, or raise `input.vocabulary`",
            )
