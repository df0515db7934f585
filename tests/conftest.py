"""Fixtures for every test: a home of its own, and a library whose encoder needs no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.library import Library
from tests import chat_tools
from tests.fakes import FakeEncoder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point BYLINE_HOME into tmp_path, so that no test touches the library of the person who runs it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("BYLINE_HOME", str(folder))
    return folder


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def library(home: Path, encoder: FakeEncoder) -> Iterator[Library]:
    """An empty library in `home`, with the fake encoder."""
    with Library.open(home, encoder=encoder) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium, where one is installed."""
    with chat_tools.chromium() as opened:
        yield opened


@pytest.fixture
def server(home: Path) -> Iterator[chat_tools.Served]:
    """A chat that is being served, over two articles."""
    with chat_tools.served(home) as running:
        running.library.put(chat_tools.BRIDGE)
        running.library.put(chat_tools.FERRY)
        yield running
