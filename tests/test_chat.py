"""The page people ask on, in a real browser: ask, read, click, check, add."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import chat_tools
from tests.chat_tools import BRIDGE, FERRY, Served, article, ask, visit

TOLL = "What toll did councillors approve for the harbour bridge?"


@pytest.fixture
def page(browser: Any, server: Served) -> Iterator[Any]:
    opened = visit(browser, server.url)
    opened.wait_for_selector(".welcome")
    yield opened
    assert opened.trouble == []
    assert opened.outside == []
    opened.context.close()


def test_an_answer_is_quotes_that_open_the_article_with_exactly_them_marked(page: Any, server: Served) -> None:
    ask(page, TOLL)
    first = page.locator("[data-quote]").first
    assert first.locator("blockquote").inner_text() == "Councillors approved a toll of £2.50 for the harbour bridge."
    assert first.locator(".chip").inner_text() == "Harbour Ledger · 12 Mar 2025 [1]"
    assert first.locator("blockquote strong").inner_text() == "toll"
    assert first.locator(".sure").inner_text() == "Clear"
    first.locator("blockquote").click()
    reader = page.locator(f'[data-article="{BRIDGE.id}"]')
    reader.wait_for()
    start = BRIDGE.text.index("Councillors approved")
    assert first.get_attribute("data-quote") == f"{BRIDGE.id}@1:{start}-{start + 60}"
    assert reader.locator("mark").all_inner_texts() == ["Councillors approved a toll of £2.50 for the harbour bridge."]
    assert "".join(reader.locator(".body > *").all_text_contents()) == BRIDGE.text.replace("\n\n", "")
    box, view = reader.locator("mark").bounding_box(), page.viewport_size
    assert 0 < box["y"] < view["height"] - box["height"]


def test_the_mark_is_scrolled_into_view_in_a_long_article(page: Any, server: Served) -> None:
    filler = "\n\n".join(f"Paragraph {n} speaks of other things at some length, as articles do." for n in range(120))
    server.library.put(
        article("A long read", f"{filler}\n\nThe zeppelin museum reopened with a glass roof.\n\n{filler}")
    )
    ask(page, "Which zeppelin museum reopened?")
    page.locator("[data-quote]").first.click()
    page.wait_for_selector("[data-article] mark")
    page.wait_for_timeout(100)
    box = page.locator("[data-article] mark").bounding_box()
    assert 60 < box["y"] < page.viewport_size["height"] - box["height"]


def test_what_is_being_done_is_said_in_words_and_stop_keeps_nothing(page: Any, server: Served) -> None:
    server.assistant.delay = 1.0
    page.fill("#question textarea", TOLL)
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn[data-state=working]")
    assert page.locator(".question").inner_text() == TOLL
    page.wait_for_selector("text=Searching 2 articles…")
    page.wait_for_selector("text=/Reading \\d+ passages…/")
    page.click("#stop")
    page.wait_for_selector(".turn[data-state=stopped]")
    assert page.locator("[data-quote]").count() == 0
    page.wait_for_timeout(1200)
    assert page.locator("[data-quote]").count() == 0
    assert server.library.kept("conversation") == []
    server.assistant.delay = 0.0
    page.click("[data-ask]")
    page.wait_for_selector("[data-state=found] [data-quote]")


def test_a_question_sent_while_another_is_answered_waits_for_its_turn(page: Any, server: Served) -> None:
    server.assistant.delay = 0.6
    page.fill("#question textarea", TOLL)
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#question textarea').value === ''")
    page.fill("#question textarea", "When will the bridge toll start?")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.turn[data-state=found]').length === 2")
    assert page.locator(".question").all_inner_texts() == [TOLL, "When will the bridge toll start?"]
    assert page.input_value("#question textarea") == ""
    page.wait_for_timeout(1500)
    assert page.locator(".turn").count() == 2


def test_no_answer_looks_different_and_says_what_to_do_next(page: Any) -> None:
    ask(page, "Zimbabwe cricket?")
    turn = page.locator(".turn")
    assert turn.get_attribute("data-state") == "none"
    assert turn.locator(".lead").inner_text() == "Your articles do not answer this."
    assert turn.locator(".cards:visible").count() == 0
    page.click("[data-rephrase]")
    assert page.input_value("#question textarea") == "Zimbabwe cricket?"
    ask(page, "Who is the surveyor Bartholomew?")  # one word in common: near, not an answer
    near = page.locator(".turn .nearest").last
    assert not near.locator(".quote").first.is_visible()
    near.locator("summary").click()
    near.locator(".quote").first.click()
    page.wait_for_selector("[data-article] mark")
    assert "surveyor said" in page.inner_text("[data-article] mark")


def test_an_article_added_by_another_process_is_found_at_the_next_question(
    page: Any, server: Served, home: Path
) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom qa.library import Library\n"
        "from tests.fakes import FakeEncoder\nfrom tests.chat_tools import article\n"
        "with Library.open(sys.argv[1], encoder=FakeEncoder()) as library:\n"
        "    library.put(article('Owls', 'A snowy owl nested on the cathedral tower.'))\n"
    )
    root = Path(__file__).resolve().parent.parent
    subprocess.run([sys.executable, "-c", code, str(home)], check=True, cwd=root, timeout=60)
    ask(page, "Where did the snowy owl nest?")
    assert page.locator("[data-quote] blockquote").first.inner_text() == "A snowy owl nested on the cathedral tower."
    page.wait_for_selector("#shelf-list .pane-title .n >> text=3")
    assert "Owls" in page.locator("#shelf-list .name").all_inner_texts()


def test_a_follow_up_is_asked_with_the_conversation_and_a_reload_keeps_it(page: Any, server: Served) -> None:
    ask(page, TOLL)
    ask(page, "And repairs?")
    assert [(q, n) for q, n, _ in server.assistant.asked] == [(TOLL, 0), ("And repairs?", 1)]
    assert page.locator(".asked").last.inner_text() == f"Searched as: {TOLL} And repairs?"
    address = page.url
    assert re.search(r"\?c=[\w-]{16}$", address)
    page.reload()
    page.wait_for_selector(".turn >> nth=1")
    assert page.url == address
    assert page.locator(".question").all_inner_texts() == [TOLL, "And repairs?"]
    page.locator("[data-quote]").first.click()
    page.wait_for_selector(f'[data-article="{BRIDGE.id}"] mark')
    assert page.inner_text("[data-article] mark") == "Councillors approved a toll of £2.50 for the harbour bridge."
    page.go_back()
    page.wait_for_selector(".welcome")
    assert page.locator(".turn").count() == 0


def test_articles_are_listed_and_open(page: Any) -> None:
    assert page.locator("#shelf-list .name").all_inner_texts() == [BRIDGE.title, FERRY.title]
    page.click("#shelf-list .item >> nth=1")
    page.wait_for_selector(f'[data-article="{FERRY.id}"]')
    assert page.locator("[data-article] .kicker").inner_text() == "Meridian Post · 2 Nov 2024"
    assert page.locator("[data-article] mark").count() == 0
    page.click("[data-close]")
    page.wait_for_selector("#shelf-list .name")


def test_an_upload_is_added_and_can_be_quoted(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "heron.txt"
    file.write_text(
        "Herons return to the mill pond\n\nThe warden counted eleven herons at the mill pond this spring.\n", "utf-8"
    )
    page.click("#adding > button")
    page.wait_for_selector("#add-files button >> text=Drop files here")  # the page's script renames it a frame later
    assert page.inner_text("#add-files button").strip() == "Drop files here, or click to choose them"
    page.set_input_files("#add-files input[type=file]", str(file))
    page.wait_for_selector("#add-files >> text=heron")
    page.fill("#add-urls textarea", "ftp://nowhere.example/x")
    page.click("#add")
    page.wait_for_selector("text=is not a web address")
    page.fill("#add-urls textarea", "http://127.0.0.1:1/story")
    page.click("#add")
    page.wait_for_selector(".results li >> nth=1")
    verdicts = page.locator(".results .verdict").all_inner_texts()
    assert verdicts == ["Failed", "Added"]
    assert "heron.txt" in page.locator(".results li").last.inner_text()
    assert page.locator("#add-results .status").inner_text() == "1 article added, 1 not added"
    page.wait_for_selector("#shelf-list .pane-title .n >> text=3")
    ask(page, "How many herons did the warden count?")
    assert "eleven herons" in page.locator("[data-quote] blockquote").first.inner_text()


def test_an_error_is_one_line_without_the_machine_in_it(page: Any, server: Served) -> None:
    from qa.errors import ReaderError

    server.assistant.fail = ReaderError("The reader's model is damaged. Reinstall Byline.")
    ask(page, TOLL)
    assert page.inner_text(".turn .note p >> nth=0") == "The reader's model is damaged. Reinstall Byline."
    server.assistant.fail = ZeroDivisionError("/home/secret/path")
    page.fill("#question textarea", TOLL)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Something went wrong here.")
    assert "secret" not in page.content()


def test_first_run_explains_itself_and_loads_and_removes_the_samples(browser: Any, home: Path, tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    samples.mkdir()
    for n in range(3):
        text = f"Sample {n} on security\n\nRussia means guarantees number {n} by the words security guarantees.\n"
        (samples / f"s{n}.txt").write_text(text, "utf-8")
    with chat_tools.served(home, samples=samples) as server:
        page = visit(browser, server.url)
        page.wait_for_selector(".welcome")
        assert page.inner_text("[data-load]") == "Load 3 sample articles"
        assert page.locator("[data-example]").count() == 3
        page.wait_for_selector("#add-urls textarea")  # to add articles of one's own is one step, too
        assert len(re.findall(r"\.(?:\s|$)", page.inner_text(".lede"))) == 2
        page.locator("[data-example]").first.click()  # loads the samples, then asks
        page.wait_for_selector("[data-state=found] [data-quote]")
        assert page.locator(".card .tag").first.inner_text() == "Sample"
        assert server.library.count() == 3
        server.library.put(BRIDGE)
        page.click("[data-unload]")
        page.wait_for_selector(".banner", state="detached")
        assert [row.id for row in server.library.list()] == [BRIDGE.id]
        assert page.trouble == []


def test_a_phone_reads_in_a_sheet_from_below(browser: Any, server: Served) -> None:
    page = visit(browser, server.url, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    ask(page, TOLL)
    page.locator("[data-quote]").first.tap()
    page.wait_for_selector("[data-article] mark")
    page.wait_for_timeout(400)
    side = page.locator("#side").bounding_box()
    assert side["width"] == 360 and 100 < side["y"] < 200
    page.click("[data-close]")
    page.wait_for_selector("#side", state="hidden")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_nothing_moves_while_an_answer_arrives(page: Any, server: Served) -> None:
    server.assistant.delay = 1.0
    page.fill("#question textarea", TOLL)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-state=working] [data-quote]")  # known before the answer is complete
    page.wait_for_timeout(350)
    places = """[...document.querySelectorAll('.question, .quote')].map(
        q => [q.getBoundingClientRect().x, q.getBoundingClientRect().y])"""
    early = page.evaluate(places)
    page.wait_for_selector("[data-state=found]")
    page.wait_for_timeout(300)
    assert page.evaluate(places)[: len(early)] == early


def test_keyboard_alone_from_question_to_marked_sentence_to_next_question(page: Any) -> None:
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.closest('#question') !== null")
    page.keyboard.type(TOLL)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-state=found] .chip")
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className") == "chip":
            break
    while page.evaluate("document.activeElement !== document.querySelector('.chip')"):
        page.keyboard.press("Shift+Tab")
    page.wait_for_selector("#byline-preview:visible")  # focus previews
    assert "Opponents called the vote rushed." in page.inner_text("#byline-preview")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-article] mark")
    assert page.evaluate("document.activeElement.matches('[data-article]')")
    first = page.inner_text("[data-article] mark")
    assert page.inner_text("#reader-bar .where").startswith("Quote 1 of ")
    page.keyboard.press("]")
    page.wait_for_function("was => document.querySelector('[data-article] mark')?.innerText !== was", arg=first)
    assert page.inner_text("[data-article] mark") == page.inner_text(".quote.open blockquote")
    page.keyboard.press("[")
    page.wait_for_function("was => document.querySelector('[data-article] mark')?.innerText === was", arg=first)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.querySelector('.chip')")
    page.keyboard.press("/")
    page.keyboard.type("And repairs?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn >> nth=1")


def test_hovering_a_chip_previews_the_quote_in_its_paragraph(page: Any) -> None:
    ask(page, TOLL)
    page.hover(".chip >> nth=0")
    page.wait_for_selector("#byline-preview:visible")
    assert page.inner_text("#byline-preview b") == "Councillors approved a toll of £2.50 for the harbour bridge."
    assert "Opponents called the vote rushed." in page.inner_text("#byline-preview")
    page.mouse.move(0, 0)
    page.wait_for_selector("#byline-preview", state="hidden")


def test_an_answer_is_copied_with_its_sources_and_their_links(page: Any, server: Served) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, TOLL)
    page.click("[data-copy]")
    page.wait_for_selector("text=Copied")
    lines = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[:3] == [TOLL, "", "“Councillors approved a toll of £2.50 for the harbour bridge.” [1]"]
    source = lines.index(f"[1] {BRIDGE.title} — Harbour Ledger · Ada Marsh · 2025-03-12")
    link = lines[source + 1].strip()
    assert link.startswith("https://harbourledger.example/bridge#:~:text=Councillors%20approved")
    page.click("[data-quote] blockquote >> nth=0")
    page.wait_for_selector("[data-article] mark")
    assert page.get_attribute("[data-article] a", "href") == link  # the original page, at the sentence
    page.click("[data-close]")
    page.click("#shelf-list .item >> nth=1")
    page.wait_for_selector(f'[data-article="{FERRY.id}"]')
    assert page.get_attribute("[data-article] a", "href") == FERRY.url


def test_a_copied_quote_says_who_said_it_in_one_pair_of_quotation_marks(page: Any, server: Served) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    server.library.put(article("Zeppelin", "“The zeppelin museum will never reopen,” said Marta Quill.\n\nIt rained."))
    ask(page, "Will the zeppelin museum reopen?")
    assert page.locator(".speaker").first.inner_text() == "Marta Quill"
    page.click("[data-copy]")
    page.wait_for_selector("text=Copied")
    said = page.evaluate("navigator.clipboard.readText()").split("\n")[2]
    assert said == "“The zeppelin museum will never reopen,” said Marta Quill. — Marta Quill [1]"


def test_open_filters_move_nothing_and_close_by_key_or_by_a_click_elsewhere(page: Any) -> None:
    places = "[...document.querySelectorAll('.hello, .example, #question')].map(e => e.getBoundingClientRect().y)"
    before = page.evaluate(places)
    page.click(".filter summary")
    assert page.locator(".fields").is_visible()
    assert page.evaluate(places) == before
    page.focus("[name=after]")
    page.keyboard.press("Escape")
    assert not page.locator(".fields").is_visible()
    assert page.evaluate("document.activeElement.matches('.filter summary')")
    page.keyboard.press("Enter")
    assert page.locator(".fields").is_visible()
    page.click(".hello")
    assert not page.locator(".fields").is_visible()


def test_filters_are_sent_shown_and_dropped(page: Any, server: Served) -> None:
    page.click(".filter summary")
    page.fill("[name=after]", "2025-01-01")
    page.check("[name=publisher][value='Harbour Ledger']")
    assert page.locator(".limit").all_inner_texts() == ["From 1 Jan 2025 ×", "Harbour Ledger ×"]
    ask(page, "What about the bridge toll?")
    filters = server.assistant.asked[-1][2]
    assert (filters.after, filters.publishers) == ("2025-01-01", ("Harbour Ledger",))
    assert page.inner_text(".asked") == "Only Harbour Ledger · since 1 Jan 2025"
    page.click(".limit >> nth=0")
    page.click(".limit >> nth=0")
    assert page.locator(".limit").count() == 0
    page.click("#shelf-list .item >> nth=1")
    page.click("[data-only]")
    assert page.locator(".limit").all_inner_texts() == [f"Only: {FERRY.title} ×"]
    ask(page, "Was the zeppelin in Zimbabwe?")
    assert server.assistant.asked[-1][2].articles == (FERRY.id,)
    page.click("#present [data-widen]")
    page.wait_for_selector(".turn >> nth=2")
    assert server.assistant.asked[-1][2] is None


def test_selected_or_pasted_text_is_looked_for_in_the_library(page: Any) -> None:
    page.fill("#question textarea", "Councillors approved a toll of £3.50 for the harbour bridge.")
    page.click("[data-check]")
    page.wait_for_selector(".evidence")
    assert page.inner_text(".evidence .headline") == "Your articles say something close to this."
    assert page.locator(".evidence .changes li").all_inner_texts() == ["Not 3.50 but 2.50"]
    page.click(".evidence .chip")
    page.wait_for_selector(f'[data-article="{BRIDGE.id}"] mark')
    page.evaluate("getSelection().selectAllChildren(document.querySelector('[data-article] mark'))")
    page.click("#find-evidence")
    page.wait_for_selector(".evidence[data-verdict=exact]")
    page.fill("#question textarea", "Nobody ever wrote this sentence about penguins")
    page.click("[data-check]")
    page.wait_for_selector(".evidence[data-verdict=none]")


def test_the_server_restarted_under_an_open_page(browser: Any, home: Path) -> None:
    first = Served(home)
    first.library.put(BRIDGE)
    page = visit(browser, first.url)
    ask(page, TOLL)
    first.stop()
    second = Served(home, port=first.port)
    try:
        page.locator("[data-quote]").first.click()
        page.wait_for_selector("[data-article] mark")
        ask(page, "And repairs?")
        assert page.locator(".question").all_inner_texts() == [TOLL, "And repairs?"]
        assert second.assistant.asked == [("And repairs?", 1, None)]
    finally:
        second.stop()
