"""Results of questions → figures with their uncertainty, over all and by type, article, outlet and year. Pure.

A case is the result of one question as `eval/score.py` returns it, or what another system did with it; only
"answerable", "found", "confidence", "right", "scores" and "seconds" are read here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eval import metrics

Case = Mapping[str, Any]

# Each is a mean over the questions that have the score.
MEANS = (
    "point_recall@1",
    "point_recall@3",
    "point_recall@5",
    "evidence_recall",
    "short_f1",
    "short_exact",
    "evidence_retrieved",
    "words_quoted",
    "quotes_shown",
    "wrongly_answered",
    "squad_exact",
    "squad_f1",
    "recall@1",
    "recall@5",
    "recall@10",
    "recall@12",
    "recall@20",
    "recall@100",
    "mrr",
    "ndcg@10",
)
# Shares of everything that was shown: one sum over another.
SHARES = {
    "evidence_precision": ("evidence_sentences", "quoted_sentences"),
    "quotes_exact": ("quotes_true", "quotes_checked"),
    "quotes_in_gold": ("quotes_of_gold", "quotes_with_gold"),
}
ABSTENTION = ("abstention_auroc", "abstention_accuracy", "wrongly_abstained", "ece", "brier", "aurc")
SCORED = (*MEANS, *SHARES, *ABSTENTION)
LOWER_IS_BETTER = frozenset(
    {"words_quoted", "quotes_shown", "wrongly_answered", "wrongly_abstained", "ece", "brier", "aurc"}
)
COMPARED = (
    "point_recall@1",
    "point_recall@3",
    "point_recall@5",
    "evidence_precision",
    "evidence_recall",
    "evidence_retrieved",
    "short_f1",
    "abstention_auroc",
    "abstention_accuracy",
    "recall@1",
    "recall@5",
    "recall@10",
    "recall@100",
    "mrr",
    "ndcg@10",
    "squad_exact",
    "squad_f1",
    "words_quoted",
)

SURE = 0.06  # p of an interval that just leaves out zero is .052; of five questions that all changed alike, .0625
DRAWN = 200  # points of a curve that a plot can show


def estimate(name: str, cases: Sequence[Case], counts: np.ndarray) -> tuple[float | None, np.ndarray | None]:
    """Return a measure's value, and its value in each bootstrap resample (None where it has none)."""
    if name in SHARES:
        above, below = SHARES[name]
        return _ratio(
            [c["scores"].get(above, 0.0) for c in cases], [c["scores"].get(below, 0.0) for c in cases], counts
        )
    if name in ABSTENTION:
        return _abstention(name, cases, counts)
    have = [float(name in case["scores"]) for case in cases]
    return _ratio([case["scores"].get(name, 0.0) for case in cases], have, counts)


def _ratio(top: Sequence[float], bottom: Sequence[float], counts: np.ndarray) -> tuple[float | None, np.ndarray | None]:
    above, below = np.array(top, float), np.array(bottom, float)
    if not below.sum():
        return None, None
    return float(above.sum() / below.sum()), metrics.ratios(above, below, counts)


def _abstention(name: str, cases: Sequence[Case], counts: np.ndarray) -> tuple[float | None, np.ndarray | None]:
    if not cases or any("confidence" not in case for case in cases):
        return None, None
    answerable = np.array([case["answerable"] for case in cases], bool)
    found = np.array([case["found"] for case in cases], bool)
    confidence = np.array([case["confidence"] for case in cases], float)
    right = np.array([case["right"] for case in cases], float)
    if name in ("abstention_auroc", "aurc") and not np.isfinite(confidence).all():
        return None, None
    if name in ("ece", "brier") and not _probabilities(confidence):
        return None, None
    if name == "abstention_auroc":
        value = metrics.auroc(confidence, answerable)
        return value, None if value is None else metrics.aurocs(confidence, answerable, counts)
    if name == "abstention_accuracy":
        return _ratio(list(found == answerable), [1.0] * len(cases), counts)
    if name == "wrongly_abstained":
        return _ratio(list(answerable & ~found), list(answerable), counts)
    if name == "ece":
        return metrics.calibration_error(confidence, right), metrics.calibration_errors(confidence, right, counts)
    if name == "brier":
        return _ratio(list((confidence - right) ** 2), [1.0] * len(cases), counts)
    curve = metrics.risk_coverage(confidence, list(right.astype(bool)))
    edges = [0.0, *(coverage for coverage, _ in curve)]
    return sum(risk * (b - a) for (_, risk), a, b in zip(curve, edges, edges[1:], strict=False)), None


def _probabilities(confidence: np.ndarray) -> bool:
    """Tell whether these are numbers from 0 to 1: another system's confidence may be a score, NaN or None."""
    return bool(((confidence >= 0) & (confidence <= 1)).all())


