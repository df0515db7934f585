"""`Answer` → plain text, Markdown and HTML. Pure; whatever comes from an article is escaped.

Confidence is shown as a word: a percentage would look more exact than it is.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable
from urllib.parse import quote as percent
from urllib.parse import urlsplit

from qa.records import Answer, Filters, Quote, numbered
from qa.text import fold

WIDTH = 88
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:@/=^])")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_WORDS = ((0.75, "clear"), (0.5, "likely"), (0.25, "possible"), (0.0, "weak"))


def confidence_word(confidence: float) -> str:
    """Return the word shown for a probability: clear, likely, possible or weak."""
    return next(word for least, word in _WORDS if confidence >= least)


def day(date: str | None) -> str | None:
    """Return an ISO date as "4 Sep 2025"; anything else as it is."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d).*", date or "")
    if not match or not 1 <= int(match[2]) <= 12:
        return date
    return f"{int(match[3])} {_MONTHS[int(match[2]) - 1]} {match[1]}"


def searched_as(answer: Answer) -> str:
    """Return what was searched for where that differs from what was asked, or an empty string."""
    return answer.asked_as if answer.asked_as.strip() != answer.question.strip() else ""


def limits_in_words(filters: Filters | None) -> str:
    """Return the limits of a question in words, or an empty string."""
    if not filters:
        return ""
    parts = [", ".join(filters.publishers)] if filters.publishers else []
    if filters.after and filters.before:
        parts.append(f"{day(filters.after)} to {day(filters.before)}")
    elif filters.after:
        parts.append(f"since {day(filters.after)}")
    elif filters.before:
        parts.append(f"until {day(filters.before)}")
    if filters.articles:
        parts.append("one article" if len(filters.articles) == 1 else f"{len(filters.articles)} articles")
    return " · ".join(parts)


def source_line(quote: Quote) -> str:
    """Return outlet, authors and date in one line, leaving out what is not known."""
    parts = (quote.publisher, ", ".join(quote.authors), day(quote.published))
    return " · ".join(part for part in parts if part)


def safe_url(url: str | None) -> str | None:
    """Return `url` if it is a plain web address, else None."""
    try:
        parts = urlsplit(url or "")
        return url if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def fragment_url(quote: Quote) -> str | None:
    """Return the address that opens the original page at the quote's first words (a text fragment), if it has one."""
    url = safe_url(quote.url)
    if url is None:
        return None
    words = quote.text.split("\n")[0].split()
    text = f"{_fragment(words[:5])},{_fragment(words[-5:])}" if len(words) > 10 else _fragment(words)
    return f"{url.split('#')[0]}#:~:text={text}"


def _fragment(words: Iterable[str]) -> str:
    return percent(" ".join(words), safe="").replace("-", "%2D")


def answer_text(answer: Answer, *, color: bool = False, width: int = WIDTH) -> str:
    """Return an answer for a terminal; with `color`, the answering words are bold."""
    lines: list[str] = []
    if searched := searched_as(answer):
        lines += [_wrapped(f"(searched as: {searched})", width, ""), ""]
    if not answer.found:
        lines.append(_wrapped(_printable(answer.reason or ""), width, ""))
        for number, quote in enumerate(answer.nearest, 1):
            lines += ["", _wrapped(f"{number}. {_printable(_one_line(quote.text))}", width, "   ", "   ")]
            lines.append(_wrapped(_printable(_where(quote)), width, "      ", "      "))
        return "\n".join(lines)
    sources = numbered(answer.quotes)
    for quote in answer.quotes:
        label = f"[{sources[quote.article_id][0]}]"
        paragraphs = [_printable(_one_line(part)) for part in _PARTS.split(_marked(quote))]
        body = "\n".join(_wrapped(part, width, _BAR, _BAR) for part in [*paragraphs[:-1], f"{paragraphs[-1]} {label}"])
        lines.append(body.replace(_ON, "\x1b[1m").replace(_OFF, "\x1b[22m") if color else _plain(body))
        if quote.speaker and fold(quote.speaker) not in fold(quote.text):
            lines.append(_wrapped(f"— {_printable(quote.speaker)}", width, _BAR, _BAR))
        lines.append("")
    for number, quote in sources.values():
        lines.append(_wrapped(f"[{number}] {_printable(_where(quote))}", width, "", "    "))
    lines.append(f"    ({confidence_word(answer.confidence)} answer, {answer.seconds * 1000:.0f} ms)")
    return "\n".join(lines)


