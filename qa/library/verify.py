"""Checking the library, and mending it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from qa.encoder import BUNDLED_NAME
from qa.errors import BylineError, LibraryError
from qa.library import catalog, fulltext
from qa.library.database import Database, count_change, damage, get_meta, loose_rows, set_meta
from qa.library.index import Index
from qa.library.vectors import VectorsError
from qa.passages import embedding_text, split
from qa.records import Passage

if TYPE_CHECKING:
    from qa.library import Library


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a check found: `ok` if no problem is left; `repaired` are those that were and are no longer.

    `vectors` counts Chroma's; None: another process holds them, so they were not checked. `pending` passages wait
    for Chroma and are searched all the same: no fault.
    """

    ok: bool
    problems: list[str]
    repaired: list[str]
    articles: int
    passages: int
    vectors: int | None
    pending: int


@dataclass(slots=True)
class _Faults:
    """What a check found, by the way it is mended."""

    damaged: list[str]  # by nothing here: a backup, or adding the article again
    encoder: list[str]
    articles: dict[int, str]  # versions.id → its fault: split and encode again
    strays: list[int]  # passages of versions that are not current
    words: list[str]
    vectors: list[str]
    stale: list[int]  # passages that Chroma lacks, has wrong or has too many of

    @property
    def problems(self) -> list[str]:
        strays = [f"{len(self.strays)} passages belong to no current article."] if self.strays else []
        return [*self.damaged, *self.encoder, *self.articles.values(), *strays, *self.words, *self.vectors]


def verify(library: Library, database: Database, index: Index, repair: bool) -> VerifyReport:
    """Check every article, passage and vector; with `repair` mend what can be mended and check again."""
    try:
        with database.read() as conn:
            damaged = damage(conn)
    except LibraryError as error:
        damaged = [str(error)]
    if damaged:  # nothing read from such a file is worth reporting, and nothing should be written to it
        return VerifyReport(False, damaged, [], 0, 0, None, 0)
    with contextlib.suppress(VectorsError):  # the check says what is wrong
        index.drain()
    faults, vectors = _check(library, database, index)
    repaired: list[str] = []
    if repair and faults.problems:
        before = faults.problems
        failed = _repair(library, database, index, faults)
        faults, vectors = _check(library, database, index)
        faults.damaged += failed
        repaired = [problem for problem in before if problem not in faults.problems]
    with database.read() as conn:
        numbers = catalog.counts(conn)
    return VerifyReport(
        not faults.problems,
        faults.problems,
        repaired,
        numbers["articles"],
        numbers["passages"],
        vectors,
        numbers["pending"],
    )


def _check(library: Library, database: Database, index: Index) -> tuple[_Faults, int | None]:
    faults = _Faults([], [], {}, [], [], [], [])
    with database.read() as conn:
        faults.damaged += [f"Rows of the table {table} belong to nothing." for table in loose_rows(conn)]
        _check_encoder(conn, library, faults)
        _check_articles(conn, faults)
    with database.write() as conn:  # FTS5 checks itself by a statement of writing
        if not fulltext.sound(conn):
            faults.words.append("The full-text index does not match the passages.")
    try:
        return faults, index.check(faults.vectors, faults.stale)
    except VectorsError as error:
        faults.vectors.append(f"The vector index cannot be read ({error}).")
        return faults, 0


def _check_encoder(conn: sa.Connection, library: Library, faults: _Faults) -> None:
    stored, name = get_meta(conn, "encoder"), str(library.encoder.name)
    if stored is None or not catalog.counts(conn)["passages"]:
        return
    if stored != name:
        faults.encoder.append(f"The vectors were made by the encoder {stored}; the settings name {name}.")
    elif name != BUNDLED_NAME:  # of another model the name may stay and the folder's content change
        with contextlib.suppress(BylineError):  # it cannot be loaded: a question or an addition says so
            made, size = get_meta(conn, "dimension"), library.encoder.dimension
            if made != str(size):
                faults.encoder.append(f"The vectors have {made or 'no'} numbers each; the encoder {name} makes {size}.")


