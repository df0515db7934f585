"""The quotation check: exact, the same words, nearly, or not there."""

from __future__ import annotations

import unicodedata

import pytest

from qa.check import LONGEST, check
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
    assert round(match.score, 3) == 0.909  # ten of eleven: words, and a sign of money


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        ("Councillors approved a toll of £2", ("2", "2.50")),
        ("Repairs will cost £4", ("4", "41")),
        ("Police counted 9", ("9", "900")),
        ("Crews marched through the por", ("por", "port")),
        ("Repairs will cost $41 million over nine years, the surveyor said.", ("$", "£")),
        ("Sales of umbrellas rose by 5 in the rain", ("5", "5%")),
        ("The stadium itself cost £2.50", ("2.50", "2.50m")),
    ],
)
def test_a_figure_cut_short_or_in_other_money_is_not_what_the_article_says(
    stocked: Library, asked: str, changes: tuple[str, str]
) -> None:
    stocked.put(article("Rain", "Sales of umbrellas rose by 5% in the rain.\n\nThe stadium itself cost £2.50m."))
    found = check(asked, stocked)
    assert found.verdict in ("near", "none")
    assert all(changes in match.changes or changes[0] in match.changes[-1][0] for match in found.matches)


def test_a_later_place_that_cuts_no_word_is_exact(stocked: Library) -> None:
    stocked.put(article("Wells", "The old well ran dryish in May. The old well ran dry in June."))
    [match] = check("The old well ran dry", stocked).matches
    assert (match.kind, match.quote.text) == ("exact", "The old well ran dry in June.")
    assert check("£41 million over nine years", stocked).verdict == "exact"
    assert check("41 million over nine years", stocked).verdict == "exact"


def test_accents_written_as_marks_of_their_own_are_the_same_letters(stocked: Library) -> None:
    stocked.put(article("Café", "Nobody at the Café Zoë had paid."))
    assert check(unicodedata.normalize("NFD", "Nobody at the Café Zoë had paid."), stocked).verdict == "exact"


def test_a_text_too_long_is_cut_at_a_word(stocked: Library) -> None:
    text = " ".join(f"Word{n} came up." for n in range(500))
    stocked.put(article("Long", text))
    found = check(text, stocked)
    assert found.verdict == "exact" and len(found.text) <= LONGEST
    assert text.startswith(found.text) and text[len(found.text)] == " "


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
