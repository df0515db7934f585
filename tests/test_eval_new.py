"""`byline eval new`: a person is led to a sound question set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import load, new
from eval.run import _question_set
from eval.shelf import Shelf, check
from qa.errors import QuestionSetError
from qa.library import Library
from tests.eval_tools import fill


def talk(file: Path, library: Library, *answers: str) -> list[str]:
    """Run the dialogue with the given answers and return what was said."""
    given, said = iter(answers), []

    def ask(prompt: str) -> str:
        said.append(prompt)
        try:
            return next(given)
        except StopIteration:
            raise EOFError from None

    assert new.write(file, library, ask, said.append) == 0
    assert list(given) == []
    return said


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("May 1932", "May 1932"),
        ("may  1932", "May 1932"),
        ("“it’s” over", '"it\'s" over'),
        ("4 – 5", "4 - 5"),
        ("June 1932", None),
        (" ", None),
        ("(a", "(a"),
    ],
)
def test_words_are_found_verbatim(wanted: str, found: str | None):
    assert new.verbatim('In May 1932 "it\'s" over, 4 - 5 (a', wanted) == found


def test_the_nearest_sentences_are_suggested_first(library: Library):
    best = new.suggest("Did it cost four million pounds?", fill(library), 3)
    assert best[0].text == "It cost four million pounds."
    assert all(c.article.text[c.start : c.end] == c.text for c in best)


def test_a_set_is_written_that_stands_every_check(library: Library, tmp_path: Path):
    fill(library)
    file = tmp_path / "set.jsonl"
    asked = "It cost four million pounds?"
    said = talk(
        file, library,
        asked, "9999", "1", "five million", "FOUR million  pounds | four million", "",  # a wrong number, wrong words
        "Who won the regatta?", "0", "y",
        "What is that?", "",  # left out
        "Did it really?", "0", "n",
        "",
    )  # fmt: skip
    assert any("Not in the article: “five million”" in text for text in said)
    found = load(file)
    first, second = found.questions
    assert (first.id, first.type, first.answers) == ("q-001", "factoid", (("four million pounds", "four million"),))
    assert (first.evidence, first.articles) == (("It cost four million pounds.",), ("id-bridge",))
    assert (second.type, second.answers) == ("unanswerable", ())
    assert check(found, Shelf(library)) == []
    talk(file, library, asked, "1, 2", "", "", "", "")
    third = load(file).questions[2]
    assert (third.id, third.type, len(third.answers)) == ("q-003", "list", 2)
    assert check(_question_set([third]), Shelf(library)) == []


def test_the_same_fact_in_two_sentences_is_one_point():
    assert new.merge([["The 1932"], ["1932", "in 1932"], ["Doyle"]]) == [["The 1932", "1932", "in 1932"], ["Doyle"]]


def test_an_end_of_input_keeps_what_was_written(library: Library, tmp_path: Path):
    file = tmp_path / "set.jsonl"
    talk(fill(library) and file, library, "Who won the regatta?", "0", "y", "And who lost?")
    assert len(load(file).questions) == 1


def test_what_is_there_is_not_overwritten(library: Library, tmp_path: Path):
    fill(library)
    other = tmp_path / "notes.txt"
    other.write_text("keep me")
    with pytest.raises(QuestionSetError, match="is not JSON Lines"):
        new.write(other, library)
    for unreadable in (tmp_path / "set.csv", tmp_path):  # would be read as another format
        with pytest.raises(QuestionSetError, match=r"Name a file that ends in \.jsonl"):
            new.write(unreadable, library)
    broken = tmp_path / "set.jsonl"
    broken.write_text("{")
    with pytest.raises(QuestionSetError, match="line 1: not JSON"):
        new.write(broken, library)
    assert (other.read_text(), broken.read_text()) == ("keep me", "{")


def test_drafts_are_refused_until_they_are_checked(library: Library, tmp_path: Path):
    fill(library)
    source, file = tmp_path / "questions.txt", tmp_path / "set.jsonl"
    source.write_text("What did the bridge cost?\n\nWhat did the council ban?\n")
    assert new.draft(file, source, library, say=lambda text: None) == 0
    with pytest.raises(QuestionSetError, match="line 1: this question is a draft"):
        load(file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("\n".join(json.dumps({k: v for k, v in row.items() if k != "draft"}) for row in rows))
    assert check(load(file), Shelf(library)) == []


def test_a_type_that_does_not_fit_is_asked_for_again(library: Library, tmp_path: Path):
    file = tmp_path / "set.jsonl"
    given = ["It cost four million pounds?", "1", "", "unanswerable", "followup", "price", ""]
    said = talk(fill(library) and file, library, *given)
    assert sum("is not of the type" in line for line in said) == 2
    assert [question.type for question in load(file).questions] == ["price"]
