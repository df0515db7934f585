"""The evaluation page: run a question set against the library, read the report, compare two runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from qa.errors import BylineError
from ui import parts, runs
from ui.desk import Desk, sentence

SAMPLE = "The questions about the sample articles"
NO_SAMPLES = "The sample articles are not in your library. Load them on the first page, or choose a set of your own."
OWN = "A question set of my own"


def build(demo: gr.Blocks, desk: Desk) -> None:
    """Lay out the page and connect its events; call it inside `demo`'s route."""
    parts.header("evaluation", desk)
    with gr.Column(elem_id="sheet"):
        parts.pane("title", "Byline.title", runs.HEADING, label="Evaluation")
        with gr.Column(elem_id="evaluate"):
            which = gr.Radio([SAMPLE, OWN], value=SAMPLE, label="Questions", elem_id="which")
            file = gr.File(
                label="Question set: JSON Lines, SQuAD JSON or CSV",
                file_types=[".jsonl", ".json", ".csv"],
                height=110,
                visible=False,
                elem_id="question-set",
            )
            with gr.Row(elem_id="run-row"):
                few = gr.Checkbox(label="A quick look: 20 questions drawn at random", value=False, elem_id="few")
                run = gr.Button("Run", variant="primary", elem_id="run", scale=0, min_width=0)
                stop = gr.Button("Stop", elem_id="stop-run", scale=0, min_width=0)
            progress = parts.pane("progress", "Byline.plain", label="Progress")
        rows = parts.pane("rows", "Byline.rows", label="Runs")
        compared = parts.pane("compared", "Byline.arriving", label="Two runs compared")
    sent = gr.Textbox(visible=False)

    def listed() -> str:
        return runs.listing(runs.all_of(desk.home))

    def on_run(choice: str, upload: str | None, quick_look: bool, request: gr.Request) -> Iterator[Any]:
        if choice == SAMPLE and not desk.samples():
            yield (
                runs.line(NO_SAMPLES),
                gr.skip(),
            )
            return
        if choice == OWN and not upload:
            yield runs.line("Choose a question set first: a file in one of the formats named above."), gr.skip()
            return
        from eval.sample import questions_file

        source = questions_file() if choice == SAMPLE else Path(upload or "")
        try:
            name = "Sample questions" if choice == SAMPLE else ""
            for state in runs.run(desk, source, 20 if quick_look else None, request.session_hash or "", name):
                yield runs.line(state, busy=True), gr.skip()
            yield "", listed()
        except BylineError as error:
            yield runs.line(sentence(error)), gr.skip()

    def on_stop(request: gr.Request) -> None:
        runs.stop(desk, request.session_hash or "")

    def on_compare(wanted: str) -> str:
        read = parts.fields(wanted)
        return runs.comparison(desk.home, read("first"), read("second"))

    def on_discard(wanted: str, request: gr.Request) -> str:
        runs.discard(desk.home, parts.fields(wanted)("id"))
        return listed()

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    now = "() => [Byline.wanted()]"
    which.change(lambda choice: gr.update(visible=choice == OWN), which, file, queue=False, **private)
    demo.load(listed, None, rows, **private)
    run.click(on_run, [which, file, few], [progress, rows], concurrency_limit=1, trigger_mode="once", **private)
    stop.click(on_stop, None, None, queue=False, **private)
    rows.seek(on_compare, sent, compared, js=now, queue=False, **private)
    rows.discard(on_discard, sent, rows, js=now, queue=False, **private)
