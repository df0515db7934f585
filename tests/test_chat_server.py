"""The server around the page, without a browser: who is let in, what is shut, what other programs may call."""

from __future__ import annotations

import io
import json
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from qa.errors import SettingsError
from tests import chat_tools
from tests.chat_tools import BRIDGE, FERRY, Served
from ui import chat, server, users

PUBLIC = {"ask", "add", "search", "verify"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with chat_tools.served(tmp_path_factory.mktemp("served")) as opened:
        opened.library.put(BRIDGE)
        opened.library.put(FERRY)
        yield opened


def get(running: Served, path: str, **headers: str) -> httpx.Response:
    return httpx.get(running.url + path, headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:7860", 200),
        ("[::1]:7860", 200),
        ("192.168.1.20", 200),  # in numbers: it is what the person typed
        ("evil.example", 400),  # a name may be one that somebody points at this machine
        ("localhost.evil.example", 400),
        ("[::1", 400),
        ("", 400),
    ],
)
def test_only_hosts_that_cannot_be_rebound_are_answered(running: Served, host: str, status: int) -> None:
    assert get(running, "/", host=host).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 403),
        ({}, 200),
    ],
)
def test_another_site_can_neither_post_nor_read(running: Served, headers: dict[str, str], status: int) -> None:
    answer = httpx.post(f"{running.url}/gradio_api/call/search", json={"data": ["", 1]}, headers=headers, timeout=30)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/openapi.json",
        "/monitoring",
        "/monitoring/summary",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=https://evil.example/",
        "/gradio_api/runs",
        "/gradio_api/deep_link",
        "/gradio_api/vibe-code/",
        "/docs",
        "/openapi.json",
        "/gradio_api/mcp/sse",
        "/login",
        "/byline/..%2fchat.py",
        "/byline/chat.py",
        "/export/nobody.md",
        "/evaluation/20250101-000000-x/..%2f..%2fcatalog.sqlite3",
        "/evaluation/20250101-000000-x/report.html",
    ],
)
def test_nothing_else_is_served(running: Served, path: str) -> None:
    assert get(running, path).status_code == 404


@pytest.mark.parametrize(
    "name", ["on_ask", "on_stop", "visit", "on_add", "on_discard", "predict", "lambda", "on_unsample"]
)
def test_the_pages_own_events_cannot_be_called_by_name(running: Served, name: str) -> None:
    for way in ("call", "api", "call/v2"):
        answer = httpx.post(f"{running.url}/gradio_api/{way}/{name}", json={"data": []}, timeout=30)
        assert answer.status_code == 404


def test_exactly_four_functions_are_listed_and_work(running: Served) -> None:
    listed = get(running, "/gradio_api/info").json()
    assert {name.strip("/") for name in listed["named_endpoints"]} == PUBLIC
    assert listed["unnamed_endpoints"] == {}
    everything = get(running, "/gradio_api/info?all_endpoints=true").json()
    assert {name.strip("/") for name in everything["named_endpoints"]} == PUBLIC
    answer = call(running, "ask", "What toll did councillors approve for the harbour bridge?", "2025-01-01", "", "")
    assert answer["quotes"][0]["text"] == "Councillors approved a toll of £2.50 for the harbour bridge."
    assert running.assistant.asked[-1][2].after == "2025-01-01"
    assert [row["title"] for row in call(running, "search", "meridian", 5)] == [FERRY.title]
    assert call(running, "verify", "opponents called the vote RUSHED")["verdict"] == "wording"
    [result] = call(running, "add", "http://169.254.169.254/latest/meta-data")
    assert result["status"] == "failed"
    with pytest.raises(AssertionError, match="error"):
        call(running, "add", "/etc/passwd")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("ask", ("What toll did councillors approve?", "2025", "", "")),
        ("ask", ("What toll did councillors approve?", "", "last week", "")),
        ("ask", ("What toll did councillors approve? " * 100, "", "", "")),
        ("verify", ("Opponents called the vote rushed. " * 200,)),
        ("add", ("https://169.254.169.254/x " * 51,)),
        ("ask", (["What toll?"], "", "", "")),
        ("search", ({"text": "bridge"}, 5)),
        ("search", ("bridge", "many")),
        ("verify", (5,)),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_left_out(running: Served, name: str, data: tuple[str, ...]) -> None:
    asked = len(running.assistant.asked)
    with pytest.raises(AssertionError, match='"error": "'):  # in words
        call(running, name, *data)
    assert len(running.assistant.asked) == asked


def test_null_is_an_argument_left_out(running: Served) -> None:
    answer = call(running, "ask", "What toll did councillors approve for the harbour bridge?", None, None, None)
    assert answer["quotes"][0]["text"] == "Councillors approved a toll of £2.50 for the harbour bridge."
    assert len(call(running, "search", None, 5)) == 2


