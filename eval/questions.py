"""Question sets: `load` reads any of the formats and checks it; every fault is named with its line.

The native format is JSON Lines, one object a question:

    {"id": "q1", "type": "list", "question": "What did the city propose?", "history": [],
     "articles": ["budget-vote"],                        # id, URL, file stem or title of the articles that answer
     "answers": [["a new tram line", "the tram line"],   # required points, each a list of verbatim alternatives;
                 ["200 extra buses"]],                   # [] = the articles do not answer this
     "evidence": ["The city proposed a new tram line and 200 extra buses."]}

`id`, `question` and `answers` are required. `history` is a list of {"question", "answer"}. The other formats are in
`eval/formats.py`.
"""

from __future__ import annotations

import difflib
import hashlib
import random
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from eval import formats
from eval.reading import decode, json_lines, kind_of, read_bytes
from eval.records import Faults, Question, QuestionSet, fault, points_of

FIELDS = ("id", "type", "question", "history", "articles", "answers", "evidence")
LONGEST = 4000  # characters of a question; longer ones are a pasted article or a lost line break


def load(
    path: str | PathLike[str], *, split: str | None = None, limit: int | None = None, seed: int = 0
) -> QuestionSet:
    """Return the question set at `path`: native JSON Lines, SQuAD JSON, CSV, or a BEIR folder (`split`: its qrels).

    A text file may be gzipped. With `limit`, that many questions drawn with `seed`, in their order. Raises
    QuestionSetError, naming each line, for anything that is wrong with it.
    """
    path = Path(path)
    if path.is_dir():
        found = formats.beir(path, split)
    else:
        data = read_bytes(path)
        found = _read(path.name, data)
    if limit is not None and limit < len(found.questions):
        chosen = sorted(random.Random(seed).sample(range(len(found.questions)), limit))
        found = replace(found, questions=tuple(found.questions[index] for index in chosen))
    return found


def read_gold(path: Path) -> dict[str, str]:
    """Return the texts of a JSON Lines file of {"id", "text"}, by id. Raises QuestionSetError."""
    faults = Faults(path.name)
    found: dict[str, str] = {}
    for line, row in json_lines(decode(path.name, read_bytes(path)), faults):
        if not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
            faults.add(line, "'id' and 'text', both strings, are wanted.")
        else:
            found[row["id"]] = row["text"]
    faults.stop_if_any()
    return found


def _read(name: str, data: bytes) -> QuestionSet:
    if not data.strip():
        raise fault(name, 0, "it is empty.")
    digest = hashlib.sha256(data).hexdigest()
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    text = decode(name, data)
    if ".csv" in suffixes or ".tsv" in suffixes:
        return formats.table(name, text, digest)
    if ".jsonl" not in suffixes and formats.looks_like_squad(text):
        return formats.squad(name, text, digest)
    faults = Faults(name)
    rows = list(json_lines(text, faults))
    if any("context" in row for _, row in rows):
        return formats.contexts(name, rows, digest, faults)
    return _native(name, rows, digest, faults)


def _native(name: str, rows: list[tuple[int, dict[str, Any]]], digest: str, faults: Faults) -> QuestionSet:
    seen: dict[str, int] = {}
    questions = []
    for line, row in rows:
        row = {**row}
        if "article" in row and "articles" not in row:  # the spelling of sets in which every question has one
            row["articles"] = [row.pop("article")]
        if question := _question(line, row, faults):
            if question.id in seen:
                faults.add(line, f"the id {question.id!r} is that of line {seen[question.id]} too.")
            seen.setdefault(question.id, line)
            questions.append(question)
    faults.stop_if_any()
    if not questions:
        raise fault(name, 0, "it holds no question.")
    return QuestionSet(name, "native", digest, tuple(questions))


def _question(line: int, row: dict[str, Any], faults: Faults) -> Question | None:
    before = len(faults.found)

    def bad(what: str) -> None:
        faults.add(line, what)

    if row.get("draft"):
        bad("this question is a draft: check its answers, then remove the field 'draft'.")
        return None
    for key in row:
        near = difflib.get_close_matches(key, FIELDS, 1, 0.75)
        if key not in FIELDS and near and near[0] not in row:
            bad(f"unknown field {key!r}: did you mean {near[0]!r}?")
            return None
    for key in ("id", "question", "answers"):
        if key not in row:
            bad(f"the field {key!r} is missing.")
    for key in ("id", "question", "type"):
        value = row.get(key, "-")
        if not isinstance(value, str):
            bad(f"{key!r} is a {kind_of(value)}; a string is wanted.")
        elif not value.strip():
            bad(f"{key!r} is empty.")
        elif len(value) > LONGEST:
            bad(f"{key!r} has {len(value):,} characters; at most {LONGEST:,} are taken.")
    points = _points(row.get("answers", []), bad)
    lists = {key: _strings(key, row.get(key, []), bad) for key in ("evidence", "articles")}
    history = _history(row.get("history", []), bad)
    if len(faults.found) > before:
        return None
    kind = row.get("type", "question" if points else "unanswerable")
    if points and kind == "unanswerable":
        bad("the type is 'unanswerable', yet 'answers' holds points; remove one or the other.")
    if not points and lists["evidence"]:
        bad("'evidence' holds sentences, yet 'answers' is empty; add the points or remove the evidence.")
    if kind == "followup" and not history:
        bad("the type is 'followup', yet 'history' is empty; add the earlier turns.")
    if len(faults.found) > before:
        return None
    return Question(row["id"], row["question"], points, lists["evidence"], lists["articles"], history, kind, line=line)


def _points(value: Any, bad: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        bad(f"'answers' is a {kind_of(value)}; a list of points is wanted, each a list of alternatives.")
        return ()
    points: list[tuple[str, ...]] = []
    for number, point in enumerate(value, 1):
        if not isinstance(point, list):
            bad(f"point {number} of 'answers' is a {kind_of(point)}; a list of alternatives is wanted, [\"…\"].")
        elif not point:
            bad(f"point {number} of 'answers' has no alternative.")
        else:
            points.append(_strings(f"point {number} of 'answers'", point, bad))
    return points_of(points)


def _strings(key: str, value: Any, bad: Any) -> tuple[str, ...]:
    shown = key if key.startswith("point") else repr(key)
    if not isinstance(value, list):
        bad(f"{shown} is a {kind_of(value)}; a list of strings is wanted.")
        return ()
    for item in value:
        if not isinstance(item, str):
            bad(f"{shown} holds a {kind_of(item)}; only strings are wanted.")
            return ()
        if not item.strip():
            bad(f"{shown} holds an empty string.")
            return ()
    return tuple(value)


def _history(value: Any, bad: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        bad(f"'history' is a {kind_of(value)}; a list of earlier turns is wanted.")
        return ()
    turns = []
    for number, turn in enumerate(value, 1):
        asked, told = (turn.get("question"), turn.get("answer")) if isinstance(turn, dict) else (None, None)
        if not isinstance(asked, str) or not isinstance(told, str) or not asked.strip():
            bad(f'turn {number} of \'history\' is not {{"question": "…", "answer": "…"}}.')
        else:
            turns.append((asked, told))
    return tuple(turns)
