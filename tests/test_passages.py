"""Passages: exact slices, short enough, covering every sentence, for any text."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qa.passages import embedding_text, heading_text, split
from qa.records import Article
from qa.text import sentences
from tests.fakes import FakeEncoder

COUNT = FakeEncoder().count_tokens


def article(text, **given):
    values = {
        "id": "a",
        "url": None,
        "title": "T",
        "authors": (),
        "publisher": None,
        "published": None,
        "updated": None,
    }
    return Article(**values | {"fetched": "", "language": None, "text": text, "sha256": ""} | given)


WORDS = st.sampled_from(["ship", "Zoë", "שלום", "😀", "a.m.", "U.S.", "“no”", "end.", "Why?", "\n\n", "\n", "x" * 40])


@given(st.lists(WORDS, max_size=120).map(" ".join), st.integers(3, 40))
def test_passages_are_exact_short_and_cover_every_sentence(text, limit):
    found = split(article(text), COUNT, limit)
    assert all(p.text == text[p.start : p.end] and p.start < p.end for p in found)
    assert all(COUNT([p.text])[0] <= limit for p in found)
    assert all(a.start <= b.start and a.end < b.end for a, b in pairwise(found))
    covered = {n for p in found for n in range(p.start, p.end)}
    assert all(n in covered for s, e in sentences(text) for n in range(s, e) if not text[n].isspace())


@given(st.text(max_size=200))
def test_any_text_can_be_split(text):
    assert all(p.text == text[p.start : p.end] for p in split(article(text), COUNT, 5))


def test_a_short_last_sentence_is_repeated_and_a_heading_begins_a_passage():
    first, last = "one " * 100 + "end.", "This short sentence comes back."
    heading = "A heading"
    text = f"{first} {last} {first} Over.\n\n{heading}\n\nAfter it."
    at = text.index(heading)
    found = split(article(text, headings=((at, at + len(heading)),)), COUNT, 110)
    assert found[1].text.startswith(last)
    assert found[-1].text == f"{heading}\n\nAfter it."


def test_a_sentence_longer_than_a_passage_is_cut_between_words_and_kept():
    text = " ".join(f"word{n}" for n in range(100))
    found = split(article(text), COUNT, 30)
    assert " ".join(p.text for p in found) == text


def test_nothing_becomes_no_passage():
    assert split(article(" \n "), COUNT) == []


def test_what_a_model_is_told_before_a_passage():
    one = article("Body.", title="Title", published="2025-09-04")
    assert heading_text(one) == "Title (2025-09-04)"
    assert embedding_text(one, split(one, COUNT)[0]) == "Title\nBody."
    assert heading_text(article("x", title="")) == ""
