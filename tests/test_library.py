"""The library: what goes in comes out exactly, is found at once, and what is damaged is noticed and mended."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.errors import LibraryBusyError, LibraryError, ModelMismatchError, NotInLibraryError
from qa.library import Library, fulltext
from qa.library.catalog import sha256
from qa.records import Article, Filters
from qa.text import normalise
from tests.fakes import FakeEncoder

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


def sql(library: Library, *statements: str) -> None:
    """Write to the catalog behind the library's back."""
    connection = sqlite3.connect(library.home / "catalog.sqlite3")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


# ── Putting and getting ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_article_comes_back_as_it_was_given(library: Library) -> None:
    given = article("a1", "One heading\n\nRussia wants guarantees. Kyiv does too.")
    result = library.put(given)
    assert (result.status, result.article_id, result.title) == ("added", "a1", "About a1")
    assert result.source == "saved/a1.html"
    assert library.get("a1") == given
    assert library.counts() == {"articles": 1, "versions": 1, "passages": 1, "pending": 1}


def test_the_same_article_again_is_unchanged_and_is_not_encoded_again(library: Library, encoder: FakeEncoder) -> None:
    library.put(article("a1", "Some text."))
    calls = encoder.calls
    later = article("a1", "Some text.", fetched="2025-09-09T00:00:00+00:00", source="elsewhere.html")
    assert library.put(later).status == "unchanged"
    assert library.get("a1").fetched == "2025-03-03T00:00:00+00:00"
    assert encoder.calls == calls


@pytest.mark.parametrize(
    "change", [{"text": "Other text."}, {"title": "Corrected"}, {"authors": ("Ann",)}, {"updated": "2025-03-05"}]
)
def test_a_changed_article_is_a_new_version_and_the_old_one_stays(library: Library, change: dict) -> None:
    first = article("a1", "Some text.")
    second = replace(first, **change)
    library.put(first)
    assert library.put(second).status == "updated"
    assert library.get("a1", version=1) == first
    assert library.get("a1") == replace(second, version=2, sha256=sha256(second.text))
    assert [row.version for row in library.versions("a1")] == [1, 2]
    assert library.counts()["articles"] == 1


def test_passages_of_an_older_version_are_searched_no_more(library: Library) -> None:
    library.put(article("a1", "The heron stands in the reeds."))
    library.put(article("a1", "The otter swims in the river."))
    assert words(library, "heron") == []
    assert words(library, "otter") == ["a1"]
    with library.snapshot() as view:
        hits = view.dense(library.encoder.encode(["heron in the reeds"])[0], 5)
    assert [(hit.passage.version, hit.passage.text) for hit in hits] == [(2, "The otter swims in the river.")]


def test_the_same_text_under_another_id_is_another_article(library: Library) -> None:
    library.put(article("a1", "Some text."))
    assert library.put(article("a2", "Some text.")).status == "added"
    assert library.count() == 2
    assert sorted(dense(library, "some text")) == ["a1", "a2"]


@pytest.mark.parametrize("text", ["", " \n\n\t ", "\x00\x00"])
def test_an_article_without_text_is_refused_by_its_source(library: Library, text: str) -> None:
    with pytest.raises(LibraryError, match=r"^saved/a1\.html: the article has no text\. .* add the file\.$"):
        library.put(article("a1", text))
    assert library.count() == 0


def test_put_many_reports_each_and_goes_on_after_one_that_fails(library: Library) -> None:
    given = [
        article("a1", "One."),
        article("a2", ""),
        article("a1", "One."),
        article("a1", "One, corrected."),
        article("a3", "Three."),
    ]
    results = list(library.put_many(iter(given)))
    assert [(r.article_id, r.status) for r in results] == [
        ("a1", "added"),
        ("a2", "failed"),
        ("a1", "unchanged"),
        ("a1", "updated"),
        ("a3", "added"),
    ]
    assert "no text" in (results[1].reason or "")
    assert library.counts()["pending"] == 0  # what was added has gone to the index
    assert library.verify().ok


def test_put_many_takes_articles_as_they_come(library: Library) -> None:
    def endless():
        for number in range(10_000):
            yield article(f"n{number}", long_text("storm", "flood", "drought"))

    results = library.put_many(endless())
    assert next(results).article_id == "n0"
    results.close()
    assert 0 < library.count() < 1000


