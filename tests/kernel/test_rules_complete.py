"""Every registered rule has an accepting test, refusing tests and a numerical test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import proofs.kernel.rules as _rules
from proofs.kernel.core import RULES

assert _rules  # importing the package registers the rules

NAMES = {
    node.name
    for path in Path(__file__).parent.glob("test_rules_*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef)
}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("rule", sorted(RULES))
@pytest.mark.parametrize("kind", ["accepts", "refuses", "holds"])
def test_every_rule_has_a_test_of_each_kind(rule: str, kind: str) -> None:
    assert any(re.match(rf"test_{snake(rule)}_{kind}(_|$)", name) for name in NAMES)