def figures(cases: Sequence[Case], group: Callable[[Case], str]) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Return the figures of `cases` and the 95% interval of each (bootstrap over `group`s)."""
    counts = metrics.resamples([group(case) for case in cases])
    summary: dict[str, Any] = {"questions": len(cases)}
    summary["answerable"] = sum(bool(case["answerable"]) for case in cases)
    intervals: dict[str, list[float]] = {}
    for name in SCORED:
        value, samples = estimate(name, cases, counts)
        if value is None:
            continue
        summary[name] = value
        if samples is not None and (found := metrics.interval(samples)) is not None:
            intervals[name] = list(found)
    return {**summary, **latency(cases)}, intervals


def latency(cases: Sequence[Case]) -> dict[str, float]:
    """Return median and 95th percentile of the seconds a question took, in all and by stage."""
    found: dict[str, float] = {}
    for stage in ("total", "retrieve", "read", "compose"):
        taken = [case["seconds"][stage] for case in cases if stage in case.get("seconds", {})]
        if taken:
            name = "seconds" if stage == "total" else f"seconds_{stage}"
            found[f"{name}_median"] = float(np.median(taken))
            found[f"{name}_p95"] = float(np.quantile(taken, 0.95))
    return found


def others(cases: Sequence[Case], name: str) -> list[Case]:
    """Return what system `name` did with the same questions, as cases of their own."""
    return [
        {
            "answerable": case["answerable"],
            "type": case["type"],
            "group": case["group"],
            "scores": {},
            "seconds": {},
            **other,
        }
        for case in cases
        if (other := case.get("others", {}).get(name)) is not None
    ]


def grouped(cases: Sequence[Case], key: Callable[[Case], Sequence[str]]) -> dict[str, list[Case]]:
    """Return the cases under each of their keys, the largest group first."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for name in key(case):
            found[name].append(case)
    return dict(sorted(found.items(), key=lambda row: (-len(row[1]), row[0])))


def plain(cases: Sequence[Case]) -> dict[str, Any]:
    """Return the figures of `cases` without intervals."""
    none = np.ones((1, len(cases)))
    values = {name: estimate(name, cases, none)[0] for name in SCORED}
    return {"questions": len(cases), **{name: value for name, value in values.items() if value is not None}}


def paired(a: Sequence[Case], b: Sequence[Case], names: Sequence[str] = COMPARED) -> dict[str, dict[str, Any]]:
    """Return, for each measure, both values, b − a, its 95% interval and p (paired bootstrap; Efron 1979).

    `a` and `b` are the same questions in the same order. p is two-sided: twice the share of resamples in which the
    difference is not on the side of the observed one; never under 2 ÷ 2ⁿ, the chance that n questions all change to
    the same side, for resamples of a few that did are all alike.
    """
    counts = metrics.resamples([case["group"] for case in a])
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        first, first_samples = estimate(name, a, counts)
        second, second_samples = estimate(name, b, counts)
        if first is None or second is None:
            continue
        row: dict[str, Any] = {"a": first, "b": second, "difference": second - first}
        if first_samples is not None and second_samples is not None:
            samples = second_samples - first_samples
            samples = samples[~np.isnan(samples)]
            if len(samples):
                row["interval"] = list(metrics.interval(samples) or ())
                tail = min((samples <= 0).sum(), (samples >= 0).sum())
                row["p"] = float(min(1.0, max(2 * (tail + 1) / (len(samples) + 1), 2.0 ** (1 - _counted(name, a)))))
        found[name] = row
    return found


def _counted(name: str, cases: Sequence[Case]) -> int:
    """Return how many of `cases` a measure is made of."""
    if name in ABSTENTION:
        return len(cases)
    return sum(case["scores"].get(SHARES[name][1] if name in SHARES else name) is not None for case in cases)


def sure(row: Mapping[str, Any]) -> bool:
    """Tell whether a difference of `paired` is more than chance: its interval leaves out zero, and p is small too."""
    low, high = row.get("interval", (0.0, 0.0))
    return not low <= 0 <= high and row.get("p", 0.0) < SURE


def curves(cases: Sequence[Case]) -> dict[str, Any]:
    """Return the points of the report's plots: reliability, risk–coverage, evidence by number of passages."""
    found: dict[str, Any] = {}
    if cases and all("confidence" in case for case in cases):
        confidence = np.array([case["confidence"] for case in cases], float)
        right = [case["right"] for case in cases]
        if _probabilities(confidence):
            found["reliability"] = [list(row) for row in metrics.reliability(confidence, right)]
        if np.isfinite(confidence).all():
            curve = metrics.risk_coverage(confidence, right)
            step = max(1, len(curve) // DRAWN)
            found["risk_coverage"] = [list(row) for row in [*curve[:-1:step], *curve[-1:]]]
    ranks = [rank for case in cases for rank in case.get("evidence_ranks", ())]
    if ranks:
        depth = max(len(case.get("hits", ())) for case in cases)
        found["evidence_at"] = [
            [k, sum(rank is not None and rank <= k for rank in ranks) / len(ranks)] for k in range(1, depth + 1)
        ]
    found["stages"] = dict(Counter(case["stage"] for case in cases if case.get("stage")))
    found["outcomes"] = dict(Counter(case["outcome"] for case in cases if case.get("outcome")))
    return found
