"""Sentences, folding, terms: offsets must hold for any text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text import fold, normalise, paragraphs, sentences, terms

ODD = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("  \n.?!“”\"'’…אב😀👩‍👩‍👧é\u200f")), max_size=300
)


@given(ODD)
def test_sentences_are_ordered_slices_that_cover_everything_but_white_space(text):
    spans = sentences(text)
    assert all(start < end and text[start:end] == text[start:end].strip() for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    rest, at = "", 0
    for start, end in spans:
        rest, at = rest + text[at:start], end
    assert (rest + text[at:]).strip() == ""


@given(ODD)
def test_a_sentence_never_crosses_a_blank_line(text):
    inside = paragraphs(text)
    assert all(any(a <= start and end <= b for a, b in inside) for start, end in sentences(text))


@given(st.text())
def test_normalise_is_stable_and_can_be_written(text):
    once = normalise(text)
    assert normalise(once) == once
    assert "\x00" not in once and "\r" not in once
    once.encode("utf-8")


def pieces(text):
    return [text[start:end] for start, end in sentences(text)]


def test_sentences_of_a_news_text():
    text = (
        "Mr. Putin met the U.S. envoy at 5 p.m. on Friday. “It cost $3.5 million,” Dr. Lee said. “Why?”\n\n"
        "A heading\n\nThe ship left on Thursday.Two others stayed."
    )
    assert pieces(text) == [
        "Mr. Putin met the U.S. envoy at 5 p.m. on Friday.",
        "“It cost $3.5 million,” Dr. Lee said.",
        "“Why?”",
        "A heading",
        "The ship left on Thursday.",
        "Two others stayed.",
    ]


@pytest.mark.parametrize(
    "parts",
    [
        ["The mayor met Ms. Omar and Ms. Tlaib, Michigan Democrat.", "They spoke."],
        ["Sen. Cory Booker, D-N.J., and Chuck Schumer, D-N.Y., voted no.", "It failed."],
        ["Dick Durbin, D-Ill.; Jeff Flake, R-Ariz.; and two others left."],
        ["The vote is at 2 p.m. Tuesday and ends at 11:30 p.m. ET.", "Come early."],
        ["It closes at 5 p.m.", "The doors open again at 7 a.m."],
        ["“Why didn’t they take it? Deep State?” Mr. Trump asked on Twitter.", "Nobody knew."],
        ["He called it “the best deal ever!”", "He said that on Monday.", "Was it “so bad?”", "If I said so, yes."],
        [
            "“That cuts both ways,” she told me.",
            "“It is a fight.”",
            "It fell in May.",
            "Stocks rose, and I voted no.",
            "Ha.",
        ],
        ["Arcades were dull.", "(Insert “Ya Got Trouble” here.)", "By 1980 they shut.", "He (Sen. Lee) left."],
    ],
)
def test_sentences_end_where_a_reader_ends_them(parts):
    assert pieces(" ".join(parts)) == parts


def test_a_quotation_mark_stays_with_what_it_opens_or_closes():
    assert pieces("We wait,” he said. “By 1999 it was gone.") == ["We wait,” he said.", "“By 1999 it was gone."]
    text = '"He is good. "They step on mines." The ICRC also uses radio.'
    assert pieces(text)[-1] == "The ICRC also uses radio."


def test_a_wide_space_before_a_full_stop_is_no_trouble():
    text = "The councillors chose Plan B\u00a0. It costs £2m less. Plan C\u2003. So be it."
    assert "".join(text[a:b] for a, b in sentences(text)).replace(" ", "") == text.replace(" ", "")
    assert len(sentences(text)) >= 3


def test_fold_makes_typography_alike():
    assert fold("“It’s  a\nplan” — Zoë…") == fold('"It\'s a plan" - zoë...')


def test_terms_drop_stop_words_but_never_everything():
    assert terms("What does Russia mean by Security guarantees?") == ["russia", "security", "guarantees"]
    assert terms("What is it?") == ["what", "is", "it"]
    assert terms("?!") == []
    assert terms("Ukraine’s Ukraine's army") == ["ukraine", "army"]
