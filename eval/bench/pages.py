"""Scores article extraction on pages with a known text: 4-gram F1, title, author and date.

Pages are JSON lines `{id, url, title, author, date, text, html}`, plain or gzipped. The text is compared as the
article-extraction benchmark of Scrapinghub does: the F1 of word 4-grams, averaged over pages; a page that is refused
scores 0. With `--settings`, trafilatura's own settings are scored beside Byline's. With `--dumps`, each page is first
turned into the plain text that a person would copy from it, and the cleaner of dumps is scored instead.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ingest import extract, plaintext
from ingest.records import Draft
from qa.errors import SourceError
from qa.text import fold

DEFAULT = ("../shared/data/pages/newspaper4k.jsonl.gz", "../shared/data/pages/readability_pages.jsonl.gz")
GRAM = 4
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "no comments": {"include_comments": False},
    "precision": {"include_comments": False, "favor_precision": True},
    "recall": {"include_comments": False, "favor_recall": True},
    "fast": {"include_comments": False, "fast": True},
    "no tables": {"include_comments": False, "include_tables": False},
}


def grams(text: str) -> Counter[tuple[str, ...]]:
    """Return the word 4-grams of `text` with their counts; a shorter text is one gram."""
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[at : at + GRAM]) for at in range(max(1, len(words) - GRAM + 1))) if words else Counter()


def f1(found: str, expected: str) -> float:
    """Return the F1 of the 4-grams of two texts, 1.0 where both are empty."""
    ours, theirs = grams(found), grams(expected)
    total = sum(ours.values()) + sum(theirs.values())
    return 2 * sum((ours & theirs).values()) / total if total else 1.0


def pages(path: str) -> Iterator[dict[str, Any]]:
    """Yield the pages of a file, plain or gzipped."""
    data = Path(path).read_bytes()
    for line in (gzip.decompress(data) if path.endswith(".gz") else data).splitlines():
        yield json.loads(line)


def dumped(html: str) -> str:
    """Return a page as the text that select-all and copy gives: blocks on lines, paragraphs between blank lines."""
    from lxml import html as parser

    lines: list[str] = []
    words: list[str] = []

    def line(mark: str = "") -> None:
        if joined := " ".join("".join(words).split()):
            lines.append(mark + joined)
        words.clear()

    def blank() -> None:
        line()
        if lines and lines[-1]:
            lines.append("")

    def walk(element: Any, depth: int, mark: str) -> None:
        if not isinstance(element.tag, str) or element.tag in _UNSEEN or element.get("hidden") is not None:
            return
        paragraph, block = element.tag in _PARAGRAPHS and not depth, element.tag in _PARAGRAPHS | _BLOCKS
        blank() if paragraph else line(mark) if block else None
        if element.tag == "img":
            words.append(f" {element.get('alt') or ''} ")
        words.append(element.text or "")
        for child in element:
            inner = depth + (element.tag in ("ul", "ol"))
            own = "  " * (2 * inner - 1) + "• " if child.tag == "li" else mark
            walk(child, inner, own)
            words.append(child.tail or "")
        line(mark) if block else None
        if paragraph:
            blank()

    body = parser.fromstring(html.encode()).find(".//body")
    if body is not None:
        walk(body, 0, "")
    line()
    return "\n".join(lines)


_UNSEEN = frozenset("script style noscript head template svg iframe select option input textarea video audio".split())
_PARAGRAPHS = frozenset("p h1 h2 h3 h4 h5 h6 blockquote figure ul ol pre".split())
_BLOCKS = frozenset(
    """div section article header footer nav main aside form tr dl dt dd address figcaption table label button li
    br""".split()
)


def score(rows: list[dict[str, Any]], read: Callable[[dict[str, Any]], Draft]) -> dict[str, float]:
    """Return mean text F1, and the share of right titles, first authors and days where the page's are known."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        try:
            draft = read(row)
        except SourceError:
            draft = Draft(title="", text="")
        if row.get("text"):
            values["text"].append(f1(draft.text, row["text"]))
        if row.get("title"):
            values["title"].append(fold(draft.title) == fold(row["title"]))
        if row.get("author"):
            values["author"].append(bool(draft.authors) and fold(draft.authors[0]) in fold(row["author"]))
        if row.get("date"):
            values["date"].append(draft.published == row["date"][:10])
    return {name: sum(found) / len(found) for name, found in values.items()}


def main(argv: list[str]) -> int:
    """Print one line of scores for each file, and for all."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench pages", description=__doc__)
    parser.add_argument("files", nargs="*", default=DEFAULT, help="JSON lines of pages (default: ../shared/data/pages)")
    parser.add_argument("--settings", action="store_true", help="score trafilatura's own settings too")
    parser.add_argument("--dumps", action="store_true", help="score the cleaner of text dumps instead")
    args = parser.parse_args(argv)
    missing = [path for path in args.files if not Path(path).is_file()]
    if missing:
        print(f"{missing[0]}: no such file. Name files of pages.")
        return 1
    sets = {Path(path).name: list(pages(path)) for path in args.files}
    sets["all"] = [row for rows in sets.values() for row in rows]
    readers: dict[str, Callable[[dict[str, Any]], Draft]] = {"byline": _page}
    if args.dumps:
        readers = {"byline, dumps": lambda row: plaintext.article(dumped(row["html"]), row["id"])}
    if args.settings:
        readers |= {f"trafilatura, {name}": _plainly(given) for name, given in SETTINGS.items()}
    for reader, read in readers.items():
        for name, rows in sets.items():
            start = time.perf_counter()
            scores = score(rows, read)
            each = (time.perf_counter() - start) / max(1, len(rows))
            if reader.startswith("trafilatura"):
                scores = {"text": scores["text"]}
            shown = "  ".join(f"{key} {value:.4f}" for key, value in scores.items())
            print(f"{reader:26} {name:28} {len(rows):4} pages  {shown}  {each * 1000:.0f} ms a page")
    return 0


def _page(row: dict[str, Any]) -> Draft:
    return extract.article(row["html"], row["id"], row.get("url"))


def _plainly(given: dict[str, Any]) -> Callable[[dict[str, Any]], Draft]:
    import trafilatura

    return lambda row: Draft(title="", text=trafilatura.extract(row["html"], url=row.get("url"), **given) or "")
