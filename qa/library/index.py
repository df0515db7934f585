"""The nearest passages to a vector, for one snapshot of the catalog; and the upkeep of Chroma by the outbox.

Chroma proposes, the catalog decides: Chroma's nearest passages are joined by every passage that it has not got yet,
all are scored with the catalog's own vectors, and what the snapshot does not hold drops out. So an article is found
from the moment it is committed, whoever committed it, and a removed one never is. Where Chroma cannot speak for the
snapshot (another process holds it, it is ahead, broken or short of passages), or the question is filtered (Chroma
scans its filters linearly), the search is exact over all passages concerned: 100,000 take some 30 ms once in memory.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from qa.errors import LibraryBusyError, LibraryError
from qa.library import catalog
from qa.library.database import Database, changes, get_meta
from qa.library.exact import VectorMemory, best
from qa.library.vectors import Vectors, VectorsError

BATCH = 500  # passages sent to Chroma at a time: a fifth of a second
BEFORE_QUESTION = 250  # at most, so that a question waits a tenth of a second for another's articles at worst
GONE = 1_000  # with more deletions outstanding, Chroma's nearest would be mostly dead
SAMPLE = 2_500  # about so many passages are searched for by their own vector in a check; a few milliseconds each
HIDDEN = 0.01  # of the sample: the graph is an approximation, and now and then one hides in a sound one
TRIED_OUT = 20  # vectors that a collection is searched for when it is opened: 40 ms
TRIED_OUT_HIDDEN = 0.1  # of them, or more, not found: a sound graph misses one in thousands, a lost one nearly all
REST_SECONDS = 60  # after trouble with Chroma's folder, before it is tried again

log = logging.getLogger("byline")


class Index:
    """Vector search over the catalog in `database`, helped by Chroma in `folder`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._memory = VectorMemory()
        self._guard = threading.RLock()  # one drain at a time
        self._ahead = 0  # Chroma may show the catalog as of this change; a snapshot before it cannot ask Chroma
        self._resting = 0.0  # until when Chroma is left alone
        self._alive: tuple[tuple[str, int], np.ndarray] | None = None
        self.vectors = Vectors(folder)

    def search(
        self, conn: sa.Connection, vector: np.ndarray, k: int, among: np.ndarray | None = None
    ) -> list[tuple[int, float]]:
        """Return (passage id, cosine) of the `k` nearest of the snapshot's passages (or of `among`), best first."""
        collection = get_meta(conn, "collection") or ""
        if among is None:
            near = self._near(conn, collection, vector, k)
            among = self._everything(conn, collection) if near is None else near
        return best(among, self._memory.scores(conn, collection, among, vector), k)

    def _near(self, conn: sa.Connection, collection: str, vector: np.ndarray, k: int) -> np.ndarray | None:
        """Return enough passages to hold the `k` nearest, or None where Chroma cannot tell."""
        if time.monotonic() < self._resting:
            return None
        waiting, gone = catalog.pending_ids(conn)
        if len(gone) > GONE:
            return None
        try:
            # A question does not wait for a long drain in another thread: what that has yet to do is in `waiting`.
            if self._guard.acquire(blocking=False):
                try:
                    if waiting or gone:
                        self.drain(BEFORE_QUESTION)
                    self._ready()
                finally:
                    self._guard.release()
            if self.vectors.name != collection:
                return None
            near = self.vectors.nearest(vector, k + len(gone))
        except (VectorsError, LibraryError) as error:  # the catalog is being written, or its disk is full: read on
            self._rest(error)
            return None
        if self._ahead > changes(conn):  # asked after the search: a drain in another thread may have begun during it
            return None
        near = list(catalog.vectors_by_id(conn, near))
        among = np.union1d(np.array(near, np.int64), np.array(waiting, np.int64))
        if among.size < k and among.size < catalog.counts(conn)["passages"]:
            return None  # Chroma is short of passages: verify will say so
        return among

    def _everything(self, conn: sa.Connection, collection: str) -> np.ndarray:
        state = (collection, changes(conn))
        known = self._alive
        if known is None or known[0] != state:
            known = self._alive = (state, catalog.passage_ids(conn))
        return known[1]

    def _acquire(self) -> bool:
        if self.vectors.held:
            return True
        if not self.vectors.acquire():
            return False
        with self._database.read() as conn:
            self._ahead = max(self._ahead, changes(conn))  # as far as the last holder can have come
        return True

    def claim(self) -> None:
        """Take the lock, or raise LibraryBusyError."""
        with self._guard:
            if not self._acquire():
                raise LibraryBusyError(
                    f"The vectors of {self._database.file.parent} are in use by another process. "
                    "Close byline chat, or wait for byline add to finish, and try again."
                )

    def _ready(self) -> bool:
        """Hold the lock, with the collection open that the catalog names; False if another process has the lock.

        A collection that is not there (the folder is new, or was deleted) is made and everything goes into it.
        """
        with self._guard:
            if not self._acquire():
                return False
            with self._database.read() as conn:
                collection = get_meta(conn, "collection") or ""
                if self.vectors.name == collection:
                    return True
                there = self.vectors.open(collection)
                if there:
                    self._try_out(conn)
            if not there:
                # In this order: if it ends between, the collection is still missing and this is done again.
                with self._database.write() as conn:
                    catalog.start_over(conn, collection)
                    self._ahead = changes(conn)
                self.vectors.create(collection)
            return True

    def _try_out(self, conn: sa.Connection) -> None:
        """Search a collection just opened for some of its own vectors. Raises VectorsError if it does not find them.

        When its graph is lost or damaged, Chroma answers without a word from what is left of it.
        """
        waiting, _ = catalog.pending_ids(conn)
        settled = np.setdiff1d(catalog.passage_ids(conn), waiting)
        some = settled[:: max(1, settled.size // TRIED_OUT)][:TRIED_OUT]
        vectors = catalog.matrix(list(catalog.vectors_by_id(conn, some.tolist()).values()), _dimension(conn))
        if len(vectors) and self.vectors.reachable(vectors).mean() <= 1 - TRIED_OUT_HIDDEN:
            self.vectors.leave()
            raise VectorsError("passages known to be in the index are not found in it")

    def drain(self, limit: int | None = None) -> int:
        """Bring Chroma up to the catalog, by at most `limit` entries of the outbox; return how many were done.

        Does nothing while another process holds the lock: that one will. Raises VectorsError.
        """
        total = 0
        with self._guard:
            with self._database.read() as conn:
                if not catalog.pending(conn, 1):
                    return 0  # without opening Chroma
            while (limit is None or total < limit) and self._ready():
                with self._database.read() as conn:
                    step = BATCH if limit is None else min(BATCH, limit - total)
                    entries = catalog.pending(conn, step)
                    if not entries:
                        break
                    self._ahead = max(self._ahead, changes(conn))
                    dimension = _dimension(conn)
                present = {number: vector for _, number, vector in entries}
                living = {number: vector for number, vector in present.items() if vector is not None}
                gone = [number for number, vector in present.items() if vector is None]
                self.vectors.apply(list(living), catalog.matrix(list(living.values()), dimension), gone)
                with self._database.write() as conn:
                    catalog.done(conn, [seq for seq, _, _ in entries])
                total += len(entries)
        return total

    def try_drain(self, limit: int | None = None) -> int:
        """Drain, leaving it for later if Chroma cannot take it: the catalog already has everything."""
        if time.monotonic() < self._resting:
            return 0
        try:
            return self.drain(limit)
        except (VectorsError, LibraryError) as error:
            self._rest(error)
            return 0

    def _rest(self, error: Exception) -> None:
        self._resting = time.monotonic() + REST_SECONDS
        log.warning("vectors are searched without their index (%s); byline verify --repair mends it", error)

    def rebuild(self) -> int:
        """Make Chroma's folder anew from the catalog's vectors; return how many it holds.

        Raises LibraryBusyError while another process holds the folder, LibraryError when it cannot be written.
        """
        with self._guard:
            self.claim()
            with self._database.write() as conn:
                catalog.start_over(conn)
                self._ahead = changes(conn)
            try:
                self.vectors.drop()
                self._resting = 0.0
                return self.drain()
            except VectorsError as error:
                raise LibraryError(
                    f"The vectors of {self._database.file.parent} cannot be written ({error}). "
                    "Free some space, check that the folder is yours to write, and try again."
                ) from error

    def check(self, problems: list[str], stale: list[int]) -> int | None:
        """Compare Chroma with the catalog, adding to `problems`, and to `stale` the passages that differ.

        Returns how many vectors Chroma has; None while another process holds it. Raises VectorsError.
        """
        with self._guard, self._database.read() as conn:
            if not self._acquire():
                return None
            waiting, gone = catalog.pending_ids(conn)
            catalogued = set(catalog.passage_ids(conn).tolist())
            settled = catalogued - set(waiting)
            if not self.vectors.open(get_meta(conn, "collection") or ""):
                if settled:
                    problems.append("The vector index is missing.")
                return 0
            there = self.vectors.numbers()
            lost, strange = settled - there, there - catalogued - set(gone)
            wrong, hidden, searched = self._compare(conn, sorted(settled & there))
            found = (
                (lost, "passages have no vector in the index"),
                (strange, "vectors in the index belong to no passage"),
                (wrong, "vectors in the index are not their passages'"),
            )
            for numbers, what in found:
                if numbers:
                    problems.append(f"{len(numbers)} {what}.")
                    stale += sorted(numbers)
            if hidden > HIDDEN * searched and not stale:
                problems.append(f"{hidden} of {searched} vectors cannot be found by searching the index.")
            return len(there)

    def _compare(self, conn: sa.Connection, numbers: list[int]) -> tuple[set[int], int, int]:
        """Return the passages whose vector differs, and how many of a sample were not found of how many."""
        wrong: set[int] = set()
        hidden = searched = 0
        every = max(1, len(numbers) // BATCH * BATCH // SAMPLE)  # batches, of which one is searched for
        for turn, part in enumerate(catalog.batches(numbers, BATCH)):
            blobs, stored = catalog.vectors_by_id(conn, part), self.vectors.stored(part)
            ours = catalog.matrix([blobs[number] for number in part], _dimension(conn))
            theirs = np.stack([stored[number] for number in part])
            if ours.shape != theirs.shape:
                wrong.update(part)
                continue
            same = (ours * theirs).sum(axis=1) > 0.999 * np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
            wrong.update(np.array(part)[~same].tolist())
            if turn % every == 0:
                hidden += int((~self.vectors.reachable(theirs)).sum())
                searched += len(part)
        return wrong, hidden, searched

    def close(self) -> None:
        with self._guard:
            self.vectors.close()


def _dimension(conn: sa.Connection) -> int:
    return int(get_meta(conn, "dimension") or 0)
