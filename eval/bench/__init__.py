"""Benches: `python -m eval.bench NAME …` times one thing and prints what it found.

A bench is a module in this folder with a docstring, whose first line says what it times, and a
`main(argv: list[str]) -> int`.
"""

from __future__ import annotations

import ast
from pathlib import Path


def names() -> dict[str, str]:
    """Return the benches by name, with the first line of their docstrings; none of them is imported."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if not file.stem.startswith("_"):
            doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            found[file.stem] = doc.split("\n", 1)[0]
    return found
