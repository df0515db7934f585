"""The library as an evaluation sees it: which article a question means, and whether it holds what is expected."""

from __future__ import annotations

import difflib
import hashlib
import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from eval.metrics import contains
from eval.records import Faults, Question, QuestionSet
from qa.errors import NotInLibraryError
from qa.records import Article, ArticleRow, Quote
from qa.text import fold, normalise, sentences, terms

if TYPE_CHECKING:
    from qa.library import Library

SEARCHED_WHOLE = 2000  # articles; in a larger library, full-text search proposes those that may hold a sentence
FEW = 0.05  # of a set's questions; extraction loses a sentence or two of a hundred articles
SOURCE_BYTES = 50_000_000
CLOSE = 0.9  # likeness (difflib) from which a sentence that is not verbatim is a slip of the pen
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class Shelf:
    """Looks up the articles that questions name: by id, URL, file name without its suffix, or title."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.rows: dict[str, ArticleRow] = {row.id: row for row in library.list()}
        self.gold: dict[str, str] = {}
        self._adopted: dict[str, tuple[str, ...]] = {}
        self.get = lru_cache(maxsize=4096)(self._get)

    @cached_property
    def _names(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for row in self.rows.values():
            names = [row.id, row.url, row.source, row.title and fold(row.title)]
            names += [stem(address) for address in (row.source, row.url) if address]
            for name in names:
                if name:
                    found[name][row.id] = None
        return {name: tuple(ids) for name, ids in found.items()}

    def resolve(self, ref: str) -> tuple[str, ...]:
        """Return the ids of the articles that `ref` names: several where a title is carried twice, none if unknown."""
        if ref in self.rows:
            return (ref,)
        return self._names.get(ref) or self._names.get(fold(ref)) or self._adopted.get(ref, ())

    def articles(self, question: Question) -> list[Article]:
        """Return the stored articles that `question` names."""
        ids = dict.fromkeys(id for ref in question.articles for id in self.resolve(ref))
        return [found for id in ids if (found := self.get(id)) is not None]

    def _get(self, id: str, version: int | None = None) -> Article | None:
        try:
            return self.library.get(id, version)
        except NotInLibraryError:
            return None

    @lru_cache(maxsize=4096)  # noqa: B019 (a shelf lives as long as one evaluation)
    def folded(self, id: str) -> str:
        """Return the folded text of an article."""
        found = self.get(id)
        return fold(found.text) if found else ""

    def holding(self, text: str) -> list[str]:
        """Return the ids of the articles whose text holds `text`, compared folded."""
        wanted = fold(text)
        if len(self.rows) <= SEARCHED_WHOLE:
            candidates: Iterable[str] = self.rows
        else:
            with self.library.snapshot() as view:
                candidates = dict.fromkeys(hit.passage.article_id for hit in view.text(terms(text), 20, None))
        return [id for id in candidates if contains(self.folded(id), wanted)]

    def adopt(self, questions: Sequence[Question]) -> None:
        """Recognise articles that a set calls by other names than the library, by the evidence they hold.

        A name is given to the article that holds most of what its questions expect, and at least half. It takes two
        questions, and an article that the set does not know by its right name: else the name is a slip of the pen.
        """
        asked: dict[str, list[Question]] = defaultdict(list)
        named: set[str] = set()
        for question in questions:
            for ref in question.articles:
                named.update(self.resolve(ref))
                if not self.resolve(ref):
                    asked[ref].append(question)
        for ref, askers in asked.items():
            texts = [text for question in askers for text in question.evidence or [p[0] for p in question.answers]]
            votes = Counter(id for text in texts for id in self.holding(text) if id not in named)
            most = max(votes.values(), default=0)
            if len(askers) > 1 and most * 2 >= len(texts) > 0:
                self._adopted[ref] = tuple(id for id, count in votes.items() if count == most)

    def trust(self, texts: Mapping[str, str]) -> int:
        """Take gold texts by article name, to check quotes against; return how many name a stored article."""
        for ref, text in texts.items():
            for id in self.resolve(ref):
                self.gold[id] = " ".join(normalise(text).split())
        return len(self.gold)

    def in_gold(self, quote: Quote) -> bool:
        """Tell whether a quote stands in its article's gold text, white space aside."""
        return " ".join(quote.text.split()) in self.gold[quote.article_id]

    def digest(self) -> str:
        """Return a hash of every article's id, version and text: equal for libraries that answer alike."""
        total = hashlib.sha256()
        for id in sorted(self.rows):
            found = self._get(id)
            total.update(f"{id}@{found.version}:{found.sha256}\n".encode() if found else b"")
        return total.hexdigest()