def test_text_that_cannot_be_stored_is_cleaned_and_headings_move_along(library: Library) -> None:
    text = "In\x00tro\r\n\r\nHead\ud800ing\r\n\r\nBody e\u0301 text."
    start = text.index("Head")
    given = article("a1", text, title="T\x00itle\ud800", headings=((start, text.index("\r\n\r\nBody")),))
    library.put(given)
    stored = library.get("a1")
    assert stored.text == "Intro\n\nHeading\n\nBody é text."
    assert stored.title == "Title"
    assert [stored.text[a:b] for a, b in stored.headings] == ["Heading"]
    assert stored.sha256 == sha256(stored.text)
    assert library.put(given).status == "unchanged"


def test_an_id_may_be_shortened_while_it_is_unique(library: Library) -> None:
    for name in ("abcd1", "abce2", "50%_x"):
        library.put(article(name, f"Text of {name}."))
    assert library.get("abcd").id == "abcd1"
    assert library.get("50%").id == "50%_x"
    with pytest.raises(NotInLibraryError, match=r"abcd1, abce2\. Give more of the id\.$"):
        library.get("abc")
    for unknown in ("zz", "", "%", "ABCD1"):
        with pytest.raises(NotInLibraryError, match="byline list"):
            library.get(unknown)
    with pytest.raises(NotInLibraryError, match=r"no version 7\. byline show abcd1"):
        library.get("abcd1", version=7)


def test_removing_takes_everything_and_a_later_version_takes_no_old_number(library: Library) -> None:
    library.put(article("a1", "First text about herons."))
    library.put(article("a1", "Second text about herons."))
    library.put(article("a2", "A text about otters."))
    library.drain()
    assert library.remove("a1").text == "Second text about herons."
    for gone in (None, 1, 2):
        with pytest.raises(NotInLibraryError):
            library.get("a1", version=gone)
    assert words(library, "herons") == []
    assert dense(library, "text about herons") == ["a2"]
    report = library.verify()
    assert (report.ok, report.articles, report.passages, report.vectors) == (True, 1, 1, 1)
    with pytest.raises(NotInLibraryError):
        library.remove("a1")
    assert library.put(article("a1", "Third text.")).status == "added"
    assert library.get("a1").version == 3  # a quote given earlier names version 1 or 2: never other words
    assert library.count() == 2


# ── Listing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shelf(library: Library) -> Library:
    library.put(article("a1", "One two three.", title="Élan vital", publisher="Zeit", published="2025-01-01"))
    library.put(article("a2", "Bread.", title="bread", publisher="The Post", published=None, fetched="2026"))
    library.put(article("a3", "Kites.", title="Apples", publisher=None, published="2025-02-01", authors=("Zoë Q",)))
    library.put(article("a4", "Mud.", title="Zebra", publisher="ÉCHO", published="2024-12-31", authors=()))
    return library


def ids(rows) -> list[str]:
    return [row.id for row in rows]


def test_list_orders(shelf: Library) -> None:
    assert ids(shelf.list()) == ["a3", "a1", "a4", "a2"]  # newest first, undated last
    assert ids(shelf.list(order="fetched"))[0] == "a2"
    assert ids(shelf.list(order="title")) == ["a3", "a2", "a4", "a1"]
    assert ids(shelf.list(order="publisher")) == ["a2", "a1", "a4", "a3"]  # no outlet last
    with pytest.raises(LibraryError, match="Give one of: published"):
        shelf.list(order="text; DROP TABLE articles")


