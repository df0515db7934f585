"""`byline eval new`: helps a person to write a question set over their own articles.

For each question it searches the library and shows the sentences that may answer; the person picks those that do and
copies the words that answer. Every span is checked to be verbatim before the line is written, so the set is sound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.metrics import squad_normalise
from eval.questions import load, read_bytes
from eval.reading import decode
from eval.records import fault
from qa.errors import QuestionSetError
from qa.records import Article
from qa.retrieve import retrieve
from qa.text import sentences

if TYPE_CHECKING:
    from qa.library import Library

SUGGESTED = 12  # sentences: what fits on a screen
TYPES = ("factoid", "definition", "list", "attribution", "why_how")
_SAME = {"'": "['‘’‛`´]", '"': '["“”„«»]', "-": "[-‐‑‒–—]"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer, with its article."""

    article: Article
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.article.text[self.start : self.end]


def suggest(question: str, library: Library, n: int = SUGGESTED) -> list[Candidate]:
    """Return the `n` sentences of the retrieved passages that are nearest to `question`, nearest first."""
    with library.snapshot() as view:
        hits = retrieve(question, view, library.encoder, library.settings.passages_read)
        articles = view.articles({(hit.passage.article_id, hit.passage.version) for hit in hits})
    found: dict[tuple[str, int, int], Candidate] = {}
    for hit in hits:
        passage = hit.passage
        article = articles[passage.article_id, passage.version]
        for start, end in sentences(passage.text):
            key = (article.id, passage.start + start, passage.start + end)
            found[key] = Candidate(article, key[1], key[2])
    candidates = list(found.values())
    if not candidates:
        return []
    near = library.encoder.encode([c.text for c in candidates]) @ library.encoder.encode([question])[0]
    return [candidates[at] for at in sorted(range(len(candidates)), key=lambda at: -near[at])[:n]]


def verbatim(text: str, wanted: str) -> str | None:
    """Return the words of `text` that `wanted` means: exactly, or but for case, quotation marks, dashes and spaces."""
    wanted = wanted.strip()
    if not wanted:
        return None
    if wanted in text:
        return wanted
    straight = {character: pattern for pattern in _SAME.values() for character in pattern[1:-1]}
    words = ["".join(straight.get(c, _SAME.get(c, re.escape(c))) for c in word) for word in wanted.split()]
    found = re.search(r"\s+".join(words), text, re.IGNORECASE)
    return found.group() if found else None


def write(file: Path, library: Library, ask: Callable[[str], str] = input, say: Callable[[str], None] = print) -> int:
    """Write questions to `file` in a dialogue, appending to a set that is there already; return the exit status."""
    known = _known(file)
    if not library.list():
        raise QuestionSetError(
            "the library is empty, so there is nothing to ask about. Add articles first: byline add FOLDER"
        )
    say(f"Writing to {file}{f', which has {len(known)} questions' if known else ''}. An empty question ends it.")
    written = 0
    while True:
        try:
            question = ask("\nQuestion: ").strip()
            row = _compose(question, library, ask, say) if question else None
        except EOFError:
            question, row = "", None
        if not question:
            break
        if row is None:
            say("Left out.")
            continue
        row = {"id": _next_id(known), **row}
        known.add(row["id"])
        _append(file, [row])
        written += 1
        say(f"Written as {row['id']}.")
    say(f"\n{written} questions written. Next: byline eval {file}")
    return 0


