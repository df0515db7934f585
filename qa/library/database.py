"""The SQLite file: its tables, its transactions, its errors in plain words.

The tables are SQLAlchemy Core and hold nothing of SQLite's own, so that they run on PostgreSQL too; what differs
between the engines is full text (`fulltext.py`) and `_engine` below.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, select

from qa.errors import LibraryBusyError, LibraryError
from qa.library import fulltext
from qa.text import fold

SCHEMA = 2  # 2: articles are listed by their folded names
BUSY_SECONDS = 30  # how long a writer waits for another: an article's transaction takes milliseconds

metadata = MetaData()
meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
articles = Table(
    "articles",
    metadata,
    Column("id", Text, primary_key=True),
    # Kept when the article is removed, so that a later version never takes the number of one quoted before.
    Column("latest", Integer, nullable=False),
    Column("current", Integer),  # versions.id; None: removed
)
versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article_id", Text, ForeignKey("articles.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("url", Text),
    Column("title", Text, nullable=False),
    Column("authors", sa.JSON, nullable=False),
    Column("publisher", Text),
    Column("published", Text),
    Column("updated", Text),
    Column("fetched", Text, nullable=False),
    Column("language", Text),
    Column("sha256", Text, nullable=False),
    Column("source", Text),
    Column("headings", sa.JSON, nullable=False),
    Column("words", Integer, nullable=False),
    # By these a list is searched and sorted: SQLite's own lower() knows ASCII only.
    Column("title_folded", Text, nullable=False, server_default=""),
    Column("publisher_folded", Text, nullable=False, server_default=""),
    Column("authors_folded", Text, nullable=False, server_default=""),
    UniqueConstraint("article_id", "version"),
    sqlite_autoincrement=True,
)
# Apart from `versions`, so that a list of articles does not read through their texts.
texts = Table(
    "texts",
    metadata,
    Column("version_id", Integer, ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
)
# The passages of current versions only. They hold offsets and no text: a passage is a slice of its version's text
# and cannot be anything else. `vector` is fp16, so that the vectors can be rebuilt without a model.
passages = Table(
    "passages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version_id", Integer, ForeignKey("versions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    sqlite_autoincrement=True,  # an id names one passage for ever: Chroma knows passages by nothing else
)
# Which passages Chroma has yet to hear of. A row says "look at this passage again", not what to do: whoever drains
# acts on what the catalog holds by then, and a removal between can neither be lost nor be overtaken.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("passage_id", Integer, nullable=False),
    sqlite_autoincrement=True,
)
kept = Table(
    "kept",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated", Text, nullable=False),
)


class Database:
    """The SQLite file: opened, or made, by the constructor; `read` and `write` are its only transactions."""

    def __init__(self, file: Path) -> None:
        """Open `file`. Raises LibraryError when it cannot be used."""
        self.file = file
        step = "Name another home with --home or BYLINE_HOME."
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise LibraryError(f"{file.parent} is no folder, or is inside something that is none. {step}") from error
        except OSError as error:
            raise LibraryError(f"{file.parent} cannot be made ({error.strerror}). {step}") from error
        self._engine = _engine(file)
        self._writer = self._engine.execution_options(byline_begin="BEGIN IMMEDIATE")
        try:
            with explained(file):
                self._prepare()
        except BaseException:
            self._engine.dispose()
            raise

    def _prepare(self) -> None:
        with self._engine.connect() as conn:
            found = schema(conn)
        if found is None:
            _enter_wal(self._engine)
            with self._writer.begin() as conn:
                metadata.create_all(conn)  # checks first: another process may have been quicker
                fulltext.create(conn)
                if schema(conn) is None:
                    set_meta(conn, schema=str(SCHEMA), changes="0", collection=new_collection())
        elif found > SCHEMA:
            raise LibraryError(
                f"{self.file} was made by a newer Byline (format {found}; this one knows {SCHEMA}). "
                "Upgrade with: pip install --upgrade byline"
            )
        elif found < SCHEMA:
            with self._writer.begin() as conn:
                if schema(conn) == 1:  # or another process was quicker
                    _fold_names(conn)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open one consistent view of the catalog: what others write meanwhile is not seen."""
        with explained(self.file), self._engine.begin() as conn:
            changes(conn)  # SQLite takes its snapshot at the first SELECT, not at BEGIN
            yield conn

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes: all of it is kept or none."""
        with explained(self.file), self._writer.begin() as conn:
            yield conn

    def close(self) -> None:
        self._engine.dispose()


def folded(title: str, publisher: str | None, authors: Sequence[str]) -> dict[str, str]:
    """Return the columns of `versions` by which a list is searched and sorted."""
    return {
        "title_folded": fold(title),
        "publisher_folded": fold(publisher or ""),
        "authors_folded": fold(" ".join(authors)),
    }


def _fold_names(conn: sa.Connection) -> None:
    """Bring a file from format 1 to 2."""
    for name in folded("", None, ()):
        conn.execute(sa.DDL(f"ALTER TABLE versions ADD COLUMN {name} TEXT NOT NULL DEFAULT ''"))
    query = select(versions.c.id, versions.c.title, versions.c.publisher, versions.c.authors)
    for number, *names in conn.execute(query).all():
        conn.execute(versions.update().where(versions.c.id == number).values(**folded(*names)))
    set_meta(conn, schema="2")


def _engine(file: Path) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(file)),
        connect_args={"timeout": BUSY_SECONDS},
        pool_size=8,
        max_overflow=56,  # as many as the chat has threads
    )

    # Python's sqlite3 begins no transaction before a SELECT, so two SELECTs could see two states: begin by hand.
    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        # In WAL mode NORMAL may forget the last commits when the power fails; an article reported as added stays.
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(conn: sa.Connection) -> None:
        # A writer asks for the write lock at once: one that began by reading could not wait for it any more.
        conn.exec_driver_sql(conn.get_execution_options().get("byline_begin", "BEGIN"))

    return engine


def _enter_wal(engine: sa.Engine) -> None:
    """Switch the file to write-ahead logging, in which readers and a writer do not wait for each other."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        connection = engine.raw_connection()
        try:
            # Two processes making the same file: SQLite fails here at once instead of waiting.
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn the database's errors into a LibraryError of one line that names `file` and the next step."""
    try:
        yield
    except UnicodeEncodeError as error:  # from a file name or an argument that is no UTF-8
        raise LibraryError(
            f"{file} cannot hold or find {error.object[:60]!r}: it is broken text. Correct it and try again."
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # in a row, or in what SQLite says of its own schema
        raise LibraryError(f"{file} is damaged ({error}). Restore it from a backup.") from error
    except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error) as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        low = cause.lower()
        if "locked" in low or "busy" in low or isinstance(error, sa.exc.TimeoutError):
            raise LibraryBusyError(f"{file} is in use by another process. Try again when that has finished.") from error
        if "full" in low or "disk i/o" in low:
            step = "Free some space and try again: nothing that was stored is lost."
        elif "readonly" in low or "read-only" in low:
            step = "Make it and its folder writable, or name another home with --home or BYLINE_HOME."
        elif "unable to open" in low:
            step = "Check that its folder is yours to write, or name another home with --home or BYLINE_HOME."
        elif "malformed" in low or "not a database" in low:
            step = "Restore it from a backup, or move it away to begin an empty library."
        elif "fts5" in low:
            step = "Use a Python whose SQLite has FTS5, such as the one from python.org."
        else:
            step = "Run byline verify to see whether the library is sound."
        raise LibraryError(f"{file} cannot be used ({cause}). {step}") from error


