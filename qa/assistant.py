"""`Assistant.ask`: a question → an `Answer`. Reads top to bottom as the design's picture does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from qa import compose
from qa.errors import BylineError
from qa.followup import Standalone, stand_alone
from qa.library import Library
from qa.reader.calibration import Calibration
from qa.records import Answer, Article, Filters, Hit, Quote, SentenceScore, Span
from qa.retrieve import retrieve
from qa.settings import BUNDLED, Settings
from qa.text import words

if TYPE_CHECKING:
    from qa.library import View
    from qa.reader.model import Reader

History = Sequence[tuple[str, "Answer | str"]]
EMPTY = "Your library is empty. Add articles first: byline add FILE, FOLDER or URL."
NONE_MATCH = "No article of your library matches these filters. Widen the dates, or choose other outlets."
NOT_THERE = "Your articles do not answer this. The nearest passages are listed as a lead, not as an answer."
NO_QUESTION = "No question was asked. Type one, in your own words."

# Passages are read in two rounds: 292 of 384 questions over news articles had a sentence as likely as this among the
# first eight, and the other four changed the answer to one of them (`python -m eval.calibrate` prints both shares).
FIRST_ROUND = 8
SETTLED = 0.5


class Stopped(BylineError):
    """The person stopped the question before it was answered."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done: `name` is searching, reading or composing; `detail` says it in words."""

    name: str
    detail: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """An answer and how it came about: the passages found, the best span of each sentence read, seconds a stage."""

    answer: Answer
    hits: tuple[Hit, ...] = ()
    spans: tuple[Span, ...] = ()
    seconds: dict[str, float] | None = None
    read: tuple[tuple[SentenceScore, ...], ...] = ()


class Assistant:
    """A library and the models that read it: loaded once, safe to share between threads."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self.library = library
        self.settings = settings
        self._loading = threading.Lock()

    @classmethod
    def open(
        cls,
        home: str | os.PathLike[str] | None = None,
        *,
        settings: Settings | None = None,
        library: Library | None = None,
    ) -> Assistant:
        """Return the assistant over the library at `home` (None: the default one), its models loaded.

        Raises SettingsError, LibraryError or ReaderError.
        """
        settings = settings or (library.settings if library else Settings.load(home))
        assistant = cls(library or Library.open(settings=settings), settings)
        assistant.warm()
        return assistant

    def warm(self) -> None:
        """Load the models now rather than at the first question."""
        self.library.encoder.encode(["warm"])
        _ = self.reader

    @property
    def reader(self) -> Reader:
        """Return the loaded reader."""
        with self._loading:
            return self._reader

    @cached_property
    def _reader(self) -> Reader:
        from qa.reader.model import Reader  # torch and transformers: seconds to import

        return Reader.load(self.settings)

    @cached_property
    def calibration(self) -> Calibration:
        """Return how the reader's logits become probabilities."""
        if self.settings.reader != BUNDLED:
            return Calibration()  # of a model nobody has calibrated: the margin alone, with cautious defaults
        from qa.reader.model import WEIGHTS

        return Calibration.read(WEIGHTS / "config.json")

    def ask(self, question: str, history: History = (), filters: Filters | None = None) -> Answer:
        """Return what the library says to `question`, in quotes; or why it says nothing.

        `history` holds the (question, answer) pairs of earlier turns, oldest first; an answer is an `Answer` or a
        text. Raises ModelMismatchError when another encoder built the library.
        """
        return self.trace(question, history, filters).answer

    def trace(
        self,
        question: str,
        history: History = (),
        filters: Filters | None = None,
        *,
        on_step: Callable[[Step], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Trace:
        """Return the answer as `ask` does, with how it came about.

        `on_step` hears of each stage as it begins; `stop` is asked before each and ends it with `Stopped`.
        """
        begun = time.perf_counter()
        seconds: dict[str, float] = {}

        def step(name: str, detail: str, quotes: tuple[Quote, ...] = ()) -> None:
            if stop is not None and stop():
                raise Stopped("stopped before it was answered. Ask again when you like.")
            if on_step is not None:
                on_step(Step(name, detail, quotes))

        def clock(stage: str, since: float) -> float:
            now = time.perf_counter()
            seconds[stage] = now - since
            return now

        asked = stand_alone(question, history)
        if not words(asked.question):
            return Trace(_without_quotes(question, "", NO_QUESTION, begun), seconds=seconds)
        with self.library.snapshot() as view:
            count = view.count(filters)
            if not count:
                reason = NONE_MATCH if view.count() else EMPTY
                return Trace(_without_quotes(question, asked.question, reason, begun), seconds=seconds)
            step("searching", f"searching {count:,} article{'s' * (count != 1)}")
            hits = self._search(asked, view, filters)
            articles = view.articles({(h.passage.article_id, h.passage.version) for h in hits})
        now = clock("retrieve", begun)
        read: list[list[SentenceScore]] = []
        candidates: list[compose.Candidate] = []
        for part in (hits[:FIRST_ROUND], hits[FIRST_ROUND:]):
            if not part or (candidates and candidates[0].probability >= SETTLED):
                break
            step("reading", f"reading {len(part)} {'more ' * bool(read)}passage{'s' * (len(part) != 1)}")
            read += self.reader.read(asked.question, part, articles)
            candidates = compose.collapse(compose.rank(read, articles, self.calibration))
        now = clock("read", now)
        answer = self._compose(question, asked.question, hits, candidates, articles)
        clock("compose", now)
        step("composing", "choosing the quotes", answer.quotes)
        answer = replace(answer, seconds=time.perf_counter() - begun)
        spans = sorted((s.span for passage in read for s in passage), key=lambda s: -s.score)
        return Trace(answer, tuple(hits), tuple(spans), seconds, tuple(tuple(passage) for passage in read))

    def _search(self, asked: Standalone, view: View, filters: Filters | None) -> list[Hit]:
        return retrieve(
            asked.question,
            view,
            self.library.encoder,
            self.settings.passages_read,
            filters,
            earlier=asked.earlier_answer,
            near=asked.earlier_articles,
        )

    def _compose(
        self,
        question: str,
        asked_as: str,
        hits: Sequence[Hit],
        candidates: Sequence[compose.Candidate],
        articles: dict[tuple[str, int], Article],
    ) -> Answer:
        confidence = self.calibration.answer_probability(candidates[0].logit if candidates else None)
        if not candidates or confidence < self.calibration.found:
            near = compose.nearest(hits, articles, candidates)
            return Answer(question, asked_as, (), confidence, False, NOT_THERE, near)
        quotes = compose.choose(candidates, self.calibration, self.settings.quotes_shown, self.settings.words_shown)
        return Answer(question, asked_as, tuple(quotes), confidence, True)


def _without_quotes(question: str, asked_as: str, reason: str, begun: float) -> Answer:
    return Answer(question, asked_as, (), 0.0, False, reason, seconds=time.perf_counter() - begun)


_open: dict[str, Assistant] = {}
_opening = threading.Lock()


def ask(
    question: str,
    home: str | os.PathLike[str] | None = None,
    history: History = (),
    filters: Filters | None = None,
) -> Answer:
    """Return what the library at `home` (None: the default one) says to `question`, in quotes.

    The models are loaded at the first call and kept for the next ones.
    """
    settings = Settings.load(home)
    with _opening:
        key = repr(settings)
        if key not in _open:
            _open.clear()
            _open[key] = Assistant.open(settings=settings)
        assistant = _open[key]
    return assistant.ask(question, history, filters)
