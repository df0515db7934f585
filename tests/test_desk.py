"""What the pages share, without a browser: limits that stay, uploads that are read, exports that say what was asked."""

import threading

import pytest

from qa.library import Library
from qa.records import AddResult, Answer, Filters
from tests.chat_tools import BRIDGE, FERRY
from tests.fakes import FakeEncoder
from tests.fakes_chat import FakeAssistant
from ui import export
from ui.adding import taken, watched
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
