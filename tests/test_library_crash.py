"""Killing, and working at once: whatever happens to a process, the library holds whole articles and says so."""

from __future__ import annotations

import multiprocessing
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qa.library import Library
from qa.library.catalog import sha256
from qa.records import Article
from tests.fakes import FakeEncoder

ARTICLES = 500
KILLS = 10  # of each of the two homes below: twenty in all

if sys.platform == "win32":
    processes = multiprocessing.get_context("spawn")
else:  # a server that has imported everything makes a child in milliseconds, and has no threads to inherit
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["chromadb", "qa.library", "tests.fakes"])


def article(number: int, word: str = "plain") -> Article:
    text = f"Report {number} is {word}.\n\nIt tells of item{number} and of item{number + 1}."
    return Article(
        id=f"r{number:04}",
        url=None,
        title=f"Report {number}",
        authors=("Ann",),
        publisher=f"Outlet {number % 7}",
        published="2025-01-01",
        updated=None,
        fetched="2025-01-01T00:00:00+00:00",
        language="en",
        text=text,
        sha256=sha256(text),
    )


def ingest(home: Path, done, first: int = 0, last: int = ARTICLES, word: str = "plain") -> None:
    """Add the reports [first, last), counting them in `done`; run in a process of its own."""
    with Library.open(home, encoder=FakeEncoder()) as library:
        for result in library.put_many(article(number, word) for number in range(first, last)):
            assert result.status in ("added", "unchanged", "updated"), result
            done.value += 1


def check(home: Path) -> int:
    """Open what a killed process left; return its number of articles, each of which must be whole and found."""
    with Library.open(home, encoder=FakeEncoder()) as library:
        report = library.verify()
        assert report.ok, report.problems
        assert report.vectors == report.passages >= report.articles
        assert report.pending == 0
        return report.articles


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_points_of_an_ingest(home: Path, seed: int) -> None:
    moment = random.Random(seed)
    stored = kills = 0
    while kills < KILLS:
        done = processes.Value("i", 0)
        child = processes.Process(target=ingest, args=(home, done))
        # Somewhere in what is new to this home, a fair share of it left for the kills to come; then anywhere
        # between two results: encoding, in a transaction, after it, or while Chroma is written.
        target = stored + moment.randrange((ARTICLES - stored) // (KILLS - kills))
        child.start()
        deadline = time.monotonic() + 60
        while done.value < target and child.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        acknowledged = done.value
        time.sleep(moment.random() * 0.05)
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        kills += 1
        stored = check(home)
        assert acknowledged <= stored <= ARTICLES  # what was reported as added is there
    done = processes.Value("i", 0)
    ingest(home, done)  # the same once more
    assert done.value == ARTICLES
    assert check(home) == ARTICLES
    with Library.open(home, encoder=FakeEncoder()) as library, library.snapshot() as view:
        assert [library.get(f"r{number:04}") for number in (0, 250, 499)] == [article(n) for n in (0, 250, 499)]
        assert view.text(["item250"], 1)[0].passage.article_id in ("r0249", "r0250")
        vector = library.encoder.encode([f"Report 77\n{article(77).text}"])[0]
        assert view.dense(vector, 1)[0].passage.article_id == "r0077"


def test_two_processes_add_at_once(home: Path) -> None:
    done = [processes.Value("i", 0) for _ in range(2)]
    # They overlap in the middle, where both add the same articles.
    spans = [(0, 160), (80, 240)]
    children = [
        processes.Process(target=ingest, args=(home, count, *span)) for count, span in zip(done, spans, strict=True)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    assert [count.value for count in done] == [160, 160]
    assert check(home) == 240
    with Library.open(home) as library:
        assert {row.version for row in library.list()} == {1}


def test_a_reader_beside_a_writer_sees_whole_articles_and_each_one_soon(home: Path) -> None:
    with Library.open(home, encoder=FakeEncoder()) as chat:
        chat.put(article(9_999))
        assert ask(chat, 9_999) == ["r9999"]  # the chat holds the vectors from here on
        done = processes.Value("i", 0)
        writer = processes.Process(target=ingest, args=(home, done, 0, 300))
        writer.start()
        looked = 0
        while writer.is_alive():
            newest = done.value - 1
            if newest >= 0:
                assert ask(chat, newest) == [f"r{newest:04}"]
                looked += 1
            with chat.snapshot() as view:
                number = view.count()
                hits = view.text(["report"], 50)
                articles = view.articles((hit.passage.article_id, hit.passage.version) for hit in hits)
                assert view.count() == number
                for hit in hits:
                    text = articles[hit.passage.article_id, hit.passage.version].text
                    assert text[hit.passage.start : hit.passage.end] == hit.passage.text
        writer.join()
        assert writer.exitcode == 0
        assert looked > 0
        assert chat.count() == 301
        assert ask(chat, 299) == ["r0299"]
        report = chat.verify()
        assert (report.ok, report.vectors, report.pending) == (True, report.passages, 0)


def test_killed_in_the_middle_of_an_update(home: Path) -> None:
    ingest(home, processes.Value("i", 0), 0, 120)
    done = processes.Value("i", 0)
    child = processes.Process(target=ingest, args=(home, done, 0, 120, "amended"))
    child.start()
    while done.value < 40 and child.is_alive():
        time.sleep(0.001)
    child.kill()
    child.join()
    check(home)
    with Library.open(home, encoder=FakeEncoder()) as library, library.snapshot() as view:
        for row in library.list():
            word = "amended" if row.version == 2 else "plain"
            assert library.get(row.id) == replace(article(int(row.id[1:]), word), version=row.version)
            found = {hit.passage.version for hit in view.text([row.title], 500) if hit.passage.article_id == row.id}
            assert found == {row.version}
    ingest(home, processes.Value("i", 0), 0, 120, "amended")
    assert check(home) == 120
    with Library.open(home) as library:
        assert {row.version for row in library.list()} == {2}


def ask(library: Library, number: int) -> list[str]:
    vector = library.encoder.encode([f"Report {number}\n{article(number).text}"])[0]
    with library.snapshot() as view:
        return [hit.passage.article_id for hit in view.dense(vector, 1)]
