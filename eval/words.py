"""The measures in words: their labels, what each means, and how a figure is written."""

from __future__ import annotations

import math

LABELS = {
    "questions": "questions",
    "point_recall@1": "points in the best quote",
    "point_recall@3": "points in 3 quotes",
    "point_recall@5": "points in 5 quotes",
    "evidence_precision": "quotes that are evidence",
    "evidence_recall": "evidence quoted",
    "evidence_retrieved": "evidence retrieved",
    "short_f1": "short answer, F1",
    "short_exact": "short answer, exact",
    "squad_f1": "SQuAD F1",
    "squad_exact": "SQuAD exact match",
    "abstention_auroc": "abstention, AUROC",
    "abstention_accuracy": "abstention, accuracy",
    "wrongly_answered": "wrongly answered",
    "wrongly_abstained": "wrongly abstained",
    "ece": "calibration error",
    "brier": "Brier score",
    "aurc": "area under risk–coverage",
    "quotes_exact": "quotes exact",
    "quotes_in_gold": "quotes in the gold text",
    "words_quoted": "words an answer",
    "quotes_shown": "quotes an answer",
    "recall@1": "articles, recall@1",
    "recall@5": "articles, recall@5",
    "recall@10": "articles, recall@10",
    "recall@12": "articles, recall@12",
    "recall@20": "articles, recall@20",
    "recall@100": "articles, recall@100",
    "mrr": "articles, MRR",
    "ndcg@10": "articles, nDCG@10",
    "seconds_median": "seconds, median",
    "seconds_p95": "seconds, 95th percentile",
    "seconds_retrieve_median": "retrieving, median",
    "seconds_retrieve_p95": "retrieving, 95th percentile",
    "seconds_read_median": "reading, median",
    "seconds_read_p95": "reading, 95th percentile",
    "seconds_compose_median": "composing, median",
    "seconds_compose_p95": "composing, 95th percentile",
}
DEFINITIONS = {
    "point_recall@1": "The share of a question's required points of which an alternative stands in the first quote, "
    "averaged over questions with an answer. A question that is not answered counts as zero.",
    "point_recall@3": "The same in the first three quotes, cut at 100 words together.",
    "point_recall@5": "The same in the first five quotes, cut at 100 words together.",
    "evidence_precision": "Of all sentences quoted, on questions with marked evidence, the share that is evidence.",
    "evidence_recall": "The share of a question's evidence sentences that is quoted.",
    "evidence_retrieved": "The share of a question's evidence sentences among the retrieved passages.",
    "short_f1": "F1 of the words of the short answer against the best alternative of any point, as SQuAD scores it.",
    "short_exact": "The share of short answers equal to an alternative, as SQuAD compares them.",
    "squad_f1": "SQuAD's F1 (v2.0: an unanswerable question scores 1 when nothing is answered).",
    "squad_exact": "SQuAD's exact match (v2.0: an unanswerable question scores 1 when nothing is answered).",
    "abstention_auroc": "The chance that a question with an answer gets a higher confidence than one without.",
    "abstention_accuracy": "The share of questions rightly answered or rightly left unanswered, whatever was quoted.",
    "wrongly_answered": "Of the questions without an answer, the share that got quotes.",
    "wrongly_abstained": "Of the questions with an answer, the share told that there is none.",
    "ece": "Expected calibration error in 15 bins of equal width (Guo and others 2017): confidence against whether a "
    "quote holds a required point; where nothing is shown, whether the nearest passages do.",
    "brier": "The mean squared difference of the same two.",
    "aurc": "The mean share wrong as coverage grows from the most confident question to all.",
    "quotes_exact": "The share of quotes that are exactly the stored article version's text at their place.",
    "quotes_in_gold": "The share of quotes that stand in the article's gold text, white space aside.",
    "words_quoted": "Words in the quotes of an answer, averaged over answered questions.",
    "quotes_shown": "Quotes in an answer, averaged over answered questions.",
    "recall@10": "The share of a question's relevant articles among the first ten (ir-measures).",
    "mrr": "One over the rank of the first relevant article, averaged (ir-measures).",
    "ndcg@10": "Normalised discounted cumulative gain of the first ten articles (ir-measures).",
    "seconds_median": "From question to answer, models loaded.",
}
_AMOUNTS = frozenset({"words_quoted", "quotes_shown"})


def figure(value: float | int | None, name: str) -> str:
    """Return a figure as it is printed: .834 as "0.83", whole shares of quotes as per cent, seconds with unit."""
    if value is None or math.isnan(value):
        return "–"
    if name == "questions" or isinstance(value, int):
        return f"{value:,}"
    if name.startswith("seconds"):
        return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"
    if name in _AMOUNTS:
        return f"{value:.1f}"
    if name in ("quotes_exact", "quotes_in_gold"):
        return "100%" if value == 1 else f"{min(value, 0.999):.1%}"
    return (
        f"{value:.3f}"
        if name in ("ece", "brier", "aurc", "mrr") or name.startswith(("recall@", "ndcg"))
        else f"{value:.2f}"
    )


def signed(value: float, name: str) -> str:
    """Return a difference with its sign."""
    text = figure(abs(value), name)
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{text}"
