"""A run: scores of each question, the stage at which it failed, figures over all, resuming, other systems."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import evaluate, report
from eval.records import Question
from eval.run import PARTIAL, Run
from qa.errors import LibraryError, QuestionSetError
from qa.library import Library
from qa.records import Answer
from tests.eval_tools import TEXTS, Scripted, fill, question

OPENED = "The harbour bridge opened in May 1932."
COST = "It cost four million pounds."
PLANS = "Engineer Ann Doyle drew the plans alone."
BANNED = "The council banned phones in all schools on Monday."
GREW = "Seagrass meadows grew by 40 hectares last year."

QUESTIONS = (
    question("q1", "When did the harbour bridge open?", "May 1932"),
    question(
        "q2", "What did the bridge cost, and who drew the plans?", "four million pounds", "Ann Doyle", type="list"
    ),
    question("q3", "What did the council ban in schools?", "phones", articles=("school",)),
    question("q4", "How much did the seagrass meadows grow?", "40 hectares", articles=("seagrass",)),
    question("q5", "Who won the regatta?"),
    question("q6", "How deep is the harbour?"),
)
SCRIPT = {
    "When did the harbour bridge open?": (0.9, [OPENED]),
    "What did the bridge cost, and who drew the plans?": (
        0.8,
        [COST, BANNED],
    ),  # one point of two, one sentence too many
    "What did the council ban in schools?": (0.7, ["Teachers had asked for it since January."], [BANNED]),
    "How much did the seagrass meadows grow?": (0.4, [GREW]),  # under the threshold
    "Who won the regatta?": (0.2, []),
    "How deep is the harbour?": (0.6, [OPENED]),
}


@pytest.fixture
def system(library: Library) -> Scripted:
    return Scripted(fill(library), SCRIPT)


@pytest.fixture
def run(system: Scripted) -> Run:
    return evaluate(system, QUESTIONS)


def test_the_figures_worked_by_hand(run: Run):
    found = run.summary
    assert (found["questions"], found["answerable"]) == (6, 4)
    # q1 1, q2 1/2, q3 0, q4 0 (not answered)
    assert found["point_recall@1"] == found["point_recall@3"] == pytest.approx(1.5 / 4)
    # quoted on questions with evidence: q1 1 of 1, q2 1 of 2, q3 0 of 1
    assert found["evidence_precision"] == pytest.approx(2 / 4)
    assert found["evidence_recall"] == pytest.approx(1.5 / 4)
    assert found["evidence_retrieved"] == 1
    # .9 .8 .7 .4 answerable; .2 .6 not: 4 + 3 of 8 pairs
    assert found["abstention_auroc"] == pytest.approx(7 / 8)
    assert found["abstention_accuracy"] == pytest.approx(4 / 6)
    assert (found["wrongly_answered"], found["wrongly_abstained"]) == (1 / 2, 1 / 4)
    assert found["quotes_exact"] == 1
    # words of answered questions: 7, 5 + 9, 7, 7
    assert found["words_quoted"] == pytest.approx((7 + 14 + 7 + 7) / 4)
    # right (a quote, or the nearest, holds a point): q1 q2 q4; gaps .1 .2 .7 .6 .2 .6, each bin its own
    assert found["ece"] == pytest.approx((0.1 + 0.2 + 0.7 + 0.6 + 0.2 + 0.6) / 6)
    assert found["seconds_read_median"] == 0.02
    assert set(run.by_type) == {"question", "list", "unanswerable"}
    assert run.by_type["list"]["point_recall@3"] == 1 / 2
    assert run.by_outlet["Harbour Ledger"]["questions"] == 2
    assert run.by_year["2025"]["questions"] == 2


def test_each_question_says_what_became_of_it(run: Run):
    outcomes = {case["id"]: (case["outcome"], case["stage"]) for case in run.questions}
    assert outcomes == {
        "q1": ("answered", None),
        "q2": ("answered in part", "not read"),
        "q3": ("missed", "not quoted"),
        "q4": ("wrongly abstained", "wrongly abstained"),
        "q5": ("rightly abstained", None),
        "q6": ("wrongly answered", "wrongly answered"),
    }
    missed = next(case for case in run.questions if case["id"] == "q3")
    assert (missed["would_answer"]["text"], missed["would_answer"]["article_id"]) == (BANNED, "id-school")
    assert missed["would_answer"]["after"].strip() == "Teachers had asked for it since January."


def test_what_was_not_retrieved_or_quoted_too_late_is_told_apart(library: Library):
    fill(library)
    long = "The meadow shelters young cod and seahorses."
    late = [OPENED, COST, PLANS, BANNED, "Teachers had asked for it since January.", long]
    asked = (
        question("q1", "phones phones phones", "12,000 shoots", articles=("seagrass",)),
        question("q2", "What does the meadow shelter?", "young cod", articles=("seagrass",)),
    )
    script = {"phones phones phones": (0.9, [BANNED]), "What does the meadow shelter?": (0.9, late)}
    found = evaluate(Scripted(library, script, k=1), asked)
    assert [case["stage"] for case in found.questions] == ["not retrieved", "quoted too late"]


def test_the_baselines_answer_the_same_questions(run: Run):
    assert list(run.systems) == ["top passages", "best sentences"]
    for name, theirs in run.systems.items():
        assert theirs["summary"]["questions"] == 6, name
        assert theirs["summary"]["abstention_accuracy"] == pytest.approx(4 / 6)  # they answer everything
        assert theirs["summary"]["quotes_exact"] == 1
    pair = run.systems["best sentences"]["paired"]["point_recall@3"]
    assert pair["difference"] == pytest.approx(pair["b"] - pair["a"])
    assert pair["b"] == run.summary["point_recall@3"]
    low, high = pair["interval"]
    assert low <= pair["difference"] <= high and 0 < pair["p"] <= 1


def test_the_same_inputs_give_the_same_figures(system: Scripted, run: Run):
    again = evaluate(system, QUESTIONS)
    assert same(again) == same(run)


def same(run: Run) -> str:
    """Return all of a run but what the clock and the machine say."""

    def strip(value):
        if isinstance(value, dict):
            return {
                k: strip(v)
                for k, v in value.items()
                if not str(k).startswith(("seconds", "started", "peak", "machine"))
            }
        return [strip(item) for item in value] if isinstance(value, (list, tuple)) else value

    return json.dumps(strip(run.to_dict()), sort_keys=True)


def test_a_killed_run_goes_on_where_it_stopped(system: Scripted, run: Run, tmp_path: Path):
    out = tmp_path / "out"
    system.asked.clear()
    system.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        evaluate(system, QUESTIONS, out=out)
    partial = out / PARTIAL
    with partial.open("ab") as stream:  # as if killed while it wrote a line
        stream.write(b'{"id": "q5", "sco')
    system.asked.clear()
    system.stop_after = None
    again = evaluate(system, QUESTIONS, out=out)
    assert system.asked == [QUESTIONS[4].question, QUESTIONS[5].question]
    assert same(again) == same(run)
    report.write(again, out)
    assert not partial.exists()
    assert Run.from_dict(json.loads((out / "run.json").read_text())).summary == again.summary


def test_a_kept_part_of_another_run_is_not_taken_up(system: Scripted, tmp_path: Path):
    system.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        evaluate(system, QUESTIONS, out=tmp_path)
    system.stop_after = None
    system.asked.clear()
    evaluate(system, QUESTIONS[:5], out=tmp_path)
    assert len(system.asked) == 5


def test_progress_counts_up_to_the_end(system: Scripted):
    told: list[tuple[int, int]] = []
    evaluate(system, QUESTIONS[:3], progress=lambda n, total: told.append((n, total)), workers=2)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_any_function_can_be_evaluated():
    answers: dict[str, object] = {
        QUESTIONS[0].question: "It opened in May 1932.",
        QUESTIONS[1].question: ["It cost four million pounds", "and Ann Doyle drew the plans."],
        QUESTIONS[2].question: None,
        QUESTIONS[3].question: "",
        QUESTIONS[4].question: [],
    }
    found = evaluate(lambda text: answers.get(text, "something"), QUESTIONS)
    assert [case["found"] for case in found.questions] == [True, True, False, False, False, True]
    assert found.summary["point_recall@1"] == pytest.approx((1 + 1 / 2) / 4)
    assert found.summary["point_recall@3"] == pytest.approx(2 / 4)
    assert found.summary["abstention_accuracy"] == pytest.approx(3 / 6)
    assert "quotes_exact" not in found.summary  # its quotes are of no article
    assert found.systems == {}


@pytest.mark.parametrize(
    ("confidence", "gone"),
    [(float("nan"), {"abstention_auroc", "aurc", "ece", "brier"}), (None, {"abstention_auroc", "aurc", "ece", "brier"}),
     (1.7, {"ece", "brier"}), (-0.2, {"ece", "brier"})],
)  # fmt: skip
def test_what_is_no_probability_is_not_taken_for_one(confidence: float, gone: set[str], recwarn, tmp_path: Path):
    found = evaluate(lambda text: Answer(text, text, (), confidence, False, "No."), QUESTIONS)
    assert {"abstention_auroc", "aurc", "ece", "brier"} - found.summary.keys() == gone
    assert found.summary["abstention_accuracy"] == 2 / 6
    assert ("reliability" in found.curves) is False and ("risk_coverage" in found.curves) is ("aurc" not in gone)
    assert ",nan," not in (report.write(found, tmp_path).parent / "questions.csv").read_text(encoding="utf-8-sig")
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]


def test_a_function_is_named_by_its_name_alone_and_may_be_built_in():
    def mine(text: str) -> None:
        return None

    assert evaluate(mine, QUESTIONS).about["system"] == "mine"
    assert evaluate(str, QUESTIONS).about["system"] == "str"


def test_a_function_is_set_beside_the_baselines_of_the_library(system: Scripted, run: Run):
    found = evaluate(lambda text: OPENED, QUESTIONS, library=system.library)
    assert {name: theirs["summary"] for name, theirs in found.systems.items()} == {
        name: theirs["summary"] for name, theirs in run.systems.items()
    }
    assert "recall@1" not in found.summary  # it shows no ranking of its own


def test_no_questions_at_all_are_refused():
    with pytest.raises(QuestionSetError, match="questions: there is none"):
        evaluate(lambda text: None, [])


def test_a_function_gets_the_history_if_it_asks_for_it():
    seen = []

    def system(text: str, history: list[tuple[str, str]]) -> Answer:
        seen.append(history)
        return Answer(text, text, (), 0.0, False)

    evaluate(system, [replace(QUESTIONS[0], history=(("Before?", "Yes."),))])
    assert seen == [[("Before?", "Yes.")]]


def test_what_is_no_system_and_what_is_no_answer_is_refused():
    with pytest.raises(TypeError, match="neither an Assistant nor a function"):
        evaluate("system", QUESTIONS)
    with pytest.raises(TypeError, match="the system returned int"):
        evaluate(lambda text: 7, QUESTIONS)


def test_other_systems_are_scored_on_the_same_questions(system: Scripted):
    found = evaluate(system, QUESTIONS, others={"parrot": lambda text: "May 1932"}, baselines=False)
    assert list(found.systems) == ["parrot"]
    assert found.systems["parrot"]["summary"]["point_recall@3"] == 1 / 4
    assert found.systems["parrot"]["paired"]["point_recall@3"]["difference"] == pytest.approx(1.5 / 4 - 1 / 4)


def test_an_empty_library_is_refused(library: Library):
    with pytest.raises(LibraryError, match="is empty"):
        evaluate(Scripted(library, SCRIPT), QUESTIONS)


def test_quotes_are_checked_against_gold_texts(library: Library):
    system = Scripted(fill(library), SCRIPT)
    gold = {"bridge": TEXTS["bridge"][1].replace("\n\n", "\n").replace("four", "five"), "nobody": "x"}
    found = evaluate(system, QUESTIONS[:2], gold=gold)
    assert found.summary["quotes_in_gold"] == pytest.approx(1 / 2)  # q1's is there, q2's of this article is not


def test_gold_texts_of_other_articles_are_told(system: Scripted):
    assert "no gold text is of an article" in evaluate(system, QUESTIONS, gold={"elsewhere": "Text."}).notes[-1]
    assert evaluate(system, QUESTIONS, gold={"bridge": "Text."}).notes == []


def test_an_article_that_is_missing_counts_as_not_found(library: Library):
    asked = [QUESTIONS[0], replace(QUESTIONS[2], articles=("elsewhere",))]
    found = evaluate(None, asked, library=fill(library), retrieval_only=True, allow_missing=True)
    assert (found.summary["questions"], found.summary["recall@10"]) == (2, 1 / 2)


def test_an_inexact_quote_is_caught(library: Library):
    system = Scripted(fill(library), SCRIPT)

    def altered(text: str) -> Answer:
        answer = system.trace(text).answer
        return replace(answer, quotes=tuple(replace(quote, text=quote.text.upper()) for quote in answer.quotes))

    found = evaluate(altered, QUESTIONS[:1], library=library)
    assert found.summary["quotes_exact"] == 0
    assert found.questions[0]["quotes"][0]["exact"] is False


def test_a_function_that_was_changed_is_asked_again(tmp_path: Path):
    asked = [Question(f"q{n}", f"What is {n}?", ((f"answer {n}",),)) for n in range(3)]

    class Answers:
        def __init__(self, good: bool):
            self.good = good

        def __call__(self, text: str) -> str:
            return text.replace("What is ", "answer ").strip("?") if self.good else "nothing"

    for good, recall in ((False, 0.0), (True, 1.0)):
        found = evaluate(Answers(good), asked, out=tmp_path, others={"other": Answers(good)})
        assert found.summary["point_recall@1"] == found.systems["other"]["summary"]["point_recall@1"] == recall
    page = report.write(found, tmp_path / "report")
    assert "What is 1?" in page.read_text("utf-8")


def test_two_questions_with_one_id_are_refused():
    twice = [Question("q", "What is 1?", (("1",),)), Question("q", "What is 2?", (("2",),))]
    with pytest.raises(QuestionSetError, match="the id 'q' is that of 2 questions"):
        evaluate(lambda text: "1", twice)


def test_a_run_checked_against_other_texts_is_another_run(system: Scripted, tmp_path: Path):
    plain = evaluate(system, QUESTIONS, out=tmp_path)
    checked = evaluate(system, QUESTIONS, out=tmp_path, gold={"bridge": TEXTS["bridge"][1]})
    assert "gold" in checked.about and "gold" not in plain.about


def test_a_point_that_no_article_holds_was_not_ingested(library: Library):
    fill(library)
    nowhere = Question("q1", "When did the harbour bridge open?", (("June 1999",),))
    found = evaluate(Scripted(library, {}), [nowhere])
    assert found.questions[0]["stage"] == "not ingested"