_BAR = "  │ "  # no quotation marks of our own: every character beside the bar is the article's
_ON, _OFF = "\ue000", "\ue001"  # private-use characters stand for the terminal's codes until the lines are wrapped
_PARTS = re.compile(rf"\n\s*\n|\n(?=\s*{_ON}?[•·▪*-] )")  # paragraphs and the items of a list keep their lines


def _marked(quote: Quote) -> str:
    text = quote.text.replace(_ON, "").replace(_OFF, "") if _ON in quote.text or _OFF in quote.text else quote.text
    if text != quote.text:  # offsets no longer fit: show it plain
        return text
    out, at = [], 0
    for start, end in sorted(highlights(quote)):
        out += [text[at:start], _ON, text[start:end], _OFF]
        at = end
    return "".join([*out, text[at:]])


def highlights(quote: Quote) -> list[tuple[int, int]]:
    """Return the answering words as offsets into `quote.text`, in order, without overlaps."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((s - quote.start, e - quote.start) for s, e in quote.highlights):
        if 0 <= start < end <= len(quote.text) and (not found or start >= found[-1][1]):
            found.append((start, end))
    return found


def _plain(text: str) -> str:
    return text.replace(_ON, "").replace(_OFF, "")


def _printable(text: str) -> str:
    """Drop what could steer a terminal: control characters, and marks that reverse the direction of writing."""
    return "".join(c for c in text if c.isprintable() or c in (" ", _ON, _OFF))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _wrapped(text: str, width: int, first: str, rest: str = "") -> str:
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _where(quote: Quote) -> str:
    return " — ".join(part for part in (_one_line(quote.title), source_line(quote)) if part) or quote.article_id


def answer_markdown(answer: Answer) -> str:
    """Return an answer as Markdown with numbered sources; text from articles cannot act as Markdown."""
    lines = [f"### {escape_markdown(_one_line(answer.question))}", ""]
    quotes = answer.quotes
    if not answer.found:
        lines += [escape_markdown(answer.reason or ""), ""]
        quotes = answer.nearest
    sources = numbered(quotes)
    for quote in quotes:
        speaker = f" — {escape_markdown(quote.speaker)}" if quote.speaker else ""
        lines += [f"> {_bold(quote)} [{sources[quote.article_id][0]}]{speaker}", ""]
    for number, quote in sources.values():
        title, url = escape_markdown(_one_line(quote.title)), fragment_url(quote)
        linked = f"[{title}](<{url.replace('<', '%3C').replace('>', '%3E')}>)" if url else title
        lines.append(f"{number}. {linked} — {escape_markdown(source_line(quote))}")
    return "\n".join(lines).rstrip() + "\n"


def _bold(quote: Quote) -> str:
    out, at = [], 0
    for start, end in highlights(quote):
        out.append(escape_markdown(quote.text[at:start]))
        out.append(f"**{escape_markdown(quote.text[start:end])}**")
        at = end
    return _one_line("".join([*out, escape_markdown(quote.text[at:])]))


def escape_markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is and makes no link, image or markup of it."""
    return _MARKDOWN.sub(r"\\\1", text)


def quote_html(quote: Quote) -> str:
    """Return a quote's text as HTML, its answering words in <b>."""
    out, at = [], 0
    for start, end in highlights(quote):
        out += [html.escape(quote.text[at:start]), "<b>", html.escape(quote.text[start:end]), "</b>"]
        at = end
    return "".join([*out, html.escape(quote.text[at:])])


def answer_html(answer: Answer) -> str:
    """Return an answer as an HTML fragment: a blockquote for each quote, and the numbered sources."""
    quotes = answer.quotes if answer.found else answer.nearest
    parts = [] if answer.found else [f"<p>{html.escape(answer.reason or '')}</p>"]
    sources = numbered(quotes)
    for quote in quotes:
        speaker = f" <cite>— {html.escape(quote.speaker)}</cite>" if quote.speaker else ""
        label = f"[{sources[quote.article_id][0]}]"
        parts.append(
            f'<blockquote data-quote="{html.escape(quote.id)}">{quote_html(quote)} {label}{speaker}</blockquote>'
        )
    items = []
    for _, quote in sources.values():
        title, url = html.escape(quote.title), fragment_url(quote)
        link = f'<a href="{html.escape(url)}" rel="noopener noreferrer nofollow">{title}</a>' if url else title
        items.append(f"<li>{link} — {html.escape(source_line(quote))}</li>")
    return "\n".join([*parts, f"<ol>{''.join(items)}</ol>" if items else ""])
