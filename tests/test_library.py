"""The library: what goes in comes out exactly, is listed, is kept, and goes when it is removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qa.errors import LibraryError, NotInLibraryError
from qa.library import Library
from qa.library.catalog import sha256
from qa.records import Filters
from tests.fakes import FakeEncoder
from tests.library_tools import article, dense, ids, long_text, words


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


@pytest.fixture
def shelf(library: Library) -> Library:
    library.put(article("a1", "One two three.", title="Élan vital", publisher="Zeit", published="2025-01-01"))
    library.put(article("a2", "Bread.", title="bread", publisher="The Post", published=None, fetched="2026"))
    library.put(article("a3", "Kites.", title="Apples", publisher=None, published="2025-02-01", authors=("Zoë Q",)))
    library.put(article("a4", "Mud.", title="Zebra", publisher="ÉCHO", published="2024-12-31", authors=()))
    return library


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


def test_a_list_takes_as_many_words_as_a_page_sends(shelf: Library) -> None:
    assert shelf.list(text="a " * 1000) == shelf.list(text="a")


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
