"""A small library and an assistant that follows a script, for the tests of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from eval.formats import article
from eval.records import Question
from qa.assistant import Trace
from qa.compose import quote
from qa.library import Library
from qa.records import Answer, Hit, Span
from qa.retrieve import retrieve
from qa.text import sentences

TEXTS = {
    "bridge": (
        "Harbour bridge opens",
        "The harbour bridge opened in May 1932. It cost four million pounds. Engineer Ann Doyle drew the plans alone."
        "\n\nFerries stopped running a week later. The last ferry now serves as a cafe.",
        "Harbour Ledger",
        "2024-05-01",
    ),
    "school": (
        "Schools ban phones",
        "The council banned phones in all schools on Monday. Teachers had asked for it since January. "
        "Parents may leave messages at the office.\n\nOne school tried lockers first, and gave up after a month.",
        "Meridian Post",
        "2025-01-20",
    ),
    "seagrass": (
        "Seagrass returns",
        "Seagrass meadows grew by 40 hectares last year. Divers planted 12,000 shoots by hand. "
        "The meadow shelters young cod and seahorses.\n\nA storm tore up a tenth of it in November.",
        "Northlight",
        "2025-11-30",
    ),
}


def fill(library: Library) -> Library:
    """Put the three articles into `library`, as if added from files."""
    for id, (title, text, publisher, date) in TEXTS.items():
        made = article(
            text, title, id=f"id-{id}", url=f"https://example.org/{id}-story", published=date, publisher=publisher
        )
        library.put(replace(made, source=f"/pages/{id}.html"))
    return library


def question(id: str, text: str, *points: str, articles: Sequence[str] = ("bridge",), **changes: object) -> Question:
    """Return a question whose points have one alternative each; the evidence is the sentences that hold them."""
    every = [t[s:e] for _, t, _, _ in TEXTS.values() for s, e in sentences(t)]
    evidence = tuple(sentence for sentence in every if any(point in sentence for point in points))
    given: dict[str, object] = {
        "answers": tuple((point,) for point in points),
        "evidence": evidence,
        "articles": tuple(articles),
    }
    if not points:
        given["articles"], given["type"] = (), "unanswerable"
    return Question(id, text, **{**given, **changes})  # type: ignore[arg-type]


@dataclass
class Scripted:
    """An assistant over a real library that quotes the sentences its script names; `stop_after` questions it dies.

    The script maps a question to (confidence, sentences quoted) or (confidence, sentences quoted, sentences marked by
    the reader).
    """

    library: Library
    script: dict[str, tuple]
    k: int = 12
    stop_after: int | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def settings(self):
        return self.library.settings

    def trace(self, question: str, history: Sequence[tuple[str, str]] = ()) -> Trace:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked.append(question)
        confidence, quoted, *more = self.script.get(question, (0.0, ()))
        with self.library.snapshot() as view:
            hits = retrieve(question, view, self.library.encoder, self.k)
        marked = more[0] if more else quoted
        spans = [span for text in marked for span in self._spans(text, hits)]
        quotes = tuple(self._quote(text, confidence) for text in quoted)
        found = confidence >= 0.5
        answer = Answer(
            question,
            question,
            quotes if found else (),
            confidence,
            found,
            None if found else "No.",
            () if found else quotes,
        )
        return Trace(answer, tuple(hits), tuple(spans), {"retrieve": 0.01, "read": 0.02, "compose": 0.001})

    def _quote(self, text: str, confidence: float):
        for row in self.library.list():
            stored = self.library.get(row.id)
            at = stored.text.find(text)
            if at >= 0:
                highlights = ((at, at + len(text) - 1),)
                return quote(stored, at, at + len(text), highlights=highlights, confidence=confidence)
        raise AssertionError(f"no article holds {text!r}")

    def _spans(self, text: str, hits: Sequence[Hit]) -> list[Span]:
        return [
            Span(hit.passage, hit.passage.start + at, hit.passage.start + at + len(text), 3.0)
            for hit in hits
            if (at := hit.passage.text.find(text)) >= 0
        ]
