"""A set and the library it is asked of: articles it names, spans it marks, and a library of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import evaluate, load, own
from eval.records import Question
from eval.shelf import Shelf, check
from qa.errors import QuestionSetError
from qa.library import Library
from tests.eval_tools import TEXTS, Scripted, fill, question

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


def test_rankings_alone(library: Library, tmp_path: Path):

    asked = load(own_set(tmp_path))
    own.put(asked, library)
    found = evaluate(None, asked, library=library, retrieval_only=True, out=tmp_path / "out")
    assert found.about["mode"] == "retrieval"
    assert (found.summary["recall@1"], found.summary["mrr"], found.summary["ndcg@10"]) == (1, 1, 1)
    assert list(found.systems) == ["embedding alone", "full text alone"]
    assert found.systems["full text alone"]["summary"]["recall@10"] == 1
    assert [case["outcome"] for case in found.questions] == ["found at 1"] * 3
    assert "abstention_auroc" not in found.summary
