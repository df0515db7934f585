"""The one way that imports point, and what must not be imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("qa", "ingest", "eval", "ui")
INSIDE = (  # a file of qa imports only what stands above it
    "records errors settings text encoder passages library retrieve reader speaker compose followup check assistant "
    "render"
).split()


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_packages_import_one_way():
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for number, part in enumerate(PARTS)
        for file in (ROOT / part).rglob("*.py")
        for name in imports(file)
        if name.split(".")[0] in PARTS[number + 1 :]
    ]
    assert wrong == []


def test_files_of_qa_import_only_what_stands_above_them():
    wrong = []
    for file in (ROOT / "qa").rglob("*.py"):
        part = file.relative_to(ROOT / "qa").parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        assert part in INSIDE, f"qa/{part} has no place in the order"
        for name in imports(file):
            names = name.split(".")
            if names[0] == "qa" and len(names) > 1 and names[1] in INSIDE[INSIDE.index(part) + 1 :]:
                wrong.append(f"{file.relative_to(ROOT)} imports {name}")
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("qa", "sentence_transformers"),
        ("qa", "chromadb"),
        ("qa", "transformers"),
        ("ui", "gradio"),
        ("ingest", "trafilatura"),
    ],
)
def test_a_large_library_is_touched_in_few_files(module, package):
    allowed = {
        "sentence_transformers": {"qa/encoder.py"},
        "chromadb": {"qa/library/vectors.py"},
        "transformers": {"qa/reader/model.py", "qa/reader/attention.py", "qa/encoder.py"},
    }
    users = {
        file.relative_to(ROOT).as_posix()
        for part in PARTS
        for file in (ROOT / part).rglob("*.py")
        if any(name.split(".")[0] == package for name in imports(file)) and not file.is_relative_to(ROOT / "eval")
    }
    if package in allowed:
        assert users <= allowed[package]
    else:
        assert all(user.startswith(f"{module}/") for user in users)


@pytest.mark.parametrize("command", ["--help", "list", "show --help", "ask --help"])
def test_light_commands_import_nothing_heavy(command, tmp_path):
    code = (
        "import sys; from ui.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'sentence_transformers', 'transformers', 'chromadb', 'gradio', 'trafilatura'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split()], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "HEAVY []"
