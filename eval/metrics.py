"""Every measure, as a pure function of texts and numbers.

A point of an answer is *found* when one quote contains one of its alternatives, compared by `qa.text.fold` (case,
quotation marks, dashes and white space do not count). Exact match and F1 are SQuAD's own (Rajpurkar and others 2016).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from qa.text import fold, sentences

Numbers = Sequence[float] | Sequence[bool] | np.ndarray

WORDS_COUNTED = 100  # point recall looks no further: a system must not win by printing whole articles
LEAST_WORDS = 4  # a shorter sentence inside another ("He said.") is a coincidence, not the same sentence
_GOES_BEFORE, _GOES_ON = re.compile(r"\d[.,]?$"), re.compile(r"[.,]?\d")  # of a number: 1985, 1,500, 4.50
BINS = 15  # of equal width, as in Guo and others 2017, so that the figure compares with published ones


# Points and evidence


def cut(texts: Sequence[str], n: int, words: int = WORDS_COUNTED) -> list[str]:
    """Return the first `n` texts, the last one cut so that together they hold at most `words` words."""
    kept: list[str] = []
    for text in texts[:n]:
        pieces = text.split()
        if words <= 0:
            break
        kept.append(text if len(pieces) <= words else " ".join(pieces[:words]))
        words -= len(pieces)
    return kept


def contains(text: str, wanted: str) -> bool:
    """Tell whether folded `text` holds folded `wanted`; no number inside a longer one (85 in 1985, 500 in 1,500)."""
    at = text.find(wanted)
    while wanted and at >= 0:
        before, after = text[max(0, at - 2) : at], text[at + len(wanted) :][:2]
        if not (wanted[0].isdigit() and _GOES_BEFORE.search(before)) and not (
            wanted[-1].isdigit() and _GOES_ON.match(after)
        ):
            return True
        at = text.find(wanted, at + 1)
    return False


def points_found(points: Sequence[Sequence[str]], texts: Iterable[str]) -> list[bool]:
    """Tell for each point whether one of `texts` holds one of its alternatives."""
    folded = [fold(text) for text in texts]
    return [any(contains(text, fold(alternative)) for alternative in point for text in folded) for point in points]


def point_recall(points: Sequence[Sequence[str]], quotes: Sequence[str], n: int) -> float:
    """Return the share of points found in the first `n` quotes, cut at 100 words together; `points` not empty."""
    return sum(points_found(points, cut(quotes, n))) / len(points)


def same_sentence(quoted: str, evidence: str) -> bool:
    """Tell whether one text contains the other, compared folded; a part of fewer than four words does not count."""
    short, long = sorted((fold(quoted), fold(evidence)), key=len)
    return short == long or (len(short.split()) >= LEAST_WORDS and short in long)


def quoted_sentences(quotes: Iterable[str]) -> list[str]:
    """Return the sentences of the quotes, each once."""
    found = [text[start:end] for text in quotes for start, end in sentences(text)]
    return list(dict.fromkeys(found))


def evidence_found(evidence: Sequence[str], texts: Iterable[str]) -> list[bool]:
    """Tell for each evidence text whether it is in `texts`: whole in one of them, or sentence by sentence."""
    folded = [fold(text) for text in texts]

    def held(text: str) -> bool:
        return any(fold(text) in candidate for candidate in folded)

    return [held(text) or all(held(text[start:end]) for start, end in sentences(text)) for text in evidence]


# Short answers, as SQuAD scores them

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)


def squad_normalise(text: str) -> str:
    """Return `text` lower-cased, without ASCII punctuation, articles and superfluous white space, in this order."""
    text = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def squad_exact(prediction: str, gold: str) -> float:
    """Return 1.0 where the two are equal once normalised, else 0.0."""
    return float(squad_normalise(prediction) == squad_normalise(gold))


def squad_f1(prediction: str, gold: str) -> float:
    """Return the F1 of the words the two share; if either has none left, 1.0 where both have none."""
    predicted, wanted = squad_normalise(prediction).split(), squad_normalise(gold).split()
    if not predicted or not wanted:
        return float(predicted == wanted)
    shared = sum((Counter(predicted) & Counter(wanted)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def squad_scores(prediction: str, golds: Sequence[str]) -> tuple[float, float]:
    """Return the best (exact match, F1) over `golds`; no gold means that the right prediction is empty.

    Gold answers that are empty once normalised are left out, as in the official v2.0 script.
    """
    kept = [gold for gold in golds if squad_normalise(gold)] or [""]
    return max(squad_exact(prediction, gold) for gold in kept), max(squad_f1(prediction, gold) for gold in kept)


# Abstention and calibration


def auroc(scores: Numbers, positive: Numbers) -> float | None:
    """Return the chance that a positive case scores above a negative one, ties half; None without both kinds."""
    values, labels = np.asarray(scores, float), np.asarray(positive, bool)
    negatives = np.sort(values[~labels])
    positives = values[labels]
    if not len(negatives) or not len(positives):
        return None
    below = np.searchsorted(negatives, positives, "left")
    up_to = np.searchsorted(negatives, positives, "right")
    return float((below + up_to).sum() / (2 * len(positives) * len(negatives)))


def reliability(confidence: Numbers, right: Numbers, bins: int = BINS) -> list[tuple[float, float, int, float, float]]:
    """Return (low, high, cases, mean confidence, share right) of each bin of equal width that is not empty."""
    values, labels = np.asarray(confidence, float), np.asarray(right, float)
    place = np.minimum((values * bins).astype(int), bins - 1)
    rows = []
    for index in range(bins):
        inside = place == index
        if inside.any():
            mean, share = float(values[inside].mean()), float(labels[inside].mean())
            rows.append((index / bins, (index + 1) / bins, int(inside.sum()), mean, share))
    return rows


def calibration_error(confidence: Numbers, right: Numbers, bins: int = BINS) -> float | None:
    """Return the expected calibration error: the mean gap of the reliability curve, weighed by cases (Guo 2017)."""
    if not len(confidence):
        return None
    rows = reliability(confidence, right, bins)
    return sum(cases * abs(mean - share) for _, _, cases, mean, share in rows) / len(confidence)


def brier(confidence: Numbers, right: Numbers) -> float | None:
    """Return the mean squared difference of confidence and outcome (Brier 1950)."""
    if not len(confidence):
        return None
    return float(np.mean((np.asarray(confidence, float) - np.asarray(right, float)) ** 2))


def risk_coverage(confidence: Numbers, right: Numbers) -> list[tuple[float, float]]:
    """Return (coverage, share wrong) when only the most confident cases are answered, each distinct confidence once.

    The selective-risk curve of El-Yaniv and Wiener 2010.
    """
    values, wrong = np.asarray(confidence, float), 1.0 - np.asarray(right, float)
    order = np.argsort(-values, kind="stable")
    values, errors = values[order], np.cumsum(wrong[order])
    # Cases of equal confidence cannot be told apart, so the curve has a point only behind the last of them.
    ends = [i for i in range(len(values)) if i + 1 == len(values) or values[i + 1] != values[i]]
    return [((i + 1) / len(values), float(errors[i]) / (i + 1)) for i in ends]


# Uncertainty


def resamples(groups: Sequence[str], times: int = 1000, seed: int = 0) -> np.ndarray:
    """Return how often each case is drawn in each bootstrap resample: shape (times, cases), float64.

    Whole groups are drawn (a group: the questions on one article), for their outcomes go together; with fewer than
    ten groups single cases are, since so few cannot tell their spread.
    """
    names = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    member = np.arange(len(groups)) if len(names) < 10 else np.array([names[name] for name in groups])
    if not len(member):
        return np.zeros((times, 0))
    units = int(member.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=times)
    return drawn[:, member].astype(float)


def ratios(top: np.ndarray, bottom: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return sum(top) / sum(bottom) of each resample; NaN where the resample holds no case."""
    below = counts @ bottom
    return np.divide(counts @ top, below, out=np.full(len(counts), np.nan), where=below > 0)


def aurocs(scores: np.ndarray, positive: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return `auroc` of each resample; NaN where it lacks one kind."""
    order = np.argsort(scores, kind="stable")
    _, starts = np.unique(scores[order], return_index=True)
    right = np.add.reduceat((counts * positive)[:, order], starts, axis=1)
    wrong = np.add.reduceat((counts * ~positive)[:, order], starts, axis=1)
    below = np.cumsum(wrong, axis=1) - wrong / 2
    pairs = right.sum(axis=1) * wrong.sum(axis=1)
    return np.divide((right * below).sum(axis=1), pairs, out=np.full(len(counts), np.nan), where=pairs > 0)


def calibration_errors(confidence: np.ndarray, right: np.ndarray, counts: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return `calibration_error` of each resample."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = counts * (confidence - right)
    total = sum(np.abs(gaps[:, place == index].sum(axis=1)) for index in range(bins))
    return np.asarray(total) / counts.sum(axis=1)


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile interval of bootstrap `values`, NaN left out; None if none is left (Efron 1979)."""
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
