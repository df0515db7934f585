"""HTML from the templates in `ui/templates`: whatever a template prints is escaped unless it was made here.

So a text from an article or a person can be neither markup nor a script, wherever it is shown. `dir="auto"` in the
templates keeps right-to-left text from reordering what stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup, escape

from qa.render import confidence_word, day, safe_url

Spans = Sequence[tuple[int, int]]


def count(number: int, noun: str) -> str:
    """Return "1 article" or "1,204 articles"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def outlet(row: Any) -> str:
    """Name who published an article, row or quote: the outlet, else the address's host, else "No outlet"."""
    host = urlsplit(safe_url(row.url) or "").hostname or ""
    return row.publisher or host.removeprefix("www.") or "No outlet"


def moment(stamp: str) -> str:
    """Return an ISO timestamp as "12 Mar 2024, 14:35" by the clock of the machine that the server runs on."""
    try:
        there = datetime.fromisoformat(stamp).astimezone()
    except ValueError:
        return stamp
    return f"{day(there.date().isoformat())}, {there:%H:%M}"


def bold(text: str, at: int, spans: Spans) -> Markup:
    """Return `text`, which starts at offset `at`, with the parts inside `spans` in <strong>."""
    out, done = Markup(""), 0
    for start, end in sorted(spans):
        left, right = max(start - at, done), min(end - at, len(text))
        if left < right:
            out += escape(text[done:left]) + Markup("<strong>{}</strong>").format(text[left:right])
            done = right
    return out + escape(text[done:])


def marked(text: str, at: int, start: int, end: int, spans: Spans, tag: str = "mark") -> Markup:
    """Return a paragraph that starts at offset `at` with what lies in [start, end) in `tag`."""
    left, right = max(start - at, 0), min(end - at, len(text))
    if left >= right:
        return escape(text)
    inside = Markup(f"<{tag}>{{}}</{tag}>").format(bold(text[left:right], at + left, spans))
    return escape(text[:left]) + inside + escape(text[right:])


def spoken(text: str) -> bool:
    """Say whether a quote brings its own quotation marks, so that the page adds none."""
    return text[:1] in ('"', "'", "“", "‘", "«", "„")


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("ui", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {
        "day": day,
        "moment": moment,
        "outlet": outlet,
        "safe_url": safe_url,
        "spoken": spoken,
        "sure": confidence_word,
    }
    made.globals |= {"count": count, "bold": bold, "marked": marked}
    return made


def render(template: str, macro: str, **values: Any) -> str:
    """Return what `macro` of `templates/{template}.html` makes of `values`."""
    module: Any = _environment().get_template(f"{template}.html").module
    return str(getattr(module, macro)(**values))
