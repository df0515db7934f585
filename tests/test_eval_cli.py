"""`byline eval`: exit statuses, one line an error, nothing half-run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eval.cli import main
from qa.library import Library
from tests.eval_tools import TEXTS, fill

LINE = {"id": "q1", "question": "When did the bridge open?", "answers": [["May 1932"]], "articles": ["bridge"]}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "set.jsonl"
    file.write_text(json.dumps(LINE) + "\n")
    return file


@pytest.fixture
def filled(library: Library, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with articles, whose library is found with the fake encoder by the commands too."""
    import qa.encoder

    fill(library)
    fake = library.encoder
    library.close()
    monkeypatch.setattr(qa.encoder.Encoder, "load", classmethod(lambda cls, settings: fake))
    return library.home


def test_help_needs_nothing_heavy():
    code = """
import argparse, sys
from eval.cli import add_arguments
parser = argparse.ArgumentParser()
add_arguments(parser)
parser.format_help()
heavy = {"torch", "transformers", "sentence_transformers", "chromadb", "jinja2", "ir_measures"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_faulty_set_ends_with_status_2_and_nothing_run(filled: Path, questions: Path, tmp_path: Path, capsys):
    questions.write_text(json.dumps(LINE) + "\n{")
    out = tmp_path / "out"
    assert main([str(questions), "--out", str(out), "--json", str(tmp_path / "run.json")]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("set.jsonl, line 2: not JSON") and said.out == ""
    assert not out.exists() and not (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [({"articles": ["brigde"]}, "no article 'brigde'"), ({"answers": [["June 1932"]]}, "“June 1932” is not in bridge")],
)
def test_a_set_that_does_not_fit_the_library_ends_with_status_2(filled: Path, questions: Path, change, words, capsys):
    questions.write_text("\n" + json.dumps({**LINE, **change}))
    assert main([str(questions), "--retrieval-only"]) == 2
    assert words in capsys.readouterr().err


def test_a_missing_file_and_an_empty_library(questions: Path, tmp_path: Path, capsys):
    assert main([str(tmp_path / "none.jsonl")]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert main([str(questions), "--retrieval-only"]) == 1
    assert "is empty" in capsys.readouterr().err


def test_rankings_with_floors_and_files(filled: Path, questions: Path, tmp_path: Path, capsys):
    pinned, out = tmp_path / "floors.json", tmp_path / "out"
    command = [str(questions), "--retrieval-only", "--floors", str(pinned)]
    assert main([*command, "--raise-floors", "--out", str(out), "--json", str(tmp_path / "run.json")]) == 0
    assert json.loads(pinned.read_text()) == {"recall@10": 1.0, "ndcg@10": 1.0}
    assert (out / "run.json").read_text() == (tmp_path / "run.json").read_text()
    assert "articles, recall@1" in capsys.readouterr().out
    pinned.write_text('{"seconds_median": 0}')
    assert main(command) == 1
    assert "seconds_median is" in capsys.readouterr().err
    assert main([str(questions), "--retrieval-only", "--fail-under", "mrr=1.5"]) == 1
    assert "mrr is 1.000 (1.0000), under 1.5." in capsys.readouterr().err
    assert main([str(questions), "--retrieval-only", "--fail-under", "mrr=1"]) == 0
    assert main(["compare", str(out), str(tmp_path / "run.json")]) == 0
    assert "1 questions in both runs" in capsys.readouterr().out


def test_a_wrong_floor_is_told_before_anything_is_asked(questions: Path, capsys):
    assert main([str(questions), "--fail-under", "mmr=1"]) == 1
    assert "no measure 'mmr'" in capsys.readouterr().err
    assert main([str(questions), "--raise-floors"]) == 1
    assert "--floors FILE" in capsys.readouterr().err


def test_where_to_write_is_settled_before_anything_is_asked(filled: Path, questions: Path, tmp_path: Path, capsys):
    there = tmp_path / "reports"
    there.mkdir()
    assert main([str(questions), "--retrieval-only", "--json", str(there), "--home", str(filled)]) == 1
    assert "is a folder; name a file in it" in capsys.readouterr().err
    for option, place in (("--json", questions / "run.json"), ("--out", questions), ("--out", questions / "report")):
        assert main([str(questions), "--retrieval-only", option, str(place), "--home", str(filled)]) == 1
        said = capsys.readouterr()
        assert f"{questions} is a file, where a folder is wanted" in said.err and not said.out
    fresh = tmp_path / "not" / "yet" / "run.json"
    assert main([str(questions), "--retrieval-only", "--json", str(fresh), "--home", str(filled)]) == 0
    assert json.loads(fresh.read_text())["questions"]


def test_json_to_standard_output_is_json_alone(filled: Path, questions: Path, capsys):
    assert main([str(questions), "--retrieval-only", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["mrr"] == 1


def test_a_set_with_texts_leaves_the_home_alone(filled: Path, tmp_path: Path, capsys):
    context = TEXTS["school"][1]
    file = tmp_path / "own.jsonl"
    row = {
        "id": "a",
        "context": context,
        "question": "What was banned?",
        "answers": [{"text": "phones", "start": context.index("phones")}],
    }
    file.write_text(json.dumps(row))
    assert main([str(file), "--retrieval-only"]) == 0
    assert "1 articles" in capsys.readouterr().out
    with Library.open(filled) as library:
        assert library.count() == 3


@pytest.mark.parametrize("words", [["compare", "a"], ["new"], ["a.jsonl", "b.jsonl"], ["new", "a", "b"]])
def test_a_command_that_makes_no_sense_ends_with_status_2(words: list[str], capsys):
    assert main(words) in (2,) or "there is no such file" in capsys.readouterr().err


def test_comparing_what_is_no_run_ends_with_status_2(tmp_path: Path, capsys):
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert "there is no such run" in capsys.readouterr().err


def test_questions_that_cannot_be_ranked_are_told(filled: Path, questions: Path, capsys):
    none = json.dumps({"id": "u", "question": "Who won?", "answers": []})
    questions.write_text(f"{json.dumps(LINE)}\n{none}\n")
    assert main([str(questions), "--retrieval-only"]) == 0
    assert "note: 1 questions name no article and are not ranked." in capsys.readouterr().err
    questions.write_text(none)
    assert main([str(questions), "--retrieval-only"]) == 2
    assert "set.jsonl: no question names an article, so there is nothing to rank" in capsys.readouterr().err


def test_a_number_that_is_none_is_told(questions: Path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(questions), "--limit", "ten"])
    assert stopped.value.code == 2 and "give a whole number of at least 1" in capsys.readouterr().err
