"""The catalog, Byline's system of record: articles, their versions and passages.

Every function takes a connection: whoever calls it owns the transaction. Only full text is the engine's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import func, select

from qa.errors import NotInLibraryError
from qa.library import fulltext
from qa.library.database import (
    articles,
    count_change,
    folded,
    new_collection,
    outbox,
    passages,
    set_meta,
    texts,
    versions,
)
from qa.records import Article, ArticleRow, Filters, Passage
from qa.text import fold

_PASSAGE = (passages.c.id, versions.c.article_id, versions.c.version, passages.c.start, passages.c.end)
_IN = 500  # ids in one statement; SQLite takes 32,766, older builds 999


# ── Articles ────────────────────────────────────────────────────────────────────────────────────────────────────


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def find(conn: sa.Connection, article_id: str) -> str:
    """Return the id that `article_id`, an id or the unique beginning of one, names. Raises NotInLibraryError."""
    there = articles.c.current.is_not(None)
    if conn.scalar(select(articles.c.id).where(articles.c.id == article_id, there)):
        return article_id
    query = select(articles.c.id).where(articles.c.id.startswith(article_id, autoescape=True), there).limit(4)
    # LIKE takes no notice of case
    found = [id_ for id_ in conn.scalars(query) if article_id and id_.startswith(article_id)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotInLibraryError(f"Several articles begin with {article_id!r}: {', '.join(found)}. Give more of the id.")
    raise NotInLibraryError(f"No article {article_id!r} in the library. byline list shows the ids.")


def article(conn: sa.Connection, article_id: str, version: int | None = None) -> Article:
    """Return a version (None: the current one) of an article. Raises NotInLibraryError."""
    article_id = find(conn, article_id)
    query = select(versions, texts.c.text).join(texts)
    if version is None:
        query = query.join(articles, articles.c.current == versions.c.id).where(articles.c.id == article_id)
    else:
        query = query.where(versions.c.article_id == article_id, versions.c.version == version)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotInLibraryError(f"Article {article_id} has no version {version}. byline show {article_id} shows it.")
    return _article(row)


def current(conn: sa.Connection, article_id: str) -> Article | None:
    """Return the current version of exactly this id, or None."""
    query = select(versions, texts.c.text).join(texts).join(articles, articles.c.current == versions.c.id)
    row = conn.execute(query.where(articles.c.id == article_id)).mappings().first()
    return _article(row) if row else None


def _article(row: Any) -> Article:
    return Article(
        id=row["article_id"],
        **{name: row[name] for name in ("url", "title", "publisher", "published", "updated", "fetched", "language")},
        **{name: row[name] for name in ("text", "sha256", "version", "source")},
        authors=tuple(row["authors"]),
        headings=tuple((start, end) for start, end in row["headings"]),
    )


def same(known: Article, new: Article) -> bool:
    """Tell whether `new` says nothing that `known` does not: when and where it was fetched does not count."""
    return known == replace(new, version=known.version, fetched=known.fetched, source=known.source)


def store(conn: sa.Connection, new: Article, pieces: Sequence[Passage], vectors: np.ndarray) -> int:
    """Store `new` as the next version, its passages replacing those of the version before; return its number.

    `vectors` has one row a passage; it is stored as fp16.
    """
    known = conn.execute(select(articles).where(articles.c.id == new.id)).first()
    version = known.latest + 1 if known else 1
    if known is None:
        conn.execute(articles.insert().values(id=new.id, latest=version))
    elif known.current is not None:
        drop_passages(conn, known.current)
    names = ("url", "title", "publisher", "published", "updated", "fetched", "language", "sha256", "source")
    version_id: int = conn.execute(
        versions.insert()
        .values(
            article_id=new.id,
            version=version,
            authors=list(new.authors),
            headings=[list(heading) for heading in new.headings],
            words=len(new.text.split()),
            **{name: getattr(new, name) for name in names},
            **folded(new.title, new.publisher, new.authors),
        )
        .returning(versions.c.id)
    ).scalar_one()
    conn.execute(texts.insert().values(version_id=version_id, text=new.text))
    conn.execute(articles.update().where(articles.c.id == new.id).values(latest=version, current=version_id))
    add_passages(conn, version_id, pieces, vectors)
    count_change(conn)
    return version


def remove(conn: sa.Connection, article_id: str) -> None:
    """Remove an article with all its versions, passages and vectors."""
    version_id = conn.scalar(select(articles.c.current).where(articles.c.id == article_id))
    if version_id is not None:
        drop_passages(conn, version_id)
    conn.execute(articles.update().where(articles.c.id == article_id).values(current=None))
    conn.execute(versions.delete().where(versions.c.article_id == article_id))
    count_change(conn)


def article_of(conn: sa.Connection, version_id: int) -> Article | None:
    """Return the version with this number of its row, while it is the current one of its article."""
    query = select(versions, texts.c.text).join(texts).join(articles, articles.c.current == versions.c.id)
    row = conn.execute(query.where(versions.c.id == version_id)).mappings().first()
    return _article(row) if row else None


def current_versions(conn: sa.Connection) -> list[int]:
    return list(conn.scalars(select(articles.c.current).where(articles.c.current.is_not(None))))


ORDERS: dict[str, tuple[sa.ColumnElement[Any], ...]] = {
    "published": (func.coalesce(versions.c.published, "").desc(),),
    "fetched": (versions.c.fetched.desc(),),
    "title": (),
    "publisher": (versions.c.publisher.is_(None), versions.c.publisher_folded),
}


def rows(
    conn: sa.Connection,
    filters: Filters | None = None,
    text: str | None = None,
    order: str = "published",
    limit: int | None = None,
    offset: int = 0,
) -> list[ArticleRow]:
    """Return the current versions that `filters` let through and that hold every word of `text`, in one of ORDERS."""
    order_by = (*ORDERS[order], versions.c.title_folded, versions.c.article_id)
    wanted = select(versions.c.id).join(articles, articles.c.current == versions.c.id)
    wanted = wanted.where(*limits(filters), *_naming(text))
    if limit is not None:  # whole rows are slow to sort: 58 ms against 8 for the latest 50 of 10,000
        wanted = wanted.order_by(*order_by).limit(limit).offset(offset)
    return _rows(conn, select(versions).where(versions.c.id.in_(wanted)).order_by(*order_by))


def every_version(conn: sa.Connection, article_id: str) -> list[ArticleRow]:
    """Return all versions of one article, oldest first."""
    return _rows(conn, select(versions).where(versions.c.article_id == article_id).order_by(versions.c.version))


def _rows(conn: sa.Connection, query: sa.Select[Any]) -> list[ArticleRow]:
    names = [name for name in ArticleRow.__dataclass_fields__ if name not in ("id", "authors")]
    return [
        ArticleRow(id=row["article_id"], authors=tuple(row["authors"]), **{name: row[name] for name in names})
        for row in conn.execute(query).mappings()
    ]


def _naming(text: str | None) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that each word of `text` stands in the title, the outlet or an author."""
    named = (versions.c.title_folded, versions.c.publisher_folded, versions.c.authors_folded)
    return [
        sa.or_(*(name.contains(word, autoescape=True) for name in named))
        for word in dict.fromkeys(fold(text or "").split())
    ]