def call(running: Served, name: str, *data: Any) -> Any:
    begun = httpx.post(f"{running.url}/gradio_api/call/{name}", json={"data": data}, timeout=30)
    assert begun.status_code == 200, begun.text
    told = httpx.get(f"{running.url}/gradio_api/call/{name}/{begun.json()['event_id']}", timeout=60).text
    event, sent = re.findall(r"event: (\w+)\ndata: (.*)", told)[-1]
    assert event == "complete", told
    return json.loads(sent)[0]


def test_every_page_holds_a_policy_and_its_scripts_the_nonce(running: Served) -> None:
    for path in ("/", "/library", "/history", "/evaluation"):
        answer = get(running, path)
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"'nonce-([\w-]+)'", policy)
        assert nonce is not None
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert len(scripts) >= 4
        assert all(f'nonce="{nonce[1]}"' in tag for tag in scripts)
        assert "http://" not in answer.text.replace(running.url, "").replace("http://www.w3.org", "")
        assert "raw.githubusercontent.com" not in answer.text
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert get(running, "/").headers["content-security-policy"] != get(running, "/").headers["content-security-policy"]


def test_uploads_are_bounded(running: Served) -> None:
    large = {"files": ("big.html", b"x" * (21 * 2**20))}
    assert httpx.post(f"{running.url}/gradio_api/upload", files=large, timeout=60).status_code in (413, 500)
    declared = {"content-length": str(10**12), "content-type": "application/json"}
    head = "POST /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "".join(
        f"{k}: {v}\r\n" for k, v in declared.items()
    )
    import socket

    with socket.create_connection(("127.0.0.1", running.port), 10) as line:
        line.sendall(head.encode() + b"\r\n")
        assert line.recv(64).startswith(b"HTTP/1.1 413")
    assert not list((running.library.settings.home / "uploads").rglob("big.html"))


def test_our_files_are_served_for_ever_under_their_hash(running: Served) -> None:
    found = re.search(r"/byline/byline\.css\?[0-9a-f]{12}", get(running, "/").text)
    assert found is not None
    answer = get(running, found[0])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]


def test_a_port_in_use_is_one_clear_line(running: Served) -> None:
    with pytest.raises(SettingsError, match=f"Choose another with --port {running.port + 1}"):
        chat.serve(running.library.settings.home, port=running.port, open_browser=False, assistant=running.assistant)


def test_port_0_is_a_free_one_that_is_named(running: Served) -> None:
    assert chat.check_port("127.0.0.1", 0) > 0


def test_nobody_can_sign_in_before_a_user_is_added(running: Served) -> None:
    with pytest.raises(SettingsError, match="add a user first"):
        chat.create(running.assistant, auth=True)


def test_mcp_and_auth_are_refused_together(running: Served) -> None:
    users.add(running.library.settings.home / "users.json", "ada", "correct horse")
    with pytest.raises(SettingsError, match="Leave one out"):
        chat.create(running.assistant, auth=True, mcp=True)


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("127.0.0.1:80", True),
        ("[fe80::1]", True),
        ("box", True),
        ("BOX:7860", True),
        ("box.evil", False),
        ("user@box", True),
    ],
)
def test_trusted(host: str, good: bool) -> None:
    assert server.trusted(host, {"box"}) is good


def test_passwords_are_hashed_and_checked(home: Path, library: Any) -> None:
    file = home / "users.json"
    users.add(file, "ada", "correct horse")
    assert "correct horse" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    people = users.Users(file, library)
    assert people.check("ada", "correct horse") is None
    assert "do not go together" in (people.check("ada", "wrong") or "")
    assert "do not go together" in (people.check("nobody", "correct horse") or "")
    for _ in range(users.TRIES - 1):
        people.check("ada", "wrong")
    assert "Too many" in (people.check("ada", "correct horse") or "")
    token = people.sign_in("ada")
    assert people.who(token) == "ada"
    assert users.Users(file, library).who(token) == "ada"  # a restart signs nobody out
    assert people.who(token + "x") is None and people.who(None) is None and people.who("") is None
    users.remove(file, "ada")
    assert people.who(token) is None


