"""What the tests of the page share: a served chat, a browser, and articles to ask."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn

from qa.library import Library
from qa.records import Article
from tests.fakes import FakeEncoder
from tests.fakes_chat import FakeAssistant

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser, or skip the test where there is none (BYLINE_CHROMIUM names another one)."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the tests of the page need playwright")
    found = [p for p in (os.environ.get("BYLINE_CHROMIUM"), *BROWSERS) if p and Path(p).exists()]
    with sync_api.sync_playwright() as driver:
        own = Path(driver.chromium.executable_path)
        if not found and not own.exists():
            pytest.skip("no browser found: install Chromium, or name one in BYLINE_CHROMIUM")
        opened = driver.chromium.launch(executable_path=found[0] if found else None, args=["--no-sandbox"])
        yield opened
        opened.close()


class Served:
    """A chat served from this process at `url`, with its assistant and library within reach."""

    def __init__(self, home: Path, assistant: Any = None, port: int = 0, **given: Any) -> None:
        from ui.chat import create

        self.library = assistant.library if assistant else Library.open(home, encoder=FakeEncoder())
        self.assistant: Any = assistant or FakeAssistant(self.library)
        self.app = create(cast(Any, self.assistant), **given)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self.app, host="127.0.0.1", port=self.port, log_level="error", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 30
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.02)
        assert self._server.started

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.library.close()


@contextmanager
def served(home: Path, **given: Any) -> Iterator[Served]:
    """Serve a chat over the library in `home` until the block ends."""
    server = Served(home, **given)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def article(title: str, text: str, **given: Any) -> Article:
    """Return an article as it would be added, with an id made from its title."""
    fields: dict[str, Any] = {
        "id": hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()[:12],
        "url": None,
        "authors": ("Ada Marsh",),
        "publisher": "Harbour Ledger",
        "published": "2025-03-12",
        "updated": None,
        "fetched": "2026-01-01T00:00:00+00:00",
        "language": "en",
        "sha256": "",
    }
    return Article(title=title, text=text, **{**fields, **given})


BRIDGE = article(
    "Council backs the harbour bridge",
    "The council met on Tuesday evening. It was raining.\n\n"
    "Councillors approved a toll of £2.50 for the harbour bridge. Opponents called the vote rushed. "
    "The bridge toll will start in April.\n\n"
    "Money\n\n"
    "Repairs will cost £41 million over nine years, the surveyor said.",
    url="https://harbourledger.example/bridge",
    headings=(),
)
FERRY = article(
    "Ferry crews march through the port",
    "Crews marched through the port on Saturday. Police counted 900 people, while organisers spoke of 2,000.\n\n"
    "The ferry company said that talks about the bridge toll would go on.",
    publisher="Meridian Post",
    published="2024-11-02",
    url="https://www.meridianpost.example/ferry",
)


def ask(page: Any, question: str) -> None:
    """Type a question, press Enter, and wait until it has been answered."""
    done = ":is([data-state=found], [data-state=none], [data-state=failed])"
    before = page.locator(done).count()
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")
    page.locator(done).nth(before).wait_for()


def visit(browser: Any, url: str, **context: Any) -> Any:
    """Open `url` in a fresh profile; `page.trouble` collects script errors, `page.outside` other hosts asked."""
    opened = browser.new_context(**context).new_page()
    opened.set_default_timeout(20_000)
    opened.trouble, opened.outside = [], []
    opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
    opened.on("dialog", lambda dialog: (opened.trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    host = url.split("/")[2]
    inside = ("data:", "blob:", f"http://{host}/")
    opened.on("request", lambda request: None if request.url.startswith(inside) else opened.outside.append(request.url))
    opened.goto(url)
    opened.wait_for_selector("#top")
    return opened