def schema(conn: sa.Connection) -> int | None:
    """Return the format of the file; None: a new file."""
    return int(get_meta(conn, "schema") or 0) or None if sa.inspect(conn).has_table("meta") else None


def get_meta(conn: sa.Connection, key: str) -> str | None:
    return conn.scalar(select(meta.c.value).where(meta.c.key == key))


def set_meta(conn: sa.Connection, **values: str) -> None:
    conn.execute(meta.delete().where(meta.c.key.in_(values)))
    conn.execute(meta.insert(), [{"key": key, "value": value} for key, value in values.items()])


def changes(conn: sa.Connection) -> int:
    """Return how many times the set of passages has changed: two views with the same number have the same ones."""
    return int(get_meta(conn, "changes") or 0)


def count_change(conn: sa.Connection) -> None:
    conn.execute(
        meta.update().where(meta.c.key == "changes").values(value=sa.cast(sa.cast(meta.c.value, Integer) + 1, Text))
    )


def new_collection() -> str:
    """Return a new name for the collection in Chroma: one never meets vectors left by another state of the catalog."""
    return f"passages-{uuid.uuid4().hex[:16]}"


def damage(conn: sa.Connection) -> list[str]:
    """Return what SQLite finds wrong with its own file, in words; an empty list is a sound one."""
    found = [str(row[0]) for row in conn.exec_driver_sql("PRAGMA integrity_check(20)") if row[0] != "ok"]
    lines = [line.strip() for text in found for line in text.splitlines() if not line.startswith("***")]
    # From 3.44 on this looks into full text as well, which can be rebuilt and has a check of its own.
    lines = [line for line in lines if fulltext.NAME not in line] or _unreadable(conn)
    return [f"The file is damaged: {line}. Restore it from a backup." for line in lines]


def _unreadable(conn: sa.Connection) -> list[str]:
    """Return which rows hold JSON that is none any more: SQLite looks at its pages, not into their texts."""
    found = []
    for table, name, columns in (
        (versions, versions.c.article_id, (versions.c.authors, versions.c.headings)),
        (kept, kept.c.kind, (kept.c.value,)),
    ):
        for row, *values in conn.execute(select(name, *(sa.cast(column, Text) for column in columns))):
            try:
                for value in values:
                    json.loads(value)
            except ValueError as error:
                found.append(f"a row of {table.name}, {row!r}, cannot be read ({error})")
    return found


def loose_rows(conn: sa.Connection) -> list[str]:
    """Return the names of the tables with rows that refer to nothing."""
    return sorted({str(row[0]) for row in conn.exec_driver_sql("PRAGMA foreign_key_check")})
