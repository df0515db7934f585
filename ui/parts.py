"""Parts that several pages use: the header, an HTML pane bound to the page's script, the reader's bar, the limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from qa.errors import BylineError
from ui.desk import Desk, sentence
from ui.html import render

PAGES = (
    ("ask", "/", "Ask"),
    ("library", "/library", "Library"),
    ("history", "/history", "History"),
    ("evaluation", "/evaluation", "Evaluation"),
)

# The words of a custom event must stand in `js_on_load`: Gradio makes a listener only for names it finds quoted there.
# None may be one of Gradio's own (load, unload, select, …): those fire by themselves.
EVENTS = ("quote", "read", "samples", "visit", "unsample", "discard", "restore", "evidence", "seek")


def pane(name: str, script: str, value: str = "", label: str = "") -> gr.HTML:
    """Return an HTML pane whose clicks and changes the function `script` of `assets/byline.js` looks after."""
    listening = " ".join(f"'{event}'" for event in EVENTS)
    return gr.HTML(
        value,
        elem_id=name,
        label=label,
        padding=False,
        apply_default_css=False,
        js_on_load=f"/* {listening} */ {script}(element, trigger, watch);",
    )


def sent(event: gr.EventData) -> Callable[[str], str]:
    """Return a reader of what the script sent with an event: a name's value as text, "" for anything else."""
    return _texts(event._data)


def fields(wanted: str | None) -> Callable[[str], str]:
    """Return a reader of the JSON in which the script sent a list's fields, as `sent` does."""
    try:
        return _texts(json.loads(wanted or "{}"))
    except ValueError:
        return _texts(None)


def _texts(data: object) -> Callable[[str], str]:
    known = data if isinstance(data, dict) else {}
    return lambda name: value if isinstance(value := known.get(name), str) else ""


def after(work: Callable[[], Any], shown: Callable[[Any], str]) -> str:
    """Return what `shown` makes of what `work` returned; where that failed, why, and what it makes of None."""
    try:
        done = work()
    except BylineError as error:
        return render("parts", "status", said=sentence(error)) + shown(None)
    return shown(done)


def header(here: str, desk: Desk) -> gr.HTML:
    """Return the bar at the top of every page."""
    return gr.HTML(
        render("parts", "header", here=here, pages=PAGES, signed_in=desk.users is not None),
        elem_id="top",
        padding=False,
        apply_default_css=False,
        js_on_load=None,
    )


def limits(desk: Desk) -> str:
    """Return the filters above the question: dates, outlets, and the article it is limited to."""
    return render("parts", "limits", outlets=outlets(desk))


def outlets(desk: Desk) -> list[str]:
    """Return the names of the library's outlets in the alphabet's order."""
    return sorted((name for name, _ in desk.library.publishers()), key=str.casefold)
