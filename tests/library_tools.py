"""Articles and searches that the tests of the library share."""

from __future__ import annotations

import numpy as np

from qa.library import Library
from qa.library.catalog import sha256
from qa.records import Article, Filters
from qa.text import normalise

LONG = 200  # words: more than one passage


def article(name: str, text: str, **given) -> Article:
    fields = {
        "url": f"https://example.org/{name}",
        "title": f"About {name}",
        "authors": ("Ann Author", "Bo Writer"),
        "publisher": "The Post",
        "published": "2025-03-01",
        "updated": "2025-03-02T10:00:00+00:00",
        "fetched": "2025-03-03T00:00:00+00:00",
        "language": "en",
        "source": f"saved/{name}.html",
        "headings": ((0, 3),),
    }
    return Article(id=name, text=text, sha256=sha256(normalise(text)), **(fields | given))


def long_text(*words: str) -> str:
    """Return three paragraphs of many sentences about each of `words`."""
    return "\n\n".join(" ".join(f"The {word} number {n} came up." for n in range(LONG // 3)) for word in words)


def dense(library: Library, question: str, k: int = 3, filters: Filters | None = None) -> list[str]:
    with library.snapshot() as view:
        return [hit.passage.article_id for hit in view.dense(library.encoder.encode([question])[0], k, filters)]


def words(library: Library, *terms: str, k: int = 5, filters: Filters | None = None) -> list[str]:
    with library.snapshot() as view:
        return [hit.passage.article_id for hit in view.text(terms, k, filters)]


def ids(rows) -> list[str]:
    return [row.id for row in rows]


def fill(library: Library, number: int = 120) -> None:
    rng = np.random.default_rng(5)
    vocabulary = [f"w{n}" for n in range(60)]
    texts = [" ".join(rng.choice(vocabulary, 12)) + "." for _ in range(number)]
    results = library.put_many(
        article(f"a{n:03}", text, publisher=f"Outlet {n % 3}", published=f"2025-01-{n % 28 + 1:02}")
        for n, text in enumerate(texts)
    )
    assert {result.status for result in results} == {"added"}
