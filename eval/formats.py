"""The formats that other people's question sets come in: SQuAD, lines with contexts, CSV, BEIR folders.

Sets that carry their texts (SQuAD's contexts, BEIR's corpus) turn each text into an `Article`, which the run puts
into a library of the set's own.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eval.reading import decode, json_lines, read_bytes
from eval.records import Faults, Question, QuestionSet, fault, points_of
from qa.records import Article
from qa.text import normalise, sentences

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LONE = re.compile("[\ud800-\udfff]")
_ALTERNATIVES = re.compile(r"\s*\|\s*")


def article(
    text: str,
    title: str,
    *,
    id: str | None = None,
    published: str | None = None,
    url: str | None = None,
    publisher: str | None = None,
    authors: tuple[str, ...] = (),
) -> Article:
    """Return a set's own text as an article; its id is the set's, or made of the text's hash."""
    text = normalise(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    date = published if published and _DATE.fullmatch(published) else None
    return Article(
        id=id or digest[:16], url=url, title=title, authors=authors, publisher=publisher, published=date, updated=None,
        fetched="1970-01-01T00:00:00+00:00", language="en", text=text, sha256=digest, source=None,
    )  # fmt: skip


# SQuAD


def looks_like_squad(text: str) -> bool:
    """Tell whether `text` is one JSON object rather than one a line."""
    head = text.lstrip()[:2000]
    if re.match(r'\{\s*"(data|version)"\s*:', head):
        return True
    if head[:1] not in "{[":
        return False
    first = text.strip().split("\n", 1)[0]
    try:
        found = json.loads(first)
    except json.JSONDecodeError:
        return "\n" in text.strip() and first.strip() in ("{", "[", "[{")
    except (RecursionError, ValueError):
        return False  # the reader of lines says what is wrong
    return isinstance(found, list) or "data" in found


def squad(name: str, text: str, digest: str) -> QuestionSet:
    """Read SQuAD v1.1 or v2.0 JSON; each context becomes an article, and the sentence with the answer evidence."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise fault(name, error.lineno, f"not JSON ({error.msg} at character {error.colno}).") from None
    except RecursionError:
        raise fault(name, 1, "not usable JSON (nested too deeply).") from None
    except ValueError:
        raise fault(name, 1, "not usable JSON (a number of thousands of digits).") from None
    if isinstance(data, list):
        raise fault(name, 1, "a JSON list; write one question a line (JSON Lines, .jsonl).")
    groups = data.get("data")
    if not isinstance(groups, list) or not groups:
        raise fault(name, 1, "no 'data' list with articles in it, so this is not SQuAD's JSON.")
    faults = Faults(name)
    lines = _Lines(text)
    rows: list[tuple[int, dict[str, Any]]] = []
    for g, group in enumerate(groups):
        named = group if isinstance(group, dict) else {}
        title, paragraphs = str(named.get("title") or ""), named.get("paragraphs")
        if not isinstance(paragraphs, list):
            faults.add(lines.of(title), f"data[{g}] has no list 'paragraphs'.")
            continue
        for p, paragraph in enumerate(paragraphs):
            where = f"data[{g}].paragraphs[{p}]"
            context = paragraph.get("context") if isinstance(paragraph, dict) else None
            if not isinstance(context, str) or not context.strip():
                faults.add(lines.of(title), f"{where} has no text in 'context'.")
                continue
            asked = paragraph.get("qas")
            if not isinstance(asked, list):
                faults.add(lines.of(context), f"{where} has no list 'qas'.")
                continue
            for q, qa in enumerate(asked):
                at = f"{where}.qas[{q}]"
                if not isinstance(qa, dict):
                    faults.add(lines.of(context), f"{at} is not an object.")
                    continue
                line = lines.next(qa, context)
                if _LONE.search(json.dumps([qa, context, title], ensure_ascii=False)):
                    faults.add(line, f"{at} holds half of a surrogate pair, which is no character.")
                elif row := _squad_row(qa, context, title, at, line, faults):
                    rows.append((line, row))
    if not rows and not faults.found:
        raise fault(name, 1, "it holds no question.")
    return contexts(name, rows, digest, faults, "squad")


def _squad_row(
    qa: dict[str, Any], context: str, title: str, at: str, line: int, faults: Faults
) -> dict[str, Any] | None:
    answers = qa.get("answers")
    if not isinstance(answers, list):
        faults.add(line, f"{at} has no list 'answers'.")
        return None
    impossible = qa.get("is_impossible", False)
    if not isinstance(impossible, bool):
        faults.add(line, f"{at}: 'is_impossible' is neither true nor false.")
        return None
    if impossible and answers:
        faults.add(line, f"{at} is_impossible, yet it has answers.")
        return None
    if not impossible and not answers:
        faults.add(line, f"{at} has no answer and is not marked 'is_impossible'.")
        return None
    spans = []
    for answer in answers:
        if not isinstance(answer, dict) or "answer_start" not in answer:
            faults.add(line, f"{at} has an answer without 'answer_start'.")
            return None
        spans.append({"text": answer.get("text"), "start": answer["answer_start"]})
    given: dict[str, Any] = {key: qa[key] for key in ("id", "question") if key in qa}
    return {**given, "title": title, "context": context, "answers": spans, "at": at}


class _Lines:
    """Finds the line that a value of a JSON text stands on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at, self._line = 0, 1  # behind the question found last: they are looked for in their order

    def next(self, qa: dict[str, Any], context: str) -> int:
        """Return the line of the next question: of its id or, without one, of its words."""
        places = []
        for key in ("id", "question"):
            forms = {json.dumps(qa[key]), json.dumps(qa[key], ensure_ascii=False)} if key in qa else set()
            value = "|".join(map(re.escape, sorted(forms)))
            pattern = re.compile(rf'"{key}"\s*:\s*(?:{value})(?=\s*[,}}])')
            if forms and (found := pattern.search(self._text, self._at)):
                places.append(found)
        if not places:
            return self.of(*(str(qa[key]) for key in ("id", "question") if key in qa), context)
        line = self._line + self._text.count("\n", self._at, places[0].start())
        end = max(found.end() for found in places)
        self._at, self._line = end, self._line + self._text.count("\n", self._at, end)
        return line

    def of(self, *values: str) -> int:
        for value in values:
            for form in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
                at = self._text.find(form) if value else -1
                if at >= 0:
                    return self._text.count("\n", 0, at) + 1
        return 1


def contexts(
    name: str, rows: list[tuple[int, dict[str, Any]]], digest: str, faults: Faults, kind: str = "contexts"
) -> QuestionSet:
    """Read rows {"id", "title", "context", "question", "answers": [{"text", "start"}]}, one question each.

    The answers are alternatives of one point, or, with "multi": true, points of their own; none: unanswerable.
    """
    articles: dict[str, Article] = {}
    split: dict[str, list[tuple[int, int]]] = {}
    seen: dict[str, int] = {}
    questions = []
    for line, row in rows:
        at = f"{row['at']}: " if "at" in row else ""
        missing = [key for key in ("id", "question", "context", "answers") if key not in row]
        texts = [key for key in ("id", "question", "context") if not isinstance(row.get(key, "-"), str)]
        empty = [key for key in ("id", "question", "context") if not str(row.get(key, "-")).strip()]
        if missing or texts or empty:
            what = "is missing" if missing else "is not a string" if texts else "is empty"
            faults.add(line, f"{at}{(missing or texts or empty)[0]!r} {what}.")
            continue
        if row["id"] in seen:
            faults.add(line, f"{at}the id {row['id']!r} is that of line {seen[row['id']]} too.")
            continue
        seen[row["id"]] = line
        context = row["context"]
        if context not in articles:
            title = str(row.get("title") or "").replace("_", " ").strip()
            articles[context] = article(context, title or context[:60])
            split[context] = sentences(context)
        spans = _spans(line, at, row, faults)
        if spans is None:
            continue
        texts = [text for text, _ in spans]
        evidence = [
            context[s:e]
            for s, e in split[context]
            if any(s <= start < e or start <= s < start + len(t) for t, start in spans)
        ]
        points = [[text] for text in dict.fromkeys(texts)] if row.get("multi") else [texts] if texts else []
        own = articles[context].id
        default = "question" if points else "unanswerable"
        questions.append(
            Question(
                row["id"],
                row["question"].strip(),
                points_of(points),
                tuple(evidence) if points else (),
                (own,),
                type=str(row.get("type") or default),
                relevant=((own, 1),),
                line=line,
            )
        )
    faults.stop_if_any()
    if not questions:
        raise fault(name, 0, "it holds no question.")
    return QuestionSet(name, kind, digest, tuple(questions), tuple(articles.values()))


def _spans(line: int, at: str, row: dict[str, Any], faults: Faults) -> list[tuple[str, int]] | None:
    if not isinstance(row["answers"], list):
        faults.add(line, f"{at}'answers' is not a list.")
        return None
    found = []
    for answer in row["answers"]:
        text, start = (answer.get("text"), answer.get("start")) if isinstance(answer, dict) else (None, None)
        if not isinstance(text, str) or not text.strip():
            faults.add(line, f"{at}an answer has no 'text'.")
            return None
        if not isinstance(start, int) or isinstance(start, bool) or start < 0:
            faults.add(line, f"{at}the answer {text[:60]!r} has no start, a whole number from 0.")
            return None
        if row["context"][start : start + len(text)] != text:
            there = row["context"].find(text)
            hint = f"it is at {there}" if there >= 0 else "it is nowhere in the context"
            faults.add(line, f"{at}the answer {text[:60]!r} is not at character {start} of its context ({hint}).")
            return None
        found.append((text, start))
    return found


# CSV


def table(name: str, text: str, digest: str) -> QuestionSet:
    """Read CSV with the columns question and answer, and optionally id, type, article and evidence.

    In a cell, "|" separates alternatives and a line break the points; an empty answer means unanswerable. Commas,
    semicolons and tabs are told apart by the first line.
    """
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    faults = Faults(name)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for row in reader:
            rows.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise fault(
            name, start, f"not CSV ({error}); the row that begins here is not closed or holds a stray quote."
        ) from None
    if not rows:
        raise fault(name, 0, "it is empty.")
    header = [cell.strip().lower() for cell in rows[0][1]]
    columns = {"question": "question", "answer": "answer", "answers": "answer", "id": "id", "type": "type",
               "article": "article", "articles": "article", "evidence": "evidence"}  # fmt: skip
    place: dict[str, int] = {}
    for index, title in enumerate(header):
        if (column := columns.get(title)) is None:
            continue
        if column in place:
            raise fault(name, 1, f"the column {column!r} is there twice.")
        place[column] = index
    for column in ("question", "answer"):
        if column not in place:
            raise fault(name, 1, f"there is no column {column!r}; the first line must name the columns.")
    seen: dict[str, int] = {}
    questions = []
    for line, row in rows[1:]:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            faults.add(line, f"{len(row)} cells where the first line has {len(header)}.")
            continue
        cells = {column: row[index].strip() for column, index in place.items()}
        if "\x00" in "".join(row):
            faults.add(line, "holds a NUL character.")
            continue
        if not cells["question"]:
            faults.add(line, "the question is empty.")
            continue
        id = cells.get("id") or f"row-{line}"
        if id in seen:
            faults.add(line, f"the id {id!r} is that of line {seen[id]} too.")
            continue
        seen[id] = line
        points = [[a for a in _ALTERNATIVES.split(point) if a] for point in cells["answer"].splitlines()]
        points = [point for point in points if point]
        if cells["answer"] and not points:
            faults.add(line, "the answer has no words, only “|”; leave the cell empty where there is no answer.")
            continue
        listed = {
            c: tuple(filter(None, (x.strip() for x in re.split(r"[\n|]", cells.get(c, "")))))
            for c in ("article", "evidence")
        }
        kind = cells.get("type") or ("question" if points else "unanswerable")
        if bool(points) == (kind == "unanswerable") or (listed["evidence"] and not points):
            faults.add(line, f"the type is {kind!r}, yet there is {'an' if points else 'no'} answer.")
            continue
        questions.append(
            Question(
                id, cells["question"], points_of(points), listed["evidence"], listed["article"], type=kind, line=line
            )
        )
    faults.stop_if_any()
    if not questions:
        raise fault(name, 0, "it holds no question.")
    return QuestionSet(name, "csv", digest, tuple(questions))


# BEIR


def beir(folder: Path, split: str | None = None) -> QuestionSet:
    """Read a BEIR folder: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv (default: test), any of them gzipped.

    Queries may carry "relevant_ids" instead of a qrels file.
    """
    digest = hashlib.sha256()
    articles: dict[str, Article] = {}
    blank: set[str] = set()  # documents without a word: they may be judged, and cannot be found
    corpus = _beir_file(folder, "corpus.jsonl")
    faults = Faults(corpus.name)
    for line, row in json_lines(_text(corpus, digest), faults):
        id, text = _id(row), row.get("text")
        if id is None:
            faults.add(line, "'_id' is missing or empty.")
        elif id in articles or id in blank:
            faults.add(line, f"the id {id!r} is there twice.")
        elif not isinstance(text, str):
            faults.add(line, "'text' is missing or not a string.")
        else:
            title = str(row.get("title") or "").strip()
            if not text.strip():
                text = title  # BEIR's own corpora hold documents of a title alone
            if text.strip():
                date = str(row.get("date") or "")[:10]
                outlet = row.get("source") if isinstance(row.get("source"), str) else None
                articles[id] = article(text, title or text[:60], id=id, published=date, publisher=outlet)
            else:
                blank.add(id)
    faults.stop_if_any()
    queries = _beir_file(folder, "queries.jsonl")
    faults = Faults(queries.name)
    asked: dict[str, tuple[str, int]] = {}
    judged: dict[str, dict[str, int]] = {}
    for line, row in json_lines(_text(queries, digest), faults):
        id, text = _id(row), row.get("text", row.get("question"))
        if id is None:
            faults.add(line, "'_id' is missing or empty.")
        elif id in asked:
            faults.add(line, f"the id {id!r} is there twice.")
        elif not isinstance(text, str) or not text.strip():
            faults.add(line, "'text' is missing or empty.")
        else:
            asked[id] = (text.strip(), line)
            if "relevant_ids" in row:
                if not isinstance(row["relevant_ids"], list):
                    faults.add(line, "'relevant_ids' is not a list of ids.")
                    continue
                judged[id] = dict.fromkeys(map(str, row["relevant_ids"]), 1)
                for unknown in sorted(set(judged[id]) - articles.keys() - blank):
                    faults.add(line, f"the judged document {unknown!r} is not in the corpus.")
    faults.stop_if_any()
    if not judged:
        judged = _qrels(folder, split, asked, articles.keys() | blank, digest)
    questions = tuple(
        Question(
            id,
            text,
            articles=tuple(d for d in judged[id] if d in articles),
            type="query",
            relevant=tuple(judged[id].items()),
            line=line,
        )
        for id, (text, line) in asked.items()
        if any(grade > 0 for grade in judged.get(id, {}).values())
    )
    if not questions:
        raise fault(queries.name, 0, "no query has a relevant document.")
    return QuestionSet(
        folder.resolve().name, "beir", digest.hexdigest(), questions, tuple(articles.values()), "retrieval"
    )


def _id(row: dict[str, Any]) -> str | None:
    value = row.get("_id", row.get("id"))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def _beir_file(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise fault(str(folder), 0, f"a folder of a question set is a BEIR folder, and this one has no {name}.")


def _text(path: Path, digest: Any) -> str:
    data = read_bytes(path)
    digest.update(data)
    return decode(path.name, data)


def _qrels(
    folder: Path, split: str | None, asked: Iterable[str], articles: Iterable[str], digest: Any
) -> dict[str, dict[str, int]]:
    path = folder / "qrels" / f"{split or 'test'}.tsv"
    packed = path.with_name(f"{path.name}.gz")
    if not path.is_file() and packed.is_file():
        path = packed
    if not path.is_file():
        names = {found.name.partition(".tsv")[0] for found in (folder / "qrels").glob("*.tsv*")}
        there = ", ".join(sorted(names)) or "none"
        raise fault(str(folder), 0, f"no qrels/{path.name} (splits there: {there}; choose with --split).")
    known_queries, known_articles = set(asked), set(articles)
    faults = Faults(path.name)
    judged: dict[str, dict[str, int]] = {}
    for line, row in enumerate(_text(path, digest).split("\n"), 1):
        cells = row.rstrip("\r").split("\t")
        if not row.strip() or (line == 1 and cells[0] in ("query-id", "query_id")):
            continue
        if len(cells) == 4:  # TREC's order: query, iteration, document, grade
            cells = [cells[0], cells[2], cells[3]]
        if len(cells) != 3:
            faults.add(line, f"{len(cells)} columns; query-id, corpus-id and score are wanted, separated by tabs.")
        elif cells[0] not in known_queries:
            faults.add(line, f"the query {cells[0]!r} is not in queries.jsonl.")
        elif cells[1] not in known_articles:
            faults.add(line, f"the document {cells[1]!r} is not in the corpus.")
        elif not re.fullmatch(r"-?\d+", cells[2].strip()):
            faults.add(line, f"the score {cells[2]!r} is not a whole number.")
        elif cells[1] in judged.setdefault(cells[0], {}):
            faults.add(line, f"{cells[0]!r} and {cells[1]!r} are judged twice.")
        else:
            judged[cells[0]][cells[1]] = int(cells[2])
    faults.stop_if_any()
    return judged
