"""Conversations: kept in the library's home, one record each, every person's their own."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from qa.library import Library
from qa.records import Answer, Filters
from qa.text import fold

KIND = "conversation"
TITLE = 90  # characters of the first question; longer ones are cut at a word
_append = threading.Lock()  # a conversation open in two tabs: read, append and write must not interleave


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer; `asked` is an ISO timestamp in UTC."""

    answer: Answer
    filters: Filters
    asked: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation, named by its first question."""

    id: str
    title: str
    created: str
    updated: str
    turns: tuple[Turn, ...] = ()

    @property
    def history(self) -> list[tuple[str, Answer]]:
        """Return the earlier turns in the form that `Assistant.ask` takes."""
        return [(turn.answer.question, turn.answer) for turn in self.turns]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON that is kept."""
        turns = [{"answer": t.answer.to_dict(), "filters": asdict(t.filters), "asked": t.asked} for t in self.turns]
        return {"id": self.id, "title": self.title, "created": self.created, "updated": self.updated, "turns": turns}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Conversation:
        """Rebuild a conversation from `to_dict()`."""
        turns = tuple(Turn(Answer.from_dict(t["answer"]), Filters(**t["filters"]), t["asked"]) for t in data["turns"])
        return cls(data["id"], data["title"], data["created"], data["updated"], turns)


def now() -> str:
    """Return the present moment as an ISO timestamp in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_id() -> str:
    """Return an id that nobody can guess: it is also the conversation's address."""
    return secrets.token_urlsafe(12)


def load(library: Library, owner: str, conversation_id: str) -> Conversation | None:
    """Return `owner`'s conversation, or None: somebody else's does not exist for them."""
    kept = library.kept_one(KIND, conversation_id, owner=owner) if conversation_id else None
    return Conversation.from_dict(kept.value) if kept else None


def append(library: Library, owner: str, conversation_id: str, answer: Answer, filters: Filters) -> Conversation:
    """Add a turn to a conversation, starting it if need be, and return it."""
    with _append:
        moment = now()
        turn = Turn(answer, filters, moment)
        old = load(library, owner, conversation_id) or Conversation(
            conversation_id, title(answer.question), moment, moment
        )
        new = replace(old, updated=moment, turns=(*old.turns, turn))
        library.keep(KIND, new.id, new.to_dict(), owner=owner)
    return new


def title(question: str) -> str:
    """Return `question` in one line of at most `TITLE` characters."""
    line = " ".join(question.split())
    return line if len(line) <= TITLE else line[: TITLE - 1].rsplit(" ", 1)[0] + "…"


def listing(library: Library, owner: str, search: str = "") -> list[Conversation]:
    """Return `owner`'s conversations that hold every word of `search`, the latest first."""
    found = [Conversation.from_dict(kept.value) for kept in library.kept(KIND, owner=owner)]
    wanted = fold(search).split()
    return sorted(
        (c for c in found if not wanted or all(word in text for text in [_words(c.turns)] for word in wanted)),
        key=lambda c: c.updated,
        reverse=True,
    )


def _words(turns: Iterable[Turn]) -> str:
    return fold(
        " ".join(f"{t.answer.question} {' '.join(q.text + ' ' + q.title for q in t.answer.quotes)}" for t in turns)
    )


def forget(library: Library, owner: str, conversation_id: str) -> Conversation | None:
    """Delete a conversation and return it, so that it can be put back."""
    old = load(library, owner, conversation_id)
    library.forget(KIND, conversation_id, owner=owner)
    return old


def restore(library: Library, owner: str, conversation: Conversation) -> None:
    """Put back a conversation that was deleted."""
    library.keep(KIND, conversation.id, conversation.to_dict(), owner=owner)