def _compose(
    question: str, library: Library, ask: Callable[[str], str], say: Callable[[str], None]
) -> dict[str, Any] | None:
    candidates = suggest(question, library)
    for number, candidate in enumerate(candidates, 1):
        say(f"{number:3}  {candidate.text}\n     — {candidate.article.title}")
    chosen = _choose(ask, say, len(candidates))
    if chosen is None:
        return None
    if not chosen:
        if ask("Do the articles really not answer this? [y/N] ").strip().lower() not in ("y", "yes"):
            return None
        return {
            "type": "unanswerable",
            "question": question,
            "history": [],
            "articles": [],
            "answers": [],
            "evidence": [],
        }
    picked = [candidates[number - 1] for number in chosen]
    points = []
    for candidate in picked:
        say(f"“{candidate.text}”")
        while True:
            given = ask("Words that answer (Enter: the whole sentence; “|” between alternatives): ").strip()
            spans = [part for part in given.split("|") if part.strip()] or [candidate.text]
            exact = [verbatim(candidate.article.text, span) for span in spans]
            if all(exact):
                break
            wrong = next(span for span, found in zip(spans, exact, strict=True) if not found)
            say(f"Not in the article: “{wrong.strip()}”.")
        points.append([span for span in exact if span])
    usual = "list" if len(points) > 1 else "factoid"
    while (kind := ask(f"Type ({', '.join(TYPES)}) [{usual}]: ").strip() or usual) in ("unanswerable", "followup"):
        say(f"This question has an answer and no earlier turns, so it is not of the type {kind}.")
    return {
        "type": kind,
        "question": question,
        "history": [],
        "articles": list(dict.fromkeys(candidate.article.id for candidate in picked)),
        "answers": merge(points),
        "evidence": list(dict.fromkeys(candidate.text for candidate in picked)),
    }


def merge(points: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return points with those that share an alternative made one: the same fact told in two sentences."""
    merged: list[list[str]] = []
    for point in points:
        alike = {squad_normalise(alternative) for alternative in point}
        home = next((other for other in merged if alike & {squad_normalise(a) for a in other}), None)
        if home is None:
            merged.append(list(point))
        else:
            home += [alternative for alternative in point if alternative not in home]
    return merged


def _choose(ask: Callable[[str], str], say: Callable[[str], None], most: int) -> list[int] | None:
    """Return the numbers picked, [] for none of them, None to leave the question out."""
    while True:
        given = (
            ask("Which answer? Numbers, 0 for none of them, Enter to leave the question out: ")
            .replace(",", " ")
            .split()
        )
        if not given:
            return None
        if all(part.isdigit() and int(part) <= most for part in given):
            numbers = [int(part) for part in given]
            return [] if 0 in numbers else list(dict.fromkeys(numbers))
        say(f"Give numbers from 0 to {most}.")


def draft(file: Path, source: Path, library: Library, say: Callable[[str], None] = print) -> int:
    """Draft a line for each question of a text file, with suggested evidence; a person checks them.

    Each line carries "draft": true, and a set with drafts is refused until they are checked and it is removed.
    """
    known = _known(file)
    questions = [line.strip() for line in decode(source.name, read_bytes(source)).splitlines() if line.strip()]
    if not questions:
        raise fault(source.name, 0, "it holds no question.")
    rows = []
    for question in questions:
        best = suggest(question, library, 3)
        id = _next_id(known)
        known.add(id)
        rows.append(
            {
                "draft": True,
                "id": id,
                "type": "factoid",
                "question": question,
                "history": [],
                "articles": list(dict.fromkeys(candidate.article.id for candidate in best)),
                "answers": [[candidate.text] for candidate in best],
                "evidence": [candidate.text for candidate in best],
            }
        )
    _append(file, rows)
    say(f"{len(rows)} drafts in {file}. Check the answers of each, remove its “draft”, then: byline eval {file}")
    return 0


def _known(file: Path) -> set[str]:
    """Return the ids in `file`. Raises QuestionSetError if it is no sound native set."""
    if file.suffix.lower() != ".jsonl":  # what is written under another name would be read as another format
        raise QuestionSetError(f"{file} is not JSON Lines. Name a file that ends in .jsonl.")
    if not file.exists() or not file.read_bytes().strip():
        return set()
    return {question.id for question in load(file).questions}


def _next_id(known: set[str]) -> str:
    number = len(known) + 1
    while f"q-{number:03}" in known:
        number += 1
    return f"q-{number:03}"


def _append(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.read_bytes() if file.exists() else b""
    with file.open("ab") as stream:
        if before and not before.endswith(b"\n"):
            stream.write(b"\n")
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
