"""What a run is written as: JSON, CSV, Markdown, a terminal's lines, and one self-contained page."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval import evaluate, plots, report
from eval.run import Run
from eval.words import figure, signed
from qa.library import Library
from tests.eval_tools import Scripted, fill, question

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> ${7*7} {{7*7}}"


@pytest.fixture
def run(library: Library) -> Run:
    fill(library)
    stored = library.get("id-bridge")
    library.put(replace(stored, text=f"The mayor wrote {HOSTILE} on the wall. {stored.text}", title=HOSTILE))
    asked = (
        question(
            "q1", "When did the harbour bridge open?", "May 1932", evidence=("The harbour bridge opened in May 1932.",)
        ),
        question(f"q2{HOSTILE}", f"=What? {HOSTILE}", "40 hectares", articles=("seagrass",), type=HOSTILE),
        question("q3", "Who won the regatta?"),
    )
    script = {
        "When did the harbour bridge open?": (0.9, [f"The mayor wrote {HOSTILE} on the wall."]),
        asked[1].question: (0.9, ["Seagrass meadows grew by 40 hectares last year."]),
    }
    return evaluate(Scripted(library, script), asked)


class Page(HTMLParser):
    """Collects a page's elements, their ids and everything that could load or run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action", "style")
        ]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_the_page_runs_and_loads_nothing(run: Run):
    text = report.to_html(run)
    page = Page(text)
    assert not {"script", "img", "link", "iframe", "object", "embed", "form"} & set(page.tags)
    assert page.handlers == []
    assert all(
        address.startswith("#") or address == "text-align:left" or "white-space" in address for address in page.loads
    )
    assert (
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        in text
    )
    assert "url(" not in text and "@import" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 4  # title, question, type and quote, as text
    assert len(page.ids) == len(set(page.ids))


def test_the_page_opens_each_question_and_what_happened(run: Run):
    text = report.to_html(run)
    assert len(re.findall(r'<details id="q-', text)) == 3
    assert "What would have answered" in text and "<mark>The harbour bridge opened in May 1932.</mark>" in text
    assert "Passages retrieved (3)" in text
    for heading in ("Beside others", "By type of question", "Where it failed", "About this run"):
        assert heading in text


def test_a_large_run_shows_failures_first_and_says_so(run: Run):
    many = [{**run.questions[2], "id": f"n{n}"} for n in range(600)]
    text = report.to_html(replace(run, questions=[*many, run.questions[0]]))
    assert text.count('<details id="q-') == report.SHOWN
    assert 'id="q-q1"' in text
    assert "500 of 601 questions are shown here" in text


def test_the_json_has_the_fixed_keys(run: Run):
    data = json.loads(report.to_json(run))
    assert {"summary", "by_type", "questions", "about"} <= set(data)
    fixed = {"point_recall@1", "point_recall@3", "point_recall@5", "evidence_precision", "short_f1", "abstention_auroc",
             "abstention_accuracy", "quotes_exact", "words_quoted", "seconds_median"}  # fmt: skip
    assert fixed <= set(data["summary"])
    assert {"questions", "code", "versions", "settings", "models", "library", "machine", "started"} <= set(
        data["about"]
    )
    assert data["questions"][0]["quotes"][0]["article_id"] == "id-bridge"
    assert re.fullmatch(r"[0-9a-f]{64}", data["about"]["library"]["sha256"])
    assert "home" not in data["about"]["settings"]


def test_json_holds_no_numbers_that_json_lacks(run: Run):
    text = report.to_json(replace(run, summary={"ece": float("nan"), "brier": float("inf")}))
    assert json.loads(text)["summary"] == {"ece": None, "brier": None}


def test_the_csv_opens_in_a_spreadsheet_and_runs_no_formula(run: Run):
    text = report.to_csv(run)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert [row["id"] for row in rows] == [case["id"] for case in run.questions]
    assert rows[1]["question"].startswith("'=What?")
    assert (rows[0]["point_recall@3"], rows[2]["outcome"]) == ("0", "rightly abstained")


def test_markdown_and_terminal(run: Run):
    text = report.to_markdown(run)
    assert "| points in 3 quotes | 0.50 |" in text
    assert "- not read: 1" in text
    lines = report.terminal(run).splitlines()
    row = next(line for line in lines if line.startswith("points in 3 quotes"))
    assert row.split()[4] == "0.50"


def test_the_files_are_written_whole(run: Run, tmp_path: Path):
    page = report.write(run, tmp_path / "out")
    assert sorted(file.name for file in page.parent.iterdir()) == [
        "questions.csv",
        "report.html",
        "report.md",
        "run.json",
    ]


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (0.8349, "point_recall@3", "0.83"),
        (0.0812, "ece", "0.081"),
        (1.0, "quotes_exact", "100%"),
        (0.99999, "quotes_exact", "99.9%"),  # never rounded up to what it is not
        (0.2345, "seconds_median", "234 ms"),
        (2.345, "seconds_median", "2.3 s"),
        (81.26, "words_quoted", "81.3"),
        (10570, "questions", "10,570"),
        (None, "ece", "–"),
    ],
)
def test_figures_in_words(value: float | None, name: str, text: str):
    assert figure(value, name) == text


def test_differences_carry_their_sign():
    assert [signed(value, "point_recall@3") for value in (0.1, -0.1, 0.0)] == ["+0.10", "−0.10", "±0.00"]


def test_plots_place_their_points():
    text = plots.reliability([(0.0, 0.1, 4, 0.0, 0.0), (0.9, 1.0, 4, 1.0, 1.0)])
    left, right, bottom, top = plots.LEFT, plots.WIDTH - plots.RIGHT, plots.HEIGHT - plots.BOTTOM, plots.TOP
    assert f'<polyline class="line" points="{float(left)},{float(bottom)} {float(right)},{float(top)}"/>' in text
    assert "confidence 0.90 to 1.00: 4 questions, 100% right" in text
    assert "&lt;b&gt;" in plots.bars({"<b>": 3}, "Questions") and "<b>" not in plots.bars({"<b>": 3}, "Questions")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_a_phone_and_asks_for_nothing(run: Run, tmp_path: Path, width: int):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: test)")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    page_file = report.write(run, tmp_path / "out")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(page_file.as_uri())
        page.locator("#questions summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.locator("#questions details[open] blockquote").first.is_visible()
        assert asked == [page_file.as_uri()] and said == []
        browser.close()
