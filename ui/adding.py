"""Adding articles from the page: web addresses and files, a result for every source, and the samples."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from qa.records import AddResult
from qa.render import safe_url
from ui import parts
from ui.desk import UPLOAD_MB, Desk, sentence
from ui.html import render

SOURCES = 200  # at a time from the page; `byline add` takes any number
KINDS = [".html", ".htm", ".xhtml", ".txt", ".md", ".markdown", ".jsonl"]  # the last: an export of this page


@dataclass(frozen=True, slots=True)
class Form:
    """The form: what opens and closes, and its last event, to hang a refresh of the page on."""

    frame: Any
    done: Any


def form(desk: Desk) -> Form:
    """Lay out the form that adds articles, folded up, and connect it."""
    with gr.Accordion("Add articles", open=False, elem_id="adding") as frame:
        urls = gr.Textbox(
            label="Web addresses, one a line",
            lines=2,
            max_lines=8,
            max_length=20_000,
            placeholder="https://…",
            elem_id="add-urls",
        )
        files = gr.File(
            label=f"Files: saved pages, text, Markdown or an exported library, up to {UPLOAD_MB} MB each",
            file_count="multiple",
            file_types=KINDS,
            height=110,
            elem_id="add-files",
        )
        folder = gr.Textbox(
            label="Folder on the computer that runs Byline",
            max_length=1000,
            visible=desk.folders,
            elem_id="add-folder",
        )
        button = gr.Button("Add", variant="primary", elem_id="add")
        results = parts.pane("add-results", "Byline.plain", label="What became of each source")

    def on_add(text: str, uploads: list[str] | None, place: str) -> Iterator[Any]:
        sources = [line.strip() for line in (text or "").splitlines() if line.strip()]
        wrong = [s for s in sources if not safe_url(s)]
        paths = list(uploads or [])
        local = [place.strip()] if desk.folders and (place or "").strip() else []
        if not sources and not paths and not local:
            yield outcome([], "Give at least one web address or file."), gr.skip(), gr.skip()
            return
        if wrong:
            yield outcome([], f"{wrong[0][:80]} is not a web address. Start it with https://"), gr.skip(), gr.skip()
            return
        if len(sources) + len(paths) > SOURCES:
            yield (
                outcome([], f"These are more than {SOURCES}. Add them in parts, or use byline add."),
                gr.skip(),
                gr.skip(),
            )
            return

        for state in watched(partial(taken, desk, sources + local, paths)):
            if isinstance(state, str):
                yield outcome([], state), gr.skip(), gr.skip()
            else:
                yield outcome(named(state, paths), ""), "", None

    done = button.click(
        on_add,
        [urls, files, folder],
        [results, urls, files],
        concurrency_limit=2,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="once",
    )
    return Form(frame, done)


def taken(
    desk: Desk, sources: list[str], uploads: list[str], progress: Callable[[int, int, str], None]
) -> list[AddResult]:
    """Add sources and uploads, and delete the uploads once they are in: not before, where the page has been left."""
    try:
        return desk.add([*sources, *uploads], progress)
    finally:
        for path in uploads:
            Path(path).unlink(missing_ok=True)


def watched(work: Callable[[Callable[[int, int, str], None]], list[AddResult]]) -> Iterator[str | list[AddResult]]:
    """Run `work(progress)` in a thread; yield sentences while it goes on, and its results or error at the end."""
    said: queue.Queue[Any] = queue.Queue()

    def run() -> None:
        try:
            said.put(work(lambda done, total, source: said.put(f"{done} of {total}: {Path(source).name or source}")))
        except BaseException as error:
            said.put(error)

    yield "Adding…"
    threading.Thread(target=run, name="byline-add", daemon=True).start()
    while True:
        item = said.get()
        while isinstance(item, str) and not said.empty():  # show the latest only: some sources take a millisecond
            item = said.get()
        if isinstance(item, BaseException):
            yield sentence(item)
            return
        yield item
        if not isinstance(item, str):
            return


def named(results: list[AddResult], uploads: list[str]) -> list[AddResult]:
    """Return the results with an upload's own name in place of the path it was kept at for a moment."""
    names = {path: Path(path).name for path in uploads}
    out = []
    for result in results:
        source, reason = names.get(result.source, result.source), result.reason
        for path, name in names.items():
            reason = reason.replace(path, name) if reason else reason
        if reason:  # the source stands above it
            reason = reason.removeprefix(f"{source}: ")
            reason = reason[:1].upper() + reason[1:]
        out.append(replace(result, source=source, reason=reason))
    return out


def outcome(results: list[AddResult], saying: str) -> str:
    """Return a line on what is going on, or what became of each source, failures first."""
    if not results:
        return render("parts", "status", said=saying) if saying else ""
    order = {"failed": 0, "skipped": 1}
    return render(
        "parts",
        "results",
        found=sorted(results, key=lambda result: order.get(result.status, 2)),
        added=sum(result.status in ("added", "updated") for result in results),
        lost=sum(result.status in order for result in results),
    )


def samples(desk: Desk) -> Iterator[tuple[str, bool]]:
    """Load the sample articles, yielding what to show meanwhile and True; if that fails, why and False at the end."""
    if desk.library.count() and desk.samples():
        return
    state: str | list[AddResult] = ""
    for state in watched(desk.load_samples):
        if isinstance(state, str):
            yield render("conversation", "loading", doing=state), True
    lost = [state] if isinstance(state, str) else [r.reason for r in state if r.status == "failed" and r.reason]
    if lost:
        yield outcome([], lost[0]), False
