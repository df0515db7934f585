"""Score the reader alone on question-answering sets: exact match, F1, and whether it knows that there is no answer.

Each question is read in its own context, whole; the answer is the span with the largest margin. For sets with
unanswerable questions the AUROC of that margin is printed; for sets whose answers belong together, the F1 of partial
matches (Li and others 2022, MultiSpanQA). `--untrained` leaves out the titles whose unanswerable questions were trained
on.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval import metrics
from qa.errors import QuestionSetError
from qa.reader.data import read_lines, trained_on
from qa.records import Article, Hit, Passage, SentenceScore


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures of each file."""
    from qa.encoder import prepare_torch

    prepare_torch()
    from qa.reader.calibration import Calibration
    from qa.reader.model import WEIGHTS, Reader, load_bundled

    parser = argparse.ArgumentParser(prog="python -m eval.bench squad", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="question-answering lines, gzipped (.jsonl.gz)")
    parser.add_argument("--limit", type=int, default=0, help="so many questions, drawn with a fixed seed (0: all)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the reader's weights")
    parser.add_argument("--untrained", action="store_true", help="leave out titles that training saw a part of")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    reader, calibration = Reader(*load_bundled(options.weights)), Calibration.read(options.weights / "config.json")
    results = {}
    for file in options.files:
        if not file.is_file():
            raise QuestionSetError(f"{file}: no such file. Give a question-answering set (.jsonl.gz).")
        lines = [line for line in read_lines(file) if not (options.untrained and trained_on(line["title"]))]
        if options.limit and options.limit < len(lines):
            lines = random.Random(0).sample(lines, options.limit)
        results[file.name] = score(lines, reader, calibration)
        if not options.json:
            shown = "  ".join(f"{k} {v:.4g}" for k, v in results[file.name].items())
            print(f"{file.name}: {shown}", flush=True)
    if options.json:
        print(json.dumps(results, indent=1))
    return 0


def score(lines: Sequence[dict[str, Any]], reader: Any, calibration: Any) -> dict[str, float]:
    """Return the figures of one set by name, in per cent where they are shares (AUROC in [0, 1])."""
    exact, f1, margins, answerable, partial = [], [], [], [], []
    for line, read in zip(lines, answers(lines, reader), strict=True):
        best = max(read, key=lambda s: s.span.score, default=None)
        golds = [answer["text"] for answer in line["answers"]]
        margins.append(best.span.score if best else -30.0)
        answerable.append(bool(golds))
        if not golds:
            continue
        scores = metrics.squad_scores(best.span.text if best else "", golds)
        exact.append(scores[0])
        f1.append(scores[1])
        if line.get("multi"):
            partial.append(
                partial_counts([span.text for s in chosen(read, calibration) for span in (s.span, *s.more)], golds)
            )
    found = {"questions": len(lines), "exact": 100 * float(np.mean(exact)), "f1": 100 * float(np.mean(f1))}
    if not all(answerable):
        found["answerability_auroc"] = metrics.auroc(margins, answerable) or 0.0
    if partial:
        given, right, wanted, covered = np.sum(partial, axis=0)
        precision, recall = right / max(given, 1), covered / max(wanted, 1)
        found["partial_f1"] = 100 * float(2 * precision * recall / max(precision + recall, 1e-9))
    return found


def answers(lines: Sequence[dict[str, Any]], reader: Any) -> Iterator[list[SentenceScore]]:
    """Yield the sentences of each question's context as read, its title before it."""
    for line in lines:
        context = line["context"]
        title = line["title"].replace("_", " ")
        article = Article("c", None, title, (), None, None, None, "", None, context, "")
        hit = Hit(Passage("c", 1, 0, len(context), context), 1.0)
        yield reader.read(line["question"], [hit], {("c", 1): article})[0]


def chosen(read: Sequence[SentenceScore], calibration: Any) -> list[SentenceScore]:
    """Return the sentences that would be quoted, the best always."""
    logits = [calibration.sentence_logit(s.span.score, s.evidence) for s in read]
    if not logits:
        return []
    least = max(calibration.keep, calibration.keep_share * 1 / (1 + np.exp(-max(logits))))
    return [s for s, x in zip(read, logits, strict=True) if x == max(logits) or 1 / (1 + np.exp(-x)) >= least]


def partial_counts(found: Sequence[str], golds: Sequence[str]) -> tuple[float, float, float, float]:
    """Return (spans given, their overlap with gold, spans wanted, their overlap with the given) of one question."""

    def overlap(a: str, b: str) -> float:
        return longest_common(a, b) / max(len(a), 1)

    right = sum(max((overlap(f, g) for g in golds), default=0.0) for f in found)
    covered = sum(max((overlap(g, f) for f in found), default=0.0) for g in golds)
    return float(len(found)), right, float(len(golds)), covered


def longest_common(a: str, b: str) -> int:
    """Return the length of the longest piece of text that the two share."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size