def test_list_rows_are_the_articles_without_their_text(shelf: Library) -> None:
    row = shelf.list(Filters(articles=["a1"]))[0]
    assert (row.title, row.publisher, row.published, row.words, row.version) == (
        "Élan vital",
        "Zeit",
        "2025-01-01",
        3,
        1,
    )
    assert row.authors == ("Ann Author", "Bo Writer")
    assert not hasattr(row, "text")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(after="2025-01-01"), ["a1", "a3"]),
        (Filters(before="2025-01-01"), ["a1", "a4"]),
        (Filters(before="2024"), ["a4"]),
        (Filters(after="2025", before="2025-01"), ["a1"]),
        (Filters(publishers=["the post", "Écho"]), ["a2"]),
        (Filters(publishers=["ÉCHO"]), ["a4"]),
        (Filters(articles=["a3", "nowhere"]), ["a3"]),
        (Filters(articles=["a3"], publishers=["Zeit"]), []),
        (Filters(), ["a1", "a2", "a3", "a4"]),
    ],
)
def test_filters(shelf: Library, filters: Filters, expected: list[str]) -> None:
    assert sorted(ids(shelf.list(filters))) == expected
    assert sorted(dense(shelf, "bread", 9, filters)) == expected
    assert sorted(words(shelf, "three", "bread", "kite", "mud", filters=filters)) == expected
    with shelf.snapshot() as view:
        assert view.count(filters) == len(expected)


def test_list_finds_words_in_title_outlet_and_author(shelf: Library) -> None:
    assert ids(shelf.list(text="ÉLAN")) == ["a1"]
    assert ids(shelf.list(text="zoë apples")) == ["a3"]
    assert ids(shelf.list(text="post")) == ["a2"]
    assert ids(shelf.list(text="three")) == []  # stands in the text alone
    assert ids(shelf.list(text="echo")) == [] and ids(shelf.list(text="écho")) == ["a4"]
    assert ids(shelf.list(text="%")) == ids(shelf.list(text="_")) == []  # SQL's own signs are ordinary here


def test_list_gives_a_part_and_count_the_number_of_all(shelf: Library) -> None:
    assert ids(shelf.list(limit=2)) == ["a3", "a1"]
    assert ids(shelf.list(limit=2, offset=2)) == ["a4", "a2"]
    assert ids(shelf.list(limit=2, offset=4)) == []
    assert ids(shelf.list(Filters(after="2025-01-01"), order="title", limit=1, offset=1)) == ["a1"]
    assert ids(shelf.list(text="zoë", limit=9)) == ["a3"]
    assert [shelf.count(), shelf.count(Filters(after="2025-01-01")), shelf.count(text="zoë apples")] == [4, 2, 1]
    assert shelf.count(Filters(publishers=["Zeit"]), text="zoë") == 0
    shelf.remove("a3")
    assert [shelf.count(), shelf.count(text="zoë")] == [3, 0]


def test_publishers(shelf: Library) -> None:
    shelf.put(article("a5", "More.", publisher="Zeit"))
    assert shelf.publishers() == [("Zeit", 2), ("The Post", 1), ("ÉCHO", 1)]


# ── Searching ───────────────────────────────────────────────────────────────────────────────────────────────────


def fill(library: Library, number: int = 120) -> None:
    rng = np.random.default_rng(5)
    vocabulary = [f"w{n}" for n in range(60)]
    texts = [" ".join(rng.choice(vocabulary, 12)) + "." for _ in range(number)]
    results = library.put_many(
        article(f"a{n:03}", text, publisher=f"Outlet {n % 3}", published=f"2025-01-{n % 28 + 1:02}")
        for n, text in enumerate(texts)
    )
    assert {result.status for result in results} == {"added"}


def brute_force(library: Library, vector: np.ndarray, k: int, publisher: str | None = None) -> list[tuple[str, float]]:
    scored = []
    for row in library.list():
        found = library.get(row.id)
        stored = library.encoder.encode([f"{found.title}\n{found.text}"])[0].astype(np.float16).astype(np.float32)
        if publisher in (None, found.publisher):
            scored.append((found.id, float(stored @ vector)))
    return sorted(scored, key=lambda pair: -pair[1])[:k]


@pytest.mark.parametrize("pending", [False, True])
def test_dense_is_what_brute_force_gives_whether_or_not_chroma_has_it(library: Library, pending: bool) -> None:
    fill(library)
    if pending:  # and a part that Chroma has not been told of
        library.put(article("late", "w1 w2 w3 w4 w5."))
        assert library.counts()["pending"] == 1
    vector = library.encoder.encode(["w1 w2 w3 w4"])[0]
    for publisher in (None, "Outlet 1"):
        expected = brute_force(library, vector, 10, publisher)
        with library.snapshot() as view:
            hits = view.dense(vector, 10, Filters(publishers=[publisher]) if publisher else None)
        assert [hit.passage.article_id for hit in hits] == [name for name, _ in expected]
        assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert library._index.vectors.held


