"""The library: the one door to storage.

Articles, their versions and passages live in one SQLite file, the system of record (`catalog.py`); their vectors also
in a Chroma folder derived from it (`vectors.py`). Every change is one transaction on the file: an article is stored
whole or not at all, wherever the process is killed. `index.py` explains how the two are searched as one.
"""

from __future__ import annotations

import builtins
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import sqlalchemy as sa

from qa.errors import LibraryError, ModelMismatchError
from qa.library import catalog, kept
from qa.library.database import Database, get_meta, set_meta
from qa.library.index import Index
from qa.library.verify import VerifyReport, reencode, verify
from qa.library.view import View
from qa.passages import embedding_text, split
from qa.records import AddResult, Article, ArticleRow, Filters, Kept, Passage
from qa.settings import Settings
from qa.text import normalise

if TYPE_CHECKING:
    from qa.encoder import Encoder

__all__ = ["Library", "VerifyReport", "View"]

# Stored together: enough to fill the encoder's batches, few enough that results keep coming and little is lost.
ARTICLES_TOGETHER = 16
CHARACTERS_TOGETHER = 100_000  # about 128 passages
DRAIN_AT = 250  # passages waiting for Chroma before an adding process stops to send them


class Library:
    """The articles of one home folder; open it once and share it between threads."""

    def __init__(self, settings: Settings, encoder: Encoder | Any | None = None) -> None:
        """Open the library of `settings.home`; `Library.open` is the usual way."""
        self.settings = settings
        self._encoder = encoder
        self._encoder_guard = threading.Lock()
        self._wrote = False
        self._database = Database(settings.home / "catalog.sqlite3")
        self._index = Index(self._database, settings.home / "vectors")

    @classmethod
    def open(
        cls,
        home: str | os.PathLike[str] | None = None,
        *,
        settings: Settings | None = None,
        encoder: Encoder | Any | None = None,
    ) -> Library:
        """Open the library in `home` (None: the default one), making it if need be; no model is loaded yet.

        Raises LibraryError when the home cannot be used, SettingsError for a fault in its settings.
        """
        if settings is None:
            settings = Settings.load(home)
        elif home is not None:
            settings = replace(settings, home=Path(home).expanduser().absolute())
        return cls(settings, encoder)

    def close(self) -> None:
        """Finish what is pending, and let other processes have the vectors."""
        try:
            if self._wrote:
                self._index.try_drain()
        finally:
            self._wrote = False
            self._index.close()
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def encoder(self) -> Encoder | Any:
        """Return the encoder that the settings name, or the one given to `open`."""
        with self._encoder_guard:
            if self._encoder is None:
                from qa.encoder import Encoder  # late: a listing needs no encoder

                self._encoder = Encoder.load(self.settings)
            return self._encoder

    # ── Adding and removing ─────────────────────────────────────────────────────────────────────────────────────

    def put(self, article: Article) -> AddResult:
        """Store `article`, whole or not at all: added, unchanged, or updated by a next version.

        `article.id` says which article it is; `version` and `sha256` are set here. Raises LibraryError if it has no
        text or cannot be stored, ModelMismatchError if another encoder made the library's vectors.
        """
        [(result, error)] = self._put([article])
        if error is not None:
            raise error
        return result

    def put_many(self, articles: Iterable[Article]) -> Iterator[AddResult]:
        """Store each of `articles` as `put` does, encoding several at a time; yield their results in order.

        One that cannot be stored for a reason of its own yields a result with the status "failed".
        """
        batch: builtins.list[Article] = []
        size = 0
        for article in articles:
            batch.append(article)
            size += len(article.text)
            if len(batch) == ARTICLES_TOGETHER or size > CHARACTERS_TOGETHER:
                yield from (result for result, _ in self._put(batch))
                batch, size = [], 0
        yield from (result for result, _ in self._put(batch))
        self._index.try_drain()

    def _put(self, given: builtins.list[Article]) -> Iterator[tuple[AddResult, LibraryError | None]]:
        with self._database.read() as conn:
            self._check_encoder(conn)  # before the time is spent on encoding
            cleaned = [_clean(article) for article in given]
            known = [catalog.current(conn, article.id) for article in cleaned]
        changed = [at for at, (old, new) in enumerate(zip(known, cleaned, strict=True)) if not _same(old, new)]
        pieces = {at: split(cleaned[at], self.encoder.count_tokens) for at in changed}
        texts = [embedding_text(cleaned[at], piece) for at in changed for piece in pieces[at]]
        vectors = np.asarray(self.encoder.encode(texts)) if texts else np.empty((0, 0), np.float32)
        self._wrote = True
        used = 0
        for at, article in enumerate(cleaned):
            mine = pieces.get(at, [])
            yield self._store(article, mine, vectors[used : used + len(mine)], unchanged=at not in pieces)
            used += len(mine)
        with self._database.read() as conn:
            waiting = len(catalog.pending(conn, DRAIN_AT))
        if waiting >= DRAIN_AT:
            self._index.try_drain()

    def _store(
        self, article: Article, pieces: builtins.list[Passage], vectors: np.ndarray, unchanged: bool
    ) -> tuple[AddResult, LibraryError | None]:
        source = article.source or article.url or article.id
        if unchanged:
            return AddResult(source, "unchanged", article.id, article.title, "already in the library"), None
        if not pieces:
            error = LibraryError(f"{source}: the article has no text. Check the page, or save it and add the file.")
            return AddResult(source, "failed", article.id, article.title, str(error)), error
        with self._database.write() as conn:
            old = catalog.current(conn, article.id)  # again: another process may have been quicker
            if _same(old, article):
                return AddResult(source, "unchanged", article.id, article.title, "already in the library"), None
            self._check_encoder(conn, vectors.shape[1], claim=True)
            catalog.store(conn, article, pieces, vectors)
        return AddResult(source, "updated" if old else "added", article.id, article.title), None

    def _check_encoder(self, conn: sa.Connection, dimension: int | None = None, claim: bool = False) -> None:
        """Raise ModelMismatchError unless this library's encoder made its vectors; `claim`: note it if none did."""
        name = str(self.encoder.name)
        stored, size = get_meta(conn, "encoder"), get_meta(conn, "dimension")
        if stored == name and dimension in (None, int(size or 0)):
            return
        if stored is None or not catalog.counts(conn)["passages"]:
            if claim:
                set_meta(conn, encoder=name, dimension=str(dimension))
                catalog.start_over(conn)  # a collection that has never seen vectors of another length
            return
        raise ModelMismatchError(
            f"The library in {self.home} was made with the encoder {stored} ({size} numbers a vector), not {name}. "
            f"Set encoder back to {stored}, or make the vectors anew with byline verify --repair."
        )

    def remove(self, article_id: str) -> Article:
        """Remove an article, its versions, passages and vectors; return what it was. Raises NotInLibraryError."""
        with self._database.write() as conn:
            article = catalog.article(conn, article_id)
            catalog.remove(conn, article.id)
        self._wrote = True
        self._index.try_drain(DRAIN_AT)
        return article

    # ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, article_id: str, version: int | None = None) -> Article:
        """Return an article by its id or a unique beginning of it; `version` None: the current one.

        Raises NotInLibraryError.
        """
        with self._database.read() as conn:
            return catalog.article(conn, article_id, version)

    def versions(self, article_id: str) -> builtins.list[ArticleRow]:
        """Return every version of an article, oldest first, without their texts. Raises NotInLibraryError."""
        with self._database.read() as conn:
            return catalog.every_version(conn, catalog.find(conn, article_id))

    def list(
        self,
        filters: Filters | None = None,
        *,
        text: str | None = None,
        order: str = "published",
        limit: int | None = None,
        offset: int = 0,
    ) -> builtins.list[ArticleRow]:
        """Return the articles, without their texts, that `filters` let through; at most `limit`, after `offset` others.

        `text`: each of its words must stand in the title, the outlet or an author. `order`: published or fetched
        (newest first, undated last), title or publisher (alphabetical).
        """
        if order not in catalog.ORDERS:
            raise LibraryError(f"No order {order!r}. Give one of: {', '.join(catalog.ORDERS)}.")
        with self._database.read() as conn:
            return catalog.rows(conn, filters, text, order, limit, offset)

    def publishers(self) -> builtins.list[tuple[str, int]]:
        """Return every outlet with the number of its articles, the most frequent first."""
        with self._database.read() as conn:
            return catalog.publishers(conn)

    def count(self, filters: Filters | None = None, *, text: str | None = None) -> int:
        """Return the number of articles, or of those that `list` would return without a limit."""
        with self._database.read() as conn:
            return catalog.count(conn, filters, text)

    def counts(self) -> dict[str, int]:
        """Return the numbers of "articles", "versions", "passages", and passages "pending" for the vector index."""
        with self._database.read() as conn:
            return catalog.counts(conn)

    @contextmanager
    def snapshot(self) -> Iterator[View]:
        """Open one consistent view of the library, for one thread: a question sees one state from start to end."""
        with self._database.read() as conn:
            yield View(conn, self._index, self._check_encoder)

    # ── Upkeep ──────────────────────────────────────────────────────────────────────────────────────────────────

    def drain(self, limit: int | None = None) -> int:
        """Send at most `limit` passages that wait for Chroma there, unless another process does; return how many."""
        return self._index.try_drain(limit)

    def verify(self, repair: bool = False) -> VerifyReport:
        """Check the whole library, and with `repair` mend what can be mended; never raises for a fault it finds."""
        return verify(self, self._database, self._index, repair)

    def rebuild(self, reencode: bool = False, progress: Callable[[int, int, str], None] | None = None) -> int:
        """Make the vector index anew from the catalog and return the number of its vectors.

        With `reencode` every article is split and encoded anew too, by the encoder that the settings name.
        `progress` gets (done, total, title). Raises LibraryBusyError while another process holds the index.
        """
        self._index.claim()
        if reencode:
            _reencode(self.encoder, self._database, progress)
        return self._index.rebuild()

    # ── What a person keeps ─────────────────────────────────────────────────────────────────────────────────────

    def keep(self, kind: str, key: str, value: dict[str, Any], owner: str = "") -> None:
        """Keep a JSON document, in place of an earlier one of the same kind, key and owner."""
        with self._database.write() as conn:
            kept.keep(conn, kind, key, value, owner)

    def kept(self, kind: str, owner: str = "") -> builtins.list[Kept]:
        """Return the documents of one kind and owner, the last kept first."""
        with self._database.read() as conn:
            return kept.find(conn, kind, owner)

    def kept_one(self, kind: str, key: str, owner: str = "") -> Kept | None:
        """Return one document, or None."""
        with self._database.read() as conn:
            return next(iter(kept.find(conn, kind, owner, key)), None)

    def forget(self, kind: str, key: str, owner: str = "") -> bool:
        """Delete one document; tell whether there was one."""
        with self._database.write() as conn:
            return kept.forget(conn, kind, key, owner)


_reencode = reencode  # `rebuild` has an argument of that name


def _same(old: Article | None, new: Article) -> bool:
    return old is not None and catalog.same(old, new)


def _clean(article: Article) -> Article:
    """Return `article` as it can be stored: texts normalised, its headings moved along, its hash its text's."""
    text = normalise(article.text)
    headings = article.headings
    if text != article.text:
        headings = tuple((_moved(article.text, start), _moved(article.text, end)) for start, end in headings)
    names = ("url", "title", "publisher", "published", "updated", "fetched", "language", "source")
    strings = {name: normalise(value) for name in names if (value := getattr(article, name)) is not None}
    authors = tuple(normalise(author) for author in article.authors)
    return replace(
        article, text=text, sha256=catalog.sha256(text), headings=tuple(headings), authors=authors, version=1, **strings
    )


def _moved(text: str, offset: int) -> int:
    return len(normalise(text[:offset]))
