"""A conversation, or the library, as a file to take away; and such a library file read again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent

from qa.errors import LibraryError, NotInLibraryError
from qa.library import Library
from qa.records import AddResult, Answer, Article, Quote
from qa.render import (
    answer_html,
    answer_markdown,
    day,
    escape_markdown,
    fragment_url,
    limits_in_words,
    safe_url,
    searched_as,
)
from ui.history import Conversation, Turn
from ui.html import render

Find = Callable[[Quote], Article | None]
AROUND = 4  # words before and after, enough to tell two places with the same words apart
KINDS = {"md": "text/markdown", "html": "text/html", "json": "application/json"}


def fragment(quote: Quote, article: Article | None) -> str | None:
    """Return the address that opens the original page at the quote: `#:~:text=prefix-,start,end,-suffix`.

    None for a quote without a web address; without the article's text the prefix and suffix are left out.
    Form: https://wicg.github.io/scroll-to-text-fragment/
    """
    plain = fragment_url(quote)
    if plain is None or article is None:
        return plain
    # A browser looks for prefix and suffix in the same block of text: not past a paragraph's end.
    before = article.text[: quote.start].rsplit("\n", 1)[-1].split()[-AROUND:]
    after = article.text[quote.end :].split("\n", 1)[0].split()[:AROUND]
    base, _, text = plain.partition("#:~:text=")
    return f"{base}#:~:text={_side(before, '{}-,')}{text}{_side(after, ',-{}')}"


def _side(words: list[str], form: str) -> str:
    return form.format(percent(" ".join(words), safe="").replace("-", "%2D")) if words else ""


def filename(title: str) -> str:
    """Return `title` as a file's name that every system takes."""
    return re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60] or "conversation"


def conversation(talk: Conversation, kind: str, find: Find) -> str:
    """Return a conversation as "md", "html" or "json"."""
    if kind == "json":
        return as_json(talk, find)
    return as_markdown(talk, find) if kind == "md" else as_html(talk, find)


def as_json(talk: Conversation, find: Find) -> str:
    """Return the conversation as it is kept, each quote with its link."""
    data = talk.to_dict()
    for turn, kept in zip(data["turns"], talk.turns, strict=True):
        for quote, source in zip(turn["answer"]["quotes"], kept.answer.quotes, strict=True):
            quote["link"] = fragment(source, find(source))
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def as_markdown(talk: Conversation, find: Find) -> str:
    """Return the conversation as Markdown."""

    def shown(url: str) -> str:
        return url.replace("<", "%3C").replace(">", "%3E")

    turns = []
    for turn in talk.turns:
        heading, _, rest = _linked(answer_markdown(turn.answer), turn.answer, find, shown).partition("\n")
        asked = "".join(f"\n_{escape_markdown(line)}_\n" for line in _asked(turn))
        turns.append(f"{heading}\n{asked}{rest}")
    return "\n".join([f"# {escape_markdown(' '.join(talk.title.split()))}", "", _dated(talk), "", *turns])


def as_html(talk: Conversation, find: Find) -> str:
    """Return the conversation as a page that needs nothing else."""
    # answer_html has escaped everything already
    turns = [(t.answer.question, _asked(t), _linked(answer_html(t.answer), t.answer, find, escape)) for t in talk.turns]
    return render("export", "page", title=talk.title, dated=_dated(talk), turns=turns)


def _asked(turn: Turn) -> list[str]:
    """Return what the page shows beside a question: its limits, and what was searched where that differs."""
    limits, searched = limits_in_words(turn.filters), searched_as(turn.answer)
    return [f"Only {limits}"] * bool(limits) + [f"Searched as: {searched}"] * bool(searched)


def _dated(talk: Conversation) -> str:
    return f"Asked with Byline, {day(talk.created)}. Every quote is exact."


def _linked(text: str, answer: Answer, find: Find, shown: Callable[[str], str]) -> str:
    """Return rendered text with each quote's plain link made one that also names the words around it."""
    for quote in answer.quotes if answer.found else answer.nearest:
        plain, exact = fragment_url(quote), fragment(quote, find(quote))
        if plain and exact:
            # Only up to where the address ends in its markup: one quote's link may be the beginning of another's.
            for end in (">", '"'):
                text = text.replace(shown(plain) + end, shown(exact) + end, 1)
    return text


def articles(library: Library) -> Iterator[str]:
    """Yield the library's articles, one JSON object a line; one that is removed meanwhile is left out."""
    for row in library.list(order="fetched"):
        with suppress(NotInLibraryError):
            yield json.dumps(asdict(library.get(row.id)), ensure_ascii=True) + "\n"


def read_articles(
    library: Library, file: Path, progress: Callable[[int, int, str], None] | None = None
) -> list[AddResult]:
    """Put the articles of such a file into `library`; a line that holds none fails, the others are added."""
    lines = [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    results = []
    for number, line in enumerate(lines, 1):
        if progress:
            progress(number, len(lines), file.name)
        source = f"{file.name}, line {number}"
        try:
            results.append(library.put(_article(json.loads(line))))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            results.append(
                AddResult(source, "failed", reason=f"{source} is not an article that Byline exported. Export it again.")
            )
        except LibraryError as error:
            results.append(AddResult(source, "failed", reason=str(error)))
    return results


def _article(data: dict[str, object]) -> Article:
    known = {name: data[name] for name in Article.__dataclass_fields__ if name in data}
    for name in ("id", "title", "text", "fetched", "sha256"):
        if not isinstance(known.get(name), str):
            raise TypeError(name)
    for name in ("publisher", "published", "updated", "language", "source"):
        if not isinstance(known.get(name), (str, type(None))):
            raise TypeError(name)
    if not re.fullmatch(r"[\w.-]{1,64}", str(known["id"])):
        raise ValueError("id")
    known["url"] = safe_url(known["url"]) if isinstance(known.get("url"), str) else None  # type: ignore[arg-type]
    known["authors"] = tuple(str(author) for author in _list(known.get("authors")))
    known["headings"] = tuple((int(a), int(b)) for a, b in _list(known.get("headings")))
    return Article(**known)  # type: ignore[arg-type]


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
