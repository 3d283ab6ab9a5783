"""Every registered rule has an accepting test, refusing tests and a numerical test.

Rules about sets, analyticity and maps of optimisers conclude what no number decides: those of sets are
tried on the line, all together, and the verdicts that the others lead to against exact Hessians.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import proofs.kernel.rules as _rules
from proofs.kernel.core import RULES

assert _rules  # importing the package registers the rules

HERE = Path(__file__).parent
WITHOUT_NUMBERS = ("sets", "analytic", "zeros", "steps", "patterns", "spectra")
NAMES = {
    node.name
    for path in (*HERE.glob("test_rules_*.py"), *HERE.glob("test_*_rules.py"), HERE / "test_positivity.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef)
}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("rule", sorted(RULES))
@pytest.mark.parametrize("kind", ["accepts", "refuses", "holds"])
def test_every_rule_has_a_test_of_each_kind(rule: str, kind: str) -> None:
    if kind == "holds" and RULES[rule].__module__.rsplit(".", 1)[-1] in WITHOUT_NUMBERS:
        return
    assert any(re.match(rf"test_{snake(rule)}_{kind}(_|$)", name) for name in NAMES)
