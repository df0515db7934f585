"""Question sets: every format is read, and every fault is named with its line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval import load
from qa.errors import QuestionSetError

GOOD: dict[str, Any] = {
    "id": "q1",
    "type": "list",
    "question": "What did the city propose?",
    "history": [],
    "articles": ["budget"],
    "answers": [["a tram line", "the tram line"], ["200 buses"]],
    "evidence": ["The city proposed a tram line and 200 buses."],
}
TURN = {"question": "Who?", "answer": "She."}


def line(**changes: Any) -> bytes:
    row = {**GOOD, **changes}
    return json.dumps({key: value for key, value in row.items() if value is not ...}).encode()


def native(tmp_path: Path, *lines: bytes, name: str = "set.jsonl") -> Path:
    file = tmp_path / name
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def test_native_questions_are_read(tmp_path: Path):
    follow = line(id="q2", type="followup", history=[TURN])
    found = load(
        native(tmp_path, b"\xef\xbb\xbf" + line(), b"", follow, line(id="q3", type=..., answers=[], evidence=[]))
    )
    assert (found.format, found.kind, len(found.articles)) == ("native", "answers", 0)
    first, second, third = found.questions
    assert first.answers == (("a tram line", "the tram line"), ("200 buses",))
    assert (first.evidence, first.articles, first.line) == (tuple(GOOD["evidence"]), ("budget",), 1)
    assert (second.history, second.line) == ((("Who?", "She."),), 3)
    assert (third.type, third.answerable) == ("unanswerable", False)


def test_one_article_may_be_named_alone_and_the_file_gzipped(tmp_path: Path):
    file = tmp_path / "set.jsonl.gz"
    file.write_bytes(gzip.compress(line(articles=..., article="budget")))
    assert load(file).questions[0].articles == ("budget",)


FAULTS = {
    "not json": (b'{"id": "q2",', "not JSON"),
    "trailing comma": (line(id="q2")[:-1] + b",}", "not JSON"),
    "two objects": (line(id="q2") + line(id="q3"), "not JSON"),
    "array": (b'["q2"]', "a JSON list"),
    "string": (b'"q2"', "a JSON string"),
    "number": (b"7", "a JSON number"),
    "null": (b"null", "a JSON null"),
    "field twice": (b'{"id": "q2", "id": "q3", "question": "W?", "answers": []}', "'id' is there twice"),
    "no id": (line(id=...), "'id' is missing"),
    "no question": (line(id="q2", question=...), "'question' is missing"),
    "no answers": (line(id="q2", answers=...), "'answers' is missing"),
    "id a number": (line(id=2), "'id' is a number"),
    "id empty": (line(id=" "), "'id' is empty"),
    "id again": (line(), "that of line 1"),
    "question empty": (line(id="q2", question="\t"), "'question' is empty"),
    "question a list": (line(id="q2", question=["W?"]), "'question' is a list"),
    "question endless": (line(id="q2", question="w" * 5000), "5,000 characters"),
    "type a number": (line(id="q2", type=3), "'type' is a number"),
    "type empty": (line(id="q2", type=""), "'type' is empty"),
    "answers a string": (line(id="q2", answers="a tram line"), "'answers' is a string"),
    "answers null": (line(id="q2", answers=None), "'answers' is a null"),
    "point a string": (line(id="q2", answers=["a tram line"]), "point 1 of 'answers' is a string"),
    "point empty": (line(id="q2", answers=[["x"], []]), "point 2 of 'answers' has no alternative"),
    "alternative a number": (line(id="q2", answers=[[85]]), "point 1 of 'answers' holds a number"),
    "alternative empty": (line(id="q2", answers=[["x", ""]]), "point 1 of 'answers' holds an empty"),
    "evidence a string": (line(id="q2", evidence="The city"), "'evidence' is a string"),
    "evidence empty": (line(id="q2", evidence=[" "]), "'evidence' holds an empty"),
    "evidence a null": (line(id="q2", evidence=[None]), "'evidence' holds a null"),
    "articles a string": (line(id="q2", articles="budget"), "'articles' is a string"),
    "articles an object": (line(id="q2", articles={"a": 1}), "'articles' is a object"),
    "history a string": (line(id="q2", history="Who?"), "'history' is a string"),
    "turn a string": (line(id="q2", history=["Who?"]), "turn 1 of 'history'"),
    "turn without answer": (line(id="q2", history=[TURN, {"question": "W?"}]), "turn 2 of 'history'"),
    "turn without words": (line(id="q2", history=[{"question": " ", "answer": "x"}]), "turn 1 of 'history'"),
    "misspelt": (line(id="q2", answers=..., anwsers=[]), "did you mean 'answers'"),
    "evidence of nothing": (line(id="q2", answers=[], type=...), "'answers' is empty"),
    "unanswerable, answered": (line(id="q2", type="unanswerable"), "'unanswerable'"),
    "follow-up of nothing": (line(id="q2", type="followup"), "'history' is empty"),
    "not utf-8": (line(id="q2").replace(b"city", b"cit\xe9"), "byte 0xe9 is not UTF-8"),
    "half a pair": (line(id="q2").replace(b"city", b"\\ud83d"), "surrogate"),
    "a draft": (line(id="q2", draft=True), "draft"),
    "nested": (b"[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize(("bad", "words"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_named_with_its_line(tmp_path: Path, bad: bytes, words: str):
    file = native(tmp_path, line(), b"", bad, line(id="q9"))
    with pytest.raises(QuestionSetError) as error:
        load(file)
    assert str(error.value).startswith("set.jsonl, line 3: ")
    assert words in str(error.value)
    assert "correct the line and run the command again" in str(error.value)


def test_all_faults_are_named_at_once(tmp_path: Path):
    with pytest.raises(QuestionSetError) as error:
        load(native(tmp_path, b"{", line(), line(), line(id="q2", question="")))
    lines = str(error.value).splitlines()
    assert [text.split(":")[0] for text in lines] == [f"set.jsonl, line {n}" for n in (1, 3, 4)]
    assert lines[-1].endswith("Nothing was asked: correct these 3 faults and run the command again.")


def test_a_hopeless_file_does_not_fill_the_screen(tmp_path: Path):
    with pytest.raises(QuestionSetError) as error:
        load(native(tmp_path, *[b"no"] * 500))
    assert len(str(error.value).splitlines()) == 21
    assert "and 480 more" in str(error.value)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jsonl", b"", "it is empty"),
        ("a.jsonl", b" \n\n", "it is empty"),
        ("a.jsonl", "é".encode("utf-16"), "line 1: the file is UTF-16"),
        ("a.jsonl.gz", gzip.compress(line())[:-9], "the gzip data is damaged"),
        ("a.csv", b"", "it is empty"),
        ("a.csv", b"\xef\xbb\xbf", "it is empty"),
        ("a.jsonl", b'{"id": ' + b"1" * 5000 + b"}", "line 1: not usable JSON"),
        ("a.json", b'{"data": ' + b"1" * 5000 + b"}", "line 1: not usable JSON"),
        ("a.json", b"[" * 100_000, "line 1: not usable JSON"),
        ("a.json", b'{"a":' * 100_000, "line 1: not usable JSON"),
        ("a.json", b"", "it is empty"),
    ],
)
def test_files_without_questions(tmp_path: Path, name: str, data: bytes, words: str):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(QuestionSetError, match=words):
        load(tmp_path / name)


def test_missing_files_and_folders(tmp_path: Path):
    with pytest.raises(QuestionSetError, match="there is no such file"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(QuestionSetError, match=r"no corpus\.jsonl"):
        load(tmp_path)


def test_a_sample_of_questions_is_drawn_by_its_seed(tmp_path: Path):
    file = native(tmp_path, *(line(id=f"q{n}") for n in range(50)))
    ids = [question.id for question in load(file, limit=5, seed=1).questions]
    assert ids == [question.id for question in load(file, limit=5, seed=1).questions]
    assert ids != [question.id for question in load(file, limit=5, seed=2).questions]
    assert ids == sorted(ids, key=lambda id: int(id[1:])) and len(set(ids)) == 5
    assert len(load(file, limit=500).questions) == 50


# SQuAD

CONTEXT = "The bridge opened in 1932. It cost four million pounds."


def squad(*qas: dict[str, Any], **paragraph: Any) -> dict[str, Any]:
    return {
        "version": "v2.0",
        "data": [{"title": "The_Bridge", "paragraphs": [{"context": CONTEXT, "qas": list(qas), **paragraph}]}],
    }


def qa(id: str = "s1", text: str = "1932", start: int | None = None, **changes: Any) -> dict[str, Any]:
    start = CONTEXT.find(text) if start is None else start
    row = {"id": id, "question": "When did it open?", "answers": [{"text": text, "answer_start": start}], **changes}
    return {key: value for key, value in row.items() if value is not ...}


def write_squad(tmp_path: Path, data: Any) -> Path:
    file = tmp_path / "squad.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data, indent=1), encoding="utf-8")
    return file


def test_squad_is_read_with_contexts_as_articles(tmp_path: Path):
    impossible = qa("s2", answers=[], is_impossible=True, plausible_answers=[{"text": "x", "answer_start": 0}])
    found = load(write_squad(tmp_path, squad(qa(), impossible)))
    assert (found.format, len(found.articles)) == ("squad", 1)
    assert (found.articles[0].text, found.articles[0].title) == (CONTEXT, "The Bridge")
    first, second = found.questions
    assert (first.answers, first.evidence) == ((("1932",),), ("The bridge opened in 1932.",))
    assert first.articles == (found.articles[0].id,) == second.articles
    assert (second.answers, second.type) == ((), "unanswerable")


def test_squad_on_one_line_is_told_from_json_lines(tmp_path: Path):
    file = tmp_path / "dev.json"
    for first in ({}, {"dataset": "ours"}):
        file.write_text(json.dumps({**first, **squad(qa())}), encoding="utf-8")
        assert load(file).format == "squad"


def test_a_squad_title_that_is_null_is_none(tmp_path: Path):
    data = squad(qa())
    data["data"][0]["title"] = None
    assert load(write_squad(tmp_path, data)).articles[0].title == data["data"][0]["paragraphs"][0]["context"][:60]


SQUAD_FAULTS = {
    "no data": ({"version": "2"}, "no 'data' list"),
    "data empty": ({"data": []}, "no 'data' list"),
    "no paragraphs": ({"data": [{"title": "T"}]}, r"data\[0\] has no list 'paragraphs'"),
    "no context": (squad(qa(), context=None), r"data\[0\].paragraphs\[0\] has no text in 'context'"),
    "no qas": (squad(qas={}), r"paragraphs\[0\] has no list 'qas'"),
    "no question at all": (squad(), "it holds no question"),
    "no id": (squad(qa(id=...)), "'id' is missing"),
    "no question": (squad(qa(question=...)), "'question' is missing"),
    "question empty": (squad(qa(question=" ")), "'question' is empty"),
    "id again": (squad(qa(), qa()), "is that of line"),
    "no answers": (squad(qa(answers=...)), "has no list 'answers'"),
    "nothing, and possible": (squad(qa(answers=[])), "not marked 'is_impossible'"),
    "answered, and impossible": (squad(qa(is_impossible=True)), "is_impossible, yet it has answers"),
    "impossible perhaps": (squad(qa(is_impossible="no")), "neither true nor false"),
    "no start": (squad(qa(answers=[{"text": "1932"}])), "without 'answer_start'"),
    "no text": (squad(qa(answers=[{"answer_start": 3}])), "an answer has no 'text'"),
    "start a string": (squad(qa(answers=[{"text": "1932", "answer_start": "21"}])), "has no start"),
    "start negative": (squad(qa(answers=[{"text": "1932", "answer_start": -5}])), "has no start"),
    "span elsewhere": (squad(qa(start=5)), r"not at character 5 of its context \(it is at 21\)"),
    "span nowhere": (squad(qa(text="1933", start=21)), "it is nowhere in the context"),
    "not json": ('{"data": [\n{"title": ]', "line 2: not JSON"),
    "a list": (json.dumps([GOOD]), "a JSON list"),
}


@pytest.mark.parametrize(("data", "words"), SQUAD_FAULTS.values(), ids=SQUAD_FAULTS)
def test_each_fault_of_squad_is_named(tmp_path: Path, data: Any, words: str):
    with pytest.raises(QuestionSetError, match=words):
        load(write_squad(tmp_path, data))


def test_a_fault_of_squad_has_the_line_of_its_question(tmp_path: Path):
    file = write_squad(tmp_path, squad(qa(), qa("s2", start=5)))
    number = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if '"s2"' in text)
    with pytest.raises(QuestionSetError, match=rf"squad\.json, line {number}: data\[0\].paragraphs\[0\].qas\[1\]"):
        load(file)


@pytest.mark.parametrize(
    "ids, faulty",
    [(("a", "b", "a"), 2), (("x", "1932", "1932"), 2), ((5, "x", 5), 2)],
    ids=["twice", "like an answer", "a number"],
)
def test_a_fault_of_squad_has_its_line_where_the_id_stands_elsewhere_too(tmp_path: Path, ids, faulty: int):
    context = "The bridge opened in 1932. It cost 7 pounds."
    answer = {"text": "1932", "answer_start": 21}
    asked = [{"question": "When did it open?", "id": id, "answers": [answer]} for id in ids]
    text = json.dumps({"data": [{"title": "1932", "paragraphs": [{"qas": asked, "context": context}]}]}, indent=1)
    (tmp_path / "s.json").write_text(text)
    at = [n for n, line in enumerate(text.split("\n"), 1) if '"id"' in line][faulty]
    with pytest.raises(QuestionSetError, match=f"line {at}:"):
        load(tmp_path / "s.json")


def test_half_a_character_in_squad_is_a_fault(tmp_path: Path):
    asked = [{"question": "caf\ud83d when?", "id": "a", "answers": [{"text": "1932", "answer_start": 10}]}]
    text = json.dumps({"data": [{"title": "B", "paragraphs": [{"qas": asked, "context": "Opened in 1932."}]}]})
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(QuestionSetError, match="surrogate"):
        load(tmp_path / "s.json")


@pytest.mark.parametrize("ids", ["null", '"d1"', "7"])
def test_beir_judgements_that_are_no_list_are_a_fault_of_their_line(tmp_path: Path, ids: str):
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "text": "The bridge."}\n')
    (tmp_path / "queries.jsonl").write_text(f'{{"_id": "1", "text": "bridge", "relevant_ids": {ids}}}\n')
    with pytest.raises(QuestionSetError, match="line 1: 'relevant_ids' is not a list"):
        load(tmp_path)


def test_a_judged_beir_document_without_words_is_no_fault(tmp_path: Path):
    corpus = '{"_id": "d1", "text": "The bridge."}\n{"_id": "d2", "title": "", "text": ""}\n'
    (tmp_path / "corpus.jsonl").write_text(corpus)
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "bridge"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\td1\t1\n1\td2\t1\n")
    (asked,) = load(tmp_path).questions
    assert asked.articles == ("d1",) and dict(asked.relevant) == {"d1": 1, "d2": 1}


def test_lines_with_contexts(tmp_path: Path):
    rows = [
        {"id": "a", "title": "T", "context": CONTEXT, "question": "When?", "answers": [{"text": "1932", "start": 21}]},
        {"id": "b", "title": "T", "context": CONTEXT, "question": "What?", "multi": True,
         "answers": [{"text": "1932", "start": 21}, {"text": "four million pounds", "start": 35}]},
    ]  # fmt: skip
    found = load(native(tmp_path, *(json.dumps(row).encode() for row in rows)))
    assert [question.answers for question in found.questions] == [(("1932",),), (("1932",), ("four million pounds",))]
    assert len(found.articles) == 1 and len(found.questions[1].evidence) == 2
    rows[1]["answers"][0]["start"] = 22
    with pytest.raises(QuestionSetError, match="line 2: the answer '1932' is not at character 22"):
        load(native(tmp_path, *(json.dumps(row).encode() for row in rows)))


# CSV


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "set.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_csv_is_read(tmp_path: Path):
    text = 'Question;Answer;Article\r\n"Who; when?";"Ann | Anne\n1932";bridge\r\n\r\nWhy?;;\r\n'
    first, second = load(table(tmp_path, text, "utf-8-sig")).questions
    assert (first.question, first.answers, first.articles) == ("Who; when?", (("Ann", "Anne"), ("1932",)), ("bridge",))
    assert (second.answers, second.type, second.line) == ((), "unanswerable", 5)


CSV_FAULTS = {
    "no header": ("Who?,Ann\nWhen?,1932\n", "line 1: there is no column 'question'"),
    "no answers": ("question,type\nWho?,x\n", "line 1: there is no column 'answer'"),
    "column twice": ("question,answer,answer\nWho?,Ann,Anne\n", "line 1: the column 'answer' is there twice"),
    "no rows": ("question,answer\n", "it holds no question"),
    "short row": ("question,answer\nWho?,Ann\nWhen?\n", "line 3: 1 cells where the first line has 2"),
    "long row": ("question,answer\nWho?,Ann,Anne\n", "line 2: 3 cells"),
    "question empty": ("question,answer\n ,Ann\n", "line 2: the question is empty"),
    "id again": ("id,question,answer\n1,Who?,Ann\n1,When?,1932\n", "line 3: the id '1' is that of line 2"),
    "quote open": ('question,answer\nWho?,Ann\n"When?,1932\n', "line 3: not CSV"),
    "quote stray": ('question,answer\n"Who"?,Ann\n', "line 2: not CSV"),
    "type and answer": ("question,answer,type\nWho?,Ann,unanswerable\n", "line 2: the type is 'unanswerable'"),
    "bar alone": ("question,answer\nWho?,|\n", "line 2: the answer has no words"),
    "nul": ("question,answer\nWho?,An\x00n\n", "line 2: "),
}


@pytest.mark.parametrize(("text", "words"), CSV_FAULTS.values(), ids=CSV_FAULTS)
def test_each_fault_of_csv_is_named(tmp_path: Path, text: str, words: str):
    with pytest.raises(QuestionSetError, match=words):
        load(table(tmp_path, text))


def test_csv_in_another_encoding(tmp_path: Path):
    with pytest.raises(QuestionSetError, match="line 2: byte 0xe9 is not UTF-8"):
        load(table(tmp_path, "question,answer\nWhose café?,Ann\n", "latin-1"))


# BEIR


def beir(folder: Path, corpus: str | None = None, queries: str | None = None, qrels: str | None = None) -> Path:
    two = '{"_id": "d1", "title": "T", "text": "The bridge."}\n{"_id": "d2", "title": "", "text": "A cat."}\n'
    files = {
        "corpus.jsonl": corpus or two,
        "queries.jsonl": queries or '{"_id": "1", "text": "bridge"}\n{"_id": "2", "text": "dog"}\n',
        "qrels/test.tsv": qrels or "query-id\tcorpus-id\tscore\n1\td1\t2\n1\td2\t0\n",
    }
    (folder / "qrels").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_beir_is_read(tmp_path: Path):
    found = load(beir(tmp_path))
    assert (found.format, found.kind, [a.id for a in found.articles]) == ("beir", "retrieval", ["d1", "d2"])
    assert [(q.id, q.question, q.relevant) for q in found.questions] == [("1", "bridge", (("d1", 2), ("d2", 0)))]


def test_beir_judgements_may_be_gzipped(tmp_path: Path):
    plain = beir(tmp_path) / "qrels" / "test.tsv"
    plain.with_name("test.tsv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert [q.id for q in load(tmp_path).questions] == ["1"]
    with pytest.raises(QuestionSetError, match=r"splits there: test;"):
        load(tmp_path, split="dev")


def test_beir_queries_may_carry_their_judgements(tmp_path: Path):
    rows = [("1", "bridge", ["d1"]), ("2", "dog", [])]
    queries = [json.dumps({"id": id, "question": text, "relevant_ids": there}) for id, text, there in rows]
    found = load(beir(tmp_path, queries="\n".join(queries)))
    assert [(q.id, q.relevant) for q in found.questions] == [("1", (("d1", 1),))]


BEIR_FAULTS = {
    "corpus id": ({"corpus": '{"title": "T", "text": "x"}'}, r"corpus\.jsonl, line 1: '_id' is missing"),
    "corpus twice": (
        {"corpus": '{"_id": "d1", "text": "x"}\n{"_id": "d1", "text": "y"}'},
        "line 2: the id 'd1' is there",
    ),
    "corpus text": ({"corpus": '{"_id": "d1"}'}, "line 1: 'text' is missing"),
    "query text": ({"queries": '{"_id": "1", "text": ""}'}, r"queries\.jsonl, line 1: 'text' is missing or empty"),
    "query twice": ({"queries": '{"_id": "1", "text": "x"}\n{"_id": "1", "text": "y"}'}, "line 2: the id '1' is there"),
    "not json": ({"queries": '{"_id": "1", "text": "x"}\n{'}, "line 2: not JSON"),
    "columns": ({"qrels": "1\td1\n"}, r"test\.tsv, line 1: 2 columns"),
    "unknown query": ({"qrels": "9\td1\t1\n"}, "line 1: the query '9' is not in"),
    "unknown document": ({"qrels": "query-id\tcorpus-id\tscore\n1\td9\t1\n"}, "line 2: the document 'd9' is not in"),
    "score": ({"qrels": "1\td1\tgood\n"}, "line 1: the score 'good' is not a whole number"),
    "twice": ({"qrels": "1\td1\t1\n1\td1\t2\n"}, "line 2: '1' and 'd1' are judged twice"),
    "nothing relevant": ({"qrels": "1\td1\t0\n"}, "no query has a relevant document"),
}


@pytest.mark.parametrize(("files", "words"), BEIR_FAULTS.values(), ids=BEIR_FAULTS)
def test_each_fault_of_beir_is_named(tmp_path: Path, files: dict[str, str], words: str):
    with pytest.raises(QuestionSetError, match=words):
        load(beir(tmp_path, **files))


def test_an_unknown_split_names_those_there_are(tmp_path: Path):
    with pytest.raises(QuestionSetError, match=r"no qrels/dev\.tsv \(splits there: test; choose with --split\)"):
        load(beir(tmp_path), split="dev")
