"""What the reader shows for a click: the article, at the quote that was clicked."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from qa.errors import BylineError, NotInLibraryError
from qa.records import Quote
from ui import panes
from ui.desk import Desk, sentence
from ui.export import fragment

ID = re.compile(r"(?P<article>[^@]+)@(?P<version>\d{1,9}):(?P<start>\d{1,9})-(?P<end>\d{1,9})")
GONE = "This article has left your library. The quote is all that was kept of it."
_count = itertools.count(1)  # makes every value differ: the page scrolls only when it changes


def quote(desk: Desk, wanted: str, text: str, bold: str) -> str:
    """Return the reader's HTML for a quote: its id, its text, and its answering words ("12-20,31-40")."""
    place = ID.fullmatch(wanted)
    if not place:
        return article(desk, wanted)
    start, end = int(place["start"]), int(place["end"])
    asked = Quote(place["article"], "", None, None, (), None, start, end, text, version=int(place["version"]))
    try:
        found = desk.find(asked)
        if found is None or found.text[start:end] != text:
            return panes.missing(GONE)
        newest = desk.library.get(found.id).version
        sample = found.id in desk.samples()
    except BylineError as error:
        return panes.missing(sentence(error))
    spans = [(int(left), int(right)) for left, right in re.findall(r"(\d{1,9})-(\d{1,9})", bold)]
    link = fragment(replace(asked, url=found.url), found)
    return panes.reader(found, start, end, spans, nonce=next(_count), newest=newest, sample=sample, link=link)


def article(desk: Desk, article_id: str) -> str:
    """Return the reader's HTML for a whole article."""
    try:
        found = desk.library.get(article_id)
        return panes.reader(found, nonce=next(_count), sample=found.id in desk.samples())
    except NotInLibraryError:
        return panes.missing("This article is not in your library any more.")
    except BylineError as error:
        return panes.missing(sentence(error))