def test_many_passages_are_searched_in_memory_with_the_same_result(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.library.exact.DIRECT", 10)
    fill(library, 60)
    vector = library.encoder.encode(["w1 w2 w3 w4"])[0]
    with Library.open(library.home, encoder=FakeEncoder()) as other:  # has no Chroma: exact over everything
        assert library._index.vectors.held
        for step in range(4):
            with other.snapshot() as view:
                hits = view.dense(vector, 8)
                half = view.dense(vector, 8, Filters(publishers=["Outlet 1"]))
            assert [h.passage.article_id for h in hits] == [name for name, _ in brute_force(library, vector, 8)]
            assert [h.passage.article_id for h in half] == [n for n, _ in brute_force(library, vector, 8, "Outlet 1")]
            library.remove(hits[0].passage.article_id)
            library.put(article(f"new{step}", f"w1 w2 w3 w{step}."))
        assert not other._index.vectors.held


def test_a_snapshot_older_than_the_memory_still_sees_its_own_passages(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.library.exact.DIRECT", 2)
    fill(library, 12)
    vector = library.encoder.encode(["w1 w2 w3 w4"])[0]
    filters = Filters(after="2000")  # exact
    with library.snapshot() as before:
        first = brute_force(library, vector, 1)[0][0]
        library.remove(first)
        with library.snapshot() as after:  # fills the memory without the removed one
            assert first not in [hit.passage.article_id for hit in after.dense(vector, 12, filters)]
        assert before.dense(vector, 12, filters)[0].passage.article_id == first


def test_k_may_be_more_than_there_is_or_nothing(library: Library) -> None:
    assert dense(library, "anything", 5) == []
    assert words(library, "anything") == []
    fill(library, 7)
    assert len(dense(library, "w1", 500)) == 7
    assert dense(library, "w1", 0) == []
    assert words(library, "w1", k=0) == []
    assert words(library) == []


def test_full_text_knows_inflections_and_accents_and_ranks_by_rarity(library: Library) -> None:
    library.put(article("a1", "Volodymyr Zelenský asked for security guarantees.", title="x"))
    library.put(article("a2", "A security conference opened. Security was tight.", title="x"))
    library.put(article("a3", "Bakers baked.", title="The Zelenska interview"))
    assert words(library, "guarantee") == ["a1"]
    assert words(library, "zelensky") == ["a1"]
    assert words(library, "zelenska") == ["a3"]  # the title counts
    assert words(library, "security", "guaranteed") == ["a1", "a2"]


def test_full_text_leaves_common_terms_out_of_large_libraries(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        rare = "heron" if number == 7 else "otter"
        library.put(article(f"a{number:02}", f"Common water, and one {rare}.", title="x"))
    assert len(words(library, "water", "heron", k=20)) == 12
    monkeypatch.setattr("qa.library.fulltext.MANY", 10)
    assert words(library, "water", "heron", k=20) == ["a07"]
    assert len(words(library, "water", "otter", k=20)) == 12  # unless there are no others


@pytest.mark.parametrize(
    "term",
    ['"', '""', "AND", "a OR", "NEAR(", "title:", "*", "bread*", "-bread", "^bread", "?!", " ", "(", "\x00", "'"],
)
def test_full_text_takes_no_term_for_an_operator(library: Library, term: str) -> None:
    library.put(article("a1", "A loaf of bread.", title="x"))
    assert words(library, term, "loaf") == ["a1"]


def test_a_snapshot_is_one_state_whatever_happens_meanwhile(library: Library) -> None:
    fill(library, 30)
    for name in ("heron", "otter"):
        library.put(article(name, f"The {name} by the water."))
    library.drain()
    vector = library.encoder.encode(["About by the water"])[0]
    with library.snapshot() as view:
        library.remove("heron")
        library.put(article("otter", "Nothing of the kind any more."))
        library.put(article("swan", "A report of quite another matter: swans."))
        assert library.drain() > 0  # Chroma is now ahead of the view
        assert view.count() == 32
        assert sorted(hit.passage.article_id for hit in view.dense(vector, 2)) == ["heron", "otter"]
        assert [hit.passage.text for hit in view.text(["otter"], 5)] == ["The otter by the water."]
        assert view.article("heron").text == "The heron by the water."
        assert view.articles([("otter", 1), ("otter", 1)]) == {("otter", 1): view.article("otter")}
        assert view.text(["swan"], 5) == []
    assert words(library, "swan") == ["swan"]
    assert not {"heron", "swan"} & set(dense(library, "About by the water", 2))


# ── Several processes (two libraries on one home exclude each other just as two processes do) ───────────────────


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


# ── Verifying and mending ───────────────────────────────────────────────────────────────────────────────────────


def lose_vectors(library: Library) -> None:
    library._index.vectors.apply([], np.empty((0, 0)), [1, 2])


def add_strange_vectors(library: Library) -> None:
    library._index.vectors.apply([9_999], np.ones((1, 64), np.float32), [])


def change_a_vector(library: Library) -> None:
    library._index.vectors.apply([3], np.ones((1, 64), np.float32), [])


def delete_the_folder(library: Library) -> None:
    library._index.vectors.close()
    shutil.rmtree(library.home / "vectors")


def overwrite_chroma(library: Library) -> None:
    library._index.vectors.close()
    (library.home / "vectors" / "chroma.sqlite3").write_bytes(b"not a database" * 400)


def a_file_for_the_folder(library: Library) -> None:
    delete_the_folder(library)
    (library.home / "vectors").write_text("what?")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lose_vectors, "2 passages have no vector in the index."),
        (add_strange_vectors, "1 vectors in the index belong to no passage."),
        (change_a_vector, "1 vectors in the index are not their passages'."),
        (delete_the_folder, "The vector index is missing."),
        (overwrite_chroma, "The vector index cannot be read"),
        (a_file_for_the_folder, "The vector index cannot be read"),
    ],
)
def test_damage_to_the_index_is_found_and_mended_without_the_encoder(
    library: Library, encoder: FakeEncoder, damage, problem: str
) -> None:
    fill(library, 30)
    expected = dense(library, "w1 w2 w3", 5)
    damage(library)
    calls = encoder.calls
    report = library.verify()
    assert not report.ok
    assert [line[: len(problem)] for line in report.problems] == [problem]
    mended = library.verify(repair=True)
    assert (mended.ok, mended.problems, mended.vectors) == (True, [], 30)
    assert len(mended.repaired) == 1
    assert encoder.calls == calls
    assert dense(library, "w1 w2 w3", 5) == expected
    assert library._index.vectors.held


