"""Fit the calibration: `python -m eval.calibrate --data FOLDER --weights FOLDER`.

Asks the questions over news articles that training left out, through the real library, retriever and reader. One
part of the articles fits the numbers of `Calibration`; `--report` prints the figures of the other part, which
nothing was fitted on. Questions that their own article does not answer are the unanswerable ones.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval import metrics
from qa import compose
from qa.assistant import FIRST_ROUND, SETTLED
from qa.library import Library
from qa.reader import data
from qa.reader.calibration import Calibration
from qa.records import Article, Hit, SentenceScore
from qa.retrieve import retrieve
from qa.settings import Settings
from qa.text import sentences

WITHHELD = 0.02  # of the right answers: the price of saying "not in your articles" where they do not say
FITTED = ("evidence", "rank")  # beside the sentence output, its best span's margin adds nothing
ABLATED = ("point_recall@1", "point_recall@3", "evidence_precision", "abstention_auroc", "ece")  # the table's columns
PRECISION = 0.55  # of the quoted sentences this share shall be evidence; the rest is won as recall


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with all that was read for it."""

    question: dict[str, Any]
    hits: tuple[Hit, ...]
    read: tuple[tuple[SentenceScore, ...], ...]
    articles: dict[tuple[str, int], Article]


def ask_all(
    questions: Sequence[dict[str, Any]], library: Library, reader: Any, passages: int, titled: bool = True
) -> list[Asked]:
    """Return what the reader makes of each question's passages; `titled`: with title and date before them."""
    asked = []
    for question in questions:
        with library.snapshot() as view:
            hits = retrieve(question["question"], view, library.encoder, passages)
            articles = view.articles({(h.passage.article_id, h.passage.version) for h in hits})
        read = reader.read(question["question"], hits, articles if titled else None)
        asked.append(Asked(question, tuple(hits), tuple(tuple(p) for p in read), articles))
    return asked


def is_evidence(sentence: str, evidence: Sequence[str]) -> bool:
    """Tell whether a sentence is one of the marked ones, or a part of one, or holds one."""
    return any(metrics.same_sentence(sentence, e) for e in evidence)


def fit_sentences(asked: Sequence[Asked], names: Sequence[str] = FITTED) -> Calibration:
    """Fit the log-odds that a sentence is evidence, from the numbers `names`."""
    from sklearn.linear_model import LogisticRegression

    # With one of the numbers at 1 and the rest at 0, a candidate's log-odds are that number.
    zero = Calibration(evidence=0.0, margin=0.0, rank=0.0, bias=0.0)
    ways = [replace(zero, **{name: 1.0}) for name in names]
    rows, labels = [], []
    for one in asked:
        evidence = one.question["evidence"]
        numbers: dict[tuple[str, int, int], list[float]] = {}
        for way in ways:
            for candidate in compose.rank(one.read, one.articles, way):
                numbers.setdefault((candidate.article.id, candidate.start, candidate.end), []).append(candidate.logit)
        for candidate in compose.rank(one.read, one.articles, zero):
            rows.append(numbers[candidate.article.id, candidate.start, candidate.end])
            labels.append(is_evidence(candidate.text, evidence))
    model = LogisticRegression(C=1e3, max_iter=1000).fit(np.array(rows), np.array(labels))
    fitted = {name: float(weight) for name, weight in zip(names, model.coef_[0], strict=True)}
    return replace(zero, bias=float(model.intercept_[0]), **fitted)


def ranked(asked: Sequence[Asked], calibration: Calibration) -> list[list[compose.Candidate]]:
    """Return each question's sentences, best first, copies folded."""
    return [compose.collapse(compose.rank(one.read, one.articles, calibration)) for one in asked]