def publishers(conn: sa.Connection) -> list[tuple[str, int]]:
    """Return every outlet with the number of its articles, the most frequent first."""
    number = func.count().label("number")
    query = (
        select(versions.c.publisher, number)
        .join(articles, articles.c.current == versions.c.id)
        .where(versions.c.publisher.is_not(None))
        .group_by(versions.c.publisher)
        .order_by(number.desc(), versions.c.publisher)
    )
    return [(name, count) for name, count in conn.execute(query)]


def limits(filters: Filters | None) -> list[sa.ColumnElement[bool]]:
    """Return `filters` as conditions on `versions`; an article without a date is outside every limit of dates."""
    conditions: list[sa.ColumnElement[bool]] = []
    if not filters:
        return conditions
    if filters.after:
        conditions.append(versions.c.published >= filters.after)
    if filters.before:  # as long as the limit is: "2025" means to the year's end
        conditions.append(func.substr(versions.c.published, 1, len(filters.before)) <= filters.before)
    if filters.publishers:  # exactly as well: SQLite's lower() knows ASCII only
        lower = [name.lower() for name in filters.publishers]
        exact = versions.c.publisher.in_(filters.publishers)
        conditions.append(sa.or_(exact, func.lower(versions.c.publisher).in_(lower)))
    if filters.articles:
        conditions.append(versions.c.article_id.in_(filters.articles))
    return conditions