@pytest.mark.parametrize("damage", [delete_the_folder, overwrite_chroma, a_file_for_the_folder])
def test_a_question_is_answered_beside_a_broken_index(library: Library, damage) -> None:
    fill(library, 30)
    expected = dense(library, "w1 w2 w3", 5)
    damage(library)
    library.put(article("late", "A heron in the reeds."))
    assert dense(library, "w1 w2 w3", 5) == expected
    assert dense(library, "heron in the reeds", 1) == ["late"]


def test_a_lost_graph_is_noticed_when_the_index_is_opened(library: Library) -> None:
    """Chroma itself says nothing when the folder of its graph is gone: it answers from the rest."""
    for number in range(13):  # so many passages that Chroma writes its graph out
        paragraphs = (" ".join(f"w{number}x{at}x{word % 9}" for word in range(150)) + "." for at in range(100))
        library.put(article(f"a{number}", "\n\n".join(paragraphs)))
    assert library.counts()["passages"] == 1300
    expected = dense(library, "w1x7x3 w5x50x2 w9x99x8", 5)
    library._index.vectors.close()
    graphs = [path for path in (library.home / "vectors").iterdir() if path.is_dir()]
    assert graphs
    for graph in graphs:
        shutil.rmtree(graph)
    assert dense(library, "w1x7x3 w5x50x2 w9x99x8", 5) == expected
    assert not library.verify().ok
    assert library.verify(repair=True).ok
    assert dense(library, "w1x7x3 w5x50x2 w9x99x8", 5) == expected


