"""Quotes: whole sentences, exact, merged, once, within their limits."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.compose import Candidate, choose, collapse, merge, nearest, rank
from qa.passages import split
from qa.reader.calibration import Calibration
from qa.records import Article, Hit, Passage, SentenceScore, Span
from qa.text import sentences
from tests.fakes import FakeEncoder

PLAIN = Calibration(evidence=1.0, margin=0.0, rank=0.0, bias=0.0, keep=0.2, keep_share=0.0)


def article(text, id="a", **given):
    values = {"url": None, "title": "T", "authors": (), "publisher": None, "published": None, "updated": None}
    return Article(id=id, **values | {"fetched": "", "language": None, "text": text, "sha256": ""} | given)


def read(one, logits):
    """Score the sentences of one article, each with its first word as the span."""
    whole = Passage(one.id, one.version, 0, len(one.text), one.text)
    return [
        SentenceScore(start, end, Span(whole, start, start + len(one.text[start:end].split()[0]), 0.0), logit)
        for (start, end), logit in zip(sentences(one.text), logits, strict=False)
    ]


def ranked(one, logits):
    return rank([read(one, logits)], {(one.id, one.version): one}, PLAIN)


def test_neighbours_merge_and_strangers_do_not():
    one = article("One is here. Two is here. Three is here. Four is here.")
    quotes = choose(ranked(one, [3, 4, -9, 2]), PLAIN, 5, 120)
    assert [q.text for q in quotes] == ["One is here. Two is here.", "Four is here."]
    assert [one.text[a:b] for a, b in quotes[0].highlights] == ["Two", "One"]  # the best words first
    assert all(q.text == one.text[q.start : q.end] for q in quotes)


def test_a_sentence_between_two_quotes_joins_them():
    one = article("One is here. Two is here. Three is here.")
    assert [q.text for q in choose(ranked(one, [4, 1, 3]), PLAIN, 5, 120)] == [one.text]


def test_headings_are_never_quoted():
    one = article("A heading\n\nA sentence.", headings=((0, 9),))
    assert [q.text for q in choose(ranked(one, [9, 1]), PLAIN, 5, 120)] == ["A sentence."]


def test_a_sentence_that_only_announces_is_never_quoted():
    one = article("Here’s what Oslo means by that. Here is the bridge. It means peace.")
    assert [q.text for q in choose(ranked(one, [9, 3, 2]), PLAIN, 5, 120)] == ["Here is the bridge. It means peace."]
    one = article("Here’s why: for tax purposes, it is property. Here’s what we know: not much.")
    assert [q.text for q in choose(ranked(one, [1, 9]), PLAIN, 5, 120)] == [
        "Here’s why: for tax purposes, it is property."
    ]


def test_limits_of_quotes_and_words():
    one = article("\n\n".join(f"Number {n} has five words. Gap here." for n in range(9)))
    logits = [3 - n / 9 if n % 2 == 0 else -9 for n in range(18)]
    assert len(choose(ranked(one, logits), PLAIN, 3, 1000)) == 3
    assert sum(q.words for q in choose(ranked(one, logits), PLAIN, 9, 12)) == 10


def test_the_first_quote_is_given_however_long():
    one = article("word " * 200 + "end.")
    assert len(choose(ranked(one, [3]), PLAIN, 5, 10)) == 1


def test_a_sentence_that_points_back_brings_what_it_points_to():
    one = article(
        "Gap.\n\nThe town wants a toll on lorries. Shops call this plan a tax. It rained this week. It is such."
    )
    assert [q.text for q in choose(ranked(one, [-9, -9, 3, -9, -9]), PLAIN, 5, 120)] == [
        "The town wants a toll on lorries. Shops call this plan a tax."
    ]
    [alone] = choose(ranked(one, [-9, -9, 3, -9, -9]), PLAIN, 5, 5)
    assert alone.text.startswith("The town") and [one.text[a:b] for a, b in alone.highlights] == ["Shops"]
    assert [q.text for q in choose(ranked(one, [-9, -9, -9, 3, -9]), PLAIN, 5, 120)] == ["It rained this week."]
    first = article("This plan is a tax. Gap.")
    assert [q.text for q in choose(ranked(first, [3, -9]), PLAIN, 5, 120)] == ["This plan is a tax."]
    both = article("The town wants a toll. Gap is here.\n\nOne is good. Shops call this plan a tax.")
    assert [q.text for q in choose(ranked(both, [4, -9, -9, 3]), PLAIN, 5, 11)] == ["The town wants a toll."]
    assert len(choose(ranked(both, [4, -9, -9, 3]), PLAIN, 5, 120)) == 2


def test_weak_sentences_are_left_out():
    one = article("One is here. Gap is here. Two is here.")
    assert [q.text for q in choose(ranked(one, [3, -9, -2]), PLAIN, 5, 120)] == ["One is here."]


def test_copies_collapse_into_one_quote_that_names_the_other_article():
    text = "The cable between the islands failed on Tuesday night, the operator said."
    a, b = article(text, "a"), article(text.replace("Tuesday", "tuesday"), "b")
    both = {("a", 1): a, ("b", 1): b}
    found = collapse(rank([read(a, [2]), read(b, [3])], both, PLAIN))
    assert [(c.article.id, c.also_in) for c in found] == [("b", ("a",))]
    assert merge(found)[0].also_in == ("a",)


@pytest.mark.parametrize(
    "one, other",
    [
        ("Drivers of cars would pay £4 each time they cross the Aske Bridge.", ("£4", "£2.50")),
        (
            "The minister said the government would raise the retirement age next spring.",
            ("would raise", "would not raise"),
        ),
        ("Police said 12 people were injured in the crash near the old station.", ("12", "19")),
        ("Mayor Quill told the council on Tuesday that the harbour tunnel must close.", ("Quill", "Tarn")),
        ("The bank said on Monday it would raise its main lending rate in May.", ("raise", "lower")),
        ("The firm said it can pay the back wages of all its harbour staff.", ("can", "can't")),
    ],
)
def test_a_sentence_with_another_figure_name_verb_or_a_not_is_no_copy(one, other):
    a, b = article(one, "a"), article(one.replace(*other), "b")
    assert a.text != b.text
    found = collapse(rank([read(a, [2]), read(b, [3])], {("a", 1): a, ("b", 1): b}, PLAIN))
    assert [(c.article.id, c.also_in) for c in found] == [("b", ()), ("a", ())]


@pytest.mark.parametrize("change", [("cable", "old cable"), ("centre", "center"), (", the operator said", "")])
def test_words_added_or_spelt_otherwise_leave_a_copy_a_copy(change):
    text = "The cable between the islands and the centre failed on Tuesday night just before ten, the operator said."
    a, b = article(text, "a"), article(text.replace(*change), "b")
    (found,) = collapse(rank([read(a, [2]), read(b, [3])], {("a", 1): a, ("b", 1): b}, PLAIN))
    assert found.also_in == ("a",)


def test_of_two_as_likely_quotes_the_newer_article_s_comes_first():
    old = article("The toll is four pounds.", "old", published="2024-11-05")
    new = article("It fell to two pounds fifty.", "new", published="2025-05-20T10:00:00")
    undated = article("A toll was paid here.", "none")
    both = {("old", 1): old, ("new", 1): new, ("none", 1): undated}

    def order(old_logit, new_logit):
        read_ = [read(old, [old_logit]), read(new, [new_logit]), read(undated, [-1])]
        return [q.article_id for q in choose(rank(read_, both, PLAIN), PLAIN, 5, 120)]

    assert order(2.0, 1.8) == order(1.8, 2.0) == ["new", "old", "none"]
    assert order(3.0, 0.5) == ["old", "new", "none"]


def test_the_sentence_that_is_brought_along_lends_nobody_its_speaker():
    text = "“The yearly pass must cost £480,” said Marta Quill. This plan would free buses, Owen Tarn told reporters."
    one = article(text)
    (quote,) = choose(ranked(one, [-9, 3]), PLAIN, 5, 120)
    assert quote.text == one.text and quote.speaker == "Owen Tarn"


def test_what_two_people_say_is_credited_to_neither():
    one = article("“We will pay,” said Marta Quill. “We will never pay,” said Owen Tarn.")
    (quote,) = choose(ranked(one, [3, 3]), PLAIN, 5, 120)
    assert quote.text == one.text and quote.speaker is None
    assert choose(ranked(one, [3, -9]), PLAIN, 5, 120)[0].speaker == "Marta Quill"


def test_a_person_named_in_full_and_then_in_short_is_one_speaker():
    one = article("“We will pay,” said Sen. Marta Quill. “We will,” Ms. Quill said. Ada Quill said no.")
    assert choose(ranked(one, [3, 4, -9]), PLAIN, 5, 120)[0].speaker == "Sen. Marta Quill"
    assert choose(ranked(one, [3, 3, 3]), PLAIN, 5, 120)[0].speaker is None


def test_a_sentence_read_twice_counts_once_with_the_mean_of_its_readings():
    one = article("Only one sentence.")
    found = rank([read(one, [1]), read(one, [2])], {("a", 1): one}, PLAIN)
    assert [c.logit for c in found] == [1.5]


def test_a_passage_found_late_counts_less():
    a, b = article("One is here. Two is here.", "a"), article("Three is here.", "b")
    weighed = Calibration(evidence=1.0, margin=0.0, rank=-1.0, bias=0.0)
    first, second = read(a, [2, 2])
    found = {c.text: c.logit for c in rank([[first], [second], read(b, [2])], {("a", 1): a, ("b", 1): b}, weighed)}
    assert found == pytest.approx(
        {"One is here.": 2, "Two is here.": 2 - math.log(2), "Three is here.": 2 - math.log(3)}
    )


def test_nearest_come_from_different_places_and_carry_no_highlights():
    one = article("First here. Second here.\n\n" * 2 + "Third thing.")
    hits = [Hit(Passage("a", 1, 0, 24, one.text[0:24]), 1.0)] * 2 + [Hit(Passage("a", 1, 52, 64, one.text[52:64]), 0.5)]
    found = nearest(hits, {("a", 1): one})
    assert [q.text for q in found] == ["First here. Second here.", "Third thing."]
    assert all(q.highlights == () for q in found)


def test_nearest_never_run_on_across_a_heading():
    one = article("First here.\n\nA heading\n\nSecond here. Third here.", headings=((13, 22),))
    [found] = nearest([Hit(Passage("a", 1, 0, len(one.text), one.text), 1.0)], {("a", 1): one})
    assert found.text == "First here."


@pytest.mark.parametrize(
    ("text", "words", "highlight"),
    [
        ("She could “live without a paragraph.”", "“live without a paragraph", "“live without a paragraph.”"),
        ("It is “fine”, he said.", "fine”", "“fine”"),
        ("It was, “by a vote, put off”, he said.", "put off”", "put off"),
        ("“We wait here. It rains.”", "“We wait here", "We wait here"),
        ("It is “fine”.", "is “fine”", "is “fine”"),
    ],
)
def test_a_highlight_holds_no_half_of_a_pair_of_quotation_marks(text, words, highlight):
    one = article(text)
    whole = Passage("a", 1, 0, len(text), text)
    (start, end), at = sentences(text)[0], text.index(words)
    [quoted] = merge([Candidate(one, start, end, (Span(whole, at, at + len(words), 1.0),), 1.0)])
    assert [text[a:b] for a, b in quoted.highlights] == [highlight]


SENTENCES = st.sampled_from(
    ["Zoë left. ", "He said “no”! ", "Why?\n\n", "😀 came. ", "שלום עולם. ", "It rained… ", "No end "]
)


@given(st.lists(SENTENCES, min_size=1, max_size=30).map("".join), st.data())
def test_quotes_of_any_text_are_exact_slices_that_do_not_overlap(text, data):
    one = article(text)
    count = len(sentences(text))
    logits = data.draw(st.lists(st.floats(-6, 6), min_size=count, max_size=count))
    quotes = choose(collapse(ranked(one, logits)), PLAIN, 5, 40)
    assert all(q.text == text[q.start : q.end] for q in quotes)
    assert all(q.start <= a < b <= q.end for q in quotes for a, b in q.highlights)
    taken = sorted((q.start, q.end) for q in quotes)
    assert all(left[1] <= right[0] for left, right in pairwise(taken))
    starts, ends = {s for s, _ in sentences(text)}, {e for _, e in sentences(text)}
    assert all(q.start in starts and q.end in ends for q in quotes)
    assert len(quotes) <= 5


def test_the_best_candidate_is_first():
    one = article("One is here. Gap is here. Two is here.")
    assert isinstance(ranked(one, [1, 0, 2])[0], Candidate)
    assert [q.text for q in choose(ranked(one, [1, -9, 2]), PLAIN, 5, 120)] == ["Two is here.", "One is here."]
    assert split(one, FakeEncoder().count_tokens)
