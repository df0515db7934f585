"""`byline eval figures`: Byline's own figures, on the sample set and on the public sets where their folder is there.

Each set gets a library and a report of its own in `--out`; the table at the end is the one in README.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval import own, report
from eval.questions import load
from eval.run import Run, evaluate
from eval.sample import articles_folder, questions_file
from eval.words import LABELS, figure
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.library import Library

DATA = Path("../shared/data")
COMMAND = "byline eval figures"
ANSWERS = ("point_recall@1", "point_recall@3", "point_recall@5", "evidence_precision", "abstention_auroc",
           "abstention_accuracy", "quotes_exact", "words_quoted", "evidence_retrieved", "seconds_median")  # fmt: skip
RANKINGS = ("recall@1", "recall@10", "recall@100", "mrr", "ndcg@10", "seconds_median")


@dataclass(frozen=True, slots=True)
class Data:
    """A set that figures are made on: where its questions are, what fills its library, and how it is asked."""

    name: str
    questions: Path
    pages: Path | None = None  # a folder of pages, or JSON Lines of {"id", "html"}
    extra: tuple[tuple[str, Path], ...] = ()  # further files, by the name that the questions call them
    retrieval: bool = False


def sets(data: Path) -> list[Data]:
    """Return the sets whose files are there: the sample always."""
    seed = sorted((data.parent / "seed").glob("*.txt"))[:1]
    every = [
        Data("sample", questions_file(), articles_folder()),
        Data(
            "news",
            data / "news/questions.jsonl",
            data / "news/pages.jsonl.gz",
            tuple(("seed_Dnyuz", file) for file in seed),
        ),
        Data("SQuAD v1.1 dev", data / "reader/dev/squad_v1.1_dev.jsonl.gz", retrieval=True),
        Data("TIME", data / "retrieval/time", retrieval=True),
    ]
    return [entry for entry in every if entry.questions.exists()]


def run(args: argparse.Namespace) -> int:
    """Evaluate every set and print the table; with --out, the reports stay there."""
    done: list[tuple[str, Run]] = []
    with ExitStack() as stack:
        out = Path(args.out or stack.enter_context(tempfile.TemporaryDirectory(prefix="byline-figures-")))
        for entry in sets(Path(args.data)):
            folder = out / entry.name.lower().replace(" ", "-")
            print(f"{entry.name} …", file=sys.stderr, flush=True)
            found = measure(entry, folder, haystack=args.haystack)
            done.append((entry.name, found))
            report.write(found, folder)
    text = table(done, COMMAND + (" --haystack" if args.haystack else ""))
    print(text)
    if args.json:
        figures = {name: {"summary": run.summary, "intervals": run.intervals} for name, run in done}
        report.put(Path(args.json), json.dumps(figures, indent=1) + "\n")
    return 0


def measure(entry: Data, folder: Path, haystack: bool = False) -> Run:
    """Build the library of a set in `folder` and evaluate it."""
    from qa.assistant import Assistant
    from qa.library import Library

    questions = load(entry.questions)
    settings = replace(Settings.load(folder / "library"))
    with ExitStack() as stack:
        if entry.pages is None:
            library = stack.enter_context(own.library_in(folder / "library", questions, settings))
        else:
            library = stack.enter_context(Library.open(settings=settings))
        gold = fill(library, entry, folder)
        retrieval = entry.retrieval or questions.kind == "retrieval"
        system = None if retrieval else Assistant.open(library=library)
        others: dict[str, Any] = {}
        if haystack and not retrieval:
            from eval.haystack import pipeline

            others["Haystack"] = stack.enter_context(pipeline(library))
        return evaluate(
            system,
            questions,
            library=library,
            others=others,
            gold=gold,
            retrieval_only=retrieval,
            out=folder,
        )


def fill(library: Library, entry: Data, folder: Path) -> dict[str, str] | None:
    """Add a set's pages to its library; return gold texts by article where there are some."""
    if entry.pages is None:
        return None
    from ingest import add

    if entry.pages.is_dir():
        add([entry.pages], library=library)
        return None
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    gold = {}
    for row in _rows(entry.pages):
        (pages / f"{row['id']}.html").write_text(row["html"], encoding="utf-8")
        gold[row["id"]] = row["text"]
    for name, file in entry.extra:
        shutil.copyfile(file, pages / f"{name}.txt")
        gold[name] = file.read_text(encoding="utf-8")
    add([pages], library=library)
    return gold


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def table(done: list[tuple[str, Run]], command: str) -> str:
    """Return the figures as Markdown: a table of answers, a table of rankings, and how they were made."""
    lines: list[str] = []
    for mode, names in (("answers", ANSWERS), ("retrieval", RANKINGS)):
        runs = [(name, found) for name, found in done if found.about["mode"] == mode]
        if not runs:
            continue
        lines += [_row(["data", "questions", "system", *(LABELS[n] for n in names)])]
        lines += [_row(["---", "---:", "---", *["---:"] * len(names)])]
        for name, found in runs:
            rows = {found.about["system"]: found.summary, **{n: s["summary"] for n, s in found.systems.items()}}
            for at, (system, summary) in enumerate(rows.items()):
                label = [name, f"{found.summary['questions']:,}"] if not at else ["", ""]
                lines.append(_row([*label, system, *(_with(found, summary, n, first=not at) for n in names)]))
        lines.append("")
    if done:
        about = done[0][1].about
        machine = about["machine"]
        lines.append(
            f"{about['started'][:10]}, {machine['processor']}, {machine['cores']} cores; Byline "
            f"{about['versions'].get('byline', 'from a checkout')}, code {about['code'][:12]}. Made by `{command}`; "
            "between brackets the 95% interval."
        )
    return "\n".join(lines)


def _with(found: Run, summary: dict[str, Any], name: str, first: bool) -> str:
    spread = found.intervals.get(name) if first else None
    value = figure(summary.get(name), name)
    if not spread or spread[0] == spread[1] or name == "words_quoted":
        return value
    return f"{value} [{figure(spread[0], name)}, {figure(spread[1], name)}]"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