ONE = "(SELECT id FROM passages ORDER BY id LIMIT 1)"


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        ([f'UPDATE passages SET "end" = 100000 WHERE id = {ONE}'], "a00 version 1: a passage is no slice"),
        ([f'UPDATE passages SET start = "end" WHERE id = {ONE}'], "a00 version 1: a passage is no slice"),
        ([f"UPDATE passages SET vector = x'0000' WHERE id = {ONE}"], "a00 version 1: a vector is damaged"),
        (
            [f"UPDATE passages SET vector = CAST(zeroblob(64) || vector AS BLOB) WHERE id = {ONE}"],
            "a00 version 1: a vector is damaged",
        ),
        (["DELETE FROM passages WHERE version_id = 1"], "a00 version 1: no passages"),
        (
            [
                'INSERT INTO passages(version_id, start, "end", vector) SELECT 1, start, "end", vector FROM passages '
                "WHERE version_id = 2",
                "UPDATE articles SET current = 2, latest = 1 WHERE id = 'a00'",
            ],
            "a00: its current version is missing",
        ),
        (["INSERT INTO passage_words(passage_words) VALUES ('delete-all')"], "The full-text index does not match"),
        (["INSERT INTO passage_words(rowid, title, body) VALUES (777, 'x', 'y')"], "The full-text index does not"),
        (["UPDATE texts SET text = 'Invented.' WHERE version_id = 1"], "a00 version 1: the stored text is not what"),
        (["PRAGMA foreign_keys = OFF", "DELETE FROM texts WHERE version_id = 1"], "a00 version 1: the stored text is"),
        (["INSERT INTO passages(version_id, start, \"end\", vector) VALUES (555, 0, 1, x'00')"], "Rows of the table"),
    ],
)
def test_damage_to_the_catalog_is_found(library: Library, statements: list[str], problem: str) -> None:
    for number in range(4):
        library.put(article(f"a{number:02}", f"Text of number {number}, with words of its own."))
    library.drain()
    assert library.verify().ok
    sql(library, *statements)
    report = library.verify()
    assert not report.ok
    assert any(line.startswith(problem) for line in report.problems), report.problems
    mended = library.verify(repair=True)
    beyond = ("stored text" in problem) or ("current version" in problem)
    assert mended.ok is not beyond, mended.problems
    if not beyond:
        assert library.verify().problems == []
        assert words(library, "number") and len(dense(library, "number", 9)) == 4


def test_old_passages_left_behind_are_cleared_away(library: Library) -> None:
    library.put(article("a1", "First text."))
    library.put(article("a1", "Second text."))
    sql(library, 'INSERT INTO passages(version_id, start, "end", vector) SELECT 1, 0, 5, vector FROM passages')
    assert "1 passages belong to no current article." in library.verify().problems
    assert library.verify(repair=True).ok
    assert library.counts()["passages"] == 1


def test_rebuild_makes_the_index_anew(library: Library) -> None:
    fill(library, 30)
    expected = dense(library, "w1 w2 w3", 5)
    assert library.rebuild() == 30
    assert dense(library, "w1 w2 w3", 5) == expected
    assert (library.verify().ok, library.verify().vectors) == (True, 30)


# ── Encoders ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_encoder_is_refused_until_the_vectors_are_made_anew(library: Library, home: Path) -> None:
    fill(library, 20)
    library.close()
    with Library.open(home, encoder=FakeEncoder("other", dimension=48)) as other:
        message = r"made with the encoder fake \(64 numbers a vector\), not other\. .* byline verify --repair\.$"
        with pytest.raises(ModelMismatchError, match=message):
            other.put(article("new", "New text."))
        with pytest.raises(ModelMismatchError, match=message):
            dense(other, "w1")
        assert len(words(other, "w1", k=99)) == len(
            [r for r in other.list() if "w1 " in other.get(r.id).text or "w1." in other.get(r.id).text]
        )
        assert other.count() == 20
        report = other.verify()
        assert report.problems == ["The vectors were made by the encoder fake; the settings name other."]
        assert other.verify(repair=True).ok
        assert other.put(article("new", "w1 w2 w3.")).status == "added"
        assert dense(other, "About new w1 w2 w3", 1) == ["new"]
        assert other.verify().vectors == 21


