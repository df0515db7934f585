"""The page's two panes: what stands in the conversation and in the reader. Pure functions, records → HTML.

`data-quote` holds a quote's id, `data-bold` the offsets of its answering words, `data-article` the article's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from qa.assistant import NOT_THERE
from qa.records import Answer, Article, ArticleRow, Filters, Quote
from qa.render import limits_in_words, searched_as
from qa.text import paragraphs
from ui.export import fragment
from ui.html import Spans, marked, render

NO_ANSWER = "Your articles do not answer this."
READ = "Byline read the passages closest to the question, and none of them says it."
Find = Callable[[Quote], Article | None]  # the article version a quote is from; None when it has left the library


@dataclass(frozen=True, slots=True)
class Card:
    """The quotes of one article in an answer, by their number there.

    `around` holds each one's paragraphs, `links` the address that opens its page at the quote.
    """

    title: str
    quotes: list[tuple[int, Quote]]
    sample: bool
    gone: bool
    also: int
    spots: dict[int, str] = field(default_factory=dict)
    around: dict[int, list[Markup]] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)


def cards(quotes: Sequence[Quote], find: Find, samples: frozenset[str]) -> list[Card]:
    """Return the quotes as cards, those of one article together, in the order of each article's best quote."""
    groups: dict[tuple[str, int], list[tuple[int, Quote]]] = {}
    for place, quote in enumerate(quotes, 1):
        groups.setdefault((quote.article_id, quote.version), []).append((place, quote))
    made = []
    for group in groups.values():
        first, article = group[0][1], find(group[0][1])
        card = Card(first.title, group, first.article_id in samples, article is None, len(first.also_in))
        for place, quote in group:
            card.spots[place] = ",".join(f"{start}-{end}" for start, end in quote.highlights)
            card.around[place] = _around(quote, article)
            card.links[place] = fragment(quote, article) or ""
        made.append(card)
    return made


def _around(quote: Quote, article: Article | None) -> list[Markup]:
    """Return the paragraphs a quote stands in, for its preview; where it fills them, also the next one."""
    if article is None:
        return []
    where = paragraphs(article.text)
    inside = [i for i, (start, end) in enumerate(where) if start < quote.end and quote.start < end]
    if inside and quote.start <= where[inside[0]][0] and quote.end >= where[inside[-1]][1]:
        inside += [inside[-1] + 1] if inside[-1] + 1 < len(where) else []
    return [
        marked(article.text[start:end], start, quote.start, quote.end, quote.highlights, "b")
        for start, end in (where[i] for i in inside)
    ]


def turn(
    answer: Answer,
    number: int,
    find: Find,
    filters: Filters | None = None,
    samples: frozenset[str] = frozenset(),
) -> str:
    """Return one finished turn: the question, then its quotes, or the reason there are none and what to do next."""
    given = {"answer": answer, "number": number, "limits": limits_in_words(filters), "asked_as": searched_as(answer)}
    if answer.found:
        articles = len({quote.article_id for quote in answer.quotes})
        shown = cards(answer.quotes, find, samples)
        return render("conversation", "found", cards=shown, articles=articles, **given)
    reason = READ if answer.reason == NOT_THERE else (answer.reason or "").removeprefix(NO_ANSWER).strip()
    shown = cards(answer.nearest, find, samples)
    return render("conversation", "nothing", lead=NO_ANSWER, reason=reason, cards=shown, **given)


def working(
    question: str,
    number: int,
    doing: str,
    quotes: Sequence[Quote],
    find: Find,
    filters: Filters | None,
    samples: frozenset[str] = frozenset(),
) -> str:
    """Return the turn that is being answered: what is being done, in words, and the quotes known so far."""
    given = {"question": question, "number": number, "limits": limits_in_words(filters)}
    return render("conversation", "working", doing=doing, cards=cards(quotes, find, samples), **given)


def ended(question: str, number: int, sentence: str, state: str, filters: Filters | None = None) -> str:
    """Return a turn that ended without an answer to keep: `state` is "stopped" or "failed"."""
    given = {"question": question, "number": number, "limits": limits_in_words(filters)}
    return render("conversation", "ended", sentence=sentence, state=state, **given)


def reader(
    article: Article,
    start: int = 0,
    end: int = 0,
    spans: Spans = (),
    *,
    nonce: int = 0,
    newest: int | None = None,
    sample: bool = False,
    link: str | None = None,
) -> str:
    """Return an article with what lies in [start, end) marked; without a mark everything is in full ink.

    `link` opens the original page, at the quote if there is one. `nonce` differs from call to call: an unchanged
    value would not tell the page to scroll again. `newest` is the number of the library's latest version, where this
    may be an earlier one.
    """
    where = paragraphs(article.text)
    inside = [i for i, (left, right) in enumerate(where) if left < end and start < right]
    near = set(inside)
    if inside:  # the neighbouring sentences: of the same paragraph, else of the one next to it
        near |= {inside[0] - 1} if start <= where[inside[0]][0] else set()
        near |= {inside[-1] + 1} if end >= where[inside[-1]][1] else set()
    headings = set(article.headings)
    parts = [
        (
            "h3" if (left, right) in headings else "p",
            i in near,
            marked(article.text[left:right], left, start, end, spans),
        )
        for i, (left, right) in enumerate(where)
    ]
    return render(
        "reader",
        "article",
        article=article,
        parts=parts,
        quoted=start < end,
        nonce=nonce,
        older=newest is not None and newest != article.version,
        newest=newest,
        is_sample=sample,
        link=link or article.url,
    )


def missing(what: str) -> str:
    """Return the reader's state for an article that cannot be shown."""
    return render("parts", "empty", lead=what, live=True)


def shelf(rows: Iterable[ArticleRow], total: int, samples: frozenset[str]) -> str:
    """Return what stands in the reader's place while no article is open: the latest articles."""
    return render("reader", "shelf", rows=list(rows), total=total, samples=samples)


def welcome(total: int, samples: int, available: int, examples: Sequence[str]) -> str:
    """Return what stands where no question has been asked yet; `available` sample articles could be loaded."""
    return render(
        "conversation", "welcome", total=total, has_samples=samples > 0, available=available, examples=list(examples)
    )
