"""`add`: sources → fetch → read → library, with a result for every source. One that fails never stops the others."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from ingest import address
from ingest.address import printable as shown
from ingest.fetch import AT_ONCE, Fetcher
from ingest.records import Draft, Page
from ingest.sources import Item, expand
from ingest.worker import Worker
from qa.errors import LibraryError, SourceError
from qa.library import Library
from qa.records import AddResult, Article

AHEAD = 16  # sources read ahead of the one that is being stored

Progress = Callable[[int, int, str], None]
Source = str | os.PathLike[str]
Prepared = tuple[AddResult | Article, tuple[str, ...]]  # an article, or why there is none; and warnings


def add(
    sources: Source | Iterable[Source],
    home: Source | None = None,
    *,
    library: Library | None = None,
    progress: Progress | None = None,
    fetcher: Fetcher | None = None,
) -> list[AddResult]:
    """Add what `sources` name to the library and return a result for each article or failed source, in order.

    A source is a web address, a page (.html), a text or Markdown file, a folder, a file that lists addresses, or
    "-" for standard input. `progress(done, total, source)` is called at the start and after each. An interrupt
    leaves everything stored so far. Raises LibraryError if the library cannot be opened; if it fails on the way,
    the source at hand fails with the reason and the rest is skipped.
    """
    given = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    with ExitStack() as stack:
        into = library or stack.enter_context(Library.open(home))
        run = _Run(list(expand(given)), progress)
        pages = fetcher or stack.enter_context(Fetcher())
        reader = stack.enter_context(Worker())
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ingest")
        try:
            run.store(into, _ahead(pool, run.items, pages, reader))
        finally:
            if fetcher is None:
                pages.close()
            reader.close()
            pool.shutdown(wait=False, cancel_futures=True)
    return run.results


class _Run:
    """The results of one call of `add`, filled in as the work is done."""

    def __init__(self, items: list[Item | AddResult], progress: Progress | None) -> None:
        self.items = items
        self._found: list[AddResult | None] = [None] * len(items)
        self._done = 0
        self._progress = progress
        if progress and items:
            progress(0, len(items), shown(items[0].source))

    @property
    def results(self) -> list[AddResult]:
        return [result for result in self._found if result is not None]

    def store(self, library: Library, batches: Iterator[list[Prepared]]) -> None:
        """Put the articles of `batches` into `library`, keeping each source's result in its place."""
        number = 0
        for batch in batches:
            places = []
            for place, (outcome, warnings) in enumerate(batch, number):
                if isinstance(outcome, AddResult):
                    self._finish(place, outcome)
                else:
                    places.append((place, outcome, warnings))
            number += len(batch)
            try:
                stored = library.put_many(article for _, article, _ in places)
                for (place, _, warnings), result in zip(places, stored, strict=True):
                    source = shown(self.items[place].source)
                    self._finish(place, replace(result, source=source, warnings=(*result.warnings, *warnings)))
            except LibraryError as error:
                self._stop(str(error))
                return

    def _finish(self, number: int, result: AddResult) -> None:
        self._found[number] = result
        self._done += 1
        if self._progress:
            self._progress(self._done, len(self.items), result.source)

    def _stop(self, reason: str) -> None:
        """The library gives way: say why once, and of the rest only that they were not reached."""
        for number, item in enumerate(self.items):
            if self._found[number] is None:
                status, why = (
                    ("failed", reason)
                    if reason
                    else ("skipped", "not reached: the library failed before. Add it again.")
                )
                self._finish(number, AddResult(shown(item.source), status, reason=why))
                reason = ""


def _ahead(
    pool: ThreadPoolExecutor, items: list[Item | AddResult], pages: Fetcher, reader: Worker
) -> Iterator[list[Prepared]]:
    """Yield what became of the items, in order, while the next ones are fetched and read.

    A batch is whatever is ready: what is encoded together costs less, and nothing waits for a slow page after it.
    """
    queue: deque[Future[Prepared]] = deque()
    rest = iter(items)
    while True:
        while len(queue) < AHEAD and (item := next(rest, None)) is not None:
            queue.append(pool.submit(_prepare, item, pages, reader))
        if not queue:
            return
        batch = [queue.popleft().result()]
        while queue and queue[0].done():
            batch.append(queue.popleft().result())
        yield batch


def _prepare(item: Item | AddResult, pages: Fetcher, reader: Worker) -> Prepared:
    """Return the article of `item`, or the result that says why there is none; and warnings about it."""
    if isinstance(item, AddResult):
        return item, ()
    try:
        page = pages.get(item.url) if item.url else item.read()
        draft = reader.read(page)
        return identified(draft, page), (*draft.warnings, *language_warning(draft))
    except SourceError as error:
        return AddResult(shown(item.source), "failed", reason=" ".join(str(error).split())), ()


def language_warning(draft: Draft) -> tuple[str, ...]:
    if draft.language in (None, "en"):
        return ()
    return (f"The article is in another language than English ({draft.language}): answers from it may be poor.",)


def identified(draft: Draft, page: Page) -> Article:
    """Return `draft` as an Article of version 1, known by its address, else its file's path, else its text."""
    digest = hashlib.sha256(draft.text.encode("utf-8", "surrogatepass")).hexdigest()
    url = _shown_address(draft.url)
    key = address.canonical(url) if url else page.path or digest
    return Article(
        id=hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12],
        url=url,
        title=draft.title,
        authors=draft.authors,
        publisher=draft.publisher,
        published=draft.published,
        updated=draft.updated,
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
        language=draft.language,
        text=draft.text,
        sha256=digest,
        source=shown(page.path or page.source),
        headings=draft.headings,
    )


def _shown_address(url: str | None) -> str | None:
    """Return the address that opens the article: as its site writes it, without tracking and fragment."""
    if not url:
        return None
    try:
        return address.without_tracking(url)
    except SourceError:
        return None
