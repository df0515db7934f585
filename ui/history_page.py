"""The history page: conversations to find, open, export, and delete with a way back."""

from __future__ import annotations

from typing import Any

import gradio as gr

from qa.errors import BylineError
from ui import history, parts
from ui.desk import Desk, sentence
from ui.html import render


def build(demo: gr.Blocks, desk: Desk) -> None:
    """Lay out the page and connect its events; call it inside `demo`'s route."""
    parts.header("history", desk)
    with gr.Column(elem_id="sheet"):
        parts.pane("title", "Byline.title", '<h1 class="hello">History</h1>', label="History")
        find = parts.pane(
            "find",
            "Byline.finder",
            render("listing", "finder", name="Find conversations", hint="Search questions and quotes"),
            label="Find conversations",
        )
        rows = parts.pane("rows", "Byline.rows", label="Conversations")
    sent = gr.Textbox(visible=False)

    def found(wanted: str, request: gr.Request, undo: tuple[str, str] | None = None) -> str:
        text = parts.fields(wanted)("text")
        try:
            talks = history.listing(desk.library, desk.owner(request), text)
        except BylineError as error:
            return render("parts", "status", said=sentence(error))
        return render("listing", "conversations", talks=talks, searched=bool(text.strip()), undo=undo)

    def on_discard(wanted: str, request: gr.Request) -> str:
        gone, owner = parts.fields(wanted)("id"), desk.owner(request)
        return parts.after(lambda: desk.discard_conversation(gone, owner), lambda undo: found(wanted, request, undo))

    def on_restore(wanted: str, request: gr.Request) -> str:
        token = parts.fields(wanted)("token")
        return parts.after(lambda: desk.restore(token, desk.owner(request)), lambda _: found(wanted, request))

    def arrive(request: gr.Request) -> str:
        return found("", request)

    def seek(wanted: str, request: gr.Request) -> str:
        return found(wanted, request)

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    now = "() => [Byline.wanted()]"
    demo.load(arrive, None, rows, api_visibility="private", show_progress="hidden")
    find.seek(seek, sent, rows, js=now, trigger_mode="always_last", **quick)
    rows.discard(on_discard, sent, rows, js=now, **quick)
    rows.restore(on_restore, sent, rows, js=now, **quick)
