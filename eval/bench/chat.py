"""Milliseconds from Enter to the first quote on screen in the browser chat, and until its page can be used.

The real server runs in a process of its own over a library of N articles, filled as the bench `ask` fills it, and
Chromium asks a different question in a new conversation each time. Measured inside the page: from the key to the
frame that shows a quote, from the start of a visit to the frame that shows where to ask.
"""

from __future__ import annotations

import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.about import machine
from eval.bench import ask
from eval.questions import load
from eval.sample import questions_file
from qa.errors import SettingsError
from qa.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WARM = 3  # questions asked before the clock starts: the first ones fill caches
START = 180  # seconds for the server to load its models, on a slow disk
BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")

# Installed before the page's own scripts: notes when it can be used, and what follows Enter. A time is taken in the
# frame after the change, when it is on screen.
WATCH = """
window.bench = {};
const frame = requestAnimationFrame;
const note = (name) => frame(() => frame(() => (window.bench[name] ??= performance.now())));
addEventListener("keydown", (event) => {
  if (event.key === "Enter") window.bench.enter = performance.now();
}, true);
const there = (selector) => document.querySelector(selector) !== null;
new MutationObserver(() => {
  if (there("#question textarea") && there(".welcome")) note("usable");
  if (window.bench.enter === undefined) return;
  if (there("#present .turn")) note("question");
  if (there("#present :is([data-state=working], [data-state=found]) [data-quote]")) note("quote");
  if (there("#present :is([data-state=found], [data-state=none], [data-state=failed])")) note("done");
}).observe(document, { childList: true, subtree: true, attributes: true });
"""


def main(argv: list[str]) -> int:
    """Run the bench; status 1 when the median to the first quote is above `--at-most`."""
    args = ask.options("chat", __doc__, 20).parse_args(argv)
    questions = load(args.questions or questions_file(), limit=args.limit + WARM).questions
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())  # first: without one there is nothing to fill a library for
        home = args.home or stack.enter_context(tempfile.TemporaryDirectory(prefix="byline-bench-"))
        counts = filled(home, args.articles, Path(args.texts) if args.texts else None)
        url = stack.enter_context(served(home))
        visits = [visit(browser, url, question.question) for question in questions]
    timed = visits[WARM:] or visits
    found = {
        "first visit": spread([visits[0]["usable"]]),
        "later visits": spread([seen["usable"] for seen in timed]),
        "question shown": spread([seen["question"] - seen["enter"] for seen in timed]),
        "first quote": spread([seen["quote"] - seen["enter"] for seen in timed if "quote" in seen]),
        "whole answer": spread([seen["done"] - seen["enter"] for seen in timed]),
    }
    quoted = sum("quote" in seen for seen in timed)
    if args.json:
        facts = {"milliseconds": found, "questions": len(timed), "quoted": quoted, "library": counts}
        print(json.dumps({**facts, "machine": machine()}, indent=1))
    else:
        print(f"{len(timed)} questions, {quoted} answered with quotes, {counts['articles']:,} articles")
        for name, times in found.items():
            print(f"  {name:15} median {times['median']:6.0f} ms   95% within {times['p95']:6.0f} ms")
    return int(args.at_most is not None and not found["first quote"]["median"] <= 1000 * args.at_most)


def spread(times: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile; NaN of nothing."""
    if not times:
        return {"median": float("nan"), "p95": float("nan")}
    return {"median": statistics.median(times), "p95": sorted(times)[math.ceil(0.95 * len(times)) - 1]}


def filled(home: str, wanted: int, texts: Path | None) -> dict[str, Any]:
    """Fill the library in `home` and return its numbers."""
    from qa.library import Library  # late: `--help` needs no storage

    with Library.open(settings=replace(Settings.load(home))) as library:
        ask.fill(library, wanted, texts)
        return library.counts()


@contextmanager
def served(home: str) -> Iterator[str]:
    """Run `byline chat` and yield its address. Raises SettingsError when it does not start."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "ui.cli", "chat", "--home", home, "--port", str(port), "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + START
            while not answers(url):
                if process.poll() is not None or time.monotonic() > until:
                    raise SettingsError("byline chat did not start. Run it by hand to see why.")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()


def answers(url: str) -> bool:
    """Say whether a server is at `url`."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser. Raises SettingsError, which says how to get one, where there is none."""
    try:
        from playwright.sync_api import sync_playwright  # late: an extra, for tests and this
    except ImportError as error:
        raise SettingsError("This bench drives a browser: pip install 'byline[test]', then run it again.") from error
    known = [path for path in (os.environ.get("BYLINE_CHROMIUM"), *BROWSERS) if path and Path(path).exists()]
    with sync_playwright() as driver:
        if not known and not Path(driver.chromium.executable_path).exists():
            raise SettingsError("No browser found. Install Chromium, or name one in BYLINE_CHROMIUM, and run it again.")
        browser = driver.chromium.launch(executable_path=known[0] if known else None, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(WATCH)
        yield context
        browser.close()


def visit(context: Any, url: str, question: str) -> dict[str, float]:
    """Ask `question` in a new conversation; return the page's own times in milliseconds since the visit began."""
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("window.bench.usable")
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.wait_for_function("window.bench.done", timeout=120_000)
    seen: dict[str, float] = page.evaluate("window.bench")
    page.close()
    return seen
