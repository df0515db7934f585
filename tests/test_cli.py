"""The command line, as a person meets it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qa.assistant import Assistant
from qa.library import Library
from tests.chat_tools import article
from tests.fakes import FakeEncoder
from ui.cli import main, parser
from ui.desk import Desk

ROOT = Path(__file__).parent.parent
STORY = (
    "Harbour bell rings again\n\n"
    "The bell of Aldermouth harbour rang on Sunday for the first time since 1911.\n\nIt was cast in Ghent.\n"
)


@pytest.fixture
def story(tmp_path):
    file = tmp_path / "bell.txt"
    file.write_text(STORY)
    return file


def run(capsys, *argv):
    status = main([str(a) for a in argv])
    out = capsys.readouterr()
    return status, out.out, out.err


def test_add_ask_list_show_remove_verify(story, capsys):
    status, out, _ = run(capsys, "add", story)
    assert status == 0 and out.startswith("added") and out.rstrip().endswith("1 added")
    article = re.search(r"\b[0-9a-f]{12}\b", out)[0]
    status, out, _ = run(capsys, "ask", "When did the bell ring?")
    assert status == 0 and "rang on Sunday" in out and "[1] Harbour bell rings again" in out
    status, out, _ = run(capsys, "ask", "--json", "When did the bell ring?")
    answer = json.loads(out)
    assert answer["found"] and answer["quotes"][0]["article_id"] == article
    status, out, _ = run(capsys, "list")
    assert status == 0 and article in out and "1 article" in out
    status, out, _ = run(capsys, "show", article[:5])
    assert "Harbour bell rings again" in out and "It was cast in Ghent." in out
    assert run(capsys, "verify")[:2] == (0, "1 article, 1 passage, 1 vector: all is well\n")
    assert run(capsys, "remove", article)[0] == 0
    assert "empty" in run(capsys, "list")[1]


def test_nothing_of_an_article_steers_the_terminal(home, capsys):
    steering = "\x1b[2J\x07\u202e"
    with Library.open(home, encoder=FakeEncoder()) as library:
        library.put(article("Bell", "It rang.", id="bell", published=steering, updated=steering, publisher=steering))
    for command in (["list"], ["show", "bell"]):
        status, out, _ = run(capsys, *command)
        assert status == 0 and "Bell" in out
        assert not set(steering) - set("[2J") & set(out)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["show", "ffffff"], "ffffff"),
        (["remove", "ffffff"], "ffffff"),
        (["add", "no/such/file.html"], "no/such/file.html"),
        (["eval", "no-such-questions.jsonl"], "no-such-questions.jsonl"),
    ],
)
def test_an_expected_error_is_one_line(argv, said, capsys):
    status, out, err = run(capsys, *argv)
    assert status in (1, 2) and said in out + err
    assert "Traceback" not in out + err and len(err.splitlines()) <= 1


def test_a_failed_source_is_named_once(tmp_path, capsys):
    status, out, _ = run(capsys, "add", "no/such/file.html")
    assert status == 1 and out.splitlines()[0].count("no/such/file.html") == 1
    (tmp_path / "scan.html").write_bytes(b"%PDF-1.7 x")
    status, out, _ = run(capsys, "add", tmp_path / "scan.html")
    assert status == 1 and out.splitlines()[0].count("scan.html") == 1 and "looks like a PDF" in out


def test_asking_an_empty_library_says_what_to_do(capsys):
    status, out, _ = run(capsys, "ask", "Who?")
    assert status == 0 and "byline add" in out


def test_a_home_that_cannot_be_used(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    status, _, err = run(capsys, "list", "--home", tmp_path / "file")
    assert status == 1 and err.startswith("byline: ") and str(tmp_path / "file") in err


@pytest.mark.parametrize("argv", [["ask", "x", "--after", "soon"], ["ask", "x", "--words", "0"], ["nonsense"], []])
def test_usage_errors_are_status_2(argv, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2


def commands():
    return next(action for action in parser()._actions if action.choices).choices


def test_every_command_has_help_a_home_and_a_place_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, sub in commands().items():
        assert sub.description and "--home" in sub.format_help()
        assert f"byline {name}" in readme, f"README does not mention byline {name}"


def test_the_demo_prints_the_cited_answer(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ui.cli", "demo", "--no-chat", "--home", str(tmp_path / "demo")],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "▸ What does Russia mean by security guarantees?" in done.stdout
    assert "NATO" in done.stdout and "[1]" in done.stdout and done.stdout.count("▸") == 3
    assert "Loading weights" not in done.stderr and "Traceback" not in done.stderr
    with Library.open(tmp_path / "demo") as library:  # the chat labels them and offers its examples
        assert len(Desk(Assistant(library, library.settings)).samples()) == library.count() == 29
