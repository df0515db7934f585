"""Two runs side by side, and floors that a change must hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import evaluate, floors, report
from eval.cli import main
from eval.compare import compare, quality, read, terminal, verdict
from eval.records import Question
from eval.report import side, write
from eval.run import Run
from eval.summary import paired
from qa.errors import QuestionSetError
from qa.library import Library
from tests.eval_tools import Scripted, fill, question
from tests.test_eval_run import BANNED, QUESTIONS, SCRIPT


@pytest.fixture
def before(library: Library) -> Run:
    return evaluate(Scripted(fill(library), SCRIPT), QUESTIONS)


@pytest.fixture
def after(library: Library, before: Run) -> Run:
    better = {**SCRIPT, QUESTIONS[2].question: (0.7, [BANNED]), QUESTIONS[4].question: (0.6, [BANNED])}
    return evaluate(Scripted(library, better), QUESTIONS)


def test_the_questions_that_changed_better_and_worse(before: Run, after: Run):
    found = compare(before, after, ("old", "new"))
    assert (found.questions, found.only_a, found.only_b) == (6, 0, 0)
    assert [(row["id"], row["by"]) for row in found.better] == [("q3", 1.0)]
    assert [(row["id"], row["by"]) for row in found.worse] == [("q5", -1.0)]
    row = found.measures["point_recall@3"]
    assert row["difference"] == pytest.approx(1 / 4)
    assert row["interval"][0] <= 1 / 4 <= row["interval"][1]
    assert found.differs == []  # the same code, models, library and questions
    text = terminal(found)
    assert (
        "Better in new: 1" in text
        and "q3  What did the council ban in schools?  (not quoted → answered, +1.00)" in text
    )


def test_a_run_equals_itself(before: Run):
    found = compare(before, before)
    assert found.better == found.worse == []
    assert all(row["difference"] == 0 and row["p"] == 1 for row in found.measures.values())


def test_only_questions_of_both_runs_are_compared(library: Library, before: Run):
    changed = replace(QUESTIONS[1], question="What did it cost?")
    other = evaluate(Scripted(library, SCRIPT), (QUESTIONS[0], changed))
    found = compare(before, other)
    assert (found.questions, found.only_a, found.only_b) == (1, 5, 1)
    assert found.differs == ["questions"]
    alone = evaluate(Scripted(library, SCRIPT), (question("z", "Why?", "May 1932"),))
    with pytest.raises(QuestionSetError, match="no question in common"):
        compare(before, alone)


def test_a_sure_difference_is_significant_and_a_shaky_one_is_not():
    def cases(values: list[float]) -> list[dict]:
        return [{"answerable": True, "group": str(n), "scores": {"short_f1": v}} for n, v in enumerate(values)]

    base = [0.0] * 40
    sure = paired(cases(base), cases([1.0] * 20 + [0.0] * 20), ["short_f1"])["short_f1"]
    shaky = paired(cases(base), cases([1.0, -1.0, 1.0] + [0.0] * 37), ["short_f1"])["short_f1"]
    assert sure["difference"] == 1 / 2 and sure["interval"][0] > 0 and sure["p"] < 0.01
    assert shaky["interval"][0] < 0 < shaky["interval"][1] and shaky["p"] > 0.1
    # 1.96·√(.25/40) = .155
    assert sure["interval"] == pytest.approx([0.5 - 0.155, 0.5 + 0.155], abs=0.03)


def test_quality_of_a_question(before: Run):
    assert [quality(case) for case in before.questions] == [1, 1 / 2, 0, 0, 1, 0]


def test_runs_are_read_from_folder_or_file(before: Run, tmp_path: Path):
    write(before, tmp_path / "run")
    assert read(tmp_path / "run").summary == read(tmp_path / "run" / "run.json").summary == before.summary
    with pytest.raises(QuestionSetError, match="there is no such run"):
        read(tmp_path / "none")
    (tmp_path / "bad.json").write_text("[1]")
    with pytest.raises(QuestionSetError, match="is not a run of byline eval"):
        read(tmp_path / "bad.json")


# Floors


def test_floors_hold_or_break():
    summary = {"point_recall@3": 0.80, "ece": 0.10}
    assert floors.broken(summary, {"point_recall@3": 0.80, "ece": 0.10}) == []
    assert floors.broken(summary, {"point_recall@3": 0.81}) == ["point_recall@3 is 0.80 (0.8000), under 0.81."]
    assert floors.broken(summary, {"ece": 0.08}) == ["ece is 0.100 (0.1000), above 0.08."]
    assert floors.broken(summary, {"point_recall@3": 0.804}, floors.TOLERANCE) == []
    assert "was not measured" in floors.broken(summary, {"mrr": 0.5})[0]


def test_floors_only_rise_unless_forced():
    pinned = {"point_recall@3": 0.80, "evidence_precision": 0.6, "ece": 0.08, "mrr": 0.5}
    summary = {"point_recall@3": 0.85, "evidence_precision": 0.5, "ece": 0.05}
    rises = {"point_recall@3": 0.85, "evidence_precision": 0.6, "ece": 0.05, "mrr": 0.5}
    assert floors.raised(summary, pinned) == rises
    assert floors.raised(summary, pinned, force=True)["evidence_precision"] == 0.5


@pytest.mark.parametrize(
    "text",
    ["point_recall@3", "point_recall@3=", "point_recall@3=high", "point_recall@3=nan", "=0.5", "pointrecall=0.5"],
)
def test_a_floor_that_is_none_is_refused(text: str):
    with pytest.raises(floors.FloorError):
        floors.parse([text])


@pytest.mark.parametrize("text", ["", "[]", '{"mrr": "high"}', '{"mrr": true}', '{"mrr": NaN}', '{"mmr": 0.5}'])
def test_a_file_of_floors_is_checked(tmp_path: Path, text: str):
    file = tmp_path / "floors.json"
    file.write_text(text)
    with pytest.raises(floors.FloorError, match=str(file)):
        floors.read(file)
    file.write_text(json.dumps({"mrr": 0.5}), encoding="utf-8-sig")  # as some editors save it
    assert floors.read(file) == {"mrr": 0.5}


def run_of(*asked: Question, good: bool = True) -> Run:
    return evaluate(lambda text: text.replace("What is ", "answer ").strip("?") if good else "nothing", list(asked))


def test_ids_made_of_line_numbers_may_move():
    rows = [(f"What is {n}?", ((f"answer {n}",),)) for n in range(4)]
    a = run_of(*(Question(f"row-{n}", *row) for n, row in enumerate(rows)), good=False)
    b = run_of(Question("row-0", "New?", (("x",),)), *(Question(f"row-{n}", *row) for n, row in enumerate(rows, 1)))
    found = compare(a, b)
    assert found.questions == 4 and len(found.better) == 4


def test_a_follow_up_to_another_question_is_another_question():
    def asked(earlier: str) -> Question:
        return Question("f", "And NATO?", (("answer",),), history=((earlier, "x"),))

    with pytest.raises(QuestionSetError, match="no question in common"):
        compare(run_of(asked("What about Russia?")), run_of(asked("Who pays for defence?")))


def test_runs_of_one_file_name_are_told_apart_by_their_folders(tmp_path: Path, capsys):
    for name in ("before", "after"):
        report.write(run_of(Question("q", "What is 1?", (("answer 1",),)), good=name == "after"), tmp_path / name)
    paths = [str(tmp_path / name / "run.json") for name in ("before", "after")]
    assert main(["compare", *paths]) == 0
    shown = capsys.readouterr().out
    assert paths[0] in shown and paths[1] in shown


def test_a_few_questions_that_all_changed_alike_prove_nothing():
    rows = [(f"What is {n}?", ((f"answer {n}",),)) for n in range(7)]
    for few, words in ((1, ""), (5, ""), (7, "better")):
        asked = [Question(f"q{n}", *row) for n, row in enumerate(rows[:few])]
        row = compare(run_of(*asked, good=False), run_of(*asked)).measures["point_recall@1"]
        assert row["difference"] == 1 and row["p"] == pytest.approx(2 / 2**few)
        assert verdict(row, "point_recall@1") == words
        assert side(row, "point_recall@1") == ("ahead" if words else "")


def test_answers_and_rankings_are_not_compared(before: Run, library: Library):
    rankings = evaluate(None, [question("q1", "Why?", "May 1932")], library=library, retrieval_only=True)
    with pytest.raises(QuestionSetError, match="one run is of answers and the other of rankings"):
        compare(before, rankings)


def test_the_second_run_is_held_to_the_floors(tmp_path: Path, capsys):
    asked = Question("q", "What is 1?", (("answer 1",),))
    write(run_of(asked), tmp_path / "good")
    write(run_of(asked, good=False), tmp_path / "bad")
    good, bad, pinned = str(tmp_path / "good"), str(tmp_path / "bad"), tmp_path / "floors.json"
    pinned.write_text('{"point_recall@3": 0.5}')
    for floor in (["--fail-under", "point_recall@3=0.5"], ["--floors", str(pinned)]):
        assert main(["compare", bad, good, *floor]) == 0
        assert main(["compare", good, bad, *floor]) == 1
        assert "point_recall@3 is 0.00 (0.0000), under 0.5." in capsys.readouterr().err
    assert main(["compare", good, bad, "--json", str(tmp_path)]) == 1
    assert "is a folder; name a file in it" in capsys.readouterr().err
