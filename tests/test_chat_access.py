"""An accessibility audit by axe-core of every page and state, light and dark, and the layout from 360 to 1920 pixels.

The script comes from `npm install axe-core`: name its axe.min.js in BYLINE_AXE, or have npm, and the test installs it
into its own folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chat_tools import FERRY, Served, ask, visit

TOLL = "What toll did councillors approve for the harbour bridge?"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    given = os.environ.get("BYLINE_AXE")
    if given:
        return Path(given).read_text("utf-8")
    if shutil.which("npm") is None:
        pytest.skip("no axe-core: install it with npm and name its axe.min.js in BYLINE_AXE")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "axe-core@4"],
        capture_output=True,
        timeout=180,
    )
    if done.returncode:
        pytest.skip("axe-core could not be installed: name its axe.min.js in BYLINE_AXE")
    return (folder / "node_modules/axe-core/axe.min.js").read_text("utf-8")


def serious(page: Any, axe: str) -> list[str]:
    """Return the serious and critical findings, one line each."""
    page.wait_for_timeout(400)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {node['html'][:160]} ({node['failureSummary'][:200]})"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_serious_finding_in_any_state(browser: Any, server: Served, axe: str, scheme: str, width: int) -> None:
    found: dict[str, list[str]] = {}
    page = visit(browser, server.url, color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page.wait_for_selector(".welcome")
    found["new conversation"] = serious(page, axe)
    page.click(".filter summary")
    found["filters"] = serious(page, axe)
    page.click(".filter summary")
    ask(page, TOLL)
    found["answer"] = serious(page, axe)
    page.focus(".chip >> nth=0")
    page.wait_for_selector("#byline-preview:visible")
    found["preview"] = serious(page, axe)
    page.locator("[data-quote]").first.click()
    page.wait_for_selector("[data-article] mark")
    found["reader"] = serious(page, axe)
    page.click("[data-close]")
    ask(page, "Who is the surveyor Bartholomew?")
    page.locator(".nearest summary").last.click()
    found["no answer"] = serious(page, axe)
    page.fill("#question textarea", "Councillors approved a toll of £3.50 for the harbour bridge.")
    page.click("[data-check]")
    page.wait_for_selector(".evidence")
    found["evidence"] = serious(page, axe)
    page.goto(f"{server.url}/library#add")
    page.wait_for_selector(".rows li")
    page.fill("#add-urls textarea", "http://127.0.0.1:1/x")
    page.click("#add")
    page.wait_for_selector(".results li")
    found["library, adding with a failure"] = serious(page, axe)
    page.click(f"[data-discard='{FERRY.id}']")
    page.wait_for_selector("[data-restore]")
    found["library, undo"] = serious(page, axe)
    page.goto(f"{server.url}/history")
    page.wait_for_selector(".rows li")
    found["history"] = serious(page, axe)
    page.goto(f"{server.url}/evaluation")
    page.wait_for_selector("text=No runs yet.")
    found["evaluation"] = serious(page, axe)
    assert [f"{state}: {line}" for state, lines in found.items() for line in lines] == []


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_the_layout_holds(browser: Any, server: Served, width: int) -> None:
    page = visit(browser, server.url, viewport={"width": width, "height": 800})
    ask(page, TOLL)
    page.locator("[data-quote]").first.click()
    page.wait_for_selector("[data-article] mark")
    states = [("reader", page.evaluate(WIDEST))]
    for path in ("/library", "/history", "/evaluation"):
        page.goto(server.url + path)
        page.wait_for_selector("#sheet .hello")
        page.wait_for_timeout(400)
        states.append((path, page.evaluate(WIDEST)))
    assert [(name, wide) for name, wide in states if wide > width] == []


WIDEST = "document.documentElement.scrollWidth"
