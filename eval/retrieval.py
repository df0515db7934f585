"""Rankings of articles: recall@k, reciprocal rank and nDCG by `ir-measures`, the one file that touches it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.records import Question
from eval.shelf import Shelf
from qa.followup import stand_alone
from qa.records import Hit
from qa.retrieve import retrieve
from qa.text import terms

if TYPE_CHECKING:
    from qa.library import Library

DEPTH = 100  # passages ranked for the measures
BATCH = 256  # questions embedded together: ten thousand one by one take minutes longer


def scores(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]], depth: int = DEPTH
) -> dict[str, dict[str, float]]:
    """Return the measures of each question: recall@1, @5, @10 … up to `depth`, mrr, ndcg@10.

    `qrels` holds grades by question and article, `run` the ranked article ids by question, each once.
    """
    import ir_measures  # late: it pulls in its providers, half a second
    from ir_measures import RR, R, nDCG

    names: dict[Any, str] = {R @ k: f"recall@{k}" for k in (1, 5, 10, 12, 20, 100) if k <= depth}
    names |= {RR: "mrr", nDCG @ 10: "ndcg@10"}
    # Positions, not scores, decide: trec_eval sorts by score and breaks ties by document name.
    ranked = {qid: {doc: float(-rank) for rank, doc in enumerate(docs)} for qid, docs in run.items()}
    found: dict[str, dict[str, float]] = {qid: dict.fromkeys(names.values(), 0.0) for qid in qrels}
    for metric in ir_measures.iter_calc(list(names), {q: dict(g) for q, g in qrels.items()}, ranked):
        found[metric.query_id][names[metric.measure]] = float(metric.value)
    return found


def ranking(hits: Sequence[Hit]) -> list[str]:
    """Return the articles of a ranking of passages, each at the place of its best passage."""
    return list(dict.fromkeys(hit.passage.article_id for hit in hits))


def relevant(question: Question, shelf: Shelf) -> dict[str, int]:
    """Return the grades of the articles that a question names, by the library's ids."""
    graded = question.relevant or [(ref, 1) for ref in question.articles]
    return {id: grade for ref, grade in graded for id in shelf.resolve(ref) or (ref,)}  # a missing one is never found


def _asked(question: Question) -> str:
    return stand_alone(question.question, question.history).question


class Rankings:
    """Ranks passages for a question in three ways, without reading them: fused as shipped, and each part alone."""

    def __init__(self, library: Library, questions: Sequence[Question]) -> None:
        """Take the library, and all questions of the set: they are embedded in blocks that are always the same.

        In bfloat16 a vector depends a little on the texts beside it, and a resumed run must end as an unbroken one.
        """
        self._library = library
        self._texts = list(dict.fromkeys(map(_asked, questions)))
        self._place = {text: at for at, text in enumerate(self._texts)}
        self._vectors: dict[str, np.ndarray] = {}
        self._seconds = 0.0  # of encoding one question, as part of its block

    def __call__(self, question: Question) -> tuple[dict[str, list[Hit]], float]:
        """Return the rankings by name, and the seconds that "Byline", the one that is used, took."""
        text = _asked(question)
        vector = self.encode([text])[0]
        with self._library.snapshot() as view:
            begun = time.perf_counter()
            fused = retrieve(text, view, self, DEPTH)  # type: ignore[arg-type]  # encodes, as asked
            seconds = time.perf_counter() - begun + self._seconds
            dense = view.dense(vector, DEPTH, None)
            words = view.text(terms(text), DEPTH, None)
        return {"Byline": fused, "embedding alone": dense, "full text alone": words}, seconds

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of questions of the set; those of the same block are kept for the next calls."""
        if any(text not in self._place for text in texts):
            return np.asarray(self._library.encoder.encode(texts))
        for text in texts:
            if text not in self._vectors:
                start = self._place[text] // BATCH * BATCH
                block = self._texts[start : start + BATCH]
                begun = time.perf_counter()
                self._vectors = dict(zip(block, self._library.encoder.encode(block), strict=True))
                self._seconds = (time.perf_counter() - begun) / len(block)
        return np.stack([self._vectors[text] for text in texts])
