"""One consistent look at the library: whatever others add or remove meanwhile, a `View` shows one state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import sqlalchemy as sa

from qa.library import catalog
from qa.library.index import Index
from qa.records import Article, Filters, Hit


class View:
    """The library at one moment, from `Library.snapshot()`; for one thread."""

    def __init__(self, conn: sa.Connection, index: Index, check: Callable[[sa.Connection, int], None]) -> None:
        self._conn = conn
        self._index = index
        self._check = check

    def dense(self, vector: np.ndarray, k: int, filters: Filters | None = None) -> list[Hit]:
        """Return the `k` passages nearest to `vector`, of unit length, best first; the score is the cosine.

        Raises ModelMismatchError if another encoder made the library's vectors.
        """
        vector = np.asarray(vector, np.float32).reshape(-1)
        self._check(self._conn, vector.size)
        among = catalog.passage_ids(self._conn, filters) if filters else None
        return self._hits(self._index.search(self._conn, vector, k, among)) if k > 0 else []

    def text(self, terms: Sequence[str], k: int, filters: Filters | None = None) -> list[Hit]:
        """Return the `k` passages that match best any of `terms`, best first; the score is BM25."""
        return self._hits(catalog.search_words(self._conn, terms, k, filters)) if k > 0 else []

    def article(self, article_id: str, version: int | None = None) -> Article:
        """Return an article (version None: the current one). Raises NotInLibraryError."""
        return catalog.article(self._conn, article_id, version)

    def articles(self, pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Article]:
        """Return the articles of (id, version) `pairs`, each read once. Raises NotInLibraryError."""
        return {pair: self.article(*pair) for pair in dict.fromkeys(pairs)}

    def count(self, filters: Filters | None = None) -> int:
        """Return the number of articles, or of those that `filters` let through."""
        return catalog.count(self._conn, filters)

    def _hits(self, ranked: Sequence[tuple[int, float]]) -> list[Hit]:
        found = catalog.passages_by_id(self._conn, [number for number, _ in ranked])
        return [Hit(found[number], score) for number, score in ranked if number in found]
