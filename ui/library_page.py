"""The library page: add articles, find them, remove them and take that back, export them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from qa.errors import BylineError
from qa.records import Filters
from ui import adding, asking, parts
from ui.desk import Desk, sentence
from ui.html import render

PAGE = 60  # rows at a time; "Show more" doubles it
ORDERS = (("fetched", "Date added"), ("published", "Date published"), ("title", "Title"), ("publisher", "Outlet"))


def build(demo: gr.Blocks, desk: Desk) -> None:
    """Lay out the page and connect its events; call it inside `demo`'s route."""
    parts.header("library", desk)
    with gr.Column(elem_id="sheet"):
        parts.pane("title", "Byline.title", '<h1 class="hello">Library</h1>', label="Library")
        added = adding.form(desk, open_=True)
        find = parts.pane("find", "Byline.finder", label="Find articles")
        rows = parts.pane("rows", "Byline.rows", label="Articles")
        parts.pane(
            "export",
            "Byline.plain",
            '<p class="more"><a class="plain" href="/export/library.jsonl" download>Export all articles</a></p>',
            label="Export",
        )
    sent = gr.Textbox(visible=False)

    def fields() -> str:
        return render(
            "listing",
            "finder",
            name="Find articles",
            hint="Search titles, outlets, authors",
            orders=ORDERS,
            outlets=parts.outlets(desk),
            dates=True,
        )

    def found(wanted: str, undo: tuple[str, str] | None = None) -> str:
        read = parts.fields(wanted)
        outlet = [read("publisher")] if read("publisher") else []
        filters = Filters(asking.iso(read("after")), asking.iso(read("before")), outlet)
        order = read("order") if read("order") in dict(ORDERS) else ORDERS[0][0]
        shown = int(read("shown")) if read("shown").isdigit() and len(read("shown")) < 8 else PAGE
        try:
            rows = desk.library.list(filters or None, text=read("text") or None, order=order)
            total, samples = desk.library.count(), desk.samples()
        except BylineError as error:
            return render("parts", "status", said=sentence(error))
        return render("listing", "articles", rows=rows, shown=shown, total=total, samples=samples, undo=undo)

    def arrive() -> tuple[str, str]:
        return fields(), found("")

    def on_discard(wanted: str, request: gr.Request) -> str:
        return found(wanted, desk.discard_article(parts.fields(wanted)("id"), desk.owner(request)))

    def on_restore(wanted: str, request: gr.Request) -> str:
        desk.restore(parts.fields(wanted)("token"), desk.owner(request))
        return found(wanted)

    def on_unsample(wanted: str) -> tuple[str, str]:
        desk.unload_samples()
        return fields(), found(wanted)

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    now = "() => [Byline.wanted()]"
    demo.load(arrive, None, [find, rows], api_visibility="private", show_progress="hidden")
    find.seek(found, sent, rows, js=now, trigger_mode="always_last", **quick)
    rows.seek(found, sent, rows, js=now, **quick)
    rows.discard(on_discard, sent, rows, js=now, **quick)
    rows.restore(on_restore, sent, rows, js=now, **quick)
    rows.unsample(on_unsample, sent, [find, rows], js=now, **quick)
    added.done.then(fields, None, find, **quick).then(found, sent, rows, js=now, **quick)
