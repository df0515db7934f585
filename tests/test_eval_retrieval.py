"""Rankings of articles: the measures by ir-measures, against fractions worked by hand."""

from __future__ import annotations

from math import log2

import pytest

from eval import retrieval
from eval.records import Question
from eval.retrieval import Rankings
from eval.shelf import Shelf
from qa.library import Library
from qa.records import Hit, Passage
from tests.eval_tools import fill


def test_one_relevant_article_at_rank_three():
    found = retrieval.scores({"q": {"d": 1}}, {"q": ["a", "b", "d"]})["q"]
    assert found["recall@1"] == 0 and found["recall@5"] == found["recall@100"] == 1
    assert found["mrr"] == pytest.approx(1 / 3)
    assert found["ndcg@10"] == pytest.approx(1 / log2(4))


def test_graded_articles():
    # gains 1 at rank 1, 3 at rank 2, nothing for the one that was not found (grade 2); ideal order 3, 2, 1
    found = retrieval.scores({"q": {"a": 1, "b": 3, "c": 2, "z": 0}}, {"q": ["a", "b", "z"]})["q"]
    gained, ideal = 1 + 3 / log2(3), 3 + 2 / log2(3) + 1 / log2(4)
    assert found["ndcg@10"] == pytest.approx(gained / ideal)
    assert (found["recall@1"], found["recall@5"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found["mrr"] == 1


def test_order_is_the_ranking_s_whatever_the_names():
    assert retrieval.scores({"q": {"a": 1}}, {"q": ["z", "a"]})["q"]["mrr"] == 1 / 2
    assert retrieval.scores({"q": {"z": 1}}, {"q": ["a", "z"]})["q"]["mrr"] == 1 / 2


def test_nothing_found_is_zero_and_depth_limits_the_measures():
    found = retrieval.scores({"q": {"a": 1}, "r": {"b": 1}}, {"q": ["b"], "r": []}, depth=12)
    assert set(found["q"]) == {"recall@1", "recall@5", "recall@10", "recall@12", "mrr", "ndcg@10"}
    assert all(value == 0 for scores in found.values() for value in scores.values())


def test_an_article_stands_where_its_best_passage_does():
    hits = [Hit(Passage(id, 1, n, n + 1, "x"), 1.0) for n, id in enumerate("baba")]
    assert retrieval.ranking(hits) == ["b", "a"]


def test_questions_are_embedded_in_batches(library: Library, encoder):
    shelf = Shelf(fill(library))
    asked = [Question(f"q{n}", f"When did bridge {n} open?", relevant=(("id-bridge", 1),)) for n in range(5)]
    rank = Rankings(library, asked)
    encoder.calls = 0
    for question in asked:
        ranked, seconds = rank(question)
        assert retrieval.ranking(ranked["Byline"])[0] == "id-bridge" and seconds > 0
    assert encoder.calls == 5
    again = Rankings(library, asked)  # as a resumed run, which begins in the middle
    assert [hit.passage.id for hit in again(asked[3])[0]["Byline"]] == [
        h.passage.id for h in rank(asked[3])[0]["Byline"]
    ]
    assert encoder.calls == 10  # the whole block again, whatever is left to do
    assert retrieval.relevant(asked[0], shelf) == {"id-bridge": 1}
