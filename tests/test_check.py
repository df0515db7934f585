"""The quotation check: exact, the same words, nearly, or not there."""

from __future__ import annotations

import pytest

from qa.check import check
from qa.library import Library
from tests.chat_tools import BRIDGE, FERRY, article


@pytest.fixture
def stocked(library: Library) -> Library:
    library.put(BRIDGE)
    library.put(FERRY)
    return library


def test_exact(stocked: Library) -> None:
    found = check("Opponents called the vote rushed.", stocked)
    [match] = found.matches
    assert (found.verdict, match.kind, match.score) == ("exact", "exact", 1.0)
    assert match.quote.text == "Opponents called the vote rushed."
    assert BRIDGE.text[match.quote.start : match.quote.end] == match.quote.text
    assert match.changes == ()


@pytest.mark.parametrize(
    "asked",
    [
        "“opponents called the vote RUSHED”",
        "Opponents called  the\nvote rushed!",
        "Councillors approved a toll … called the vote rushed",
        "Councillors approved a toll [...] will start in April.",
    ],
)
def test_the_same_words(stocked: Library, asked: str) -> None:
    found = check(asked, stocked)
    assert found.verdict == "wording"
    quote = found.matches[0].quote
    assert quote.article_id == BRIDGE.id
    assert quote.text == BRIDGE.text[quote.start : quote.end]
    assert all(quote.start <= start < end <= quote.end for start, end in quote.highlights)


def test_an_ellipsis_keeps_the_order(stocked: Library) -> None:
    assert check("will start in April … Councillors approved a toll", stocked).verdict != "wording"


def test_near_names_the_words_that_differ(stocked: Library) -> None:
    found = check("Councillors approved a toll of £3.50 for the harbour bridge.", stocked)
    assert found.verdict == "near"
    match = found.matches[0]
    assert match.quote.text == "Councillors approved a toll of £2.50 for the harbour bridge."
    assert match.changes == (("3.50", "2.50"),)
    assert match.score == 0.9  # nine words of ten


def test_part_of_a_sentence_is_shown_in_its_sentence(stocked: Library) -> None:
    found = check("organisers spoke of 2,000", stocked)
    [match] = found.matches
    assert match.kind == "exact"
    assert match.quote.text == "Police counted 900 people, while organisers spoke of 2,000."
    [(start, end)] = match.quote.highlights
    assert FERRY.text[start:end] == "organisers spoke of 2,000"


@pytest.mark.parametrize(
    "asked", ["", "   ", "the vote", "…", "A sentence that nobody ever wrote about penguins", "\x00" * 9]
)
def test_not_there(stocked: Library, asked: str) -> None:
    assert check(asked, stocked).matches == ()
    assert check(asked, stocked).verdict == "none"


def test_two_reports_of_the_same_words_are_both_found(stocked: Library) -> None:
    stocked.put(article("A copy", "Nothing new. Opponents called the vote rushed.", published="2020-01-01"))
    assert [m.quote.title for m in check("Opponents called the vote rushed.", stocked).matches] == [
        "A copy",
        BRIDGE.title,
    ]


def test_a_reversed_sentence_is_no_match(stocked: Library) -> None:
    assert check("rushed vote the called opponents", stocked).matches == ()


def test_long_input_is_bounded(stocked: Library) -> None:
    assert check("toll bridge " * 50_000, stocked).verdict == "none"
