"""Sentence scores → quotes: whole sentences, merged, attributed, ordered; or the reason for none. Pure.

Each sentence has one calibrated probability of being part of the answer. The best are kept, neighbours of one
article merged, copies in other articles collapsed into `also_in`. Nothing is rewritten.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from statistics import fmean

from qa.reader.calibration import Calibration, sigmoid
from qa.records import Article, Hit, Quote, SentenceScore, Span
from qa.speaker import speaker_of
from qa.text import fold, sentences, words

LONGEST = 90  # words of one merged quote: a longer one is no longer read at a glance
NEAREST = 3
AS_LIKELY = 0.7  # from this share of its probability on, a newer article's quote comes before an older one's
SAME = 0.8  # the share of words in common from which two sentences say the same thing in the same words
SPELT_ALIKE = 0.75  # "honour" and "honor", "centre" and "center"
_NEGATIONS = frozenset("no not nor never none neither without cannot".split())

# "Here's what officials mean when they talk about it.": it announces the answer and is none, unless it goes on to
# give it ("Here's why: for tax purposes, crypto assets are property.").
_ANNOUNCES = re.compile(
    r"^\W*here(?:[’']s| is| are) (?:what|how|why|who|where|when|a (?:quick |brief )?look)\b(?!.*?: +(?:\S+ +){3})", re.I
)
_COURTESY = re.compile(r"^(?:Mrs?|Ms|Dr)\.? ")
# "Russia has framed this demand as …": without the sentence before it, nobody knows which demand.
_POINTS_BACK = re.compile(
    r"^\W*(?:[\w’'-]+\W+){0,5}(?:(?:this|these)\s+(?!week|month|year|quarter|season|decade|century|morning|afternoon"
    r"|evening|night|weekend|spring|summer|autumn|fall|winter|time|past|coming|point|far)|such\s+(?!as|an?|that\b))[a-z]",
    re.IGNORECASE,
)
_CLOSES = re.compile(r"[.,?!…]?”")
Articles = Mapping[tuple[str, int], Article]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of an article, with its spans, best first, and the log-odds that it is part of the answer."""

    article: Article
    start: int
    end: int
    spans: tuple[Span, ...]
    logit: float
    also_in: tuple[str, ...] = ()

    @property
    def probability(self) -> float:
        return sigmoid(self.logit)

    @property
    def text(self) -> str:
        return self.article.text[self.start : self.end]


def rank(read: Iterable[Sequence[SentenceScore]], articles: Articles, calibration: Calibration) -> list[Candidate]:
    """Return every sentence that was read, once, best first; `read` is in the order of retrieval.

    Headings and sentences that only announce are left out. A sentence that two passages hold counts with the mean of
    its readings.
    """
    readings: dict[tuple[str, int, int], list[tuple[int, SentenceScore]]] = defaultdict(list)
    for place, passage in enumerate(read):
        for sentence in passage:
            home = sentence.span.passage
            article = articles[home.article_id, home.version]
            heading = any(a <= sentence.start and sentence.end <= b for a, b in article.headings)
            if not heading and not _ANNOUNCES.search(article.text[sentence.start : sentence.end]):
                readings[article.id, sentence.start, sentence.end].append((place, sentence))
    candidates = []
    for (key, start, end), found in readings.items():
        _, best = max(found, key=lambda r: r[1].span.score)
        logit = calibration.sentence_logit(
            fmean(s.span.score for _, s in found),
            fmean(s.evidence or 0.0 for _, s in found),
            found[0][0],
        )
        article = articles[key, best.span.passage.version]
        candidates.append(Candidate(article, start, end, (best.span, *best.more), logit))
    return sorted(candidates, key=lambda c: (-c.logit, c.article.id, c.start))


def collapse(candidates: Sequence[Candidate], limit: int = 40) -> list[Candidate]:
    """Return the first `limit` candidates with copies of a sentence folded into the best-ranked one of them."""
    kept: list[Candidate] = []
    bags: list[tuple[str, frozenset[str]]] = []
    for candidate in candidates:
        folded, bag = fold(candidate.text), frozenset(words(candidate.text))
        for n, (other, others) in enumerate(bags):
            alike = folded == other or _same_words(bag, others)
            if not alike:
                continue
            first = kept[n]
            if candidate.article.id not in (first.article.id, *first.also_in):
                kept[n] = replace(first, also_in=(*first.also_in, candidate.article.id))
            break
        else:
            if len(kept) == limit:
                break
            kept.append(candidate)
            bags.append((folded, bag))
    return kept


