"""The records that everything else passes around: frozen, and built on the standard library alone.

Every offset in Byline is a character offset into `Article.text` of the named version. Derived values
(a passage's id, an answer's short form) are properties and are never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

WORDS_SHOWN = 120  # the printed answer's length: what a person reads before deciding whether to click


@dataclass(frozen=True, slots=True)
class Article:
    """One version of one stored article.

    `published` and `updated` are ISO dates ("2025-09-04"), `fetched` an ISO timestamp in UTC, `language` an
    ISO 639-1 code, `url` None for a text without an address. `source` is where it was read from: the URL or
    path given to `byline add`. `text` is the body: paragraphs separated by a blank line, headings among them at
    the offsets in `headings`, and neither title nor byline.
    """

    id: str
    url: str | None
    title: str
    authors: tuple[str, ...]
    publisher: str | None
    published: str | None
    updated: str | None
    fetched: str
    language: str | None
    text: str
    sha256: str
    version: int = 1
    source: str | None = None
    headings: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """Whole sentences of one article version, short enough for the encoder: `text == article.text[start:end]`."""

    article_id: str
    version: int
    start: int
    end: int
    text: str

    @property
    def id(self) -> str:
        return f"{self.article_id}@{self.version}:{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage in a ranking; `score` orders hits of one ranking and means nothing outside it."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Span:
    """What the reader found in a passage: `score` is its margin, in logits, over "no answer in this passage"."""

    passage: Passage
    start: int
    end: int
    score: float

    @property
    def text(self) -> str:
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """One sentence of a passage as read: its best span, and the logit that the sentence is part of the answer.

    `evidence` is None from a model that has no sentence output; `more` are further spans, as in a list.
    """

    start: int
    end: int
    span: Span
    evidence: float | None = None
    more: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """Whole neighbouring sentences of one article, exactly as stored.

    `highlights` are the (start, end) offsets of the words that answer, `speaker` is who says it (None: the
    article itself), `also_in` the ids of other articles that carry the same words, `confidence` the calibrated
    probability that this quote answers.
    """

    article_id: str
    title: str
    url: str | None
    publisher: str | None
    authors: tuple[str, ...]
    published: str | None
    start: int
    end: int
    text: str
    highlights: tuple[tuple[int, int], ...] = ()
    speaker: str | None = None
    also_in: tuple[str, ...] = ()
    version: int = 1
    confidence: float = 0.0

    @property
    def id(self) -> str:
        return f"{self.article_id}@{self.version}:{self.start}-{self.end}"

    @property
    def words(self) -> int:
        return len(self.text.split())

    @property
    def source(self) -> str:
        """Name outlet, author and date in one line, leaving out what is not known."""
        parts = (self.publisher, ", ".join(self.authors) or None, self.published)
        return " · ".join(part for part in parts if part) or self.title


@dataclass(frozen=True, slots=True)
class Filters:
    """Limits on the articles that may answer: ISO dates (inclusive), outlet names, article ids. Empty: no limit."""

    after: str | None = None
    before: str | None = None
    publishers: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()

    def __init__(
        self,
        after: Any = None,
        before: Any = None,
        publishers: Iterable[str] = (),
        articles: Iterable[str] = (),
    ) -> None:
        object.__setattr__(self, "after", str(after)[:10] if after else None)
        object.__setattr__(self, "before", str(before)[:10] if before else None)
        object.__setattr__(self, "publishers", tuple(publishers or ()))
        object.__setattr__(self, "articles", tuple(articles or ()))

    def __bool__(self) -> bool:
        return bool(self.after or self.before or self.publishers or self.articles)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets back.

    `asked_as` is the stand-alone question that was searched, `confidence` the calibrated probability, in [0, 1],
    that at least one quote holds what was asked for (also when nothing is shown). With `found` False, `quotes`
    is empty, `reason` says why in a sentence, and `nearest` holds the closest passages: not an answer.
    """

    question: str
    asked_as: str
    quotes: tuple[Quote, ...]
    confidence: float
    found: bool
    reason: str | None = None
    nearest: tuple[Quote, ...] = ()
    seconds: float = 0.0

    @property
    def short(self) -> str:
        """Return the best highlighted words, or an empty string."""
        for quote in self.quotes:
            for start, end in quote.highlights:
                return quote.text[start - quote.start : end - quote.start]
        return ""

    @property
    def text(self) -> str:
        """Return the printed answer: the quotes within `WORDS_SHOWN` words, and their numbered sources."""
        if not self.found:
            return self.reason or ""
        shown = list(within_words(self.quotes, WORDS_SHOWN))
        sources = numbered(shown)
        lines = [f"{quote.text} [{sources[quote.article_id][0]}]" for quote in shown]
        listed = [f"[{number}] {first.title} — {first.source}" for number, first in sources.values()]
        return "\n\n".join([*lines, "\n".join(listed)])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of every interface, derived fields included."""
        data = asdict(self)
        for name in ("quotes", "nearest"):
            data[name] = [{"id": q.id, **asdict(q)} for q in getattr(self, name)]
        return {**data, "short": self.short, "text": self.text}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Answer:
        """Rebuild an answer from `to_dict()`, before or after a trip through JSON."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        for name in ("quotes", "nearest"):
            known[name] = tuple(_quote(q) for q in known.get(name, ()))
        return cls(**known)


def _quote(data: dict[str, Any]) -> Quote:
    known = {name: data[name] for name in Quote.__dataclass_fields__ if name in data}
    known["highlights"] = tuple((int(start), int(end)) for start, end in known.get("highlights", ()))
    for name in ("authors", "also_in"):
        known[name] = tuple(known.get(name, ()))
    return Quote(**known)


def numbered(quotes: Iterable[Quote]) -> dict[str, tuple[int, Quote]]:
    """Return the number and first quote of each article quoted, by article id: one source, one number."""
    sources: dict[str, tuple[int, Quote]] = {}
    for quote in quotes:
        sources.setdefault(quote.article_id, (len(sources) + 1, quote))
    return sources


def within_words(quotes: Sequence[Quote], words: int) -> Iterable[Quote]:
    """Yield quotes from the first on, while they fit in `words` words together; the first always."""
    used = 0
    for number, quote in enumerate(quotes):
        used += quote.words
        if number and used > words:
            return
        yield quote


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of one source: `status` is added, unchanged, updated, skipped or failed, `reason` why."""

    source: str
    status: str
    article_id: str | None = None
    title: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One line of a list of articles: the current version without its text; `words` counts the text's words."""

    id: str
    version: int
    title: str
    publisher: str | None
    authors: tuple[str, ...]
    published: str | None
    updated: str | None
    language: str | None
    url: str | None
    source: str | None
    words: int
    fetched: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something a person keeps (a conversation, a tag): a JSON document; `updated` is an ISO timestamp in UTC."""

    kind: str
    key: str
    value: dict[str, Any]
    updated: str
    owner: str = ""
