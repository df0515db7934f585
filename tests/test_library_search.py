"""Searching the library: by vectors and by words, over one state of it, in exact slices of the articles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.errors import LibraryError
from qa.library import Library, fulltext
from qa.records import Filters
from qa.text import normalise
from tests.fakes import FakeEncoder
from tests.library_tools import article, dense, fill, words


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