def _check_articles(conn: sa.Connection, faults: _Faults) -> None:
    length = 2 * int(get_meta(conn, "dimension") or 0)
    passages: dict[int, list[tuple[int, int, int, bool]]] = {}
    for number, version_id, start, end, vector in catalog.every_passage(conn):
        whole = len(vector) == length and bool(np.isfinite(np.frombuffer(vector, "<f2")).all())
        passages.setdefault(version_id, []).append((number, start, end, whole))
    for version_id, name, is_current, sha256, text in catalog.every_text(conn):
        mine = passages.pop(version_id, [])
        if text is None or catalog.sha256(text) != sha256:
            faults.damaged.append(f"{name}: the stored text is not what was added. Remove it and add it again.")
        elif not is_current:
            faults.strays += [number for number, *_ in mine]
        elif not mine:
            faults.articles[version_id] = f"{name}: no passages."
        elif not all(0 <= start < end <= len(text) and text[start:end].strip() for _, start, end, _ in mine):
            faults.articles[version_id] = f"{name}: a passage is no slice of the text."
        elif not all(whole for *_, whole in mine):
            faults.articles[version_id] = f"{name}: a vector is damaged."
    faults.strays += [number for strays in passages.values() for number, *_ in strays]
    faults.damaged += [f"{name}: its current version is missing. Add it again." for name in catalog.headless(conn)]


def _repair(library: Library, database: Database, index: Index, faults: _Faults) -> list[str]:
    """Mend what can be; return what stood in the way."""
    try:
        if faults.encoder:
            library.rebuild(reencode=True)
        elif faults.articles:
            _remake(library.encoder, database, list(faults.articles))
        with database.write() as conn:
            catalog.drop_strays(conn, faults.strays)
            catalog.enqueue(conn, faults.stale)
            fulltext.rebuild(conn)
            count_change(conn)
        if faults.vectors and not faults.stale:
            index.rebuild()
        else:
            index.drain()
    except (BylineError, VectorsError) as error:
        return [f"Not repaired: {error}"]
    return []


def reencode(encoder: Any, database: Database, progress: Callable[[int, int, str], None] | None = None) -> None:
    """Split and encode every article anew and swap all passages in one transaction: until then the old ones serve."""
    with database.read() as conn:
        todo = catalog.current_versions(conn)
    _remake(encoder, database, todo, progress, everything=True)


def _remake(
    encoder: Any,
    database: Database,
    todo: list[int],
    progress: Callable[[int, int, str], None] | None = None,
    everything: bool = False,
) -> None:
    made: dict[int, tuple[list[Passage], np.ndarray]] = {}

    def make(conn: sa.Connection, version_id: int) -> None:
        article = catalog.article_of(conn, version_id)
        if article is None:  # removed or changed meanwhile
            return
        pieces = split(article, encoder.count_tokens)
        vectors = np.asarray(encoder.encode([embedding_text(article, piece) for piece in pieces]))
        made[version_id] = pieces, vectors.astype("<f2")
        if progress:
            progress(len(made), len(todo), article.title)

    for version_id in todo:
        with database.read() as conn:  # one each: a long one would keep SQLite's log from being folded in
            make(conn, version_id)
    with database.write() as conn:
        current = catalog.current_versions(conn)
        for version_id in current if everything else [number for number in todo if number in set(current)]:
            if version_id not in made:  # added meanwhile, by the encoder before
                make(conn, version_id)
            catalog.drop_passages(conn, version_id, indexed=False)
            if version_id not in made:  # its text is missing: the check says so, and the others are made all the same
                continue
            pieces, vectors = made[version_id]
            catalog.add_passages(conn, version_id, pieces, vectors, indexed=False)
            if everything:
                set_meta(conn, encoder=str(encoder.name), dimension=str(vectors.shape[1]))
        fulltext.rebuild(conn)
        count_change(conn)
        if everything:
            catalog.start_over(conn)
