"""The measures, against fractions worked by hand, SQuAD's own definitions and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from eval import metrics

POINTS = (("a new tram line", "the tram line"), ("200 extra buses",), ("85",))


def test_a_point_is_found_when_one_quote_holds_an_alternative():
    assert metrics.points_found(POINTS, ["They want The Tram  Line.", "And 200 extra buses"]) == [True, True, False]


def test_a_point_split_over_two_quotes_is_not_found():
    assert metrics.points_found([("new tram line",)], ["a new tram", "line"]) == [False]


def test_case_quotes_dashes_and_space_do_not_count():
    assert metrics.points_found([("“it’s – a\nDEAL”",)], ['He said "It\'s - a deal".']) == [True]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("in 1985", False),
        ("850 people", False),
        ("85", True),
        ("85, in all", True),
        ("of 185 or 85", True),
        ("(85)", True),
        ("1,850", False),
        ("1,085 or 4.85", False),
        ("1985,85", False),
        ("85.50", False),
        ("85,000", False),
        ("of 85. 12 more", True),
        ("In 1985, 85", True),
    ],
)
def test_a_number_is_not_found_inside_a_longer_one(text: str, held: bool):
    assert metrics.contains(text, "85") is held


def test_nothing_contains_an_empty_alternative():
    assert not metrics.contains("text", "")


def test_quotes_are_cut_at_a_hundred_words_in_all():
    quotes = ["w " * 60 + "one", "v " * 60 + "two"]
    assert metrics.cut(quotes, 5)[0] == quotes[0]
    assert [len(text.split()) for text in metrics.cut(quotes, 5)] == [61, 39]
    assert metrics.cut(quotes, 1) == [quotes[0]]
    assert metrics.cut(["w " * 100, "more"], 5) == ["w " * 100]


def test_point_recall_counts_the_first_n_quotes():
    quotes = ["nothing", "the tram line", "200 extra buses"]
    assert metrics.point_recall(POINTS, quotes, 1) == 0
    assert metrics.point_recall(POINTS, quotes, 2) == 1 / 3
    assert metrics.point_recall(POINTS, quotes, 3) == 2 / 3


def test_point_recall_does_not_look_behind_a_hundred_words():
    assert metrics.point_recall([("the end",)], ["w " * 99 + "the end"], 3) == 0
    assert metrics.point_recall([("the end",)], ["w " * 98 + "the end"], 3) == 1


@pytest.mark.parametrize(
    ("quoted", "evidence", "same"),
    [
        ("It was a cold day.", "It was a cold day.", True),
        ("“It was a cold day,” she said.", "It was a cold day", True),
        ("It was a cold day.", "“It was a cold day. And then it rained.”", True),
        ("He said.", "He said. And then it rained.", False),
        ("No.", "No.", True),
        ("It was a warm day.", "It was a cold day.", False),
    ],
)
def test_same_sentence(quoted: str, evidence: str, same: bool):
    assert metrics.same_sentence(quoted, evidence) is same


def test_evidence_may_be_spread_over_passages_sentence_by_sentence():
    evidence = ["The bridge closed in May. It will not open again."]
    assert metrics.evidence_found(evidence, ["x The bridge closed in May.", "It will not open again. y"]) == [True]
    assert metrics.evidence_found(evidence, ["x The bridge closed in May."]) == [False]


# Each line worked by hand by the rules of the official evaluation script for SQuAD 2.0: lower case, then ASCII
# punctuation out, then the words a, an, the, then white space; F1 over the words that both have.
SQUAD = [
    ("Denver Broncos", "Denver Broncos", 1, 1),
    ("the Denver Broncos", "Denver Broncos", 1, 1),
    ("denver broncos!", "Denver Broncos", 1, 1),
    ("Broncos", "Denver Broncos", 0, 2 / 3),
    ("Denver Broncos of Denver", "Denver Broncos", 0, 2 / 3),
    ("An apple a day", "apple day", 1, 1),
    ("a", "the", 1, 1),
    ("the", "Broncos", 0, 0),
    ("", "Broncos", 0, 0),
    ("", "", 1, 1),
    ("U.S.", "US", 1, 1),
    ("1,000", "1000", 1, 1),
    ("well-known", "well known", 0, 0),
    ("Queen’s", "Queen's", 0, 0),
    ("theatre", "the atre", 0, 0),
    ("  in   1963 ", "in 1963", 1, 1),
    ("in 1963\n", "In 1963.", 1, 1),
    ("1963 1963", "1963", 0, 2 / 3),
    ("to be or not to be", "to be", 0, 1 / 2),
    ("ÉCOLE", "école", 1, 1),
    ("a.b.c", "abc", 1, 1),
    ("A-Team", "team", 0, 0),
    ("A. Team", "team", 1, 1),
    ("$5.5 million", "5.5 million", 1, 1),
    ("£5 million", "5 million", 0, 1 / 2),
    ("3–0", "30", 0, 0),
    ("a the an", "...", 1, 1),
    ("in\u00a01963", "in 1963", 1, 1),
    ("one two three", "three four five six", 0, 2 / 7),
    ("A cat and the cat", "cat cat dog", 0, 2 / 3),
]


@pytest.mark.parametrize(("prediction", "gold", "exact", "f1"), SQUAD)
def test_squad_scores_as_the_official_script(prediction: str, gold: str, exact: float, f1: float):
    assert metrics.squad_exact(prediction, gold) == exact
    assert metrics.squad_f1(prediction, gold) == pytest.approx(f1, abs=1e-15)


def test_squad_takes_the_best_gold_and_leaves_out_empty_ones():
    assert metrics.squad_scores("Broncos", ["Panthers", "Denver Broncos", "the"]) == (0.0, pytest.approx(2 / 3))
    assert metrics.squad_scores("", ["the", "cat"]) == (0.0, 0.0)
    assert metrics.squad_scores("", ["the"]) == (1.0, 1.0)
    assert metrics.squad_scores("", []) == (1.0, 1.0)
    assert metrics.squad_scores("cat", []) == (0.0, 0.0)


def test_auroc_by_hand():
    # pairs (positive, negative): .9>.4 .9>.6 .5>.4 .5<.6 → 3 of 4; a tie counts half
    assert metrics.auroc([0.9, 0.5, 0.4, 0.6], [True, True, False, False]) == 3 / 4
    assert metrics.auroc([0.5, 0.5], [True, False]) == 1 / 2
    assert metrics.auroc([0.5, 0.6], [True, True]) is None


def test_auroc_and_calibration_agree_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed (extra: test)")
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(3)
    confidence = np.round(rng.random(500), 2)  # rounded, so that there are ties
    right = rng.random(500) < confidence**1.5
    assert metrics.auroc(confidence, right) == pytest.approx(sklearn.roc_auc_score(right, confidence), abs=1e-12)
    assert metrics.brier(confidence, right) == pytest.approx(sklearn.brier_score_loss(right, confidence), abs=1e-12)
    # scikit-learn puts a value on the edge of two bins into the lower one, so the curves are compared without such
    confidence = np.clip(confidence, 0.003, 0.99) + 0.0011
    rows = metrics.reliability(confidence, right)
    share, mean = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
    assert [row[4] for row in rows] == pytest.approx(list(share), abs=1e-12)
    assert [row[3] for row in rows] == pytest.approx(list(mean), abs=1e-12)
    theirs = sum(row[2] * abs(a - b) for row, a, b in zip(rows, share, mean, strict=True)) / 500
    assert metrics.calibration_error(confidence, right) == pytest.approx(theirs, abs=1e-12)


def test_calibration_error_by_hand():
    # one bin holds .9, .9 (one right: gap .4), another .1 (right: gap .9): (2·.4 + 1·.9) / 3
    assert metrics.calibration_error([0.9, 0.9, 0.1], [True, False, True]) == pytest.approx(1.7 / 3)
    assert metrics.calibration_error([1.0, 0.0], [True, False]) == 0
    assert metrics.calibration_error([], []) is None


def test_risk_coverage_by_hand():
    curve = metrics.risk_coverage([0.9, 0.8, 0.8, 0.1], [True, False, True, False])
    assert curve == [(1 / 4, 0.0), (3 / 4, pytest.approx(1 / 3)), (1.0, 1 / 2)]


def test_resamples_draw_whole_groups():
    groups = [f"article {n // 2}" for n in range(24)]
    counts = metrics.resamples(groups, times=50)
    assert counts.shape == (50, 24)
    assert (counts[:, 0::2] == counts[:, 1::2]).all()
    assert (counts[:, 0::2].sum(axis=1) == 12).all()


def test_resamples_draw_cases_where_groups_are_few():
    counts = metrics.resamples(["a", "a", "b", "b"], times=400)
    assert (counts.sum(axis=1) == 4).all()
    assert (counts[:, 0] != counts[:, 1]).any()
    assert metrics.resamples([], times=5).shape == (5, 0)


def test_a_resample_that_draws_each_case_once_gives_the_plain_figures():
    rng = np.random.default_rng(0)
    confidence, right = np.round(rng.random(60), 1), rng.random(60) < 0.6
    once = np.ones((1, 60))
    assert metrics.aurocs(confidence, right, once)[0] == pytest.approx(metrics.auroc(confidence, right))
    found = metrics.calibration_errors(confidence, right, once)[0]
    assert found == pytest.approx(metrics.calibration_error(confidence, right))
    assert metrics.ratios(right.astype(float), np.ones(60), once)[0] == pytest.approx(right.mean())


def test_a_weighted_resample_equals_the_repeated_cases():
    confidence, right = np.array([0.2, 0.7, 0.7, 0.9]), np.array([False, True, False, True])
    drawn = [0, 0, 1, 3]
    counts = np.array([[2.0, 1.0, 0.0, 1.0]])
    assert metrics.aurocs(confidence, right, counts)[0] == metrics.auroc(confidence[drawn], right[drawn])
    assert metrics.calibration_errors(confidence, right, counts)[0] == pytest.approx(
        metrics.calibration_error(confidence[drawn], right[drawn])
    )


def test_the_interval_of_a_mean_covers_it():
    values = np.array([0.0, 1.0] * 50)
    low, high = metrics.interval(metrics.ratios(values, np.ones(100), metrics.resamples([str(n) for n in range(100)])))
    assert low == pytest.approx(0.4, abs=0.02) and high == pytest.approx(0.6, abs=0.02)  # 1.96·√(.25/100) = .098
    assert metrics.interval(np.array([np.nan])) is None
