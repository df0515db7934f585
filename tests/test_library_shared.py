"""The library shared: several threads and processes, and an index that catches up with the catalog."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qa.errors import LibraryBusyError
from qa.library import Library, database
from tests.fakes import FakeEncoder
from tests.library_tools import article, dense, fill, words


def test_another_process_s_article_is_found_at_the_next_question(library: Library) -> None:
    fill(library, 30)
    assert dense(library, "heron") and library._index.vectors.held  # this one is the chat
    with Library.open(library.home, encoder=FakeEncoder()) as adding:
        adding.put(article("heron", "A heron in the reeds."))
        assert dense(library, "heron in the reeds")[0] == "heron"
        assert library.counts()["pending"] == 0  # the question brought Chroma up to date
        adding.put(article("heron", "An otter in the river."))
        assert dense(library, "otter in the river")[0] == "heron"
        adding.remove("heron")
        assert "heron" not in dense(library, "otter in the river", 40)
        assert not adding._index.vectors.held
        assert adding._index.vectors._client is None
    assert library.verify().ok


def test_who_has_no_lock_searches_all_the_same_and_takes_over_when_it_is_free(home: Path) -> None:
    first = Library.open(home, encoder=FakeEncoder())
    fill(first, 30)
    second = Library.open(home, encoder=FakeEncoder())
    assert dense(second, "w1 w2", 8) == dense(first, "w1 w2", 8)
    assert not second._index.vectors.held
    report = second.verify()
    assert report.ok
    assert report.vectors is None  # not looked at
    with pytest.raises(LibraryBusyError, match=r"Close byline chat, .* and try again\.$"):
        second.rebuild()
    first.put(article("late", "w1 w2 w3."))
    first.close()
    assert dense(second, "w1 w2", 8)[0] in ("late", *dense(second, "w1 w2", 8))
    assert second._index.vectors.held
    assert second.verify().vectors == 31
    second.close()


def test_a_question_is_answered_while_another_process_writes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
    with Library.open(home, encoder=FakeEncoder()) as chat:
        fill(chat, 5)
        assert len(dense(chat, "w1 w2", 3)) == 3
        with Library.open(home, encoder=FakeEncoder()) as other:
            other.put(article("late", "w1 w2 w3."))  # its vector waits for who holds Chroma
        writing = sqlite3.connect(home / "catalog.sqlite3", isolation_level=None)
        writing.execute("BEGIN IMMEDIATE")
        try:
            assert "late" in dense(chat, "w1 w2 w3", 6)
        finally:
            writing.close()


def test_a_removal_during_a_drain_is_not_lost(library: Library) -> None:
    class Removing:
        """Chroma, but for an article removed by someone else while a batch is on its way."""

        def __init__(self, real) -> None:
            self.real = real

        def __getattr__(self, name: str):
            return getattr(self.real, name)

        def apply(self, *batch) -> None:
            library._index.vectors = self.real
            with Library.open(library.home, encoder=FakeEncoder()) as other:
                other.remove("heron")
            self.real.apply(*batch)

    library.put(article("heron", "A heron."))
    library.put(article("otter", "An otter."))
    library._index.vectors = Removing(library._index.vectors)  # type: ignore[assignment]
    library.drain(limit=2)
    assert library.counts()["pending"] == 1  # "look at this passage again"
    assert dense(library, "heron") == ["otter"]
    report = library.verify()
    assert (report.ok, report.vectors) == (True, 1)


def test_a_drain_is_bounded(library: Library) -> None:
    for number in range(5):
        library.put(article(f"a{number}", f"Text {number}."))
    assert library.drain(limit=2) == 2
    assert library.counts()["pending"] == 3
    assert library.drain() == 3
    assert library.drain() == 0


def test_a_question_does_not_wait_for_a_drain_in_another_thread(library: Library) -> None:
    class Slow:
        """Chroma, but a batch takes until it is let through."""

        def __init__(self, real) -> None:
            self.real, self.begun, self.go = real, threading.Event(), threading.Event()

        def __getattr__(self, name: str):
            return getattr(self.real, name)

        def apply(self, *batch) -> None:
            self.begun.set()
            assert self.go.wait(30)
            self.real.apply(*batch)

    fill(library, 10)
    library.put(article("heron", "A heron in the reeds."))
    slow = Slow(library._index.vectors)
    library._index.vectors = slow  # type: ignore[assignment]
    draining = threading.Thread(target=library.drain)
    draining.start()
    assert slow.begun.wait(30)
    assert dense(library, "heron in the reeds", 1) == ["heron"]
    assert not slow.go.is_set()
    slow.go.set()
    draining.join()
    assert dense(library, "heron in the reeds", 1) == ["heron"]
    assert library.counts()["pending"] == 0


def test_many_threads_share_one_library(library: Library) -> None:
    fill(library, 20)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(6):
                library.put(article(f"t{number}-{step}", f"The bird{number}x{step} sings."))
                assert dense(library, f"About t{number}-{step} The bird{number}x{step} sings.", 1) == [
                    f"t{number}-{step}"
                ]
                assert words(library, f"bird{number}x{step}") == [f"t{number}-{step}"]
                if step % 2:
                    library.remove(f"t{number}-{step}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert library.count() == 20 + 6 * 3
    report = library.verify()
    assert (report.ok, report.vectors) == (True, 38)


def test_listing_imports_no_model_and_no_chroma_and_takes_no_lock(home: Path, library: Library) -> None:
    library.put(article("a1", "Some text."))
    code = (
        "import sys; from qa.library import Library; library = Library.open(); print(library.list()[0].id);"
        "library.get('a1'); library.close();"
        "print([m for m in ('chromadb', 'torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert ran.stdout.split("\n")[:2] == ["a1", "[]"]
    assert sorted(path.name for path in home.iterdir() if "vectors" in path.name) == []
