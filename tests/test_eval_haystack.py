"""The Haystack adapter: its answers as quotes, and the real pipeline where the extra is installed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from eval import evaluate, haystack
from qa.errors import BylineError
from qa.library import Library
from tests.eval_tools import fill, question


def found(article: str, start: int, words: str, score: float, passage_start: int = 0) -> SimpleNamespace:
    """Return an answer as Haystack's reader gives it: offsets within its document."""
    at = SimpleNamespace(start=start - passage_start, end=start - passage_start + len(words))
    document = SimpleNamespace(meta={"article": article, "start": passage_start})
    return SimpleNamespace(data=words, score=score, document=document, document_offset=at)


def nothing(score: float) -> SimpleNamespace:
    return SimpleNamespace(data=None, score=score, document=None, document_offset=None)


@pytest.fixture
def articles(library: Library) -> dict:
    fill(library)
    return {row.id: library.get(row.id) for row in library.list()}


def test_answers_become_their_whole_sentences(articles: dict):
    text = articles["id-bridge"].text
    start = text.index("four million")
    hits = [
        found("id-bridge", start, "four million", 0.8, passage_start=10),
        found("id-bridge", start + 5, "million pounds", 0.5),  # the same sentence again
        found("id-school", 4, "council", 0.4),
        nothing(0.1),
    ]
    answer = haystack.to_answer("How much?", "How much?", hits, articles, quotes=5, words=120)
    assert [quote.text for quote in answer.quotes] == [
        "It cost four million pounds.",
        "The council banned phones in all schools on Monday.",
    ]
    assert (answer.found, answer.short, answer.confidence) == (True, "four million", pytest.approx(0.9))
    assert all(articles[q.article_id].text[q.start : q.end] == q.text for q in answer.quotes)


def test_no_answer_where_it_scores_best(articles: dict):
    hits = [nothing(0.7), found("id-school", 4, "council", 0.3)]
    answer = haystack.to_answer("Who?", "Who?", hits, articles, quotes=5, words=120)
    assert (answer.found, answer.quotes, len(answer.nearest)) == (False, (), 1)
    assert answer.confidence == pytest.approx(0.3)
    assert not haystack.to_answer("Who?", "Who?", [], articles, 5, 120).found


def test_without_haystack_the_error_names_the_extra(library: Library, monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "haystack", None)
    with pytest.raises(BylineError, match=r"pip install 'byline\[haystack\]'"), haystack.pipeline(library):
        pass


def test_the_real_pipeline_answers_with_exact_quotes(home: Path):
    pytest.importorskip("haystack_integrations.components.readers.transformers", reason="no extra haystack")
    with Library.open(home) as library:
        fill(library)
        asked = [question("q1", "What did the bridge cost?", "four million pounds")]
        with haystack.pipeline(library) as ask:
            run = evaluate(ask, asked, library=library)
    assert run.questions[0]["expected"]["found"] == [True] or not run.questions[0]["found"]
    assert run.summary.get("quotes_exact", 1) == 1
