"""Signs of maps by their form."""

import pytest

from proofs.errors import KernelError
from proofs.kernel.core import infer
from proofs.kernel.maps import Entry, ParameterBlock
from proofs.kernel.rules import PositiveByForm
from proofs.kernel.univariate import constant, periodic

W = ParameterBlock("w", ())


def test_a_function_with_a_positive_period_and_no_drift_is_positive():
    node = Entry(periodic("waves", [0, 1, 2], [constant(1), constant(2)]), W)
    assert infer(PositiveByForm(node, True)).claim.strict


@pytest.mark.parametrize("drift", [1, -1])
def test_a_drift_takes_a_function_below_zero(drift):
    # 1 + floor(t) is 1 on its period [0, 1) and -4 at -5.
    node = Entry(periodic("steps", [0, 1], [constant(1)], drift=drift), W)
    for strict in (True, False):
        with pytest.raises(KernelError, match="does not show the sign"):
            infer(PositiveByForm(node, strict))