def stem(address: str) -> str:
    """Return the last part of a path or URL without its suffix."""
    path = urlsplit(address).path if "://" in address else address
    return PurePath(path.rstrip("/")).stem


def check(questions: QuestionSet, shelf: Shelf, allow_missing: bool = False) -> list[str]:
    """Raise QuestionSetError for articles and spans that the library does not hold; return what is merely odd.

    A span that the library lacks is no fault of the set where the file that the article was added from holds it: it
    was lost when the article was added, which is the pipeline's miss ("not ingested"). Where that file is gone, a
    few such spans in a large set are taken to be lost and many to be wrong. With `allow_missing` nothing is a fault.
    """
    shelf.adopt(questions.questions)
    faults, notes, unsure = Faults(questions.name), Faults(questions.name), Faults(questions.name)
    for question in questions.questions:
        strangers = [ref for ref in question.articles if not shelf.resolve(ref)]
        for ref in strangers:
            hint = _meant(ref, question, shelf)
            (notes if allow_missing else faults).add(question.line, f"no article {ref!r} in the library; {hint}")
        articles = shelf.articles(question)
        if strangers or not articles:
            continue
        named = ", ".join(question.articles)
        for what, span in _missing(question, [shelf.folded(article.id) for article in articles]):
            near = _nearest(span, articles) if what == "evidence" else None
            words = f"the {what} {_short(span)} is not in {named}"
            if near:
                (notes if allow_missing else faults).add(question.line, f"{words}, which has {_short(near)}.")
                continue
            held = _in_source(span, articles)
            place = notes if held or allow_missing else faults if held is False else unsure
            place.add(
                question.line, f"{words}{', though in its source: it was lost when it was added' if held else ''}."
            )
    few = len({line for line, _ in unsure.found}) <= FEW * len(questions.questions)
    (notes if few else faults).found += unsure.found
    if faults.found and not allow_missing:
        line = max(line for line, _ in faults.found)
        faults.found.append((line, "(--allow-missing goes on all the same and counts them as not ingested.)"))
    faults.stop_if_any()
    return [f"line {line}: {what}" for line, what in sorted(notes.found)]


def _meant(ref: str, question: Question, shelf: Shelf) -> str:
    if close := difflib.get_close_matches(ref, list(shelf._names), 1, 0.8):
        return f"did you mean {close[0]!r}?"
    texts = question.evidence or [point[0] for point in question.answers]
    if holders := [id for text in texts for id in shelf.holding(text)]:
        return f"the article {holders[0]!r} holds its answer."
    return "add it with `byline add`, or correct the name."


def _missing(question: Question, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield ("evidence" or "answer", span) for each span of a question that none of the folded texts holds."""
    for span in question.evidence:
        if not any(_inside(text, span) for text in texts):
            yield "evidence", span
    for point in question.answers:
        if not any(contains(text, fold(span)) for span in point for text in texts):
            yield "answer", point[0]


def _in_source(span: str, articles: Sequence[Article]) -> bool | None:
    """Tell whether the file of one of the articles holds `span`, white space and markup aside; None: no file left."""
    wanted = "".join(fold(span).split())
    known = False
    for article in articles:
        file = Path(article.source) if article.source and "://" not in article.source else None
        if file is None or not file.is_file() or file.stat().st_size > SOURCE_BYTES:
            continue
        known = True
        markup = file.read_bytes().decode("utf-8", "replace")
        if wanted in "".join(fold(html.unescape(_TAG.sub("", markup))).split()):
            return True
    return False if known else None


def _inside(folded: str, evidence: str) -> bool:
    return fold(evidence) in folded or all(fold(evidence[s:e]) in folded for s, e in sentences(evidence))


def _nearest(sentence: str, articles: Sequence[Article]) -> str | None:
    wanted = fold(sentence)
    for article in articles:
        for start, end in sentences(article.text):
            candidate = article.text[start:end]
            matcher = difflib.SequenceMatcher(None, wanted, fold(candidate), autojunk=False)
            if matcher.real_quick_ratio() >= CLOSE and matcher.quick_ratio() >= CLOSE and matcher.ratio() >= CLOSE:
                return candidate
    return None


def _short(text: str) -> str:
    return f"“{text if len(text) <= 80 else text[:77] + '…'}”"
