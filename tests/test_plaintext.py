"""Plain text: dumps of web pages lose the page around the story, clean texts keep every word; Markdown."""

from __future__ import annotations

import json
import quopri
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import dump, header, plaintext
from ingest.dates import find_date
from ingest.furniture import is_furniture
from ingest.markdown import article as markdown
from ingest.records import Draft
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


MENU = "Home\nNews\nSport\nWeather\nVideo\nLog in\nSubscribe\n\n"
STORY = (
    "The water board has ordered an inspection of the dam after engineers found {} in the oldest wall of the valley."
)
LEAKS = [STORY.format(what) for what in ("a leak", "two cracks", "a blocked well")]


def dumped(head: str, body: list[str], end: str) -> Draft:
    text = MENU + head + "\n\n" + "\n\n".join(body) + "\n\nMost read\nBakery fire\nBoat chase\n" + end
    return plaintext.article(text, "a.txt")


def test_a_caption_under_its_credit_is_no_headline() -> None:
    head = "Eleven walls: What we know\n\n10 hours ago\nShare\nSave\nMarta Kowalczyk\nEnvironment reporter, Marlow\n\n"
    found = dumped(head + "Reuters\nEngineers found a leak in the dam of the valley", LEAKS, "© 2025 The Gazette")
    assert (found.title, found.authors) == ("Eleven walls: What we know", ("Marta Kowalczyk",))
    assert found.text.split("\n\n") == LEAKS


def test_a_word_may_be_an_answer_and_critics_may_be_in_a_heading() -> None:
    body = [LEAKS[0], "Are you afraid?", "No.", LEAKS[1], "Why the critics are wrong", LEAKS[2]]
    found = dumped("Dam to be inspected\n\nBy Jane Doe\n4 September 2025", body, "Copyright © The Gazette 2025")
    assert found.text.split("\n\n") == body
    assert [found.text[start:end] for start, end in found.headings] == ["Are you afraid?", "Why the critics are wrong"]


@pytest.mark.parametrize(
    ("notice", "publisher"),
    [
        ("Copyright © Marlow Monthly 2025", "Marlow Monthly"),
        ("Copyright © 2025 · The Marlow Blog · Log in", "The Marlow Blog"),
        ("© Crown copyright", None),
        ("© Riproduzione riservata", None),
        ("© 2025 Jane Doe", "Jane Doe"),
    ],
)
def test_who_holds_the_copyright(notice: str, publisher: str | None) -> None:
    found = dumped("Dam to be inspected\n\nBy Jane Doe\n4 September 2025", LEAKS, notice)
    assert (found.publisher, found.authors) == (publisher, ("Jane Doe",))


def test_a_line_for_each_author_and_a_consent_banner_above() -> None:
    banner = (
        "We and our 842 partners store and access personal data, like browsing data, on your device.\n"
        "Selecting I Accept enables tracking technologies to support what we and our partners process data for.\n"
        "You can resurface this menu to change your choices or withdraw consent at any time from the page's end.\n"
    )
    found = plaintext.article(
        banner + MENU + "Dam to be inspected\nBy Jane Doe\nBy John Roe\n4 September 2025\n" + "\n".join(LEAKS)
        + "\nMost read\nBakery fire\n© 2025 The Gazette", "a.txt",
    )  # fmt: skip
    assert (found.title, found.authors) == ("Dam to be inspected", ("Jane Doe", "John Roe"))
    assert found.text.split("\n\n") == LEAKS


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


