"""What all pages share: the assistant, who is asking, the sample articles, and the questions now being answered."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from qa.assistant import Assistant
from qa.errors import BylineError, NotInLibraryError
from qa.library import Library
from qa.records import AddResult, Article, ArticleRow, Filters, Quote
from ui import export, history

log = logging.getLogger("byline.chat")

SAMPLE = "sample"  # kind under which the library remembers which articles are invented samples
ASKERS = 8  # questions answered at a time: with 1, the 95th percentile for 20 people was 4 s against 0.84 s
# Of those, as many are read at a time as there are cores: 20 people asking on two cores waited 6.1 s with 2 readers
# (95th percentile) and 6.9 s with 8, which the models' own threads slow down.
READERS = max(2, os.cpu_count() or 2)
WAITING = 64  # questions that may wait; at 10, twenty people asking at once were refused
UPLOAD_MB = 20  # one file; the longest saved news pages have 8
QUESTION = 2000  # characters
SHELF = 8  # articles beside an empty conversation: what fits a laptop's screen; the rest is on the library page
UNDO = 200  # removals that can be taken back while the server runs
EXAMPLES = (
    "What does Russia mean by security guarantees?",
    "How much will it cost to cross the Aske bridge?",
    "What happened to the lost silent film?",
)


@dataclass
class Desk:
    """The one object behind every page and handler."""

    assistant: Assistant
    samples_from: Path | None = None  # the folder of sample articles, where there is one
    folders: bool = False  # whether a person may add folders of the machine that the server runs on
    users: Any = None  # ui.users.Users where people sign in
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(READERS, "byline-ask"))
    stops: dict[str, threading.Event] = field(default_factory=dict)  # by browser session
    undo: dict[str, tuple[str, Callable[[], None]]] = field(default_factory=dict)  # by token: whose, and the way back

    def __post_init__(self) -> None:
        # A version's text never changes, so it can be kept; 256 articles are some 2 MB.
        self._version = lru_cache(256)(self._get)

    @property
    def library(self) -> Library:
        return self.assistant.library

    @property
    def home(self) -> Path:
        return self.library.settings.home

    def owner(self, request: Any) -> str:
        """Return whose conversations a request may see: the signed-in name, or "" where nobody signs in."""
        return (getattr(request, "username", None) or "") if self.users else ""

    def _get(self, article_id: str, version: int) -> Article:
        return self.library.get(article_id, version)

    def find(self, quote: Quote) -> Article | None:
        """Return the article version that `quote` is from, or None when it has left the library.

        An article that was removed and put back has new version numbers: the present one will do where it says the
        same at the same place.
        """
        try:
            newest = self.library.get(quote.article_id)  # also so that no version kept above outlives its article
        except NotInLibraryError:
            return None
        if newest.version == quote.version:
            return newest
        try:
            return self._version(quote.article_id, quote.version)
        except NotInLibraryError:
            return newest if newest.text[quote.start : quote.end] == quote.text else None

    def samples(self) -> frozenset[str]:
        """Return the ids of the sample articles in the library."""
        return frozenset(kept.key for kept in self.library.kept(SAMPLE))

    def sample_files(self) -> list[Path]:
        """Return the sample articles that could be loaded."""
        folder = self.samples_from
        return (
            sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in (".html", ".txt", ".md"))
            if folder and folder.is_dir()
            else []
        )

    def load_samples(self, progress: Callable[[int, int, str], None] | None = None) -> list[AddResult]:
        """Add the sample articles, remembering which they are, so that one click removes just these."""
        results = self.add([str(path) for path in self.sample_files()], progress)
        for result in results:
            if result.status == "added" and result.article_id:  # one a person had already is theirs to keep
                remember_sample(self.library, result.article_id)
        return results

    def unload_samples(self) -> int:
        """Remove the sample articles and return how many there were."""
        found = self.samples()
        for article_id in found:
            try:
                self.library.remove(article_id)
            except NotInLibraryError:
                log.info("sample article %s was removed before", article_id)
            self.library.forget(SAMPLE, article_id)
        return len(found)

    def discard_article(self, article_id: str, owner: str) -> tuple[str, str] | None:
        """Remove an article; return what to say and the token that brings it back, or None if it was gone."""
        sample = article_id in self.samples()
        try:
            article = self.library.remove(article_id)
        except NotInLibraryError:
            return None
        self.library.forget(SAMPLE, article_id)

        def back() -> None:
            self.library.put(article)
            if sample:
                remember_sample(self.library, article.id)

        return f"Removed “{article.title}”.", self._undoable(owner, back)

    def discard_conversation(self, conversation_id: str, owner: str) -> tuple[str, str] | None:
        """Delete one of `owner`'s conversations, as `discard_article` does an article."""
        talk = history.forget(self.library, owner, conversation_id)
        if talk is None:
            return None
        return f"Deleted “{talk.title}”.", self._undoable(owner, lambda: history.restore(self.library, owner, talk))

    def _undoable(self, owner: str, back: Callable[[], None]) -> str:
        token = secrets.token_urlsafe(12)
        self.undo[token] = (owner, back)
        while len(self.undo) > UNDO:
            self.undo.pop(next(iter(self.undo)), None)
        return token

    def restore(self, token: str, owner: str) -> None:
        """Bring back what was removed under `token`; a token used before, or somebody else's, does nothing."""
        whose, back = self.undo.get(token, (None, None))
        if back is not None and whose == owner:
            back()
            self.undo.pop(token, None)  # only now: where the disk is full it can be tried again

    def add(self, sources: list[str], progress: Callable[[int, int, str], None] | None = None) -> list[AddResult]:
        """Add sources through `ingest.add`: a result for every one of them."""
        from ingest import add  # trafilatura behind it costs a second, and a page that only asks never needs it

        exported = [source for source in sources if source.endswith(".jsonl") and Path(source).is_file()]
        results = [result for file in exported for result in export.read_articles(self.library, Path(file), progress)]
        others = [source for source in sources if source not in exported]
        return results + (add(others, library=self.library, progress=progress) if others else [])

    def latest(self) -> tuple[list[ArticleRow], int]:
        """Return the articles added last, and the number of all."""
        return self.library.list(order="fetched", limit=SHELF), self.library.count()

    def known(self, filters: Filters) -> Filters:
        """Return `filters` limited to articles that are there: one may have left since the page was loaded.

        When all have left, the limit stays and nothing matches: dropping it would let other articles answer.
        """
        rows = tuple(a for a in filters.articles if self._present(a)) or filters.articles
        return Filters(filters.after, filters.before, filters.publishers, rows)

    def _present(self, article_id: str) -> bool:
        try:
            self.library.get(article_id)
        except NotInLibraryError:
            return False
        return True


def remember_sample(library: Library, article_id: str) -> None:
    """Note that an article is one of the invented samples."""
    library.keep(SAMPLE, article_id, {"id": article_id})


def sentence(error: BaseException) -> str:
    """Return what a person reads of an error: a Byline error's own words, else no detail of the machine."""
    if isinstance(error, BylineError):
        return str(error)
    log.error("the chat met an unexpected error", exc_info=error)
    return "Something went wrong here. Ask again; the server's log has the details."
