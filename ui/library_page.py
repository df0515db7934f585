"""The library page: add articles, find them, remove them and take that back, export them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from qa.errors import BylineError
from qa.records import Filters
from ui import adding, asking, parts
from ui.desk import QUESTION, Desk, sentence
from ui.html import render

PAGE = 50  # rows at a time
ORDERS = (("fetched", "Date added"), ("published", "Date published"), ("title", "Title"), ("publisher", "Outlet"))


def build(demo: gr.Blocks, desk: Desk) -> None:
    """Lay out the page and connect its events; call it inside `demo`'s route."""
    parts.header("library", desk)
    with gr.Column(elem_id="sheet"):
        parts.pane("title", "Byline.title", '<h1 class="hello">Library</h1>', label="Library")
        added = adding.form(desk)
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
        text = read("text")[:QUESTION]
        begin = int(read("begin")) if read("begin").isdigit() and len(read("begin")) < 8 else 0
        try:
            total = desk.library.count()
            matching = desk.library.count(filters, text=text) if filters or text.strip() else total
            begin = min(begin, max(matching - 1, 0) // PAGE * PAGE)  # the page may be gone: articles were removed
            rows = desk.library.list(filters, text=text, order=order, limit=PAGE, offset=begin)
            samples = desk.samples()
        except BylineError as error:
            return render("parts", "status", said=sentence(error))
        given = {"total": total, "matching": matching, "begin": begin, "page": PAGE, "samples": samples, "undo": undo}
        return render("listing", "articles", rows=rows, **given)

    def arrive(wanted: str) -> tuple[str, str, Any]:
        """Fill the page; the form stands open where it is what one came for."""
        wish = parts.fields(wanted)("adding") == "yes" or not desk.library.count()
        return fields(), found(wanted), gr.update(open=wish)

    def on_discard(wanted: str, request: gr.Request) -> str:
        gone = parts.fields(wanted)("id")
        return parts.after(lambda: desk.discard_article(gone, desk.owner(request)), lambda undo: found(wanted, undo))

    def on_restore(wanted: str, request: gr.Request) -> str:
        token = parts.fields(wanted)("token")
        return parts.after(lambda: desk.restore(token, desk.owner(request)), lambda _: found(wanted))

    def on_unsample(wanted: str) -> tuple[str, str]:
        listed = parts.after(desk.unload_samples, lambda _: found(wanted))
        return fields(), listed

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    now = "() => [Byline.wanted()]"
    demo.load(arrive, sent, [find, rows, added.frame], js=now, api_visibility="private", show_progress="hidden")
    find.seek(found, sent, rows, js=now, trigger_mode="always_last", **quick)
    rows.seek(found, sent, rows, js=now, **quick)
    rows.discard(on_discard, sent, rows, js=now, **quick)
    rows.restore(on_restore, sent, rows, js=now, **quick)
    rows.unsample(on_unsample, sent, [find, rows], js=now, **quick)
    added.done.then(fields, None, find, **quick).then(found, sent, rows, js=now, **quick)
