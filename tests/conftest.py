"""Fixtures for every test: a home of its own, and a library whose encoder needs no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.library import Library
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
