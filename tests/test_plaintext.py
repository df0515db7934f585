"""Plain text: dumps of web pages lose the page around the story, clean texts keep every word; Markdown."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import dump, header, plaintext
from ingest.dates import find_date
from ingest.markdown import article as markdown
from ingest.sources import addresses
from qa.errors import ExtractError

DUMPS = sorted((Path(__file__).parent / "pages" / "dumps").glob("*.txt"))
SEED = Path(__file__).parents[2] / "shared" / "seed" / "000_5e2f3c30a176f96b.txt"
FROZEN = (
    "The harbour froze on Tuesday for the first time in forty years, and the ferry stopped.\n\n"
    "Nobody on the island was surprised. “We have wood,” said Ana.\n\nIt thawed on Friday."
)


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_a_dump_is_cleaned_to_the_story_alone(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = plaintext.article(path.read_text(encoding="utf-8"), path.name)
    assert found.text.split("\n\n") == expected["paragraphs"]
    assert [found.text[start:end] for start, end in found.headings] == expected["headings"]
    assert list(found.authors) == expected["authors"]
    for name in ("title", "publisher", "published", "updated"):
        assert getattr(found, name) == expected[name], name


@pytest.mark.skipif(not SEED.exists(), reason="../shared/seed is not here")
def test_the_seed_page() -> None:
    found = plaintext.article(SEED.read_text(encoding="utf-8"), SEED.name)
    paragraphs = found.text.split("\n\n")
    assert found.title == "Russia Wants ‘Security Guarantees’ Too. Here’s What They Look Like."
    assert found.authors == ("Anatoly Kurmanaev",)
    assert (found.published, found.publisher) == ("2025-09-04", "New York Times")
    assert [found.text[start:end] for start, end in found.headings] == [
        "NATO’s growth is a longtime Kremlin worry.",
        "Workarounds on NATO expansion are tricky.",
        "Russia wants a smaller Ukrainian Army.",
    ]
    assert len(paragraphs) == 25
    assert paragraphs[0].startswith("Diplomatic efforts to end the largely deadlocked war in Ukraine")
    assert paragraphs[-1].endswith("without being able to threaten the other.”")
    for furniture in (
        "DNYUZ",
        "SHARES",
        "Read more",
        "contributed reporting",
        "covers Russia",
        "appeared first",
        "Lorena",
    ):
        assert furniture not in found.text


def test_a_dump_that_was_wrapped_is_still_a_dump() -> None:
    path = next(path for path in DUMPS if path.stem == "wordpress_blog")
    text = path.read_text(encoding="utf-8")
    wrapped = "\n".join(textwrap.fill(line, 78) if len(line) > 78 else line for line in text.split("\n"))
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["paragraphs"]
    assert plaintext.article(wrapped, path.name).text.split("\n\n") == expected


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        (FROZEN, "The harbour froze on Tuesday for the first time in forty years …", FROZEN),
        ("Harbour freezes\n\n" + FROZEN, "Harbour freezes", FROZEN),
        ("Harbour freezes\n" + FROZEN.replace("\n\n", "\n"), "Harbour freezes", FROZEN),
        ("Harbour freezes\n\nBy Jane Doe\n4 March 2024\n\n" + FROZEN, "Harbour freezes", FROZEN),
        ("Milk\nEggs\nFlour\nButter", "Milk", "Milk\nEggs\nFlour\nButter"),
        (
            "The Road\n\nTwo paths went down the hill,\nAnd one of them was mine,\nThe other stood there still.",
            "The Road",
            "Two paths went down the hill,\nAnd one of them was mine,\nThe other stood there still.",
        ),
        (
            "ANA: Hello.\nBEN: Hello.\nANA: Cold?\nBEN: Very.",
            "ANA: Hello.",
            "ANA: Hello.\n\nBEN: Hello.\n\nANA: Cold?\n\nBEN: Very.",
        ),
        ("Одна строка.\n\nДругая строка.", "Одна строка.", "Одна строка.\n\nДругая строка."),
    ],
)
def test_a_clean_text_keeps_every_word(text: str, title: str, body: str) -> None:
    found = plaintext.article(text, "a.txt")
    assert (found.title, found.text) == (title, body)


def test_the_lines_under_a_title_are_facts() -> None:
    found = plaintext.article("Harbour freezes\n\nBy Jane Doe and John Roe\n\nMarch 4, 2024\n\n" + FROZEN, "a.txt")
    assert (found.authors, found.published) == (("Jane Doe", "John Roe"), "2024-03-04")
    named = plaintext.article(
        "Title: Harbour\nAuthor: Jane Doe\nDate: 2024-03-04\nURL: https://example.org/a\n\n" + FROZEN, "a.txt"
    )
    assert (named.title, named.authors, named.published) == ("Harbour", ("Jane Doe",), "2024-03-04")
    assert (named.url, named.text) == ("https://example.org/a", FROZEN)


def test_a_wrapped_book_becomes_paragraphs() -> None:
    paragraph = "It was a truth that nobody in the valley had questioned, that a man who owned a mill wants a wife. "
    chapters = [
        f"CHAPTER {number}\n\n" + "\n\n".join(textwrap.fill(paragraph * 3, 72) for _ in range(5)) for number in "12"
    ]
    found = plaintext.article("The Mill\n\n*** START OF THE EBOOK ***\n\n" + "\n\n".join(chapters), "mill.txt")
    assert found.title == "The Mill"
    assert found.text.split("\n\n") == ["*** START OF THE EBOOK ***"] + (
        ["CHAPTER 1"] + [(paragraph * 3).strip()] * 5
    ) + (["CHAPTER 2"] + [(paragraph * 3).strip()] * 5)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused_and_its_headings_are_slices(text: str) -> None:
    try:
        found = plaintext.article(text, "a.txt")
    except ExtractError:
        assert not any(character.isalnum() for character in text)
        return
    assert found.text.strip() and found.title.strip()
    for start, end in found.headings:
        assert found.text[start:end].strip() == found.text[start:end] != ""


def test_a_line_without_an_end_is_read_quickly() -> None:
    start = time.monotonic()
    assert len(plaintext.article("word " * 400_000, "a.txt").text) == 5 * 400_000 - 1
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Sept. 4, 2025, 9:14 p.m. CT", "2025-09-04"),
        ("Thu 4 Sep 2025 09.14 BST", "2025-09-04"),
        ("4th of September, 2025", "2025-09-04"),
        ("2025-09-04T10:00:00Z", "2025-09-04"),
        ("2025/9/4", "2025-09-04"),
        ("9/4/2025", "2025-09-04"),
        ("25/12/2024", "2024-12-25"),
        ("4.9.2025", "2025-09-04"),
        ("February 30, 2024", None),
        ("September 4", None),
        ("1 January 2999", None),
    ],
)
def test_dates_in_many_styles(text: str, day: str | None) -> None:
    assert find_date(text) == day


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("By Jane Doe", ("Jane Doe",)),
        ("by Jane Doe and John Roe in Berlin", ("Jane Doe", "John Roe")),
        ("By KEVIN OSTROWSKI | Tech Reporter", ("Kevin Ostrowski",)),
        ("Posted on March 14, 2025 by Margit Haldane", ("Margit Haldane",)),
        ("By the time the rescuers came, it was over.", ()),
        ("By Monday", ("Monday",)),
        ("Jane Doe", ()),
    ],
)
def test_bylines(line: str, names: tuple[str, ...]) -> None:
    assert header.byline(line) == names


def test_a_line_of_dates_tells_when_and_a_sentence_does_not() -> None:
    assert header.dates_in("Published: 11:20 EST, 2 May 2025 | Updated: 14:05 EST, 3 May 2025") == (
        "2025-05-02",
        "2025-05-03",
    )
    assert header.dates_in("Last modified on Tue 8 Jul 2025 09.31 BST") == (None, "2025-07-08")
    assert header.dates_in("3 hours ago") == (None, None)
    assert header.dates_in("The treaty was signed on 8 July 2025 in Geneva.") is None


@pytest.mark.parametrize(
    "line",
    [
        "Advertisement",
        "Share on FacebookShare on Twitter",
        "1.4k views",
        "Read more",
        "© 2025 The Gazette",
        "Copyright 2025 Gazette",
    ],
)
def test_furniture(line: str) -> None:
    assert dump.lines_of(line)[0].kind in ("furniture", "over")


@pytest.mark.parametrize(
    "line",
    [
        "Advertisement revenue fell by a third last year, the company said on Monday.",
        "He said he would share more details of the plan with members on Friday.",
        "Related costs rose faster than anybody at the ministry had expected them to.",
        "Comments made by the minister in March were taken back in April, she said.",
        "Photo editors at the agency were the first to notice the missing shadow.",
        "Research by the University of Exeter found that deaths from heat in Britain doubled last summer.",
        "Copyright holders say the bill would let AI companies train on their work without paying.",
        "Photos, videos and witness accounts reviewed by the Ledger show police opened fire on the crowd.",
        "Support for Ukraine has grown in the European Commission since the US cut its aid.",
        "Reporting by the Ledger revealed in March that the pier had never been inspected by anyone.",
        "Loading of grain resumed at Odesa on Friday after a pause of nine days, the port said.",
    ],
)
def test_sentences_are_not_furniture(line: str) -> None:
    assert dump.lines_of(line)[0].kind == "prose"


def test_markdown_becomes_plain_text() -> None:
    text = (
        "---\ntitle: Harbour freezes\nauthor: [Jane Doe, '[[John Roe]]']\ndate: 2024-03-04\n"
        "source: https://example.org/a?utm_source=x\n---\n"
        "# Harbour freezes\n\nThe *harbour* [froze](https://example.org/b) on\nTuesday, `ice` and all.\n\n## After\n\n"
        "- one ferry\n- two boats\n\n| day | ice |\n|---|---|\n| Tuesday | thick |\n\n"
        "![a picture](x.png)\n\n<script>alert(1)</script>\n\n> Quoted.\n"
    )
    found = markdown(text, "a.md")
    assert found.title == "Harbour freezes"
    assert (found.authors, found.published) == (("Jane Doe", "John Roe"), "2024-03-04")
    assert found.url == "https://example.org/a?utm_source=x"
    assert found.text.split("\n\n") == [
        "The harbour froze on Tuesday, ice and all.",
        "After",
        "one ferry",
        "two boats",
        "day | ice",
        "Tuesday | thick",
        "Quoted.",
    ]
    assert [found.text[start:end] for start, end in found.headings] == ["After"]


def test_front_matter_with_a_colon_in_its_title_is_read_as_it_is_meant() -> None:
    front = "title: Bridge toll: drivers to pay £4\nauthor: Nerys Coldwell\ndate: 2024-11-05\nurl: https://ledger.example/toll"
    found = markdown(f"---\n{front}\n---\n\nDrivers would pay.\n", "clip-17.md")
    assert (found.title, found.authors) == ("Bridge toll: drivers to pay £4", ("Nerys Coldwell",))
    assert (found.published, found.url) == ("2024-11-05", "https://ledger.example/toll")


def test_markdown_keeps_what_stands_between_rules_and_in_html() -> None:
    text = "---\n\nDrivers would pay £4 each time they cross.\n\n---\n\nThe council votes in May.\n"
    assert markdown(text, "n.md").text == "Drivers would pay £4 each time they cross.\n\nThe council votes in May."
    text = "<p>Drivers would pay &pound;4.</p>\n\n<blockquote>We had <b>no</b> choice.</blockquote>\n\nIt rained.\n"
    found = markdown(text + "\n<style>p { color: red }</style>\n\n<!-- a remark -->\n", "n.md")
    assert found.text.split("\n\n") == ["Drivers would pay £4.", "We had no choice.", "It rained."]


def test_markdown_without_front_matter() -> None:
    found = markdown("# Harbour freezes\n\nBy Jane Doe\n\n4 March 2024\n\nIt froze.\n", "a.md")
    assert (found.title, found.authors, found.published, found.text) == (
        "Harbour freezes",
        ("Jane Doe",),
        "2024-03-04",
        "It froze.",
    )
    assert markdown("Only a paragraph.", "note.md").title == "note"


@pytest.mark.parametrize(
    "front", ["title: [unclosed", "- a\n- b", "a: &x [*x]", "!!python/object/apply:os.system [id]"]
)
def test_broken_front_matter_is_no_front_matter(front: str) -> None:
    assert markdown(f"---\n{front}\n---\n# A\n\nText.", "a.md").text == "Text."


def test_markdown_without_words_says_so() -> None:
    with pytest.raises(ExtractError, match=r"a\.md: there is no article"):
        markdown("![](x.png)\n", "a.md")


def test_a_list_of_addresses_survives_a_slip_and_an_article_is_no_list() -> None:
    lines = (
        b"# mine\n\n" + b"".join(b"https://example.org/%d\n" % number for number in range(4)) + b"htps://example.org/5"
    )
    assert len(addresses(lines, "a.txt")) == 5
    assert addresses(b"https://example.org/1\nThe harbour froze.\nIt thawed.", "a.txt") == []
