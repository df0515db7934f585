"""Fitting the calibration: on made-up readings whose right numbers are known."""

import random

import pytest

from eval.calibrate import ABLATED, Asked, ablation, figures, fit_answers, fit_sentences, is_evidence, report
from qa.records import Article, Hit, Passage, SentenceScore, Span
from qa.settings import Settings
from qa.text import sentences

pytest.importorskip("sklearn")


def asked(number, rng, answerable):
    """A question over one article of six sentences, of which one is evidence when it is answerable."""
    text = " ".join(f"Sentence {number} has the number {n} in it." for n in range(6))
    article = Article(f"a{number}", None, "T", (), None, None, None, "", None, text, "")
    passage = Passage(article.id, 1, 0, len(text), text)
    read = []
    for n, (start, end) in enumerate(sentences(text)):
        right = answerable and n == number % 6
        logit = rng.gauss(2.0 if right else -3.0, 1.0)
        span = Span(passage, start, start + 8, rng.gauss(3.0 if right else -4.0, 1.5))
        read.append(SentenceScore(start, end, span, logit))
    evidence = [text[s:e] for s, e in sentences(text)][number % 6]
    question = {
        "question": "?", "type": "factoid", "article": article.id,
        "answers": [[f"the number {number % 6} in"]] if answerable else [],
        "evidence": [evidence] if answerable else [],
    }  # fmt: skip
    return Asked(question, (Hit(passage, 1.0),), (tuple(read),), {(article.id, 1): article})


def test_the_sentence_output_counts_and_the_threshold_separates(tmp_path):
    rng = random.Random(1)
    questions = [asked(n, rng, answerable=n % 5 != 0) for n in range(150)]
    settings = Settings.load(tmp_path)
    calibration = fit_answers(questions, fit_sentences(questions), settings)
    assert calibration.evidence > 0 and calibration.margin == 0
    found = report(questions, calibration, settings)
    assert found["abstention_auroc"] > 0.95 and found["abstention_accuracy"] > 0.9
    assert found["point_recall@1"] > 0.9 and found["ece"] < 0.08
    assert set(found["point_recall@3 by type"]) == {"factoid"}


def test_the_ablation_tells_what_the_sentence_output_is_worth(tmp_path):
    rng = random.Random(2)
    fit, other = ([asked(n, rng, answerable=n % 5 != 0) for n in range(80)] for _ in range(2))
    found = dict(ablation(fit, other, (fit, other), Settings.load(tmp_path)))
    shipped = found["as shipped"]
    assert shipped == found["title and date not read"] == found["3 passages read"]  # these readings have one passage
    assert shipped != found["ranked by the best span's margin, not by the sentence output"]
    assert set(ABLATED) <= set(shipped) and len(found) == 7


def test_an_unanswered_question_costs_recall_and_no_precision(tmp_path):
    one = [asked(1, random.Random(1), True)]
    calibration = fit_sentences([asked(n, random.Random(n), True) for n in range(40)])
    from dataclasses import replace

    silent = figures(one, replace(calibration, found=1.1), Settings.load(tmp_path))
    assert silent["recall3"] == [0.0] and silent["quoted"] == []


def test_evidence_is_matched_whatever_its_typography():
    assert is_evidence("“It is  late,” he said.", ['"It is late," he said.'])
    assert not is_evidence("He left.", ["She stayed."])