def test_reencoding_tells_how_far_it_is(library: Library, home: Path) -> None:
    fill(library, 5)
    told: list[tuple[int, int, str]] = []
    assert library.rebuild(reencode=True, progress=lambda *step: told.append(step)) == 5
    assert [(done, total) for done, total, _ in told] == [(n, 5) for n in range(1, 6)]
    assert told[0][2] == "About a000"
    assert library.verify().ok


def test_an_emptied_library_takes_any_encoder(library: Library, home: Path) -> None:
    library.put(article("a1", "Text."))
    library.drain()
    library.remove("a1")
    with Library.open(home, encoder=FakeEncoder("other", dimension=48)) as other:
        other.put(article("a2", "A heron."))
        assert dense(other, "heron") == ["a2"]
    with pytest.raises(ModelMismatchError):
        dense(library, "heron")


# ── What a person keeps ─────────────────────────────────────────────────────────────────────────────────────────


def test_kept_documents_come_back_newest_first_and_apart_by_kind_and_owner(library: Library) -> None:
    library.keep("conversation", "1", {"title": "Erste 😀", "turns": [1, None, {"a": "\ud800"}]})
    library.keep("conversation", "2", {"title": "two"})
    library.keep("conversation", "1", {"title": "first, again"})
    library.keep("conversation", "1", {"title": "hers"}, owner="ann")
    library.keep("tag", "1", {})
    assert [(kept.key, kept.value["title"]) for kept in library.kept("conversation")] == [
        ("1", "first, again"),
        ("2", "two"),
    ]
    assert [kept.value for kept in library.kept("conversation", owner="ann")] == [{"title": "hers"}]
    one = library.kept_one("conversation", "2")
    assert one is not None
    assert (one.kind, one.key, one.owner, one.value) == ("conversation", "2", "", {"title": "two"})
    assert one.updated.endswith("+00:00")
    assert library.forget("conversation", "1") is True
    assert library.forget("conversation", "1") is False
    assert library.kept_one("conversation", "1") is None
    assert library.kept_one("conversation", "1", owner="ann") is not None


def test_a_kept_document_comes_back_whole(library: Library) -> None:
    value = {"title": "Erste 😀 \x00", "turns": [1, None, {"a": "\ud800"}]}
    library.keep("k", "1", value)
    assert library.kept("k")[0].value == value


@pytest.mark.parametrize(
    "use",
    [
        lambda library: library.get("a\ud800"),
        lambda library: library.list(Filters(publishers=["\ud800"])),
        lambda library: library.keep("k", "\ud800", {}),
        lambda library: words(library, "a\ud800"),
    ],
)
def test_broken_text_in_a_request_is_said_so(library: Library, use) -> None:
    with pytest.raises(LibraryError, match=r"broken text\. Correct it and try again\.$"):
        use(library)


# ── A home that cannot be used ──────────────────────────────────────────────────────────────────────────────────


def one_line(error: pytest.ExceptionInfo[LibraryError], path: Path, step: str) -> None:
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    assert message.endswith(step)


