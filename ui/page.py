"""The page people ask on: Gradio's components and which handler each event calls. Its HTML is made in `ui.panes`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import gradio as gr
from markupsafe import Markup

from ui import adding, asking, evidence, history, panes, parts, reading
from ui.desk import ASKERS, EXAMPLES, QUESTION, Desk
from ui.html import render


def build(demo: gr.Blocks, desk: Desk) -> None:
    """Lay out the page and connect its events; call it inside `demo`."""
    parts.header("ask", desk)
    with gr.Row(elem_id="desk", equal_height=False):
        with gr.Column(elem_id="talk", scale=3, min_width=0):
            with gr.Column(elem_id="scroll"):
                earlier = parts.pane("earlier", "Byline.conversation", label="Earlier questions")
                present = parts.pane("present", "Byline.conversation", label="Conversation")
            with gr.Column(elem_id="composer"):
                limits = parts.pane("limits", "Byline.limits", label="Limits of the question")
                with gr.Row(elem_id="ask-row"):
                    box = gr.Textbox(
                        label="Your question",
                        show_label=False,
                        placeholder="Ask your articles…",
                        lines=1,
                        max_lines=6,
                        max_length=QUESTION,
                        elem_id="question",
                        container=False,
                        scale=1,
                        min_width=0,
                        html_attributes=gr.InputHTMLAttributes(enterkeyhint="send", autocomplete="off"),
                    )
                    ask = gr.Button("Ask", variant="primary", elem_id="ask", scale=0, min_width=0)
                    stop = gr.Button("Stop", elem_id="stop", scale=0, min_width=0)
        with gr.Column(elem_id="side", scale=2, min_width=0):
            parts.pane("reader-bar", "Byline.bar", render("parts", "reader_bar"), label="Reader")
            reader = parts.pane("reader", "Byline.reader", label="Article")
            with gr.Column(elem_id="shelf"):
                shelf = parts.pane("shelf-list", "Byline.shelf", label="Your articles")
                added = adding.form(desk)
    sent = gr.Textbox(visible=False)  # filled by the page's script at each event: see Byline.context

    def around(request: gr.Request) -> tuple[str, str]:
        """Return shelf and limits as they stand now: articles may have come from another process."""
        return _shelf(desk), parts.limits(desk)

    def visit(context: str, request: gr.Request) -> tuple[str, str, str, str]:
        talk = history.load(desk.library, desk.owner(request), asking.Context.read(context).conversation)
        return asking.turns(desk, talk, desk.samples()), "" if talk else _welcome(desk), *around(request)

    def arrive(context: str, request: gr.Request) -> tuple[str, str, str, str, Any, Any]:
        """Show the conversation of ?c= and, beside it, the article of ?a=; a first visit finds the form open."""
        asked = asking.Context.read(context).article
        opened = reading.article(desk, asked) if asked else gr.skip()
        return *visit(context, request), opened, gr.update(open=not desk.library.count())

    async def on_ask(question: str, context: str, request: gr.Request) -> AsyncIterator[Any]:
        if not (question or "").strip():
            yield gr.skip(), gr.skip(), gr.skip()
            return
        first, read = "", asking.Context.read(context)
        async for shown in asking.answer(desk, question.strip(), read, desk.owner(request), request.session_hash or ""):
            live = Markup('<div data-conversation="{}">{}</div>').format(shown.conversation, Markup(shown.present))
            # Each yield leaves alone what has not changed, so that a next question being typed is not wiped out.
            yield shown.earlier if not first else gr.skip(), str(live), "" if not first else gr.skip()
            first = "shown"

    def on_stop(request: gr.Request) -> None:
        asking.stop(desk, request.session_hash or "")

    def on_quote(event: gr.EventData) -> str:
        data = parts.sent(event)
        return reading.quote(desk, data("id"), data("text"), data("bold"))

    def on_read(event: gr.EventData) -> str:
        return reading.article(desk, parts.sent(event)("id"))

    def on_evidence(event: gr.EventData) -> str:
        return evidence.found(desk, parts.sent(event)("text"))

    def on_load(event: gr.EventData) -> Iterator[Any]:
        """Load the samples, then hand on the example question that was clicked, if one was."""
        question = parts.sent(event)("question")[:QUESTION]
        failure = ""
        for shown, fine in adding.samples(desk):
            failure = "" if fine else shown
            yield shown, gr.skip(), gr.skip(), gr.skip()
        # After a failure the example is not asked: nothing would answer it.
        yield failure + _welcome(desk), "" if failure else question, _shelf(desk), parts.limits(desk)

    def on_unload(context: str, request: gr.Request) -> tuple[str, str, str, str]:
        desk.unload_samples()
        return visit(context, request)

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    quick: dict[str, Any] = {**private, "queue": False}
    context = "(...given) => [...given.slice(0, -1), Byline.context()]"
    gr.on(
        [box.submit, ask.click],
        on_ask,
        [box, sent],
        [earlier, present, box],
        js=context,
        concurrency_limit=ASKERS,
        concurrency_id="ask",
        trigger_mode="always_last",
        **private,
    ).then(around, None, [shelf, limits], **quick)
    stop.click(on_stop, None, None, **quick)
    all_of_it = [earlier, present, shelf, limits]
    demo.load(arrive, sent, [*all_of_it, reader, added.frame], js="() => [Byline.context()]", **private)
    for area in (earlier, present, reader):
        area.quote(on_quote, None, reader, trigger_mode="multiple", **quick)
    reader.evidence(on_evidence, None, reader, trigger_mode="multiple", **quick)
    present.visit(visit, sent, all_of_it, js="() => [Byline.context()]", **private)
    present.samples(on_load, None, [present, box, shelf, limits], **private).then(
        fn=None, js="() => { Byline.askWaiting(); }", **private
    )
    shelf.read(on_read, None, reader, **quick)
    shelf.unsample(on_unload, sent, all_of_it, js="() => [Byline.context()]", **private)
    added.done.then(around, None, [shelf, limits], **quick).then(
        lambda c: gr.skip() if asking.Context.read(c).conversation else _welcome(desk),
        sent,
        present,
        js="() => [Byline.context()]",
        **quick,
    )


def _welcome(desk: Desk) -> str:
    return panes.welcome(desk.library.count(), len(desk.samples()), len(desk.sample_files()), EXAMPLES)


def _shelf(desk: Desk) -> str:
    rows, total = desk.latest()
    return panes.shelf(rows, total, desk.samples())
