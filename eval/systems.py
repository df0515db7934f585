"""What can be evaluated: an `Assistant`, any function question → answer, and the baselines that need no reader.

A system is a callable `Question → Observed`.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eval.records import Observed, Question
from qa.compose import quote
from qa.records import Answer, Article, Hit, Quote, within_words
from qa.text import sentences

if TYPE_CHECKING:
    from qa.assistant import Assistant
    from qa.encoder import Encoder

System = Callable[[Question], Observed]


def as_system(given: Any) -> System:
    """Return `given` as a system: an `Assistant`, or a function of the question's text.

    The function may take `history` too, the earlier (question, answer) turns; it returns an `Answer`, a string, a
    list of strings, or None or nothing in them for "no answer".
    """
    if hasattr(given, "trace") and hasattr(given, "library"):
        return lambda question: _trace(given, question)
    if not callable(given):
        raise TypeError(f"{type(given).__name__} is neither an Assistant nor a function from a question to an answer.")
    try:
        wants_history = "history" in inspect.signature(given).parameters
    except ValueError:  # some that are built in do not say what they take
        wants_history = False

    def system(question: Question) -> Observed:
        begun = time.perf_counter()
        extra = {"history": list(question.history)} if wants_history else {}
        answer = as_answer(question.question, given(question.question, **extra))
        return Observed(answer, seconds={"total": time.perf_counter() - begun})

    return system


def _trace(assistant: Assistant, question: Question) -> Observed:
    begun = time.perf_counter()
    trace = assistant.trace(question.question, list(question.history))
    seconds = {**(trace.seconds or {}), "total": time.perf_counter() - begun}
    return Observed(trace.answer, tuple(trace.hits), tuple(trace.spans), seconds)


def as_answer(question: str, given: Any) -> Answer:
    """Return what a function gave as an `Answer`; a string becomes a quote of no article. Raises TypeError."""
    if isinstance(given, Answer):
        return given
    texts = [given] if isinstance(given, str) else [] if given is None else given
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise TypeError(
            f"the system returned {type(given).__name__}; an Answer, a string or a list of strings is wanted."
        )
    quotes = tuple(
        Quote("", "", None, None, (), None, 0, len(text), text, highlights=((0, len(text)),))
        for text in texts
        if text.strip()
    )
    return Answer(
        question, question, quotes, float(bool(quotes)), bool(quotes), None if quotes else "No answer was given."
    )


class TopPassages:
    """The first passages of the ranking, whole: what a search engine shows. `n` quotes within `words` words."""

    name = "top passages"

    def __init__(self, get: Callable[[str, int], Article | None], n: int = 5, words: int = 120) -> None:
        self._get, self._n, self._words = get, n, words

    def __call__(self, asked: str, hits: Sequence[Hit]) -> Answer:
        """Answer from the ranking of another system; confidence is 0.5, as a search engine has none."""
        quotes = []
        for hit in hits[: self._n]:
            passage = hit.passage
            if (article := self._get(passage.article_id, passage.version)) is not None:
                quotes.append(quote(article, passage.start, passage.end))
        shown = tuple(within_words(quotes, self._words))
        return Answer(asked, asked, shown, 0.5, bool(shown))


class BestSentences:
    """The sentences nearest to the question by embedding, of the same passages. `n` within `words` words."""

    name = "best sentences"

    def __init__(
        self, get: Callable[[str, int], Article | None], encoder: Encoder, n: int = 5, words: int = 120
    ) -> None:
        self._get, self._encoder, self._n, self._words = get, encoder, n, words
        self._known: dict[str, tuple[list[tuple[int, int]], Any]] = {}

    def __call__(self, asked: str, hits: Sequence[Hit]) -> Answer:
        """Answer with the nearest sentences; confidence is the cosine of the first, cut to [0, 1]."""
        question = self._encoder.encode([asked])[0]
        near: dict[tuple[str, int, int, int], float] = {}
        for passage in (hit.passage for hit in hits):
            if passage.id not in self._known:
                spans = sentences(passage.text)
                # A passage at a time: in bfloat16 a vector depends a little on the texts beside it, and a resumed run
                # must end with the same figures.
                vectors = self._encoder.encode([passage.text[start:end] for start, end in spans])
                self._known[passage.id] = spans, vectors
            spans, vectors = self._known[passage.id]
            for (start, end), cosine in zip(spans, vectors @ question, strict=True):
                place = (passage.article_id, passage.version, passage.start + start, passage.start + end)
                near[place] = max(near.get(place, -1.0), float(cosine))
        ranked = sorted(near, key=lambda place: (-near[place], place))[: self._n]
        quotes = [
            quote(article, start, end)
            for id, version, start, end in ranked
            if (article := self._get(id, version)) is not None
        ]
        shown = tuple(within_words(quotes, self._words))
        confidence = min(max(near[ranked[0]], 0.0), 1.0) if ranked else 0.0
        return Answer(asked, asked, shown, confidence, bool(shown))
