"""HTML → Draft: the article's text by trafilatura, its facts by `ingest.metadata`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest import blocked, header
from ingest.furniture import is_credit, is_furniture
from ingest.metadata import Facts, day
from ingest.names import one_line
from ingest.records import SAVE_TEXT, Draft
from qa.errors import ExtractError
from qa.text import fold, normalise

DEEPEST = 2_000  # elements within each other; pages stay under 100, and libxml2 and trafilatura recurse
FEW_WORDS = 25  # fewer are stored, with a warning: a page of pictures, or one filled in by a script
# Where the careful extraction finds this much less than the plain one, it has lost the article, not the furniture:
# on `data/pages` mean 4-gram F1 .930, against .918 careful alone and .916 plain alone.
LOST = 2.5

_BLOCKS = frozenset(
    {"p", "head", "quote", "item", "row", "code", "list", "table", "div", "section", "body", "fw", "ab"}
)
_OPEN = re.compile(
    r"<(/?)(div|span|p|table|tr|td|ul|ol|li|b|i|em|strong|font|section|article|blockquote|a|center|dl|dd)\b", re.I
)

_PICTURE = re.compile(r"data:[\w/+.;=-]{0,80};base64,[A-Za-z0-9+/=\s]{200,}")  # in pages saved as one file, most bytes
_TAG = re.compile(r"<[a-zA-Z][^<>]{20000,}")
_ATTRIBUTE = re.compile(r"\s[\w:-]+=")
MOST_ATTRIBUTES = 5_000  # of one tag: libxml2 reads them in time that grows with their square


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or heading of an article."""

    text: str
    heading: bool = False


def article(html: str, name: str, url: str | None = None) -> Draft:
    """Return the article in a page; `name` is for messages, `url` where it was fetched from (None: a file).

    Raises ExtractError where the page holds no article, or asks for money, consent or a login instead of showing it.
    """
    if not html.strip():
        raise ExtractError(f"{name}: the page is empty. {SAVE_TEXT}")
    html = _PICTURE.sub("data:,", html)
    if any(len(_ATTRIBUTE.findall(tag[0])) > MOST_ATTRIBUTES for tag in _TAG.finditer(html)):
        raise ExtractError(f"{name}: a tag in the page is endless, as in no article. {SAVE_TEXT}")
    if depth(html) > DEEPEST:
        raise ExtractError(f"{name}: the page is nested {DEEPEST} levels deep, as no article is. {SAVE_TEXT}")
    import trafilatura  # late: it costs a second, and most commands never read a page
    from trafilatura.metadata import extract_metadata

    tree = trafilatura.load_html(html)
    if tree is None:
        raise ExtractError(f"{name}: this is not a web page. {SAVE_TEXT}")
    facts = Facts(tree, url, html)
    seen = extract_metadata(tree, default_url=url)
    title = facts.title(seen.title)
    text, headings, told = _text(tree, url, title)
    words = count_words(text)
    if reason := blocked.reason(tree, title, words, paid=facts.paid()):
        raise ExtractError(f"{name}: {reason} Save the page in your browser, when you can read it, and add the file.")
    if not words:
        raise ExtractError(f"{name}: no article was found in the page. {SAVE_TEXT}")
    language = facts.language()
    under_title = told.published if language in (None, "en") else None  # elsewhere 8/1 is the eighth of January
    published, updated = facts.dates(under_title or day(seen.date))
    return Draft(
        title=title or one_line(text.partition("\n")[0][:120]),
        text=text,
        authors=facts.authors(seen.author) or told.authors,
        publisher=facts.publisher(),
        published=published,
        updated=updated,
        language=language,
        url=facts.canonical(),
        headings=headings,
        warnings=(f"Only {words} words were found in the page.",) if words < FEW_WORDS else (),
    )


def depth(html: str) -> int:
    """Return how deep the common elements of `html` are nested, by counting tags: cheap, and without a parser."""
    level = deepest = 0
    for tag in _OPEN.finditer(html):
        level = max(0, level - 1) if tag[1] else level + 1
        deepest = max(deepest, level)
    return deepest


def _text(tree: Any, url: str | None, title: str) -> tuple[str, tuple[tuple[int, int], ...], header.Told]:
    """Return the text, its headings and what it says of itself, in the settings that score best
    (`python -m eval.bench pages`).
    """
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    precise = bare_extraction(tree, url=url, include_comments=False, favor_precision=True)
    plain = bare_extraction(tree, url=url, include_comments=False, fast=True)
    careful, whole = (
        list(clean(found.body if isinstance(found, Document) else None, title)) for found in (precise, plain)
    )
    blocks, joined = careful, join(careful)
    if len((more := join(whole))[0]) > LOST * len(joined[0]):
        blocks, joined = whole, more
    told = header.take([block.text for block in blocks])
    if 0 < told.lines < len(blocks):
        joined = join(told.without(blocks))
    return *joined, told


def count_words(text: str) -> int:
    """Return the number of words; two characters of a script without spaces count as one."""
    return len(re.findall(r"[^\W\u3040-\u9fff\u0e00-\u0e7f\uac00-\ud7af]+", text)) + len(_UNSPACED.findall(text)) // 2


_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")


_BREAK = "\x1e"  # where the page breaks a line; a newline in its source is only a space


def blocks_of(body: Any) -> Iterator[Block]:
    """Yield the paragraphs and headings of a trafilatura body, list items and table rows each on their own."""
    if body is None:
        return
    for element, text in _runs(body):
        for part in re.split(rf"{_BREAK}\s*{_BREAK}", text):
            part = "\n".join(" ".join(line.split()) for line in part.split(_BREAK) if line.strip())
            if part:
                yield Block(part, element.tag == "head")


def _runs(body: Any) -> Iterator[tuple[Any, str]]:
    """Yield (block element, its own text) in order, without recursion: a page can be nested as deep as it likes."""
    owner: list[Any] = [body]
    text: list[str] = []
    from lxml.etree import iterwalk

    def flush() -> Iterator[tuple[Any, str]]:
        if joined := "".join(text).strip():
            yield owner[-1], joined
        text.clear()

    for event, element in iterwalk(body, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        block = element.tag in _BLOCKS
        if event == "start":
            if block:
                yield from flush()
                owner.append(element)
            elif element.tag == "cell" and text:
                text.append(" | ")
            elif element.tag == "lb":
                text.append(_BREAK)
            text.append(element.text or "")
        else:
            if block:
                yield from flush()
                owner.pop()
            text.append(element.tail or "" if element is not body else "")
    yield from flush()


def clean(body: Any, title: str) -> Iterator[Block]:
    """Yield the blocks of a body without what is surely furniture, and without the title said again at the start."""
    for number, block in enumerate(blocks_of(body)):
        if number < 3 and fold(block.text) == fold(title):
            continue
        if is_furniture(block.text) or is_credit(block.text):
            continue
        yield block


def join(blocks: list[Block]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the text of `blocks`, a blank line between any two, and the (start, end) of the headings in it.

    A heading that nothing follows, or only another one of the page's end, is dropped.
    """
    while blocks and blocks[-1].heading:
        blocks = blocks[:-1]
    parts, headings, at = [], [], 0
    for block in blocks:
        text = normalise(block.text).strip()
        if not text:
            continue
        if block.heading:
            headings.append((at, at + len(text)))
        parts.append(text)
        at += len(text) + 2
    return "\n\n".join(parts), tuple(headings)
