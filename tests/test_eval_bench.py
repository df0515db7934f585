"""The benches: how they are found, and what the one of later questions fills its library with."""

from __future__ import annotations

import json
import lzma
import sys
from itertools import islice
from pathlib import Path

import pytest

from eval.bench import ask, chat, names
from eval.bench.__main__ import main as bench
from qa.library import Library
from tests.eval_tools import fill


def test_benches_are_listed_without_being_run(capsys):
    assert {"ask", "chat", "start"} <= set(names())
    assert all(text.endswith(".") for text in names().values())
    assert bench([]) == 0
    assert "ask" in capsys.readouterr().out
    assert bench(["none"]) == 2


def test_mixed_articles_are_of_the_originals_sentences_and_always_the_same(library: Library):
    originals = [fill(library).get(f"id-{name}") for name in ("bridge", "school", "seagrass")]
    first, second = (list(islice(ask.mixed(originals), 20)) for _ in range(2))
    assert first == second and len({made.id for made in first}) == 20
    everything = " ".join(original.text for original in originals)
    assert all(line in everything for made in first for line in made.text.split("\n\n")[0].split(". ")[:1])


def test_the_library_is_filled_to_the_number_wanted(library: Library, tmp_path: Path):
    texts = tmp_path / "texts.jsonl.xz"
    rows = [{"id": f"t{n}", "title": f"T{n}", "text": f"Text number {n}.", "date": "2024-01-01"} for n in range(5)]
    texts.write_bytes(lzma.compress("\n".join(json.dumps(row) for row in [*rows, {"id": "e", "text": " "}]).encode()))
    ask.fill(library, 4, texts)
    assert sorted(row.id for row in library.list()) == ["t0", "t1", "t2", "t3"]
    ask.fill(library, 50, texts)
    assert library.count() == 5


@pytest.mark.parametrize("name", ["ask", "chat", "start"])
def test_a_bench_has_help(name: str, capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as ended:
        bench([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m eval.bench {name}" in capsys.readouterr().out


def test_without_playwright_the_chat_s_bench_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)  # what Python does where it is not installed
    assert bench(["chat", "--articles", "1"]) == 1
    assert capsys.readouterr().err == ("This bench drives a browser: pip install 'byline[test]', then run it again.\n")


def test_spread_is_median_and_95th_percentile():
    assert chat.spread([float(n) for n in range(1, 22)]) == {"median": 11.0, "p95": 20.0}
    assert chat.spread([3.0, 1.0]) == {"median": 2.0, "p95": 3.0}
