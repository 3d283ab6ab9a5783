"""What makes a printed derivation readable: merged roots, concrete layers, certificates, citations."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from typeset_derivations import bound_goals, reading_goals, uniform_goals

from proofs.kernel.core import steps_of
from proofs.kernel.rules import Certificate
from proofs.kernel.scalars import Real, Root, number
from proofs.theorems.bnd2 import uniform_bounds
from proofs.typeset import Goal, claim_latex, poly_latex, step_tree, to_latex, to_markdown
from proofs.typeset.expressions import Notation, Writer
from proofs.typeset.perron import is_perron, perron_vector
from proofs.typeset.references import SOURCES

DOCS = Path(__file__).resolve().parents[2] / "docs"
M = Real("M").poly()
ARTICLE = r"\documentclass{article}\usepackage{amsmath,amssymb,amsthm}\begin{document}%s\end{document}"


def root(value: int | Fraction):
    return Root(number(value)).poly()


def test_roots_of_numbers_are_merged_in_a_monomial():
    assert poly_latex(root(2) ** 2 * M) == "2\\, M"
    assert poly_latex(root(2) * root(3) * M) == "\\sqrt{6}\\, M"
    assert poly_latex(root(2) ** 3 * root(3)) == "2\\, \\sqrt{6}"
    assert poly_latex(root(2) * root(8) * M) == "4\\, M"
    assert poly_latex(root(2) * M) == "\\sqrt{2}\\, M"
    assert poly_latex(root(0) * root(2) * M) == "\\sqrt{0}\\, \\sqrt{2}\\, M"


def test_equal_exact_texts_mean_equal_expressions():
    exact = Writer(Notation(is_exact=True))
    assert exact.poly(root(2) ** 2 * M) != exact.poly(number(2) * M)


def test_a_square_of_a_root_is_not_printed_as_a_triviality():
    theorem = next(s for s in steps_of(uniform_bounds(3).hessian) if type(s.rule).__name__ == "RootSquared")
    left, right = claim_latex(theorem.claim).split(" = ")
    assert left != right


def test_a_range_of_one_layer_is_the_layer():
    for printer in (to_latex, to_markdown):
        for depth in (4, 5):
            text = printer(*bound_goals(depth))
            assert not re.search(r"for \$l=\d+\$", text) and not re.search(r"\(l=\d+\)", text)
    assert "l=3,4" in to_markdown(*bound_goals(5)) and "l=3" not in to_markdown(*bound_goals(4))


def test_what_a_derivative_at_a_kink_means_is_said_where_one_occurs():
    words = "stands for both of its one-sided limits"
    assert words in to_markdown(*bound_goals(2, "relu"))
    assert words not in to_markdown(*bound_goals(2, "tanh"))
    from proofs.kernel.core import infer
    from proofs.kernel.rules import SupOfFunction
    from proofs.network import activation

    bound = infer(SupOfFunction(activation("relu"), 1, None, number(1)))
    assert words in to_markdown(Goal("slope", bound))


@pytest.mark.parametrize("depth", [2, 3, 8])
def test_the_printed_vector_is_an_exact_eigenvalue_certificate(depth):
    tree = step_tree(*bound_goals(depth))
    steps = [step for step in tree.steps if is_perron(step)]
    assert len(steps) == 1
    for step in steps:
        assert isinstance(step.rule, Certificate)
        vector = perron_vector(step.rule)
        assert max(vector.values()) == 1 and min(vector.values()) > 0 and len(vector) == depth
        form, (size,) = step.premise_claims[0].right, step.claim.right.terms.values()
        for group, value in vector.items():
            total = Fraction(0)
            for monomial, coefficient in form.terms.items():
                c = Fraction(int(coefficient.p), int(coefficient.q))
                members = [inner for inner, exponent in monomial for _ in range(exponent)]
                if group in members:
                    (other,) = [g for i, g in enumerate(members) if i != members.index(group)]
                    total += c * vector[other] * (1 if other is group else Fraction(1, 2))
            assert total <= Fraction(int(size.p), int(size.q)) * value
        assert all(10**12 % value.denominator == 0 for value in vector.values())
    text = to_markdown(*bound_goals(depth))
    assert text.count("To check: ") == 1
    for group, value in vector.items():
        assert f"v[{Writer(Notation(parameters=frozenset())).atom(group)}]=" in text
        assert value == 1 or f"{float(value):.9f}"[:8] in text or "tfrac" in text


def test_a_long_vector_is_printed_in_part_and_says_where_the_rest_is():
    text = to_markdown(*bound_goals(9))
    assert text.count("v[") == 4
    assert "9 groups" in text and "derivation.json" in text


def test_a_fragment_cites_by_key_and_a_document_has_its_own_list():
    goals = bound_goals(2, "gelu")
    document, fragment = to_latex(*goals), to_latex(*goals, fragment=True)
    assert "\\cite" not in document and "References" in document and "[Joh17]" in document
    assert "References" not in fragment and "[Joh17]" not in fragment
    cited = set(re.findall(r"\\cite\{(\w+)\}", fragment))
    assert cited == set(re.findall(r"^% @\w+\{(\w+),$", fragment, re.MULTILINE))
    assert "johansson2017arb" in cited
    assert all(source.bibtex.split("{")[1].startswith(source.cite + ",") for source in SOURCES.values())


needs_tex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")


@pytest.mark.tex
@needs_tex
def test_the_article_of_the_docs_compiles(tmp_path):
    article = re.findall(r"```latex\n(.*?)```", (DOCS / "latex.md").read_text(), re.DOTALL)[0]
    (tmp_path / "article.tex").write_text(article)
    fragment = to_latex(*uniform_goals(4), fragment=True)
    (tmp_path / "bnd2.tex").write_text(fragment)
    lines = [line[2:] for line in fragment.splitlines() if line.startswith("% ")]
    entries = "\n".join(lines)
    (tmp_path / "references.bib").write_text(entries[entries.index("@") :])
    commands = [["pdflatex", "-interaction=nonstopmode", "article"]] * 3
    if shutil.which("bibtex"):
        commands.insert(1, ["bibtex", "article"])
    for command in commands:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "article.log").read_text(errors="replace")
    assert "Overfull" not in log
    if shutil.which("bibtex"):
        assert "undefined" not in log and "zhou2025task" in (tmp_path / "article.bbl").read_text()


@pytest.mark.tex
@needs_tex
@pytest.mark.parametrize("fragment", [False, True])
@pytest.mark.parametrize("reading", ["at_weights", "ball"])
def test_lists_of_hashes_leave_no_stretched_lines(reading, fragment, tmp_path):
    text = to_latex(*reading_goals(3, reading, "relu"), fragment=fragment)
    if fragment:
        text = ARTICLE % text
    (tmp_path / "d.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "d"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    found = re.findall(
        r"Underfull \\hbox \(badness (\d+)\)", (tmp_path / "d.log").read_text(errors="replace")
    )
    assert all(int(badness) <= 5000 for badness in found)
