"""Compile a derivation with pdflatex, without shell escape, away from the user's files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["compile_pdf"]

TIMEOUT_S = 120


def compile_pdf(tex: str, target: Path) -> Path | str:
    """Compile into `target`, or return a sentence that says why there is no PDF."""
    program = shutil.which("pdflatex")
    if program is None:
        target.unlink(missing_ok=True)
        return "not written: pdflatex is not installed"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "derivation.tex").write_text(tex, encoding="utf-8")
        environment = {**os.environ, "openout_any": "p", "openin_any": "p", "TEXMFOUTPUT": folder}
        command = [
            program,
            "-no-shell-escape",
            "-interaction=nonstopmode",
            "-halt-on-error",
            "derivation.tex",
        ]
        for _ in range(2):
            try:
                run = subprocess.run(  # noqa: S603
                    command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False
                )
            except subprocess.TimeoutExpired:
                target.unlink(missing_ok=True)
                return f"not written: pdflatex took more than {TIMEOUT_S} s"
            if run.returncode != 0:
                target.unlink(missing_ok=True)
                return "not written: pdflatex failed on derivation.tex"
        partial = target.with_name(target.name + ".partial")
        shutil.copyfile(Path(folder, "derivation.pdf"), partial)
        partial.replace(target)
    return target
