"""Full text over titles and passages: SQLite's FTS5, the one part of the catalog that is this engine's own.

The index takes its content from a view over the catalog's own tables, so no text is stored twice, and SQLite can
itself check the index against the texts and rebuild it from them. It is written in the article's transaction.

Words are compared without case and accents (`remove_diacritics 2`: Zelenský is found by Zelensky) and by their
English stem (`porter`: guarantees, guarantee, guaranteed are one word). A stem can join two words that differ
(university, universe), which costs a rank; a name or an inflection that is not found costs the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

NAME = "passage_words"
MANY = 20_000  # passages; in fewer no term costs more than 15 ms
COMMON = 0.25  # of the passages: a term in more of them costs most of the time and weighs next to nothing
TITLE_WEIGHT = 1.0  # of a word in the title against one in the passage; the title stands in all its passages

_SOURCE = """
    CREATE VIEW IF NOT EXISTS passage_source AS
    SELECT passages.id AS id, versions.title AS title,
           substr(texts.text, passages.start + 1, passages."end" - passages.start) AS body
    FROM passages
    JOIN versions ON versions.id = passages.version_id
    JOIN texts ON texts.version_id = passages.version_id
"""
_INDEX = """
    CREATE VIRTUAL TABLE IF NOT EXISTS passage_words USING fts5(
        title, body, content = 'passage_source', content_rowid = 'id',
        tokenize = 'porter unicode61 remove_diacritics 2'
    )
"""
_WORDS = sa.table("passage_words", sa.column("rowid", sa.Integer), sa.column("rank", sa.Float))


def create(conn: sa.Connection) -> None:
    conn.exec_driver_sql(_SOURCE)
    conn.exec_driver_sql(_INDEX)


def index(conn: sa.Connection, version_id: int) -> None:
    """Index the passages of a version, just added."""
    conn.exec_driver_sql(
        "INSERT INTO passage_words(rowid, title, body) SELECT id, title, body FROM passage_source "
        "WHERE id IN (SELECT id FROM passages WHERE version_id = ?)",
        (version_id,),
    )


def unindex(conn: sa.Connection, version_id: int) -> None:
    """Take the passages of a version out of the index; they must still be in the catalog."""
    conn.exec_driver_sql(
        "INSERT INTO passage_words(passage_words, rowid, title, body) SELECT 'delete', id, title, body "
        "FROM passage_source WHERE id IN (SELECT id FROM passages WHERE version_id = ?)",
        (version_id,),
    )


def search(
    conn: sa.Connection, terms: Sequence[str], k: int, total: int, among: sa.Select[tuple[int]] | None = None
) -> list[tuple[int, float]]:
    """Return (passage id, score) of the `k` passages, `among` these, that match best any of `terms`, best first.

    `total` is the number of passages in the index. The score is BM25 (Robertson and Zaragoza, 2009) as FTS5 computes
    it, its sign turned: higher is better.
    """
    # Quoted, so that a term is only ever a term: AND, NEAR, * and : are words and signs like others. SQLite reads a
    # string as far as its first NUL.
    plain = (term.replace("\0", " ").replace('"', '""') for term in terms)
    quoted = [f'"{term}"' for term in plain if term.strip()]
    if total > MANY:
        quoted = _rarer(conn, quoted, int(total * COMMON)) or quoted
    if not quoted:
        return []
    query = (
        sa.select(_WORDS.c.rowid, _WORDS.c.rank)
        .where(_matches(" OR ".join(quoted)))
        .where(sa.text(f"rank MATCH 'bm25({TITLE_WEIGHT}, 1.0)'"))
        .order_by(_WORDS.c.rank)
        .limit(k)
    )
    if among is not None:
        # The plus keeps SQLite from looking each of these passages up in the index, one search for every one.
        query = query.where(sa.literal_column("+passage_words.rowid").in_(among))
    return [(number, -rank) for number, rank in conn.execute(query)]  # FTS5 ranks from the lowest up


def _rarer(conn: sa.Connection, quoted: Sequence[str], limit: int) -> list[str]:
    """Return the terms that fewer than `limit` passages hold."""
    rarer = []
    for term in quoted:
        found = sa.select(_WORDS.c.rowid).where(_matches(term)).limit(limit).subquery()
        if (conn.scalar(sa.select(sa.func.count()).select_from(found)) or 0) < limit:
            rarer.append(term)
    return rarer


def _matches(expression: str) -> sa.TextClause:
    return sa.text("passage_words MATCH :expression").bindparams(expression=expression)


def sound(conn: sa.Connection) -> bool:
    """Tell whether the index holds exactly the words of the catalog's passages. Needs a writing transaction."""
    try:
        conn.exec_driver_sql("INSERT INTO passage_words(passage_words, rank) VALUES ('integrity-check', 1)")
    except sa.exc.DatabaseError as error:
        if "malformed" not in str(error.orig):
            raise
        return False
    return True


def rebuild(conn: sa.Connection) -> None:
    conn.exec_driver_sql("INSERT INTO passage_words(passage_words) VALUES ('rebuild')")
