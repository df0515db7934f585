"""What a person keeps (conversations, tags): JSON documents by kind, owner and key, in the catalog's file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select

from qa.library.database import kept
from qa.records import Kept


def keep(conn: sa.Connection, kind: str, key: str, value: dict[str, Any], owner: str) -> None:
    forget(conn, kind, key, owner)
    latest = conn.scalar(select(func.max(kept.c.updated))) or ""
    updated = max(datetime.now(UTC).isoformat(timespec="microseconds"), latest)
    document = json.dumps(value, ensure_ascii=True)  # a lone surrogate is stored as its escape
    conn.execute(kept.insert().values(kind=kind, key=key, owner=owner, value=document, updated=updated))


def find(conn: sa.Connection, kind: str, owner: str, key: str | None = None) -> list[Kept]:
    query = select(kept).where(kept.c.kind == kind, kept.c.owner == owner)
    if key is not None:
        query = query.where(kept.c.key == key)
    found = conn.execute(query.order_by(kept.c.updated.desc(), kept.c.key))
    return [Kept(row.kind, row.key, json.loads(row.value), row.updated, row.owner) for row in found]


def forget(conn: sa.Connection, kind: str, key: str, owner: str) -> bool:
    """Delete a kept document; tell whether there was one."""
    at = (kept.c.kind == kind, kept.c.key == key, kept.c.owner == owner)
    return conn.execute(kept.delete().where(*at)).rowcount > 0