def test_passwords_tried_all_at_once_count_as_one_after_another(
    home: Path, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.add(home / "users.json", "ada", "correct horse")
    people = users.Users(home / "users.json", library)
    looked_at, all_sent = [], threading.Event()

    def slowly(password: str, stored: str) -> bool:
        looked_at.append(password)
        return all_sent.wait(10) and False

    monkeypatch.setattr(users, "_same", slowly)
    with ThreadPoolExecutor(20) as pool:
        said = as_completed([pool.submit(people.check, "ada", f"guess {n}") for n in range(20)], 10)
        refused = [next(said).result() or "" for _ in range(20 - users.TRIES)]
        all_sent.set()
    assert len(looked_at) == users.TRIES
    assert all("Too many" in sentence for sentence in refused)


def test_a_new_password_ends_the_sign_ins_made_with_the_old_one(home: Path, library: Any) -> None:
    file = home / "users.json"
    users.add(file, "ada", "correct horse")
    people = users.Users(file, library)
    old = people.sign_in("ada")
    users.add(file, "ada", "another horse")
    assert people.who(old) is None
    new = people.sign_in("ada")
    assert people.who(new) == "ada"
    users.remove(file, "ada")
    users.add(file, "ada", "somebody else")  # of the same name
    assert people.who(old) is None and people.who(new) is None


@pytest.mark.parametrize("other", ["", 'seen={"a":1}; ', "name=Zoë; ", "said=two words; ", "flag; ", 'open="; '])
def test_another_application_s_cookie_locks_nobody_out(home: Path, library: Any, other: str) -> None:
    users.add(home / "users.json", "ada", "correct horse")
    people = users.Users(home / "users.json", library)
    desk: Any = SimpleNamespace(users=people)
    app: Any = None
    guard = server.Guard(app, hosts=["localhost"], pages=["/"], calls=(), desk=desk, mcp=False)

    def answer(token: str) -> Any:
        sent = {"host": "localhost", "cookie": f"{other}{server.COOKIE}={token}"}
        headers = [(name.encode(), value.encode()) for name, value in sent.items()]
        return guard.refusal({"type": "http", "method": "GET", "path": "/", "headers": headers})

    assert answer(people.sign_in("ada")) is None
    assert answer("made-up").headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    ("name", "password"), [("", "long enough"), ("a b", "long enough"), ("../x", "long enough"), ("ada", "short")]
)
def test_poor_names_and_passwords_are_refused(home: Path, name: str, password: str) -> None:
    with pytest.raises(SettingsError):
        users.add(home / "users.json", name, password)


def test_mcp_without_its_package_says_what_to_install(running: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)  # what Python does where it is not installed
    with pytest.raises(SettingsError, match=r"pip install 'byline\[mcp\]'"):
        chat.create(running.assistant, mcp=True)


def test_the_same_four_are_the_mcp_tools_and_each_can_be_called(home: Path) -> None:
    import asyncio

    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def talk(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
        async with (
            streamablehttp_client(f"{url}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            tools = {tool.name.removeprefix("byline_"): tool for tool in (await client.list_tools()).tools}

            async def use(name: str, **arguments: Any) -> Any:
                told = await client.call_tool(tools[name].name, arguments)
                assert not told.isError, told.content
                return json.loads(told.content[0].text)

            said = {
                "ask": await use("ask", question="What toll did councillors approve?", after="2025-01-01"),
                "search": await use("search", text="meridian", limit=5),
                "verify": await use("verify", quotation="Opponents called the vote rushed."),
                "add": await use("add", urls="http://169.254.169.254/latest/meta-data"),
            }
            wrong = await client.call_tool(tools["add"].name, {"urls": "/etc/passwd"})
            assert wrong.isError
            for name in ("on_ask", "on_add", "visit", "on_unsample"):
                assert (await client.call_tool(name, {})).isError
            return tools, said

    with chat_tools.served(home, mcp=True) as opened:
        opened.library.put(BRIDGE)
        opened.library.put(FERRY)
        tools, said = asyncio.run(talk(opened.url))
        shut = httpx.get(f"{opened.url}/gradio_api/mcp/schema", headers={"host": "evil.example"}, timeout=30)
    assert set(tools) == PUBLIC
    assert tools["verify"].inputSchema["properties"]["quotation"]["description"].startswith("The sentence or passage")
    assert all(len(tool.description) > 40 for tool in tools.values())  # what a program reads to choose one
    assert said["ask"]["quotes"][0]["text"] == "Councillors approved a toll of £2.50 for the harbour bridge."
    assert opened.assistant.asked[-1][2].after == "2025-01-01"
    assert [row["title"] for row in said["search"]] == [FERRY.title]
    assert said["verify"]["verdict"] == "exact"
    assert [row["status"] for row in said["add"]] == ["failed"]
    assert shut.status_code == 400


def test_users_are_managed_from_the_command_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\nshort\n"))
    assert users.main(["ada"]) == 0
    assert users.main(["ben"]) == 1
    assert capsys.readouterr().err == "The password is too short. Give at least 8 characters.\n"
    assert users.main([]) == 0
    assert capsys.readouterr().out == "ada\n"

    def left(_prompt: str) -> str:  # Ctrl-D on a terminal
        raise EOFError

    with monkeypatch.context() as terminal:
        terminal.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
        terminal.setattr("getpass.getpass", left)
        assert users.main(["cy"]) == 1
    assert "nothing has changed" in capsys.readouterr().err
    assert users.main(["ada", "--remove", "--home", str(home)]) == 0
    assert users.read(home / "users.json") == {}
