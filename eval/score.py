"""One question: what was observed → its scores, what became of it, and at which stage it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from eval import metrics
from eval.records import Observed, Question
from eval.shelf import Shelf
from qa.records import Answer, Article, Passage, Quote
from qa.text import fold, sentences

# In the order of the pipeline. A question's stage is the first at which one of its points was lost.
STAGES = (
    "not ingested",
    "not retrieved",
    "not read",
    "wrongly abstained",
    "not quoted",
    "quoted too late",
    "wrongly answered",
)
STAGE_HELP = {
    "not ingested": "the library does not hold the article, or not this part of it",
    "not retrieved": "the article holds the point, and no passage with it was retrieved",
    "not read": "a retrieved passage holds the point, and the reader ranked its sentence below five others",
    "wrongly abstained": "the reader found the point, and the answer was “not in your articles”",
    "not quoted": "the reader found the point, and other sentences were quoted",
    "quoted too late": "quoted after the first five quotes or the first hundred words",
    "wrongly answered": "the articles do not answer this, and something was quoted",
    "not in the first ten": "no relevant article is among the first ten of the ranking",
    "missed": "not quoted (this system does not show its stages)",
}
WHOLE_TEXT = 12  # hits whose text is kept in the results: what a reader of the report can take in


def score(question: Question, observed: Observed, shelf: Shelf | None, squad: bool = False) -> dict[str, Any]:
    """Return the result of one question: the answer, its scores, its outcome and its stage of failure.

    Scores that do not apply are absent; SQuAD's are there with `squad`.
    """
    answer = observed.answer
    scores = answer_scores(question, answer, shelf, squad)
    if observed.hits is not None and question.evidence:
        texts = [hit.passage.text for hit in observed.hits]
        scores["evidence_retrieved"] = _share(metrics.evidence_found(question.evidence, texts))
    outcome, stage, missing = _outcome(question, observed, shelf)
    result: dict[str, Any] = {
        "id": question.id,
        "type": question.type,
        "answerable": question.answerable,
        "group": question.articles[0] if question.articles else question.id,
        "question": question.question,
        "asked_as": answer.asked_as,
        "history": [{"question": asked, "answer": told} for asked, told in question.history],
        "found": answer.found,
        "confidence": answer.confidence,
        "reason": answer.reason,
        "short": answer.short,
        "right": right(question, answer),
        "outcome": outcome,
        "stage": stage,
        "scores": scores,
        "quotes": [_quote(quote, question, shelf) for quote in answer.quotes],
        "nearest": [] if answer.found else [_quote(quote, question, shelf) for quote in answer.nearest],
        "expected": {
            "points": [list(point) for point in question.answers],
            "found": metrics.points_found(question.answers, metrics.cut([q.text for q in answer.quotes], 5)),
            "evidence": list(question.evidence),
            "articles": list(question.articles),
        },
        "would_answer": would_answer(question, missing, shelf),
        "seconds": {name: round(value, 5) for name, value in observed.seconds.items()},
    }
    if shelf is not None and question.articles:
        named = shelf.articles(question)
        result["outlets"] = sorted({a.publisher for a in named if a.publisher})
        result["dates"] = sorted({a.published for a in named if a.published})
        result["article_ids"] = [a.id for a in named]
    if observed.hits is not None:
        result["evidence_ranks"] = [
            next(
                (n for n, hit in enumerate(observed.hits, 1) if metrics.evidence_found([e], [hit.passage.text])[0]),
                None,
            )
            for e in question.evidence
        ]
        result["hits"] = [
            {
                "id": hit.passage.id,
                "title": _title(hit.passage.article_id, shelf),
                "score": round(hit.score, 6),
                "evidence": any(metrics.evidence_found(question.evidence, [hit.passage.text])),
                "text": hit.passage.text,
            }
            for hit in observed.hits[:WHOLE_TEXT]
        ]
    if observed.spans is not None:
        best = sorted(observed.spans, key=lambda span: -span.score)[:WHOLE_TEXT]
        result["spans"] = [{"passage": s.passage.id, "text": s.text, "score": round(s.score, 3)} for s in best]
    return result


def _title(article_id: str, shelf: Shelf | None) -> str:
    row = shelf.rows.get(article_id) if shelf is not None else None
    return row.title if row else article_id


def answer_scores(question: Question, answer: Answer, shelf: Shelf | None, squad: bool = False) -> dict[str, float]:
    """Return the scores that an answer alone has; those that do not apply are absent."""
    texts = [quote.text for quote in answer.quotes]
    scores: dict[str, float] = {}
    if answer.found:
        scores["words_quoted"] = float(sum(len(text.split()) for text in texts))
        scores["quotes_shown"] = float(len(texts))
    if question.answerable:
        for n in (1, 3, 5):
            scores[f"point_recall@{n}"] = metrics.point_recall(question.answers, texts, n)
        golds = [alternative for point in question.answers for alternative in point]
        scores["short_exact"], scores["short_f1"] = metrics.squad_scores(answer.short, golds)
    else:
        scores["wrongly_answered"] = float(answer.found)
    if squad:  # over all questions: an unanswerable one is right when nothing is given
        golds = [alternative for point in question.answers for alternative in point]
        scores["squad_exact"], scores["squad_f1"] = metrics.squad_scores(answer.short if answer.found else "", golds)
    if question.evidence:
        quoted = metrics.quoted_sentences(texts)
        good = [s for s in quoted if any(metrics.same_sentence(s, evidence) for evidence in question.evidence)]
        scores["quoted_sentences"], scores["evidence_sentences"] = float(len(quoted)), float(len(good))
        scores["evidence_recall"] = _share(metrics.evidence_found(question.evidence, texts))
    if shelf is not None and texts and all(quote.article_id for quote in answer.quotes):
        scores["quotes_checked"] = float(len(texts))
        scores["quotes_true"] = float(sum(exact(quote, shelf) for quote in answer.quotes))
        golds_known = [quote for quote in answer.quotes if quote.article_id in shelf.gold]
        if golds_known:
            scores["quotes_with_gold"] = float(len(golds_known))
            scores["quotes_of_gold"] = float(sum(shelf.in_gold(quote) for quote in golds_known))
    return scores


def right(question: Question, answer: Answer) -> bool:
    """Tell whether at least one quote holds a required point: what `confidence` is the probability of.

    Where nothing is shown, the quotes that came nearest are judged in their place.
    """
    quotes = answer.quotes if answer.found else answer.nearest
    return any(metrics.points_found(question.answers, [quote.text for quote in quotes]))


def exact(quote: Quote, shelf: Shelf) -> bool:
    """Tell whether a quote is exactly the slice of the stored article version that it says it is."""
    article = shelf.get(quote.article_id, quote.version)
    return article is not None and bool(quote.text) and article.text[quote.start : quote.end] == quote.text


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


def _quote(quote: Quote, question: Question, shelf: Shelf | None) -> dict[str, Any]:
    found = metrics.points_found(question.answers, [quote.text])
    data = asdict(quote)
    for field in ("also_in", "authors"):
        data[field] = list(data[field])
    return {
        "id": quote.id,
        **data,
        "points": [number for number, held in enumerate(found) if held],
        "evidence": any(
            metrics.same_sentence(s, e) for s in metrics.quoted_sentences([quote.text]) for e in question.evidence
        ),
        "exact": exact(quote, shelf) if shelf is not None and quote.article_id else None,
    }


def _outcome(question: Question, observed: Observed, shelf: Shelf | None) -> tuple[str, str | None, list[int]]:
    """Return the outcome, the stage of failure, and the numbers of the points that were not found."""
    answer = observed.answer
    if not question.answerable:
        return ("wrongly answered", "wrongly answered", []) if answer.found else ("rightly abstained", None, [])
    texts = [quote.text for quote in answer.quotes]
    found = metrics.points_found(question.answers, metrics.cut(texts, 5))
    missing = [number for number, held in enumerate(found) if not held]
    if not missing:
        return "answered", None, []
    outcome = "answered in part" if any(found) else "missed" if answer.found else "wrongly abstained"
    stages = [_stage(question.answers[number], question, observed, shelf) for number in missing]
    return outcome, min(stages, key=lambda stage: STAGES.index(stage) if stage in STAGES else 99), missing


def _stage(point: Sequence[str], question: Question, observed: Observed, shelf: Shelf | None) -> str:
    """Return where one point was lost."""

    def held(text: str) -> bool:
        return any(metrics.contains(fold(text), fold(alternative)) for alternative in point)

    expected: set[str] = set()
    if shelf is not None and question.articles:
        articles = shelf.articles(question)
        if not any(held(article.text) for article in articles):
            return "not ingested"
        expected = {article.id for article in articles}
    if any(held(quote.text) for quote in observed.answer.quotes):
        return "quoted too late"
    if observed.hits is None:
        return "missed"
    # A passage of the right article: short alternatives ("85", "in May") are in many others by chance.
    hits = [hit for hit in observed.hits if not expected or hit.passage.article_id in expected]
    if not any(held(hit.passage.text) for hit in hits):
        if shelf is not None and not expected and not any(shelf.holding(alternative) for alternative in point):
            return "not ingested"  # the question names no article, and none holds the point
        return "not retrieved"
    if observed.spans is None:
        return "missed" if observed.answer.found else "wrongly abstained"
    marked = sorted(observed.spans, key=lambda span: -span.score)
    marked = [span for rank, span in enumerate(marked) if span.score > 0 or rank < 5]
    if not any(held(_sentences_of(span.passage, span.start, span.end)) for span in marked):
        return "not read"
    return "not quoted" if observed.answer.found else "wrongly abstained"


def _sentences_of(passage: Passage, start: int, end: int) -> str:
    """Return the whole sentences of `passage` that the span [start, end) of its article touches."""
    start, end = start - passage.start, end - passage.start
    touched = [(s, e) for s, e in sentences(passage.text) if s < end and start < e]
    return passage.text[touched[0][0] : touched[-1][1]] if touched else passage.text[start:end]


def would_answer(question: Question, missing: Sequence[int], shelf: Shelf | None) -> dict[str, Any] | None:
    """Return the sentence of the library that holds the first missing point, with what stands around it."""
    if shelf is None or not missing:
        return None
    point = question.answers[missing[0]]
    for article in shelf.articles(question):
        places = sentences(article.text)
        best = [
            index
            for index, (start, end) in enumerate(places)
            if any(metrics.contains(fold(article.text[start:end]), fold(alternative)) for alternative in point)
        ]
        # The marked evidence, where several sentences hold the words.
        best.sort(key=lambda i: not _is_evidence(article, places[i], question.evidence))
        if best:
            start, end = places[best[0]]
            before, after = max(0, best[0] - 1), min(len(places) - 1, best[0] + 1)
            return {
                "article_id": article.id,
                "title": article.title,
                "start": start,
                "end": end,
                "text": article.text[start:end],
                "before": article.text[places[before][0] : start],
                "after": article.text[end : places[after][1]],
            }
    return None


def _is_evidence(article: Article, place: tuple[int, int], evidence: Sequence[str]) -> bool:
    return any(metrics.same_sentence(article.text[place[0] : place[1]], text) for text in evidence)
