"""The quotation check: does the library say this, word for word or nearly, and where?

Words are compared, not characters: case, punctuation, kinds of quotation marks and white space make no difference
between "the same words" and the text, and an ellipsis may leave something out. A figure is a word as a whole, with what
it counts: £2 is not the beginning of £2.50, nor $5m the same as £5m. A near match says which words differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qa import compose
from qa.library import Library, View
from qa.records import Article, Filters, Quote
from qa.text import normalise, sentences, terms

WORDS_AT_LEAST = 3  # "the council said" stands everywhere; fewer words than that say nothing
LONGEST = 4000  # characters; a quotation, not an article
CANDIDATES = 40  # passages compared; the one a quotation is from is nearly always first in the full text
NEAR = 0.6  # share of words in common, in order, from which a sentence counts as another wording
# A figure is one word: 3.50 is not 2.50, nor 2.50m, nor 3.50%. A sign of money is a word of its own.
_WORD = re.compile(r"\d+(?:[.,]\d+)*%|\d+(?:[.,]\d+)+\w*|\w+(?:['’]\w+)*|[$£€¥₹]")
_GAP = re.compile(r"\s*(?:\[\s*(?:\.{3}|…)\s*\]|\(\s*(?:\.{3}|…)\s*\)|\.{3}|…)\s*")

Words = list[tuple[str, int, int]]  # a word to compare by, and its offsets


@dataclass(frozen=True, slots=True)
class Match:
    """A place where the library says it, or nearly.

    `kind` is "exact" (character for character), "wording" (the same words in the same order) or "near"; `score` the
    share of words in common, in order; `changes` pairs of what was asked about and what stands there instead. The
    quote holds whole sentences, its `highlights` the matching part.
    """

    quote: Quote
    kind: str
    score: float
    changes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a check: the matches, best first; `verdict` is the best one's kind, or "none"."""

    text: str
    matches: tuple[Match, ...]

    @property
    def verdict(self) -> str:
        return self.matches[0].kind if self.matches else "none"


def check(text: str, library: Library, *, limit: int = 5, filters: Filters | None = None) -> Check:
    """Return where the library says `text`, at most `limit` places, best first.

    A text of fewer than `WORDS_AT_LEAST` words matches nothing; one above `LONGEST` characters is cut at a word.
    """
    text = normalise(text).strip().strip("\"'“”‘’«»„ ").strip()
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit(maxsplit=1)[0]
    pieces = [words for part in _GAP.split(text) if (words := _words(part))]
    if sum(map(len, pieces)) < WORDS_AT_LEAST:
        return Check(text, ())
    with library.snapshot() as view:
        found = [match for article in _candidates(view, text, filters) if (match := _match(text, pieces, article))]
    order = {"exact": 0, "wording": 1, "near": 2}
    found.sort(key=lambda match: (order[match.kind], -match.score, match.quote.published or ""))
    return Check(text, tuple(found[:limit]))


def _candidates(view: View, text: str, filters: Filters | None) -> Iterator[Article]:
    hits = view.text(terms(text), CANDIDATES, filters)
    for article_id, version in dict.fromkeys((hit.passage.article_id, hit.passage.version) for hit in hits):
        yield view.article(article_id, version)


def _match(text: str, pieces: Sequence[Words], article: Article) -> Match | None:
    """Return the best match of the text in one article, or None."""
    there = _words(article.text)
    at = _exact(text, article.text, there)
    if at >= 0:
        return Match(_quote(article, [(at, at + len(text))]), "exact", 1.0)
    if spans := _in_order(pieces, there):
        return Match(_quote(article, spans), "wording", 1.0)
    return _near([word for piece in pieces for word in piece], text, article, there)


def _exact(text: str, whole: str, there: Words) -> int:
    """Return where `text` stands in `whole` without cutting a word there at either end, or -1."""
    at = whole.find(text)
    while at >= 0 and any(start < edge < end for _, start, end in there for edge in (at, at + len(text))):
        at = whole.find(text, at + 1)
    return at


def _in_order(pieces: Sequence[Words], there: Words) -> list[tuple[int, int]]:
    """Return the spans at which all pieces stand, in this order, or an empty list."""
    spans, begin = [], 0
    for piece in pieces:
        wanted = [word for word, _, _ in piece]
        place = next(
            (n for n in range(begin, len(there) - len(wanted) + 1) if _same(there, n, wanted)),
            None,
        )
        if place is None:
            return []
        begin = place + len(wanted)
        spans.append((there[place][1], there[begin - 1][2]))
    return spans


def _same(there: Words, at: int, wanted: Sequence[str]) -> bool:
    return there[at][0] == wanted[0] and all(there[at + n][0] == word for n, word in enumerate(wanted))


def _near(asked: Words, text: str, article: Article, there: Words) -> Match | None:
    """Return the run of sentences whose words are most like those asked about, if they are like enough."""
    wanted = [word for word, _, _ in asked]
    known = set(wanted)
    parts = [span for span in sentences(article.text) if span not in article.headings]
    groups = [[word for word in there if start <= word[1] < end] for start, end in parts]
    best: tuple[float, int, int] | None = None
    for first in range(len(parts)):
        run: list[str] = []
        for last in range(first, min(first + 4, len(parts))):
            run += [word for word, _, _ in groups[last]]
            if 2 * sum(word in known for word in run) < NEAR * (len(run) + len(wanted)):
                continue  # no order of these words could reach it
            score = SequenceMatcher(None, wanted, run, autojunk=False).ratio()
            if score >= NEAR and (best is None or score > best[0]):
                best = (score, first, last)
            if len(run) > 2 * len(wanted):
                break
    if best is None:
        return None
    score, first, last = best
    found = [word for group in groups[first : last + 1] for word in group]
    steps = SequenceMatcher(None, wanted, [word for word, _, _ in found], autojunk=False).get_opcodes()
    changes = tuple(
        (_cut(text, asked[a:b]), _cut(article.text, found[c:d])) for kind, a, b, c, d in steps if kind != "equal"
    )
    alike = [(found[c][1], found[d - 1][2]) for kind, _, _, c, d in steps if kind == "equal"]
    return Match(_quote(article, alike, parts[first][0], parts[last][1]), "near", score, changes)


def _words(text: str) -> Words:
    return [(m[0].replace("’", "'").casefold(), m.start(), m.end()) for m in _WORD.finditer(text)]


def _cut(text: str, words: Words) -> str:
    return " ".join(text[start:end] for _, start, end in words)


def _quote(article: Article, spans: list[tuple[int, int]], start: int | None = None, end: int | None = None) -> Quote:
    """Return the whole sentences around `spans`, which become the highlights."""
    if start is None or end is None:
        touched = [(s, e) for s, e in sentences(article.text) if any(s < right and left < e for left, right in spans)]
        start, end = (touched[0][0], touched[-1][1]) if touched else (spans[0][0], spans[-1][1])
    return compose.quote(article, start, end, highlights=tuple(spans))
