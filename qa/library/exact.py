"""Exact search: the scores of given passages, from the catalog's own vectors, kept in memory once many are needed."""

from __future__ import annotations

import threading

import numpy as np
import sqlalchemy as sa

from qa.library import catalog

DIRECT = 2_000  # up to here reading the vectors from SQLite takes under 10 ms: nothing is kept in memory for them


class VectorMemory:
    """The vectors of many passages as one float32 matrix (numpy multiplies fp16 many times slower).

    A passage's number is never given to another, so its vector never changes: the matrix only grows, and a search
    in an older snapshot may go on beside one that has just added rows. What is alive is asked of the snapshot.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._collection: str | None = None
        self._ids = np.empty(0, np.int64)
        self._matrix = np.empty((0, 0), np.float32)
        self._used = 0

    def scores(self, conn: sa.Connection, collection: str, ids: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return the cosine (float32) of `vector` with each of `ids`; -inf where the snapshot has no such passage."""
        if ids.size <= DIRECT:
            return _direct(conn, ids, vector)
        known, matrix = self._refreshed(conn, collection, vector.size)
        if not known.size:
            return _direct(conn, ids, vector)
        at = np.minimum(np.searchsorted(known, ids), known.size - 1)
        there = known[at] == ids
        # One pass over the memory is quicker than gathering half of it.
        scores = (matrix @ vector)[at] if ids.size * 2 > known.size else matrix[at] @ vector
        if not there.all():  # removed by another thread before these vectors were read, yet alive in this snapshot
            scores[~there] = _direct(conn, ids[~there], vector)
        return scores

    def _refreshed(self, conn: sa.Connection, collection: str, dimension: int) -> tuple[np.ndarray, np.ndarray]:
        with self._guard:
            if collection != self._collection:  # made anew, perhaps by another encoder
                self._collection, self._used = collection, 0
                self._ids, self._matrix = np.empty(0, np.int64), np.empty((0, dimension), np.float32)
            last = int(self._ids[self._used - 1]) if self._used else 0
            ids, blobs = catalog.vectors_after(conn, last)
            if ids.size:
                self._append(conn, ids, catalog.matrix(blobs, dimension))
            return self._ids[: self._used], self._matrix[: self._used]

    def _append(self, conn: sa.Connection, ids: np.ndarray, vectors: np.ndarray) -> None:
        if self._used + ids.size > self._ids.size:  # grow into new arrays: searches under way keep the old ones
            alive = np.isin(self._ids[: self._used], catalog.passage_ids(conn))
            kept, rows = self._ids[: self._used][alive], self._matrix[: self._used][alive]
            size = (kept.size + ids.size) * 5 // 4
            self._ids = np.empty(size, np.int64)
            self._matrix = np.empty((size, vectors.shape[1]), np.float32)
            self._used = kept.size
            self._ids[: self._used], self._matrix[: self._used] = kept, rows
        end = self._used + ids.size
        self._ids[self._used : end], self._matrix[self._used : end] = ids, vectors
        self._used = end


def best(ids: np.ndarray, scores: np.ndarray, k: int) -> list[tuple[int, float]]:
    """Return the `k` best (id, score), best first, the older passage first among equals; -inf is left out."""
    if ids.size > 4 * k:
        top = np.argpartition(-scores, k)[:k]
        ids, scores = ids[top], scores[top]
    order = np.lexsort((ids, -scores))[:k]
    return [(int(ids[at]), float(scores[at])) for at in order if np.isfinite(scores[at])]


def _direct(conn: sa.Connection, ids: np.ndarray, vector: np.ndarray) -> np.ndarray:
    scores = np.full(ids.size, -np.inf, np.float32)
    found = catalog.vectors_by_id(conn, ids.tolist())
    rows = [row for row, number in enumerate(ids.tolist()) if number in found]
    if rows:
        scores[rows] = catalog.matrix([found[number] for number in ids[rows].tolist()], vector.size) @ vector
    return scores