def test_the_lines_under_a_title_in_other_forms() -> None:
    body = "\n\n" + FROZEN
    for head, authors in (
        ("By Jane Doe\nBy John Roe\nMarch 4, 2024", ("Jane Doe", "John Roe")),
        ("Jane Doe\nMarch 4, 2024", ("Jane Doe",)),
        ("Jane Doe | 4 March 2024", ("Jane Doe",)),
        ("https://example.org/a\n\nBy Jane Doe, Marlow Gazette\n\nMarch 4, 2024", ("Jane Doe",)),
        ("Posted on March 4, 2024 by admin", ()),
    ):
        found = plaintext.article("Harbour freezes\n\n" + head + body, "a.txt")
        assert (found.title, found.text) == ("Harbour freezes", FROZEN), head
        assert (found.authors, found.published) == (authors, "2024-03-04"), head
    summed_up = "Ferry stopped for the first time in forty years"
    found = plaintext.article(f"Harbour freezes\n\n{summed_up}\n\nBy Jane Doe\n4 March 2024{body}", "a.txt")
    assert (found.text, found.authors, found.published) == (f"{summed_up}\n\n{FROZEN}", ("Jane Doe",), "2024-03-04")
    found = plaintext.article("https://example.org/a\n\nHarbour freezes" + body, "a.txt")
    assert (found.title, found.url, found.text) == ("Harbour freezes", "https://example.org/a", FROZEN)


def test_an_e_mail_and_a_book_name_themselves() -> None:
    head = "MIME-Version: 1.0\nFrom: Marlow Gazette <news@example.org>\nSubject: Harbour freezes\n"
    head += "Date: Mon, 04 Mar 2024 10:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n"
    packed = quopri.encodestring(FROZEN.encode()).decode()
    for text in (head + "\n" + FROZEN, f"{head}Content-Transfer-Encoding: quoted-printable\n\n{packed}"):
        found = plaintext.article(text, "a.txt")
        assert (found.title, found.publisher, found.published) == ("Harbour freezes", "Marlow Gazette", "2024-03-04")
        assert found.text == FROZEN
    assert plaintext.article("Harbour freezes\n\n" + packed, "a.txt").text == FROZEN
    sums = "Sums\n\nHe wrote a=10 and b=20 on the board.\nThen c=30 stood there."
    assert "a=10 and b=20" in plaintext.article(sums, "a.txt").text
    book = "The eBook of Valley Tales\n\nTitle: Valley Tales\n\nAuthor: Orla Penhallow\n\n" + FROZEN
    found = plaintext.article(book, "a.txt")
    assert (found.title, found.authors, found.text) == ("Valley Tales", ("Orla Penhallow",), FROZEN)


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
        ("4. September 2025", "2025-09-04"),
        ("3. März 2025", "2025-03-03"),
        ("le 1er août 2024 à 11h32", "2024-08-01"),
        ("4 de septiembre de 2025", "2025-09-04"),
        ("4 settembre 2025", "2025-09-04"),
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
        ("By Jane Doe, BBC News", ("Jane Doe",)),
        ("By New York Times", ()),
        ("Von Anna Lindqvist", ("Anna Lindqvist",)),
        ("di Giulia Marchetti", ("Giulia Marchetti",)),
        ("Von der Leyen under fire", ()),
        ("Von Der Leyen Wins Vote", ()),
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
    assert header.dates_in("Posted on September 4, 2025 by admin") == ("2025-09-04", None)
    assert header.dates_in("Publié le 4 mai 2025 à 11h32, modifié le 5 mai 2025 à 08h10") == (
        "2025-05-04",
        "2025-05-05",
    )
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
        "18:31",
        "11.05 BST",
        "Read more: Flood insurance bills soar in the north",
        "Read the full transcript",
        "Tarrow dam at dusk in August. Photograph by Lennart Falk",
        "The Gallery is a reader-supported publication. To receive new posts, consider becoming a subscriber.",
        "Thanks for reading The Gallery! This post is public so feel free to share it.",
        "We and our 842 partners store and access personal data, like browsing data, on your device.",
        "If trackers are disabled, some content and ads you see may not be as relevant to you.",
        "We use cookies and other tracking technologies to improve this site.",
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
        "The firm would process personal data of its 40 partners for personalised ads, the regulator found on Friday.",
        "The browser will let you block trackers and cookies on every page from Monday, the firm said in a letter.",
        "Sites must let you withdraw consent and refuse cookies as easily as you accept them, the court ruled.",
        "The museum in the valley sold its mill on Monday and bought a picture by Pablo Picasso.",
        "Nobody had read more of the report than its cover when the committee voted on it in March.",
        "« Nous n’allons pas deviner non plus, a déclaré l’ingénieure en chef de la vallée mardi soir. »",
        "Loading of grain resumed at Odesa on Friday after a pause of nine days, the port said.",
    ],
)
def test_sentences_are_not_furniture(line: str) -> None:
    assert dump.lines_of(line)[0].kind == "prose"


