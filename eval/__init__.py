"""Evaluation: how good the answers are on a question set, why one fails, and whether a change made things better.

    from eval import evaluate
    run = evaluate(assistant, "questions.jsonl")
    run.summary["point_recall@3"]

Measures are defined in `eval/metrics.py`, one docstring each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.questions import load
    from eval.records import Question, QuestionSet
    from eval.run import Run, evaluate

__all__ = ["Question", "QuestionSet", "Run", "evaluate", "load"]

_HOME = {
    "Question": "eval.records",
    "QuestionSet": "eval.records",
    "Run": "eval.run",
    "evaluate": "eval.run",
    "load": "eval.questions",
}


def __getattr__(name: str) -> Any:
    # Late, so that `byline --help`, which asks this package for its arguments, starts without numpy.
    if name not in _HOME:
        raise AttributeError(f"module 'eval' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