def figures(
    asked: Sequence[Asked],
    calibration: Calibration,
    settings: Settings,
    sentences_of: Sequence[Sequence[compose.Candidate]] | None = None,
) -> dict[str, list[float]]:
    """Return per question what the shipped way would show: recall, precision, confidence and whether it is right.

    `sentences_of` are the questions' candidates where they are known already.
    """
    found: dict[str, list[float]] = {k: [] for k in ("recall1", "recall3", "recall5", "right", "confidence", "given")}
    found |= {"evidence": [], "quoted": [], "answerable": [], "best": []}
    for one, candidates in zip(asked, sentences_of or ranked(asked, calibration), strict=True):
        quotes = compose.choose(candidates, calibration, settings.quotes_shown, settings.words_shown)
        best = candidates[0].logit if candidates else None
        confidence = calibration.answer_probability(best)
        answerable = bool(one.question["answers"])
        found["answerable"].append(answerable)
        found["confidence"].append(confidence)
        found["best"].append(best if best is not None else -20.0)
        points, texts = one.question["answers"], [quote.text for quote in quotes]
        found["right"].append(any(metrics.points_found(points, texts)))
        given = confidence >= calibration.found
        found["given"].append(given)
        if answerable:
            for n in (1, 3, 5):
                found[f"recall{n}"].append(metrics.point_recall(points, texts, n) if given else 0.0)
            if given:
                evidence = one.question["evidence"]
                parts = [q.text[a:b] for q in quotes for a, b in sentences(q.text)]
                found["evidence"].append(sum(is_evidence(p, evidence) for p in parts))
                found["quoted"].append(len(parts))
    return found


def fit_answers(asked: Sequence[Asked], calibration: Calibration, settings: Settings) -> Calibration:
    """Fit which further sentences to keep, the confidence in an answer, and from where on one is given."""
    from sklearn.linear_model import LogisticRegression

    answerable = [one for one in asked if one.question["answers"]]
    known = ranked(answerable, calibration)
    best = (-1.0, calibration)
    for keep, share in itertools.product(
        (0.03, 0.05, 0.1, 0.15, 0.2), (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
    ):
        trial = replace(calibration, keep=keep, keep_share=share, found=0.0)
        seen = figures(answerable, trial, settings, known)
        precision = sum(seen["evidence"]) / max(sum(seen["quoted"]), 1)
        worth = float(np.mean(seen["recall3"])) - max(0.0, PRECISION - precision) * 3
        if worth > best[0]:
            best = (worth, trial)
    calibration = best[1]
    seen = figures(asked, calibration, settings)
    rows, right = np.array(seen["best"])[:, None], np.array(seen["right"], bool)
    model = LogisticRegression(C=10.0, max_iter=1000).fit(rows, right)
    calibration = replace(calibration, first=float(model.coef_[0][0]), base=float(model.intercept_[0]))
    confidence = np.array(figures(asked, calibration, settings)["confidence"])
    return replace(calibration, found=float(np.quantile(confidence[right], WITHHELD)))


def rounds(asked: Sequence[Asked], calibration: Calibration, settings: Settings) -> dict[str, float]:
    """Return for how many questions the first round of reading is enough, and for how many of these it is right."""

    def shown(one: Asked, passages: int) -> tuple[bool, list[str]]:
        candidates = compose.collapse(compose.rank(one.read[:passages], one.articles, calibration))
        quotes = compose.choose(candidates, calibration, settings.quotes_shown, settings.words_shown)
        return bool(candidates) and candidates[0].probability >= SETTLED, [quote.text for quote in quotes]

    pairs = [(shown(one, FIRST_ROUND), shown(one, len(one.read))) for one in asked]
    enough = [(first, all_) for (settled, first), (_, all_) in pairs if settled]
    same = [first == all_ for first, all_ in enough]
    return {"settled": len(enough) / max(len(asked), 1), "unchanged": sum(same) / max(len(same), 1)}


def report(asked: Sequence[Asked], calibration: Calibration, settings: Settings) -> dict[str, Any]:
    """Return the figures of one part of the news questions."""
    seen = figures(asked, calibration, settings)
    out: dict[str, Any] = {
        "questions": len(asked),
        "point_recall@1": float(np.mean(seen["recall1"])),
        "point_recall@3": float(np.mean(seen["recall3"])),
        "point_recall@5": float(np.mean(seen["recall5"])),
        "evidence_precision": sum(seen["evidence"]) / max(sum(seen["quoted"]), 1),
        "abstention_auroc": metrics.auroc(seen["confidence"], seen["answerable"]),
        "abstention_accuracy": float(np.mean(np.array(seen["given"]) == np.array(seen["answerable"]))),
        "ece": metrics.calibration_error(seen["confidence"], seen["right"]),
    }
    out |= {f"first_round_{name}": value for name, value in rounds(asked, calibration, settings).items()}
    answerable = [one.question["type"] for one in asked if one.question["answers"]]
    out["point_recall@3 by type"] = {
        kind: round(float(np.mean([r for r, t in zip(seen["recall3"], answerable, strict=True) if t == kind])), 3)
        for kind in sorted(set(answerable))
    }
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in out.items()}


