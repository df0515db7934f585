"""What other programs may call, through Gradio's API and as MCP tools: ask, add, search, verify. Nothing else.

These four are public; every other event of the pages is private (`api_visibility="private"`) and shut by the server.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from qa.check import LONGEST, check
from qa.errors import BylineError
from qa.records import Filters
from qa.render import safe_url
from ui import asking
from ui.desk import ASKERS, QUESTION, Desk

NAMES = ("ask", "add", "search", "verify")
ADDRESSES = 50  # at a time


def build(desk: Desk) -> None:
    """Offer the four functions; call it inside the app's blocks."""

    def ask(question: str, after: str = "", before: str = "", publishers: str = "") -> dict[str, Any]:
        """Answer a question in exact quotes from the library's articles, with outlet, author, date and place.

        Args:
            question: The question, in one's own words.
            after: Only articles published on or after this ISO date, e.g. 2025-01-31.
            before: Only articles published on or before this ISO date.
            publishers: Only these outlets, separated by commas.
        """
        question = _text(question)
        _at_most(len(question), QUESTION, "characters")
        names = [name.strip() for name in _text(publishers).split(",") if name.strip()]
        filters = Filters(_day(after), _day(before), names)
        return _told(lambda: desk.assistant.ask(question, filters=filters or None).to_dict())

    def add(urls: str) -> list[dict[str, Any]]:
        """Add articles to the library by their web addresses; each gets its own result.

        Args:
            urls: Web addresses (http or https), separated by white space.
        """
        wanted = _text(urls).split()
        _at_most(len(wanted), ADDRESSES, "addresses")
        if wrong := [url for url in wanted if not safe_url(url)]:
            raise gr.Error(f"{wrong[0][:80]} is not a web address. Start it with https://")
        results = _told(lambda: desk.add(wanted))
        names = ("source", "status", "article_id", "title", "reason")
        return [{name: getattr(result, name) for name in names} for result in results]

    def search(text: str, limit: int = 20) -> list[dict[str, Any]]:
        """List the library's articles whose title, outlet or author hold every word of a text, the latest first.

        Args:
            text: Words to look for; none lists every article.
            limit: How many at most, up to 200.
        """
        wanted = _text(text)[:QUESTION]
        try:
            most = max(1, min(int(limit), 200))
        except (TypeError, ValueError, OverflowError) as error:
            raise gr.Error(f"{str(limit)[:40]!r} is not a number. Give one from 1 to 200.") from error
        rows = _told(lambda: desk.library.list(text=wanted, limit=most))
        names = ("id", "title", "publisher", "published", "url", "words")
        return [{name: getattr(row, name) for name in names} for row in rows]

    def verify(quotation: str) -> dict[str, Any]:
        """Check whether the library's articles say a quotation: exactly, in the same words, nearly, or not.

        Args:
            quotation: The sentence or passage to look for.
        """
        quotation = _text(quotation)
        _at_most(len(quotation), LONGEST, "characters")
        found = _told(lambda: check(quotation, desk.library))
        matches = [
            {
                "kind": match.kind,
                "score": round(match.score, 3),
                "text": match.quote.text,
                "title": match.quote.title,
                "source": match.quote.source,
                "url": match.quote.url,
                "quote": match.quote.id,
                "changes": [list(pair) for pair in match.changes],
            }
            for match in found.matches
        ]
        return {"verdict": found.verdict, "matches": matches}

    for function in (ask, add, search, verify):
        gr.api(function, api_name=function.__name__, concurrency_limit=ASKERS, concurrency_id="ask")


def speak_json(demo: gr.Blocks) -> None:
    """Have the MCP tools answer in JSON: Gradio sends what Python prints for a dict, which no other language reads."""
    spoken: Any = demo.mcp_server_obj

    def told(data: Any, root_url: str) -> list[Any]:
        return [spoken.types.TextContent(type="text", text=json.dumps(item, ensure_ascii=False)) for item in data]

    spoken.postprocess_output_data = told


def _text(given: object) -> str:
    """Return an argument's text, none for null. Gradio hands on whatever was sent, of any kind."""
    if not isinstance(given, (str, type(None))):
        raise gr.Error(f"{str(given)[:40]!r} is not a text. Put it in quotation marks.")
    return given or ""


def _day(given: str) -> str | None:
    """Return a limit's date. A limit that cannot be read is refused: without it, what it shuts out would answer."""
    wanted = str(given or "").strip()
    day = asking.iso(wanted)
    if wanted and not day:
        raise gr.Error(f"{wanted[:40]!r} is not a date. Write it as 2025-01-31.")
    return day


def _at_most(number: int, most: int, what: str) -> None:
    """Refuse more than can be used: an answer about a part of it would look like one about the whole."""
    if number > most:
        raise gr.Error(f"These are {number:,} {what}. Give at most {most:,}.")


def _told(work: Any) -> Any:
    """Return what `work` returns; an expected error is told in its own words, any other stays in the log."""
    try:
        return work()
    except BylineError as error:
        raise gr.Error(str(error)) from error
