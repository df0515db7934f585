"""Answering one question while the page watches: what is being done, the first quotes, the answer, or Stop."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from qa.errors import BylineError
from qa.records import Answer, Filters
from ui import history, panes
from ui.desk import QUESTION, Desk, sentence
from ui.history import Conversation

NOT_READY = "The question is too long. Shorten it to 2,000 characters and ask again."


@dataclass(frozen=True, slots=True)
class Context:
    """What the page sends along with a question: the conversation it shows, and the limits that are set."""

    conversation: str = ""
    filters: Filters = field(default_factory=Filters)
    article: str = ""

    @classmethod
    def read(cls, sent: str | None) -> Context:
        """Read what the page's script sent. Anything else than that counts as nothing set."""
        try:
            data = json.loads(sent or "{}")
            given = data.get("filters") or {}
            filters = Filters(
                iso(given.get("after")),
                iso(given.get("before")),
                _names(given.get("publishers")),
                _names(given.get("articles")),
            )
            return cls(str(data.get("conversation") or "")[:64], filters, str(data.get("article") or "")[:64])
        except (ValueError, TypeError, AttributeError):
            return cls()


def iso(value: Any) -> str | None:
    """Return a date as the page's fields send it, or None for anything that is none."""
    try:
        return date.fromisoformat(str(value)[:10]).isoformat() if value else None
    except ValueError:
        return None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(item)[:300] for item in value[:50]) if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows at one moment: the HTML of the earlier turns and of the present one."""

    earlier: str
    present: str
    conversation: str
    done: bool = False


async def answer(desk: Desk, question: str, context: Context, owner: str, session: str) -> AsyncIterator[Shown]:
    """Yield what the page shows, from "Searching…" to the answer, which is then kept in the conversation.

    Stopping, by `stop` or by a reader who leaves, keeps nothing.
    """
    try:
        talk = await asyncio.to_thread(history.load, desk.library, owner, context.conversation)
        samples = await asyncio.to_thread(desk.samples)
        filters = await asyncio.to_thread(desk.known, context.filters)
        earlier = await asyncio.to_thread(turns, desk, talk, samples)
    except BylineError as error:
        body = panes.ended(question[:QUESTION], 0, sentence(error), "failed", context.filters)
        yield Shown("", body, context.conversation, True)
        return
    address = talk.id if talk else history.new_id()
    number = len(talk.turns) if talk else 0
    doing, quotes = "Searching your articles", ()

    def show(body: str, done: bool = False) -> Shown:
        return Shown(earlier, body, address, done)

    if len(question) > 2000:
        yield show(panes.ended(question[:200] + "…", number, NOT_READY, "failed", filters), True)
        return
    stop, steps = _begin(desk, session), asyncio.Queue[Any]()
    loop = asyncio.get_running_loop()

    def say(step: Any) -> None:
        loop.call_soon_threadsafe(steps.put_nowait, step)

    def work() -> None:
        try:
            say(
                desk.assistant.trace(
                    question, talk.history if talk else (), filters or None, on_step=say, stop=stop.is_set
                ).answer
            )
        except BaseException as error:
            say(error)

    try:
        work_done = loop.run_in_executor(desk.pool, work)  # begun before the first yield, which takes Gradio a while
        yield show(panes.working(question, number, doing + "…", quotes, desk.find, filters, samples))
        while True:
            step = await _next(steps, stop)
            if stop.is_set():
                yield show(panes.ended(question, number, "Stopped. Nothing was kept.", "stopped", filters), True)
                return
            if isinstance(step, Answer):
                try:
                    await asyncio.to_thread(history.append, desk.library, owner, address, step, filters)
                    body = await asyncio.to_thread(panes.turn, step, number, desk.find, filters, samples)
                except BylineError as error:  # it cannot be kept: the disk is full
                    step = error
                else:
                    yield show(body, True)
                    await work_done
                    return
            if isinstance(step, BaseException):
                yield show(panes.ended(question, number, sentence(step), "failed", filters), True)
                return
            doing, quotes = step.detail or doing, step.quotes or quotes
            text = doing[:1].upper() + doing[1:].rstrip("…") + "…"
            yield show(
                await asyncio.to_thread(panes.working, question, number, text, quotes, desk.find, filters, samples)
            )
    finally:
        stop.set()
        if desk.stops.get(session) is stop:
            del desk.stops[session]


def _begin(desk: Desk, session: str) -> threading.Event:
    """Return the stop flag of a new question; an earlier one of the same page is stopped."""
    if old := desk.stops.get(session):
        old.set()
    desk.stops[session] = flag = threading.Event()
    return flag


async def _next(steps: asyncio.Queue[Any], stop: threading.Event) -> Any:
    """Return the next step; at once, with None, when the question is stopped: the work may end a moment later."""
    while not stop.is_set():
        try:
            return await asyncio.wait_for(steps.get(), 0.05)
        except TimeoutError:
            continue
    return None


def stop(desk: Desk, session: str) -> None:
    """Stop what is being answered for a page, if anything is."""
    if flag := desk.stops.get(session):
        flag.set()


def turns(desk: Desk, talk: Conversation | None, samples: frozenset[str]) -> str:
    """Return the HTML of a conversation's turns, as they were answered."""
    kept = talk.turns if talk else ()
    return "".join(panes.turn(t.answer, n, desk.find, t.filters, samples) for n, t in enumerate(kept))
