"""Seconds a question takes, models loaded, with a library of N articles.

The library is made of the sample articles and of others put together from their sentences, or of the texts of a
JSON Lines file (`--texts`, xz and gzip too). It is kept in `--home`, so that a second run starts at once.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.about import machine, peak_memory_mb
from eval.formats import article
from eval.questions import load
from eval.sample import articles_folder, questions_file
from qa.records import Article
from qa.settings import Settings
from qa.text import sentences

WARM = 3  # questions asked before the clock starts: the first ones fill caches


def main(argv: list[str]) -> int:
    """Run the bench; status 1 when the median is above `--at-most`."""
    args = options("ask", __doc__, 50).parse_args(argv)

    from qa.assistant import Assistant
    from qa.library import Library

    with ExitStack() as stack:
        home = args.home or stack.enter_context(tempfile.TemporaryDirectory(prefix="byline-bench-"))
        library = stack.enter_context(Library.open(settings=replace(Settings.load(home))))
        fill(library, args.articles, Path(args.texts) if args.texts else None)
        assistant = Assistant.open(library=library)
        asked = load(args.questions or questions_file(), limit=args.limit).questions
        for question in asked[:WARM]:
            assistant.ask(question.question)
        taken: dict[str, list[float]] = {}
        for question in asked:
            begun = time.perf_counter()
            trace = assistant.trace(question.question, list(question.history))
            taken.setdefault("total", []).append(time.perf_counter() - begun)
            for stage, seconds in (trace.seconds or {}).items():
                taken.setdefault(stage, []).append(seconds)
        counts: dict[str, Any] = library.counts()
    found = {
        stage: {"median": statistics.median(times), "p95": sorted(times)[int(0.95 * (len(times) - 1))]}
        for stage, times in taken.items()
    }
    if args.json:
        facts = {"seconds": found, "questions": len(asked), "library": counts, "machine": machine()}
        print(json.dumps({**facts, "peak_memory_mb": peak_memory_mb()}, indent=1))
    else:
        print(f"{len(asked)} questions, {counts['articles']:,} articles, {counts['passages']:,} passages")
        for stage, times in found.items():
            print(f"  {stage:9} median {times['median'] * 1000:6.0f} ms   95% within {times['p95'] * 1000:6.0f} ms")
    return int(args.at_most is not None and found["total"]["median"] > args.at_most)


def options(name: str, about: str | None, limit: int) -> argparse.ArgumentParser:
    """Return what a bench that asks questions of a library of N articles can be told."""
    parser = argparse.ArgumentParser(f"python -m eval.bench {name}", description=about)
    parser.add_argument("--articles", type=int, default=1000, metavar="N", help="in the library (default: 1000)")
    parser.add_argument("--texts", metavar="FILE", help='JSON Lines of {"title", "text", …} to fill it with')
    parser.add_argument("--home", metavar="DIR", help="keep the library here (default: a temporary folder)")
    parser.add_argument("--questions", metavar="FILE", help="a question set (default: the sample's)")
    parser.add_argument("--limit", type=int, default=limit, metavar="N", help=f"questions asked (default: {limit})")
    parser.add_argument("--at-most", type=float, metavar="SECONDS", help="exit with status 1 if the median is above")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def fill(library: Any, wanted: int, texts: Path | None) -> None:
    """Add articles until `library` holds `wanted` of them."""
    if library.count() >= wanted:
        return
    if texts is None:
        from ingest import add

        add([articles_folder()], library=library)
        source = mixed([library.get(row.id) for row in library.list()])
    else:
        source = read(texts)
    while (missing := wanted - library.count()) > 0:
        batch = [found for _, found in zip(range(missing), source, strict=False)]
        if not batch:
            break
        for number, _ in enumerate(library.put_many(batch), 1):
            if sys.stderr.isatty():
                print(f"\rfilling the library: {number}/{missing}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def mixed(originals: list[Article], seed: int = 0) -> Iterator[Article]:
    """Yield articles of the originals' length, put together from all their sentences."""
    drawn = random.Random(seed)
    pool = [a.text[s:e] for a in originals for s, e in sentences(a.text)]
    lengths = [len(sentences(a.text)) for a in originals]
    number = 0
    while True:
        number += 1
        lines = drawn.sample(pool, min(drawn.choice(lengths), len(pool)))
        text = "\n\n".join(" ".join(lines[at : at + 3]) for at in range(0, len(lines), 3))
        date = f"20{drawn.randrange(10, 26)}-{drawn.randrange(1, 13):02}-{drawn.randrange(1, 29):02}"
        yield article(text, f"Mixed article {number}: {lines[0][:60]}", id=f"mixed-{number}", published=date)


def read(file: Path) -> Iterator[Article]:
    """Yield the articles of a JSON Lines file."""
    openers: dict[str, Any] = {".xz": lzma.open, ".gz": gzip.open}
    with openers.get(file.suffix, open)(file, "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            if str(row.get("text") or "").strip():
                title = str(row.get("title") or row["text"][:60])
                yield article(
                    row["text"], title, id=str(row["id"]), published=row.get("date"), publisher=row.get("source")
                )
