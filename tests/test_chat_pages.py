"""The other pages in a real browser: library, history, evaluation, signing in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests import chat_tools
from tests.chat_tools import BRIDGE, FERRY, Served, article, ask, visit
from ui import users

TOLL = "What toll did councillors approve for the harbour bridge?"


def names(page: Any) -> list[str]:
    return page.locator(".rows .name").all_inner_texts()


def test_the_library_is_searched_sorted_and_filtered(browser: Any, server: Served) -> None:
    server.library.put(article("An Ålborg choir sings", "A choir sang.", publisher="Northlight", published=None))
    page = visit(browser, f"{server.url}/library")
    page.wait_for_selector(".rows li >> nth=2")
    assert page.title() == "Library · Byline"
    page.fill("[name=text]", "meridian")
    page.wait_for_function("document.querySelectorAll('.rows li').length === 1")
    assert names(page) == [FERRY.title]
    assert page.inner_text(".rows .meta") == "Meridian Post · 2 Nov 2024 · 29 words · added 1 Jan 2026"
    page.fill("[name=text]", "")
    page.select_option("[name=order]", "title")
    page.wait_for_function("t => document.querySelector('.rows .name')?.innerText === t", arg="An Ålborg choir sings")
    assert names(page) == ["An Ålborg choir sings", BRIDGE.title, FERRY.title]
    page.fill("[name=after]", "2025-01-01")
    page.wait_for_function("document.querySelectorAll('.rows li').length === 1")
    assert names(page) == [BRIDGE.title]
    page.fill("[name=text]", "zzz")
    page.wait_for_selector("text=No article matches.")
    page.fill("[name=text]", "")
    page.fill("[name=after]", "")
    page.select_option("[name=publisher]", "Northlight")
    page.wait_for_function("document.querySelectorAll('.rows li').length === 1")
    assert names(page) == ["An Ålborg choir sings"]
    page.click(".rows .name")
    page.wait_for_selector("[data-article] .headline")
    assert page.inner_text("[data-article] .headline") == "An Ålborg choir sings"
    assert page.trouble == [] and page.outside == []


def test_a_large_library_is_listed_a_page_at_a_time(browser: Any, server: Served) -> None:
    for n in range(60):
        server.library.put(article(f"Report {n:02}", f"Report number {n}.", fetched="2026-06-01T00:00:00+00:00"))
    page = visit(browser, f"{server.url}/library")
    page.wait_for_selector(".rows li >> nth=49")
    page.select_option("[name=order]", "title")
    page.wait_for_function("t => document.querySelector('.rows .name').innerText === t", arg=BRIDGE.title)
    assert page.inner_text("#rows .quiet") == "1–50 of 62 articles"
    assert page.locator("[data-begin]").first.is_disabled()
    page.click("text=Next 50")
    page.wait_for_selector("text=51–62 of 62 articles")
    assert names(page) == [f"Report {n:02}" for n in range(48, 60)]
    assert page.locator("[data-begin]").last.is_disabled()
    assert page.evaluate("document.activeElement === document.querySelector('.rows .name')")
    page.click("[data-discard] >> nth=11")
    page.wait_for_selector("text=51–61 of 61 articles")  # still the same page
    page.click("[data-restore]")
    page.wait_for_selector("text=51–62 of 62 articles")
    page.fill("[name=text]", "report 5")
    page.wait_for_selector("text=15 articles found among 62")
    assert names(page)[0] == "Report 05" and page.locator("[data-begin]").count() == 0


def test_the_way_from_no_answer_to_adding(browser: Any, server: Served) -> None:
    page = visit(browser, server.url)
    ask(page, "Zimbabwe cricket?")
    page.click(".steps >> text=Add an article")
    page.wait_for_selector("#add-urls textarea")
    page.goto(f"{server.url}/library")
    page.wait_for_selector(".rows li")
    assert not page.locator("#add-urls textarea").is_visible()  # otherwise the list comes first


def test_removing_can_be_taken_back_and_old_quotes_still_open(browser: Any, server: Served) -> None:
    page = visit(browser, server.url)
    ask(page, TOLL)
    talk = page.url
    page.goto(f"{server.url}/library")
    page.click(f"[data-discard='{BRIDGE.id}']")
    page.wait_for_selector("[data-restore]")
    assert [row.id for row in server.library.list()] == [FERRY.id]
    page.goto(talk)
    page.wait_for_selector("text=No longer in your library")
    page.locator("[data-quote]").first.click()
    page.wait_for_selector("text=This article has left your library.")
    page.goto(f"{server.url}/library")
    page.click(f"[data-discard='{FERRY.id}']")
    page.click("[data-restore]")
    page.wait_for_selector(".rows li")
    assert names(page) == [FERRY.title]
    server.library.put(BRIDGE)  # back, under a new version number
    page.goto(talk)
    page.locator("[data-quote]").first.click()
    page.wait_for_selector("[data-article] mark")
    assert page.inner_text("[data-article] mark") == "Councillors approved a toll of £2.50 for the harbour bridge."


def test_the_library_is_exported_and_imported(browser: Any, server: Served, tmp_path: Path) -> None:
    page = visit(browser, f"{server.url}/library#add")
    page.wait_for_selector(".rows li")
    with page.expect_download() as download:
        page.click("text=Export all articles")
    file = tmp_path / "byline-library.jsonl"
    download.value.save_as(file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {line["title"] for line in lines} == {BRIDGE.title, FERRY.title}
    for row in server.library.list():
        server.library.remove(row.id)
    broken = [
        {**lines[0], "id": "../x"},
        {**lines[0], "text": 7},
        [],
        {**lines[0], "id": "safe", "url": "javascript:hit()"},
    ]
    file.write_text("\n".join(map(json.dumps, [*lines, *broken])) + "\nnot json\n")
    page.set_input_files("#add-files input[type=file]", str(file))
    page.wait_for_selector("#add-files >> text=jsonl")
    page.click("#add")
    page.wait_for_selector(".results li >> nth=6")
    assert page.locator(".results .verdict").all_inner_texts() == ["Failed"] * 4 + ["Added"] * 3
    assert server.library.get(BRIDGE.id).text == BRIDGE.text
    assert server.library.get(BRIDGE.id).published == BRIDGE.published
    assert server.library.get("safe").url is None
    page.wait_for_selector(".rows li >> nth=2")


def test_a_file_that_is_too_large_is_refused_with_a_clear_line(browser: Any, server: Served, tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    file.write_bytes(b"<p>" + b"x" * (21 * 2**20))
    page = visit(browser, f"{server.url}/library#add")
    page.set_input_files("#add-files input[type=file]", str(file))
    page.wait_for_selector("text=/exceed|too large|maximum/i")
    assert server.library.count() == 2


def test_history_is_searched_deleted_taken_back_and_exported(browser: Any, server: Served, tmp_path: Path) -> None:
    page = visit(browser, server.url)
    ask(page, TOLL)
    page.goto(server.url)
    ask(page, "How many people did police count on Saturday?")
    page.goto(f"{server.url}/history")
    page.wait_for_selector(".rows li >> nth=1")
    assert names(page) == ["How many people did police count on Saturday?", TOLL]
    page.fill("[name=text]", "councillors £2.50")
    page.wait_for_function("document.querySelectorAll('.rows li').length === 1")
    assert names(page) == [TOLL]
    exported = {}
    for word in ("Markdown", "HTML", "JSON"):
        with page.expect_download() as download:
            page.click(f".files >> text={word}")
        assert download.value.suggested_filename.startswith("what-toll-did-councillors-approve-for-the-harbour-bridge.")
        download.value.save_as(tmp_path / word)
        exported[word] = (tmp_path / word).read_text()
    link = (
        "https://harbourledger.example/bridge#:~:text=Councillors%20approved%20a%20toll%20of%20"
        "%C2%A32.50%20for%20the%20harbour%20bridge.,-Opponents%20called%20the%20vote"
    )
    assert json.loads(exported["JSON"])["turns"][0]["answer"]["quotes"][0]["link"] == link
    assert f"<{link}>" in exported["Markdown"]
    assert f'href="{link}"' in exported["HTML"]
    assert "Harbour Ledger · Ada Marsh · 12 Mar 2025" in exported["HTML"]
    page.click("[data-discard]")
    page.wait_for_selector("[data-restore]")
    page.fill("[name=text]", "")
    page.wait_for_function("document.querySelectorAll('.rows li').length === 1")
    page.click("[data-discard]")
    page.click("[data-restore]")
    page.wait_for_selector(".rows li")
    assert names(page) == ["How many people did police count on Saturday?"]
    page.click(".rows .name")
    page.wait_for_selector(".turn [data-quote]")
    assert page.trouble == [] and page.outside == []


def test_a_question_set_is_run_and_its_report_and_comparison_read(browser: Any, server: Served, tmp_path: Path) -> None:
    questions = [
        {"id": "a", "type": "factoid", "question": TOLL, "answers": [["£2.50"]], "articles": [BRIDGE.title],
         "evidence": ["Councillors approved a toll of £2.50 for the harbour bridge."]},
        {"id": "b", "type": "unanswerable", "question": "Zimbabwe cricket?",
         "answers": [], "articles": [], "evidence": []},
    ]  # fmt: skip
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps(question) + "\n" for question in questions), "utf-8")
    page = visit(browser, f"{server.url}/evaluation")
    page.wait_for_selector("text=No runs yet.")
    page.click("#run")
    page.wait_for_selector("text=The sample articles are not in your library.")
    page.click("text=A question set of my own")
    page.set_input_files("#question-set input[type=file]", str(file))
    page.wait_for_selector("#question-set >> text=mine")
    for _ in range(2):  # the file stays in its field: a first look at some questions, then all of them
        before = page.locator(".figures tbody tr").count()
        page.wait_for_timeout(1100)  # a run's name holds the second it was begun
        page.click("#run")
        page.wait_for_function("n => document.querySelectorAll('#rows .figures tbody tr').length > n", arg=before)
    figures = page.locator(".figures tbody tr").first.locator("td").all_inner_texts()
    assert figures[:2] == ["1.00", "1.00"]
    newest, oldest = (page.locator("[name=first] option").nth(n).get_attribute("value") for n in (0, 1))
    assert [page.input_value("[name=first]"), page.input_value("[name=second]")] == [oldest, newest]
    page.click("[data-pair]")
    page.wait_for_selector("#compared >> text=2 questions in both runs")
    page.click("#rows .name >> nth=0")
    page.wait_for_selector("h1")
    assert TOLL in page.content()
    page.click("text=All runs")
    page.wait_for_selector("#rows .figures")
    assert page.trouble == [] and page.outside == []


def test_two_people_do_not_see_each_others_conversations(browser: Any, home: Path) -> None:
    for name in ("ada", "ben"):
        users.add(home / "users.json", name, f"{name} has a horse")
    with chat_tools.served(home, auth=True) as server:
        server.library.put(BRIDGE)
        pages = {}
        for name in ("ada", "ben"):
            page = browser.new_context().new_page()
            page.goto(f"{server.url}/history")
            page.wait_for_url("**/sign-in")
            page.fill("[name=name]", name)
            page.fill("[name=password]", "wrong password")
            page.click("text=Sign in")
            page.wait_for_selector("[role=alert]")
            page.fill("[name=name]", name)
            page.fill("[name=password]", f"{name} has a horse")
            page.click("text=Sign in")
            page.wait_for_selector(".welcome")
            pages[name] = page
        ask(pages["ada"], TOLL)
        address = pages["ada"].url
        key = address.split("c=")[1]
        pages["ben"].goto(address)
        pages["ben"].wait_for_selector(".welcome")
        assert pages["ben"].locator(".turn").count() == 0
        pages["ben"].goto(f"{server.url}/history")
        pages["ben"].wait_for_selector("text=No conversations yet.")
        assert pages["ben"].request.get(f"{server.url}/export/{key}.json").status == 404
        assert pages["ada"].request.get(f"{server.url}/export/{key}.json").status == 200
        ask_as_ben = pages["ben"]
        ask_as_ben.goto(f"{server.url}/?c={key}")
        ask(ask_as_ben, "What about repairs?")
        assert server.assistant.asked[-1][1] == 0  # none of Ada's turns went along
        pages["ada"].reload()
        pages["ada"].wait_for_selector(".turn")
        assert pages["ada"].locator(".turn").count() == 1
        pages["ada"].click("text=Sign out")
        pages["ada"].wait_for_url("**/sign-in")
        assert pages["ada"].request.get(f"{server.url}/export/{key}.json").status == 401
        assert pages["ada"].request.get(f"{server.url}/gradio_api/info").status == 401