def test_a_home_that_is_a_file(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    one_line(error, home, "Name another home with --home or BYLINE_HOME.")


def test_a_home_below_a_file(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(LibraryError) as error:
        Library.open(home / "deeper")
    one_line(error, home / "deeper", "Name another home with --home or BYLINE_HOME.")


def test_a_catalog_that_is_no_database(home: Path) -> None:
    home.mkdir()
    (home / "catalog.sqlite3").write_bytes(b"This is certainly not a database. " * 100)
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    one_line(error, home / "catalog.sqlite3", "Restore it from a backup, or move it away to begin an empty library.")


def test_a_damaged_page_is_found_and_said(library: Library, home: Path) -> None:
    for number in range(30):
        library.put(article(f"a{number}", long_text("storm", "flood", "drought")))
    library.close()
    with open(home / "catalog.sqlite3", "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for page in range(5, size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(1000))
    with Library.open(home, encoder=FakeEncoder()) as again:
        report = again.verify()
        assert not report.ok
        assert any("damaged" in line and line.endswith("backup.") for line in report.problems)
        assert not again.verify(repair=True).ok


def test_a_catalog_of_a_newer_byline(library: Library, home: Path) -> None:
    library.close()
    sql(library, "UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    one_line(error, home / "catalog.sqlite3", "Upgrade with: pip install --upgrade byline")


def test_a_catalog_of_format_1_is_brought_up_to_date(library: Library, home: Path) -> None:
    library.put(article("a1", "Bread.", title="Übermut", publisher="ÉCHO", authors=("Zoë Q", "Bo Writer")))
    library.put(article("a2", "Mud.", title="zebra", publisher=None, authors=()))
    library.close()
    for name in ("title", "publisher", "authors"):
        sql(library, f"ALTER TABLE versions DROP COLUMN {name}_folded")
    sql(library, "UPDATE meta SET value = '1' WHERE key = 'schema'")
    with Library.open(home, encoder=FakeEncoder()) as again:
        assert ids(again.list(text="übermut écho zoë WRITER")) == ["a1"]
        assert ids(again.list(order="title")) == ["a2", "a1"]
        assert again.verify().problems == []
    with Library.open(home, encoder=FakeEncoder()) as again:
        again.put(article("a3", "Rye.", title="Äpfel"))
        assert ids(again.list(text="äpfel")) == ["a3"]


def refuse_to_write(library: Library, pragma: str) -> None:
    """Have SQLite itself run out of room, or find the file not writable."""

    @sa.event.listens_for(library._database._engine, "checkout")
    def checkout(connection, _record, _proxy) -> None:
        connection.execute(pragma)


@pytest.mark.parametrize(
    ("pragma", "step"),
    [
        ("PRAGMA max_page_count = 60", "Free some space and try again: nothing that was stored is lost."),
        ("PRAGMA query_only = ON", "Make it and its folder writable, or name another home with --home or BYLINE_HOME."),
    ],
)
def test_a_full_or_read_only_disk_loses_nothing(library: Library, home: Path, pragma: str, step: str) -> None:
    library.put(article("a1", "Some text."))
    refuse_to_write(library, pragma)
    with pytest.raises(LibraryError) as error:
        for number in range(50):
            library.put(article(f"b{number}", long_text("storm", "flood", "drought")))
    one_line(error, home / "catalog.sqlite3", step)
    assert library.get("a1").text == "Some text."
    with Library.open(home, encoder=FakeEncoder()) as again:
        assert again.verify().ok
        assert "a1" in ids(again.list())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_without_permission(home: Path) -> None:
    home.mkdir(mode=0o500)
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    assert str(home) in str(error.value)


# ── Any text at all ─────────────────────────────────────────────────────────────────────────────────────────────

SOME = st.one_of(
    st.text(max_size=400),
    st.lists(
        st.sampled_from(
            [
                *("Hello world. ", "שלום עולם. ", "مرحبا بالعالم؟ ", "👩‍👩‍👧‍👦🇺🇦 ", "你好。", "e\u0301", "İ", " "),
                *("\u200b", "\n\n", "\r\n", "\x00", "\ud83d"),
            ]
        ),
        max_size=60,
    ).map("".join),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(SOME, min_size=1, max_size=4), title=SOME)
def test_every_passage_found_is_an_exact_slice_of_the_article(library: Library, texts: list[str], title: str) -> None:
    stored = {}
    for number, text in enumerate(texts):
        given = article(f"a{number}", text, title=title, headings=())
        try:
            assert library.put(given).status == "added"
            stored[given.id] = normalise(text)
        except LibraryError:
            assert not normalise(text).strip()
    with library.snapshot() as view:
        assert {name: view.article(name).text for name in stored} == stored
        every = view.dense(np.ones(64, np.float32) / 8, 10_000)
        assert {hit.passage.article_id for hit in every} == set(stored)
        found = [hit for text in stored.values() for hit in view.text(text.split(), 10_000)]
        for passage in (hit.passage for hit in [*every, *found]):
            assert passage.text == stored[passage.article_id][passage.start : passage.end]
            assert passage.text.strip()
    with library._database.write() as conn:
        assert fulltext.sound(conn)
    for name in stored:
        library.remove(name)
    with library._database.write() as conn:
        assert fulltext.sound(conn)
    assert library.counts()["passages"] == library.count() == 0