def _same_words(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two sentences say the same in the same words, but for a few added or spelt differently.

    Another figure, name or verb in the place of one, or a "not", makes it another statement, not a copy.
    """
    if len(one) <= 4 or len(one & other) < SAME * len(one | other):
        return False
    here, there = sorted(one - other), sorted(other - one)
    if any(word in _NEGATIONS or word.endswith("n't") or any(c.isdigit() for c in word) for word in here + there):
        return False
    fewer, more = sorted((here, there), key=len)
    return all(any(SequenceMatcher(None, a, b).ratio() >= SPELT_ALIKE for b in more) for a in fewer)


def choose(candidates: Sequence[Candidate], calibration: Calibration, quotes: int, most_words: int) -> list[Quote]:
    """Return the quotes of an answer, best first: at most `quotes`, within `most_words` words together."""
    if not candidates:
        return []
    least = max(calibration.keep, calibration.keep_share * candidates[0].probability)
    kept: list[Candidate] = []
    for candidate in candidates:
        if kept and candidate.probability < least:
            break
        lead = sentence_before(candidate) if _POINTS_BACK.search(candidate.text) else None
        trial = list({(c.article.id, c.start): c for c in ([lead] if lead else []) + [*kept, candidate]}.values())
        fits = sum(len(c.text.split()) for c in trial) <= most_words
        if (fits or not kept) and len(merge(trial)) <= quotes:
            kept = trial  # the best sentence is shown whatever its length
        elif not kept:
            kept = [candidate]
    return merge(kept)


def sentence_before(candidate: Candidate) -> Candidate | None:
    """Return the sentence before a candidate's in its paragraph: what its "this plan" or "such limits" stand for."""
    text, start = candidate.article.text, candidate.start
    paragraph = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
    before = sentences(text[paragraph:start])
    if not before:
        return None
    left, right = before[-1]
    return Candidate(candidate.article, paragraph + left, paragraph + right, (), candidate.logit)


def merge(candidates: Sequence[Candidate]) -> list[Quote]:
    """Return quotes from sentences, neighbours of one article as one, best first; of two as likely, the newer first."""
    groups: list[list[Candidate]] = []
    for candidate in sorted(candidates, key=lambda c: (c.article.id, c.start)):
        group = groups[-1] if groups else []
        beside = (
            bool(group)
            and group[-1].article.id == candidate.article.id
            and not candidate.article.text[max(c.end for c in group) : candidate.start].strip()
            and sum(len(c.text.split()) for c in (*group, candidate)) <= LONGEST
        )
        if beside:
            group.append(candidate)
        else:
            groups.append([candidate])
    groups.sort(key=lambda group: (-max(c.logit for c in group), group[0].article.id, group[0].start))
    ordered: list[list[Candidate]] = []
    for group in groups:
        at = len(ordered)
        while at and _updates(group, ordered[at - 1]):
            at -= 1
        ordered.insert(at, group)
    return [_quote(group) for group in ordered]


def _updates(later: Sequence[Candidate], earlier: Sequence[Candidate]) -> bool:
    """Tell whether a quote is of a newer article than another and as likely: the news may have moved on since."""
    dates = [group[0].article.published or "" for group in (later, earlier)]
    likely = [max(c.probability for c in group) for group in (later, earlier)]
    return bool(dates[1]) and dates[0][:10] > dates[1][:10] and likely[0] >= AS_LIKELY * likely[1]


def _quote(group: Sequence[Candidate]) -> Quote:
    article, start, end = group[0].article, group[0].start, max(c.end for c in group)
    told = [c for c in group if c.spans] or list(group)  # a lead (`sentence_before`) has no spans and says nothing
    best = max(told, key=lambda c: c.logit)
    names = {c.start: speaker_of(article.text, c.start, c.end) for c in told}
    speaker = _one_speaker(filter(None, names.values())) if names[best.start] else None
    ordered = sorted(group, key=lambda c: -c.logit)  # the best words first: they are the answer's short form
    also = dict.fromkeys(copy for c in group for copy in c.also_in)
    return quote(
        article,
        start,
        end,
        highlights=tuple(_whole_quotation(c, s) for c in ordered for s in c.spans),
        speaker=speaker,
        also_in=tuple(also),
        confidence=best.probability,
    )


def _whole_quotation(candidate: Candidate, span: Span) -> tuple[int, int]:
    """Return the offsets of a span, with the mark that ends what it opens, or without an odd one at its edge."""
    text, start, end = candidate.article.text, span.start, span.end
    inside = text[start:end]
    opened, closed = inside.count("“"), inside.count("”")
    if opened == closed + 1:
        if mark := _CLOSES.match(text, end, candidate.end):
            return start, mark.end()
        return start + inside.startswith("“"), end
    if closed == opened + 1 and inside.endswith("”"):
        before = start > candidate.start and text[start - 1] == "“"
        return (start - 1, end) if before else (start, end - 1)
    return start, end


def _one_speaker(names: Iterable[str]) -> str | None:
    """Return the fullest of `names` if all can be its ("Jo Ray", "Ms. Ray"): what two people say is nobody's alone."""
    every = set(names)
    fullest = max(every, key=len)
    return fullest if all(f" {fullest}".endswith(f" {_COURTESY.sub('', name)}") for name in every) else None


def quote(article: Article, start: int, end: int, **given: object) -> Quote:
    """Return `article.text[start:end]` as a quote with its article's particulars."""
    return Quote(
        article_id=article.id,
        title=article.title,
        url=article.url,
        publisher=article.publisher,
        authors=article.authors,
        published=article.published,
        start=start,
        end=end,
        text=article.text[start:end],
        version=article.version,
        **given,  # type: ignore[arg-type]
    )


def nearest(hits: Sequence[Hit], articles: Articles, read: Sequence[Candidate] = ()) -> tuple[Quote, ...]:
    """Return the closest passages for a question without an answer: from different places, without highlights.

    Of each passage, the sentence that reads best, or its first, with the one after it unless a heading stands between.
    """
    likely = {(c.article.id, c.start): c.logit for c in read}
    shown: list[Quote] = []
    for hit in hits:
        article = articles[hit.passage.article_id, hit.passage.version]
        spans = [(hit.passage.start + a, hit.passage.start + b) for a, b in sentences(hit.passage.text)]
        spans = [s for s in spans if not any(a <= s[0] and s[1] <= b for a, b in article.headings)]
        if not spans:
            continue
        at = max(range(len(spans)), key=lambda n: (likely.get((article.id, spans[n][0]), -99.0), -n))
        start, end = spans[at]
        if at + 1 < len(spans) and not article.text[end : spans[at + 1][0]].strip():
            end = spans[at + 1][1]
        found = quote(article, start, end)
        if any(q.article_id == found.article_id and q.start < found.end and found.start < q.end for q in shown):
            continue
        if any(fold(q.text) == fold(found.text) for q in shown):
            continue
        shown.append(found)
        if len(shown) == NEAREST:
            break
    return tuple(shown)
