"""A run: scores of each question, the stage at which it failed, figures over all, resuming, other systems."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import evaluate, load, own, report
from eval.records import Question
from eval.run import PARTIAL, Run
from eval.shelf import Shelf, check
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


# What a set says of the library


def check_set(library: Library, *questions: Question, allow_missing: bool = False) -> list[str]:
    from eval.run import _question_set

    return check(_question_set(questions), Shelf(library), allow_missing)


@pytest.mark.parametrize(
    "ref", ["id-bridge", "https://example.org/bridge-story", "bridge", "bridge-story", "Harbour  Bridge Opens"]
)
def test_an_article_is_known_by_id_url_file_and_title(library: Library, ref: str):
    assert Shelf(fill(library)).resolve(ref) == ("id-bridge",)


def test_an_unknown_article_is_a_fault_of_its_line(library: Library):
    fill(library)
    wrong = question("q1", "When?", "in June 1932", articles=("brigde",), line=7)
    with pytest.raises(QuestionSetError, match="line 7: no article 'brigde' in the library; did you mean 'bridge'"):
        check_set(library, wrong)
    assert len(check_set(library, wrong, allow_missing=True)) == 1


def test_an_article_under_another_name_is_known_by_what_it_holds(library: Library):
    fill(library)
    one = question("q1", "When?", "May 1932", articles=("page-17",))
    two = question("q2", "What did it cost?", "four million", articles=("page-17",))
    assert check_set(library, one, two) == []
    with pytest.raises(QuestionSetError, match="no article 'page-17' in the library; the article 'id-bridge' holds"):
        check_set(library, one)  # one question is too little to go by
    with pytest.raises(QuestionSetError, match="no article 'page-17'"):
        check_set(library, one, two, question("q3", "When?", "May 1932"))  # the set knows it by its right name


def test_a_span_that_is_nowhere_is_a_fault(library: Library):
    fill(library)
    wrong = question("q1", "When?", "in June 1932", line=3)
    with pytest.raises(QuestionSetError, match="line 3: the answer “in June 1932” is not in bridge"):
        check_set(library, wrong)


def test_evidence_that_is_nearly_verbatim_names_what_is_there(library: Library):
    fill(library)
    wrong = question("q1", "When?", "May 1932", evidence=("The harbour bridge opened on May 1932.",), line=3)
    with pytest.raises(QuestionSetError, match=r"line 3: the evidence .* which has “The harbour bridge opened in May"):
        check_set(library, wrong)


def test_a_span_lost_when_the_article_was_added_is_no_fault_of_the_set(library: Library, tmp_path: Path):
    fill(library)
    page = tmp_path / "bridge.html"
    page.write_text("<p>The toll is <b>two&nbsp;pounds</b> a car.</p>", encoding="utf-8")
    library.put(replace(library.get("id-bridge"), source=str(page), title="Harbour bridge opens again"))
    lost = question("q1", "What is the toll?", "two pounds", evidence=("The toll is two pounds a car.",), line=4)
    notes = check_set(library, lost)
    assert len(notes) == 2 and "it was lost when it was added" in notes[0]
    found = evaluate(Scripted(library, {}), [lost])
    assert found.questions[0]["stage"] == "not ingested"


def test_a_few_spans_missing_without_their_pages_are_taken_to_be_lost(library: Library):
    fill(library)
    good = [question(f"q{n}", "When?", "May 1932") for n in range(40)]
    bad = question("q99", "When?", "in June 1932", line=41)
    assert len(check_set(library, *good, bad)) == 1
    with pytest.raises(QuestionSetError):
        check_set(library, *good[:10], bad)


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


# Sets that carry their texts


def own_set(tmp_path: Path) -> Path:
    rows = []
    for n, (title, text, _, _) in enumerate(TEXTS.values()):
        context = text.split("\n\n")[0]
        answer = context.split(" ")[1]
        rows.append({"id": f"c{n}", "title": title, "context": context, "question": f"What about {answer}?",
                     "answers": [{"text": answer, "start": context.index(answer)}]})  # fmt: skip
    file = tmp_path / "set.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return file


def test_a_set_with_texts_gets_a_library_of_its_own(library: Library, tmp_path: Path):
    from eval import load

    asked = load(own_set(tmp_path))
    told: list[tuple[int, int]] = []
    own.put(asked, library, lambda n, total: told.append((n, total)))
    assert (library.count(), told[-1]) == (3, (3, 3))
    own.put(asked, library)
    assert library.count() == 3
    found = evaluate(Scripted(library, {asked.questions[0].question: (0.9, ["harbour"])}), asked)
    assert found.summary["squad_exact"] == pytest.approx(0)  # "harbou": the script's highlight is a letter short
    assert found.summary["recall@1"] == 1
    assert found.summary["quotes_in_gold"] == 1


def test_a_persons_library_is_not_added_to(library: Library, tmp_path: Path):
    from eval import load

    fill(library)
    own.put(load(own_set(tmp_path)), library)
    assert library.count() == 3


def test_a_library_whose_building_was_cut_off_is_built_anew(library: Library, encoder, tmp_path: Path, monkeypatch):
    import qa.encoder
    from eval import load

    monkeypatch.setattr(qa.encoder.Encoder, "load", classmethod(lambda cls, settings: encoder))
    asked = load(own_set(tmp_path))
    folder = tmp_path / "own"

    def die(number: int, total: int) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), own.library_in(folder, asked, library.settings, die):
        pass
    (folder / "left-over").touch()
    encoder.calls = 0
    with own.library_in(folder, asked, library.settings) as built:
        assert (built.count(), built.home) == (3, folder)
    assert encoder.calls == 3 and not (folder / "left-over").exists()
    with own.library_in(folder, asked, library.settings):
        assert encoder.calls == 3


def test_rankings_alone(library: Library, tmp_path: Path):
    from eval import load

    asked = load(own_set(tmp_path))
    own.put(asked, library)
    found = evaluate(None, asked, library=library, retrieval_only=True, out=tmp_path / "out")
    assert found.about["mode"] == "retrieval"
    assert (found.summary["recall@1"], found.summary["mrr"], found.summary["ndcg@10"]) == (1, 1, 1)
    assert list(found.systems) == ["embedding alone", "full text alone"]
    assert found.systems["full text alone"]["summary"]["recall@10"] == 1
    assert [case["outcome"] for case in found.questions] == ["found at 1"] * 3
    assert "abstention_auroc" not in found.summary


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


def of_contexts(tmp_path: Path, *texts: str):
    rows = [
        {
            "id": f"q{n}",
            "context": text,
            "question": "When?",
            "answers": [{"text": "1932", "start": text.index("1932")}],
        }
        for n, text in enumerate(texts)
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load(tmp_path / "own.jsonl")


def test_the_library_of_a_set_follows_the_set(library: Library, tmp_path: Path):
    folder = tmp_path / "built"
    first = of_contexts(tmp_path, "The bridge openned in 1932.", "The mill closed in 1932.")
    with own.library_in(folder, first, library.settings) as built:
        assert built.count() == 2
    second = of_contexts(tmp_path, "The bridge opened in 1932.", "The mill closed in 1932.")
    with own.library_in(folder, second, library.settings) as built:
        texts = {built.get(row.id).text for row in built.list()}
    assert texts == {"The bridge opened in 1932.", "The mill closed in 1932."}


def test_a_folder_that_held_something_is_never_deleted(library: Library, tmp_path: Path):
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "my-notes.txt").write_text("mine")
    asked = of_contexts(tmp_path, "The bridge opened in 1932.")

    def die(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for progress in (die, None):
        try:
            with own.library_in(folder, asked, library.settings, progress) as built:
                assert built.count() == 1
        except KeyboardInterrupt:
            pass
    assert (folder / "my-notes.txt").read_text() == "mine"
