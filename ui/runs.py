"""Evaluation runs kept in the library's home: run one, list them, compare two."""

from __future__ import annotations

import json
import queue
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qa.errors import BylineError
from ui.desk import Desk
from ui.html import count, render

FOLDER = "evaluations"
NAME = re.compile(r"\d{8}-\d{6}-[a-z0-9-]{1,40}")
SHOWN = ("point_recall@1", "point_recall@3", "evidence_precision", "abstention_accuracy", "seconds_median")
REPORTS = {
    "report.html": "text/html",
    "report.md": "text/markdown",
    "run.json": "application/json",
    "questions.csv": "text/csv",
}
HEADING = (
    '<h1 class="hello">Evaluation</h1><p class="lede">Ask a whole set of questions whose answers are known, and see '
    "how many were answered, how exactly, and what went wrong where.</p>"
)


class _Stopped(Exception):
    """Ends a run from within its progress."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One run in the list: its folder's name, when and what was asked, and its main figures."""

    name: str
    when: str
    title: str
    questions: int
    figures: dict[str, str]


def run(desk: Desk, source: Path, limit: int | None, session: str, name: str = "") -> Iterator[str]:
    """Run a question set, called `name` or as its file, yielding what to show. Raises QuestionSetError."""
    from eval import report
    from eval.questions import load
    from eval.run import evaluate

    questions = load(source, limit=limit)
    questions = replace(questions, name=name or questions.name)
    stem = re.sub(r"[^a-z0-9]+", "-", source.stem.casefold()).strip("-")[:40]
    place = folder(desk.home) / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{stem or 'set'}"
    said: queue.Queue[Any] = queue.Queue()
    desk.stops[session] = flag = threading.Event()

    def progress(done: int, total: int) -> None:
        if flag.is_set():
            raise _Stopped
        said.put(f"{done} of {count(total, 'question')} asked")

    def work() -> None:
        try:
            found = evaluate(desk.assistant, questions, progress=progress)
            report.write(found, place)
            said.put(None)
        except BaseException as error:
            said.put(error)

    yield "Reading the question set"
    threading.Thread(target=work, name="byline-evaluate", daemon=True).start()
    try:
        while (item := said.get()) is not None:
            if isinstance(item, _Stopped):
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        flag.set()
        desk.stops.pop(session, None)


def stop(desk: Desk, session: str) -> None:
    """Stop the run of a page; what was asked so far is not kept."""
    if flag := desk.stops.get(session):
        flag.set()


def folder(home: Path) -> Path:
    """Return where a home keeps its runs."""
    return home / FOLDER


def all_of(home: Path) -> list[Listed]:
    """Return the runs kept in `home`, the latest first; a folder that holds none is passed over."""
    from eval.words import figure

    found = []
    for place in sorted(folder(home).glob("*/run.json"), reverse=True):
        try:
            data = json.loads(place.read_text(encoding="utf-8"))
            about, summary = data["about"], data["summary"]
            figures = {name: figure(summary.get(name), name) for name in SHOWN}
            name, title = place.parent.name, about["questions"]["name"]
            found.append(Listed(name, about["started"], title, summary["questions"], figures))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def report_file(home: Path, name: str, file: str) -> Path | None:
    """Return a file of a run, or None for any name that is not one."""
    if not NAME.fullmatch(name) or file not in REPORTS:
        return None
    place = folder(home) / name / file
    return place if place.is_file() else None


def discard(home: Path, name: str) -> None:
    """Delete a run."""
    if NAME.fullmatch(name):
        shutil.rmtree(folder(home) / name, ignore_errors=True)


def line(said: str, busy: bool = False) -> str:
    """Return a line that says what is going on."""
    return render("parts", "status", said=said, busy=busy)


def listing(found: Sequence[Listed]) -> str:
    """Return the runs as a table whose rows open their report, with the fields to compare two."""
    from eval.words import LABELS

    return render("listing", "runs", found=found, measures=[(name, LABELS[name]) for name in SHOWN])


def comparison(home: Path, first: str, second: str) -> str:
    """Return two runs side by side, as a table, with the questions that went better and worse."""
    from eval.compare import compare, read, verdict
    from eval.words import LABELS, figure, signed

    if not NAME.fullmatch(first) or not NAME.fullmatch(second) or first == second:
        return line("Choose two different runs.")
    try:
        found = compare(read(folder(home) / first), read(folder(home) / second))
    except BylineError as error:
        return line(str(error))
    rows = []
    for name, row in found.measures.items():
        low, high = row.get("interval", (None, None))
        between = f"{signed(low, name)} to {signed(high, name)}" if low is not None else ""
        values = (figure(row["a"], name), figure(row["b"], name), signed(row["difference"], name))
        rows.append((LABELS[name], (*values, between, verdict(row, name))))
    changed = [
        (title, [(case["question"], signed(case["by"], "point_recall@3")) for case in cases])
        for title, cases in (("Better in the second", found.better), ("Worse in the second", found.worse))
        if cases
    ]
    return render("listing", "comparison", questions=found.questions, rows=rows, changed=changed)
