"""What the pages share, without a browser: limits that stay, uploads that are read, exports that say what was asked."""

import asyncio
import json
import threading

import pytest

from qa.errors import LibraryError
from qa.library import Library
from qa.records import AddResult, Answer, Filters
from tests.chat_tools import BRIDGE, FERRY
from tests.fakes import FakeEncoder
from tests.fakes_chat import FakeAssistant
from ui import export, parts
from ui.adding import samples, taken, watched
from ui.asking import Context, answer
from ui.desk import Desk
from ui.history import Conversation, Turn


@pytest.fixture
def desk(tmp_path):
    with Library.open(tmp_path / "home", encoder=FakeEncoder()) as library:
        for one in (BRIDGE, FERRY):
            library.put(one)
        yield Desk(FakeAssistant(library))


def test_a_limit_to_an_article_that_has_left_matches_nothing_rather_than_everything(desk):
    both, gone = Filters(articles=(BRIDGE.id, FERRY.id)), Filters(articles=(FERRY.id,))
    assert desk.known(both) == both
    desk.library.remove(FERRY.id)
    assert desk.known(both).articles == (BRIDGE.id,)
    assert desk.known(gone).articles == (FERRY.id,)
    with desk.library.snapshot() as view:
        assert view.count(desk.known(gone)) == 0


def test_uploads_are_read_to_the_end_when_the_page_is_left(desk, tmp_path, monkeypatch):
    uploads = [tmp_path / f"{n}.html" for n in range(3)]
    for upload in uploads:
        upload.write_text("<p>It rained.</p>")
    left, done, there = threading.Event(), threading.Event(), []

    def add(sources, progress):
        assert left.wait(10)
        there.extend((tmp_path / str(source)).exists() for source in sources)
        return [AddResult(source, "added") for source in sources]

    def work(progress):
        try:
            return taken(desk, [], [str(u) for u in uploads], progress)
        finally:
            done.set()

    monkeypatch.setattr(desk, "add", add)
    shown = watched(work)
    assert next(shown) == "Adding…"
    threading.Timer(0.1, left.set).start()
    next(shown)
    shown.close()
    assert done.wait(10) and there == [True, True, True]
    assert not any(upload.exists() for upload in uploads)


def test_an_export_says_under_which_limits_and_as_what_a_question_was_asked():
    answer = Answer("And *then*?", "Who sank it? And *then*?", (), 0.1, False, "Your articles do not answer this.")
    when = "2026-02-03T10:00:00+00:00"
    limited = Turn(answer, Filters(after="2026-01-01", publishers=("Meridian Post",)), when)
    plain = Turn(Answer("Why?", "Why?", (), 0.1, False, "Your articles do not answer this."), Filters(), when)
    talk = Conversation("c1", "And then?", when, when, (limited, plain))
    text = export.as_markdown(talk, lambda quote: None)
    assert "_Only Meridian Post · since 1 Jan 2026_" in text and text.count("_Only") == 1
    assert "Who sank it? And" in text and text.count("Searched as") == 1
    page = export.as_html(talk, lambda quote: None)
    assert "Only Meridian Post · since 1 Jan 2026" in page and page.count("Searched as") == 1


def test_an_address_that_ends_like_an_export_is_an_address(desk):
    results = desk.add(["https://127.0.0.1/feed.jsonl", "https://127.0.0.1/story"])
    assert [result.status for result in results] == ["failed", "failed"]
    assert results[0].source == "https://127.0.0.1/feed.jsonl"


@pytest.mark.parametrize("line", ['{"headings": [[Infinity, 1]]}', "[" * 100_000])
def test_a_line_that_is_no_article_does_not_stop_the_others(desk, tmp_path, line):
    good = next(export.articles(desk.library))
    broken = json.dumps({**json.loads(good), **json.loads(line)}) if line[0] == "{" else line
    file = tmp_path / "taken-away.jsonl"
    file.write_text(f"{broken}\n{good}")
    assert [result.status for result in desk.add([str(file)])] == ["failed", "unchanged"]


def test_an_export_goes_on_past_an_article_that_is_removed_meanwhile(desk):
    lines = export.articles(desk.library)
    there = {json.loads(next(lines))["id"]}
    [gone] = {BRIDGE.id, FERRY.id} - there
    desk.library.remove(gone)
    assert list(lines) == []


FULL = "The disk is full. Free some space and try again."


def full(*_given, **_named):
    raise LibraryError(FULL)


@pytest.mark.parametrize("broken", ["keep", "kept_one"])
def test_a_question_on_a_full_disk_ends_and_says_why(desk, monkeypatch, broken):
    async def last():
        shown = [s async for s in answer(desk, "What toll did councillors approve?", Context("c1"), "", "s1")]
        return shown[-1]

    monkeypatch.setattr(desk.library, broken, full)
    shown = asyncio.run(last())
    assert shown.done and FULL in shown.present and 'data-state="failed"' in shown.present


def test_samples_that_cannot_be_stored_are_said(desk, tmp_path, monkeypatch):
    (tmp_path / "one.txt").write_text("A heron stood in the reeds. Nobody saw it leave.")
    desk.samples_from = tmp_path
    monkeypatch.setattr(desk.library, "put_many", full)
    *_, (shown, fine) = samples(desk)
    assert not fine and FULL in shown


def test_what_cannot_be_removed_or_put_back_is_said_and_can_be_tried_again(desk, monkeypatch):
    _, token = desk.discard_article(BRIDGE.id, "")
    with monkeypatch.context() as broken:
        broken.setattr(desk.library, "put", full)
        assert FULL in parts.after(lambda: desk.restore(token, ""), lambda _: "the list")
        broken.setattr(desk.library, "remove", full)
        assert FULL in parts.after(lambda: desk.discard_article(FERRY.id, ""), lambda _: "the list")
    assert parts.after(lambda: desk.restore(token, ""), lambda _: "the list") == "the list"
    assert desk.library.get(BRIDGE.id).title == BRIDGE.title