def count(conn: sa.Connection, filters: Filters | None = None, text: str | None = None) -> int:
    """Return the number of articles that `filters` let through and that hold every word of `text`."""
    query = select(func.count()).select_from(articles)
    if filters or text:
        query = query.join(versions, versions.c.id == articles.c.current).where(*limits(filters), *_naming(text))
    return conn.scalar(query.where(articles.c.current.is_not(None))) or 0


def counts(conn: sa.Connection) -> dict[str, int]:
    """Return the numbers of articles, versions, passages, and passages pending for Chroma."""

    def number(query: sa.Select[Any]) -> int:
        return conn.scalar(query) or 0

    return {
        "articles": count(conn),
        "versions": number(select(func.count()).select_from(versions)),
        "passages": number(select(func.count()).select_from(passages)),
        "pending": number(select(func.count(outbox.c.passage_id.distinct()))),
    }


# ── Passages ────────────────────────────────────────────────────────────────────────────────────────────────────


def add_passages(
    conn: sa.Connection, version_id: int, pieces: Sequence[Passage], vectors: np.ndarray, indexed: bool = True
) -> None:
    """Add the passages of a version; `indexed` False: full text is rebuilt later in the same transaction."""
    blobs = [row.tobytes() for row in np.asarray(vectors).astype("<f2")]
    values = [
        {"version_id": version_id, "start": piece.start, "end": piece.end, "vector": blob}
        for piece, blob in zip(pieces, blobs, strict=True)
    ]
    if values:
        conn.execute(passages.insert(), values)
    of_version = passages.c.version_id == version_id
    if indexed:
        fulltext.index(conn, version_id)
    conn.execute(outbox.insert().from_select(["passage_id"], select(passages.c.id).where(of_version)))


def drop_passages(conn: sa.Connection, version_id: int, indexed: bool = True) -> None:
    of_version = passages.c.version_id == version_id
    if indexed:
        fulltext.unindex(conn, version_id)
    conn.execute(outbox.insert().from_select(["passage_id"], select(passages.c.id).where(of_version)))
    conn.execute(passages.delete().where(of_version))


def passages_by_id(conn: sa.Connection, ids: Sequence[int]) -> dict[int, Passage]:
    """Return the passages among `ids` that the catalog holds, each cut from its version's text."""
    query = select(*_PASSAGE, func.substr(texts.c.text, passages.c.start + 1, passages.c.end - passages.c.start))
    query = query.join(versions, versions.c.id == passages.c.version_id).join(texts)
    return {
        row[0]: Passage(*row[1:])
        for part in batches(ids, _IN)
        for row in conn.execute(query.where(passages.c.id.in_(part)))
    }


def passage_ids(conn: sa.Connection, filters: Filters | None = None) -> np.ndarray:
    """Return the ids, in order (int64), of the passages of the articles that `filters` let through."""
    query = select(passages.c.id)
    if filters:
        query = query.join(versions, versions.c.id == passages.c.version_id).where(*limits(filters))
    return np.sort(np.fromiter(conn.scalars(query), np.int64))


def vectors_by_id(conn: sa.Connection, ids: Sequence[int]) -> dict[int, bytes]:
    query = select(passages.c.id, passages.c.vector)
    return {
        number: blob
        for part in batches(ids, _IN)
        for number, blob in conn.execute(query.where(passages.c.id.in_(part))).tuples()
    }


def vectors_after(conn: sa.Connection, last: int) -> tuple[np.ndarray, list[bytes]]:
    """Return the ids (int64) and fp16 vectors of the passages numbered above `last`, in order."""
    query = select(passages.c.id, passages.c.vector).where(passages.c.id > last).order_by(passages.c.id)
    found = conn.execute(query).all()
    return np.array([row[0] for row in found], np.int64), [row[1] for row in found]


def matrix(blobs: Sequence[bytes], dimension: int) -> np.ndarray:
    """Return fp16 vectors as the rows of a float32 matrix; a damaged one is zeros, far from everything."""
    size = 2 * dimension
    joined = b"".join(blob if len(blob) == size else bytes(size) for blob in blobs)
    return np.frombuffer(joined, "<f2").reshape(len(blobs), dimension).astype(np.float32)