def ablation(
    fit: Sequence[Asked], other: Sequence[Asked], untitled: tuple[Sequence[Asked], Sequence[Asked]], settings: Settings
) -> list[tuple[str, dict[str, Any]]]:
    """Return the figures of `other` with one ingredient left out at a time, each calibrated on `fit` again.

    `untitled` are both parts read without title and date.
    """

    def only(asked: Sequence[Asked], passages: int) -> list[Asked]:
        return [replace(one, hits=one.hits[:passages], read=one.read[:passages]) for one in asked]

    ways: list[tuple[str, Sequence[Asked], Sequence[Asked], tuple[str, ...]]] = [
        ("as shipped", fit, other, FITTED),
        ("ranked by the best span's margin, not by the sentence output", fit, other, ("margin", "rank")),
        ("the margin beside the sentence output", fit, other, (*FITTED, "margin")),
        ("without the passage's rank", fit, other, ("evidence",)),
        ("title and date not read", *untitled, FITTED),
        ("6 passages read", only(fit, 6), only(other, 6), FITTED),
        ("3 passages read", only(fit, 3), only(other, 3), FITTED),
    ]
    found = []
    for name, fitted_on, shown, names in ways:
        calibration = fit_answers(fitted_on, fit_sentences(fitted_on, names), settings)
        found.append((name, report(shown, calibration, settings)))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    from qa.reader.model import WEIGHTS, Reader, load_bundled

    parser = argparse.ArgumentParser(prog="python -m eval.calibrate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the news questions and articles")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="folder of reader.safetensors; config.json goes there"
    )
    parser.add_argument("--report", action="store_true", help="fit nothing: print the figures of the other articles")
    parser.add_argument("--ablation", action="store_true", help="print them with one ingredient left out at a time")
    options = parser.parse_args(argv)
    articles = data.news_articles(options.data)
    parts: dict[str, list[dict[str, Any]]] = {"fit": [], "report": [], "train": []}
    for question in data.read_lines(options.data / "news_questions.jsonl.gz"):
        parts[data.part_of(question["article"])].append(question)
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.load(home)
        reader = Reader(*load_bundled(options.weights))
        with Library.open(settings=settings) as library:
            for _ in library.put_many(a for key, a in articles.items() if data.part_of(key) != "train"):
                pass

            def ask(part: str, titled: bool = True) -> list[Asked]:
                return ask_all(parts[part], library, reader, settings.passages_read, titled)

            if options.ablation:
                untitled = (ask("fit", False), ask("report", False))
                for name, found in ablation(ask("fit"), ask("report"), untitled, settings):
                    shown = "  ".join(f"{found[key]:.3f}" for key in ABLATED)
                    print(f"{shown}  {name}", flush=True)
                return 0
            wanted = "report" if options.report else "fit"
            asked = ask(wanted)
        file = options.weights / "config.json"
        if not options.report:
            calibration = fit_answers(asked, fit_sentences(asked), settings)
            calibration.write(file, fitted_on=f"{len(asked)} questions over news articles kept out of training")
        calibration = Calibration.read(file)
        print(json.dumps({"part": wanted, **report(asked, calibration, settings)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
