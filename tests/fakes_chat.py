"""A stand-in for the assistant's models, for tests of the page: real library, real quotes, no reader.

It quotes the sentences that share the most words with the question, so that a test knows what will be found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from qa import compose
from qa.assistant import Step, Stopped, Trace
from qa.library import Library
from qa.records import Answer, Article, Filters, Quote
from qa.speaker import speaker_of
from qa.text import sentences, terms, words

LEAST = 2  # words that a sentence shares with the question before it counts as an answer


class FakeAssistant:
    """`Assistant` for the page: `delay` seconds pass before each step, `fail` is raised instead of an answer."""

    def __init__(self, library: Library, delay: float = 0.0) -> None:
        self.library = library
        self.settings = library.settings
        self.delay = delay
        self.fail: BaseException | None = None
        self.asked: list[tuple[str, int, Filters | None]] = []

    def ask(self, question: str, history: Sequence[tuple[str, Any]] = (), filters: Filters | None = None) -> Answer:
        return self.trace(question, history, filters).answer

    def trace(
        self,
        question: str,
        history: Sequence[tuple[str, Any]] = (),
        filters: Filters | None = None,
        *,
        on_step: Callable[[Step], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Trace:
        begun = time.perf_counter()
        self.asked.append((question, len(history), filters))

        def step(name: str, detail: str, quotes: tuple[Quote, ...] = ()) -> None:
            until = time.perf_counter() + self.delay
            while True:
                if stop is not None and stop():
                    raise Stopped("stopped before it was answered. Ask again when you like.")
                if time.perf_counter() >= until:
                    break
                time.sleep(0.01)
            if on_step is not None:
                on_step(Step(name, detail, quotes))

        if self.fail is not None:
            raise self.fail
        asked = f"{history[-1][0]} {question}" if history and len(terms(question)) < LEAST else question
        rows = self.library.list(filters)
        step("searching", f"searching {len(rows):,} articles")
        found = sorted(
            (hit for row in rows for hit in _hits(self.library.get(row.id), terms(asked))), key=lambda hit: -hit[0]
        )
        step("reading", f"reading {len(found[:12])} passages")
        quotes = tuple(quote for score, quote in found[:4] if score >= LEAST)
        step("composing", "choosing the quotes", quotes)
        time.sleep(self.delay)
        seconds = time.perf_counter() - begun
        if quotes:
            return Trace(Answer(question, asked, quotes, 0.9, True, seconds=seconds))
        near = tuple(replace(quote, highlights=()) for _, quote in found[:2])
        reason = "Your articles do not answer this." if rows else "Your library is empty."
        return Trace(Answer(question, asked, (), 0.1, False, reason, near, seconds))


def _hits(article: Article, wanted: list[str]) -> list[tuple[int, Quote]]:
    hits = []
    for start, end in sentences(article.text):
        if (start, end) in article.headings:
            continue
        text = article.text[start:end]
        shared = [word for word in wanted if word in words(text)]
        if shared:
            at = text.casefold().find(shared[0])
            bold = ((start + at, start + at + len(shared[0])),) if at >= 0 else ()
            by = speaker_of(article.text, start, end)
            hits.append((len(shared), compose.quote(article, start, end, highlights=bold, speaker=by, confidence=0.8)))
    return hits