@pytest.mark.parametrize("line", ["1200 ft", "100 ft", "1945 at"])
def test_a_height_or_a_year_is_no_time_of_day(line: str) -> None:
    assert not is_furniture(line)


@pytest.mark.parametrize(
    ("line", "dates"),
    [
        ("2 hours ago", (None, None)),
        ("Updated yesterday.", (None, None)),
        ("Today at 10 a.m.", (None, None)),
        ("5 min.", (None, None)),
        ("Yesterday, the council won.", None),
        ("Today is a good day.", None),
        ("Estimated reading scores in the valley fell last year.", None),
    ],
)
def test_a_sentence_that_begins_with_a_day_is_no_date(line: str, dates: tuple[None, None] | None) -> None:
    assert header.dates_in(line) == dates


def test_a_line_of_spaces_or_a_file_of_empty_lines_takes_no_time() -> None:
    begun = time.perf_counter()
    assert header.byline("a" + " " * 100_000 + "b") == ()
    assert header.dates_in("a" + " " * 100_000 + "b") is None
    assert markdown("# Harbour freezes\n" + "\n" * 100_000 + "It froze.", "a.md").text == "It froze."
    assert time.perf_counter() - begun < 5


def test_marks_of_note_taking_programs_that_are_the_text_s_own() -> None:
    for kept in (
        "Prices rose by 5%% and fell by 3%% in May.",
        "It is kept at https://example.org/?a==b==c of the site.",
    ):
        assert markdown(f"# Prices\n\n{kept}\n", "a.md").text == kept
    assert markdown("# Code\n\n~~~\na[[0]]\n~~~\n", "a.md").text == "a[[0]]"


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


def test_markdown_of_note_taking_programs() -> None:
    text = (
        "+++\ntitle = 'Harbour freezes'\nauthor = 'Jane Doe'\ndate = 2024-03-04T10:00:00Z\n+++\n![[ice.jpg]]\n\n"
        "The [[harbour]] and the [[Ferry (boat)|ferry]] ==froze==.[^1] %%check%%\n\n> [!quote] Ana\n> We have wood.\n\n"
        "- [ ] buy wood\n- [x] mend boat\n\n`a[[0]]` ~~fell~~\n\n#ice #harbour\n\n[^1]: Report of 2024.\n"
    )
    found = markdown(text, "a.md")
    assert (found.title, found.authors, found.published) == ("Harbour freezes", ("Jane Doe",), "2024-03-04")
    assert found.text.split("\n\n") == [
        "The harbour and the ferry froze.",
        "Ana",
        "We have wood.",
        "buy wood",
        "mend boat",
        "a[[0]] fell",
        "Report of 2024.",
    ]
    exported = (
        "# Harbour freezes\n\n## Metadata\n- Author: [[Jane Doe]]\n- URL: https://example.org/a\n\n## Text\nIt froze.\n"
    )
    found = markdown(exported, "a.md")
    assert (found.authors, found.url, found.text) == (("Jane Doe",), "https://example.org/a", "Text\n\nIt froze.")
    found = markdown("Title: Harbour freezes\nAuthor: Jane Doe\n\nIt froze.\n", "a.md")
    assert (found.title, found.authors, found.text) == ("Harbour freezes", ("Jane Doe",), "It froze.")


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
    noted = (
        b"- <https://example.org/1>  # read first\r\nhttps://example.org/2 # later\r\n1. https://example.org/a#b\r\n"
    )
    found = addresses(noted, "a.txt")
    assert found == ["https://example.org/1", "https://example.org/2", "https://example.org/a#b"]
    assert addresses(b"https://example.org/1\nThe harbour froze.\nIt thawed.", "a.txt") == []