def pending(conn: sa.Connection, limit: int | None = None) -> list[tuple[int, int, bytes | None]]:
    """Return (seq, passage id, vector or None if it is gone) from the head of the outbox."""
    query = (
        select(outbox.c.seq, outbox.c.passage_id, passages.c.vector)
        .outerjoin(passages, passages.c.id == outbox.c.passage_id)
        .order_by(outbox.c.seq)
        .limit(limit)
    )
    return [(seq, number, vector) for seq, number, vector in conn.execute(query)]


def pending_ids(conn: sa.Connection) -> tuple[list[int], list[int]]:
    """Return the living passages that Chroma may not have yet, and the dead ones it may still have."""
    query = select(outbox.c.passage_id, passages.c.id).distinct()
    found = conn.execute(query.outerjoin(passages, passages.c.id == outbox.c.passage_id)).all()
    return (
        [number for number, there in found if there is not None],
        [number for number, there in found if there is None],
    )


def done(conn: sa.Connection, numbers: Sequence[int]) -> None:
    """Delete exactly these numbers from the outbox."""
    for part in batches(numbers, _IN):
        conn.execute(outbox.delete().where(outbox.c.seq.in_(part)))


def enqueue(conn: sa.Connection, ids: Sequence[int]) -> None:
    """Have Chroma hear of these passages again."""
    if ids:
        conn.execute(outbox.insert(), [{"passage_id": number} for number in ids])


def start_over(conn: sa.Connection, collection: str | None = None) -> None:
    """Put every passage into the outbox, for an empty collection (with a new name, unless given)."""
    set_meta(conn, collection=collection or new_collection())
    conn.execute(outbox.delete())
    conn.execute(outbox.insert().from_select(["passage_id"], select(passages.c.id).order_by(passages.c.id)))
    count_change(conn)


def batches(items: Iterable[int], size: int) -> Iterator[list[int]]:
    items = [int(item) for item in items]  # numpy's integers are not SQL's
    for start in range(0, len(items), size):
        yield items[start : start + size]


def search_words(
    conn: sa.Connection, terms: Sequence[str], k: int, filters: Filters | None = None
) -> list[tuple[int, float]]:
    """Return (passage id, score) of the `k` passages that match best any of `terms`, best first."""
    among = None
    if filters:
        among = select(passages.c.id).join(versions, versions.c.id == passages.c.version_id).where(*limits(filters))
    total = conn.scalar(select(func.count()).select_from(passages)) or 0
    return fulltext.search(conn, terms, k, total, among)


# ── For verify ──────────────────────────────────────────────────────────────────────────────────────────────────


def every_text(conn: sa.Connection) -> Iterator[tuple[int, str, bool, str, str | None]]:
    """Yield (versions.id, name, whether it is current, sha256, text) of every version; text None: it is missing."""
    query = select(
        versions.c.id, versions.c.article_id, versions.c.version, versions.c.sha256, articles.c.current, texts.c.text
    ).select_from(versions.outerjoin(texts).outerjoin(articles, articles.c.id == versions.c.article_id))
    for number, article_id, version, digest, current, text in conn.execute(query).yield_per(100):
        yield number, f"{article_id} version {version}", current == number, digest, text


def every_passage(conn: sa.Connection) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Yield (id, versions.id, start, end, vector) of every passage."""
    query = select(passages.c.id, passages.c.version_id, passages.c.start, passages.c.end, passages.c.vector)
    yield from conn.execute(query).yield_per(1000).tuples()


def headless(conn: sa.Connection) -> list[str]:
    """Return the ids of articles whose current version is not there, or is another article's."""
    query = select(articles.c.id).outerjoin(
        versions, sa.and_(versions.c.id == articles.c.current, versions.c.article_id == articles.c.id)
    )
    return list(conn.scalars(query.where(articles.c.current.is_not(None), versions.c.id.is_(None))))


def drop_strays(conn: sa.Connection, ids: Sequence[int]) -> None:
    """Delete passages that belong to no current version; full text is rebuilt later in the same transaction."""
    for part in batches(ids, _IN):
        conn.execute(passages.delete().where(passages.c.id.in_(part)))
    enqueue(conn, ids)
