"""HTML → article: text, headings, and the facts that a page tells about itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import extract
from ingest.decode import decode
from ingest.duplicates import jaccard, similar
from ingest.names import clean_authors, clean_publisher, one_line
from ingest.reading import draft
from ingest.records import Page
from qa.errors import ExtractError

STORY = Path(__file__).parent / "pages" / "html" / "news_story.html"
SENTENCE = "The council voted on Tuesday to keep the old bridge open for at least another three years. "


def page(head: str = "", body: str = "", **html: str) -> str:
    attributes = "".join(f' {name}="{value}"' for name, value in html.items())
    body = body or "".join(
        f"<p>{SENTENCE}Item {number} of the plan was agreed without a vote.</p>" for number in range(6)
    )
    return f"<!DOCTYPE html><html{attributes}><head>{head}</head><body><article>{body}</article></body></html>"


def test_a_story_keeps_its_paragraphs_and_loses_the_page_around_it() -> None:
    found = extract.article(STORY.read_text(encoding="utf-8"), STORY.name)
    paragraphs = found.text.split("\n\n")
    assert paragraphs[0].startswith(
        "The town council voted on Tuesday to flood the old slate quarry above Marlow and turn"
    )
    assert paragraphs[-1].endswith("build a new roost before the first water is let in.")
    assert "about 41,000 homes in the valley;" in paragraphs
    assert "\n" not in paragraphs[0], "a newline in the source of a page is only a space"
    assert [found.text[start:end] for start, end in found.headings] == ["What the engineers found"]
    for furniture in ("cookies", "Related", "Library saved", "rights reserved", "Photo", "Home", "By Jane"):
        assert furniture not in found.text


def test_the_facts_of_a_story() -> None:
    found = extract.article(STORY.read_text(encoding="utf-8"), STORY.name)
    assert found.title == "Council votes to flood the old quarry"
    assert found.authors == ("Jane O'Doe", "Ravi Patel")
    assert found.publisher == "The Marlow Gazette"
    assert (found.published, found.updated) == ("2025-03-04", "2025-03-06")
    assert found.language == "en"
    assert found.url == "https://www.marlowgazette.example/news/2025/quarry-flood?utm_source=feed"
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("title", "site", "expected"),
    [
        ("Rates rise again - The Courier", "The Courier", "Rates rise again"),
        ("The Courier | Rates rise again", "The Courier", "Rates rise again"),
        ("Rates rise again | Business | Courier", "The Courier", "Rates rise again | Business"),
        ("Up - and down again", "The Courier", "Up - and down again"),
        ("Rates &amp; rents rise", "The Courier", "Rates & rents rise"),
        ("<script>alert(1)</script>Rates rise", "The Courier", "alert(1)Rates rise"),
    ],
)
def test_the_title_is_the_headline_without_the_outlet(title: str, site: str, expected: str) -> None:
    head = f'<meta property="og:title" content="{title}"><meta property="og:site_name" content="{site}">'
    assert extract.article(page(head), "a.html").title == expected


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("By JANE DOE, Staff Writer", ("Jane Doe",)),
        ("Jane Doe and John Roe", ("Jane Doe", "John Roe")),
        ("Doe, Jane", ("Jane Doe",)),
        ("jane@example.org; Jane van der Berg | Political Correspondent", ("Jane van der Berg",)),
        ("https://example.org/jane", ()),
        ("Staff", ()),
        ("admin", ()),
        ("The Courier", ()),
        ("Jane Doe, Jane Doe", ("Jane Doe",)),
        ("Sinéad Ní Bhriain", ("Sinéad Ní Bhriain",)),
    ],
)
def test_authors_are_people(claim: str, expected: tuple[str, ...]) -> None:
    assert clean_authors([claim], ["The Courier"]) == expected


LINKED = """{"@graph": [
 {"@type": "NewsArticle", "headline": "Bridge", "author": {"@id": "#jane"}, "publisher": {"@id": "#us"}},
 {"@type": "Person", "@id": "#jane", "name": "Jane Doe"},
 {"@type": "Organization", "@id": "#us", "name": "Courier"}]}"""
NAMED = '{"@type": "NewsArticle", "author": "Jane Doe", "publisher": {"name": "Courier"}}'


@pytest.mark.parametrize("data", [LINKED, f"<!--\n{NAMED}\n-->", f"//<![CDATA[\n{NAMED}\n//]]>"])
def test_structured_data_that_is_linked_or_wrapped(data: str) -> None:
    found = extract.article(page(f'<script type="application/ld+json">{data}</script>'), "a.html")
    assert (found.authors, found.publisher) == (("Jane Doe",), "Courier")


def test_a_stated_headline_that_only_describes_is_none() -> None:
    data = '{"@type": "Article", "name": "Marlow", "headline": "town in the valley"}'
    head = f'<title>Marlow - Encyclopedia</title><script type="application/ld+json">{data}</script>'
    html = page(head).replace("<article>", "<h1>Marlow</h1><article>")
    assert extract.article(html, "a.html").title == "Marlow"


def test_facts_of_journals_and_microdata() -> None:
    head = '<meta name="citation_author" content="Doe, Jane"><meta name="citation_author" content="Roe, John">'
    head += '<meta name="citation_journal_title" content="Bridges"><meta itemprop="datePublished" content="2024-05-01">'
    found = extract.article(page(head + '<meta itemprop="dateModified" content="2024-05-03">'), "a.html")
    assert (found.authors, found.publisher) == (("Jane Doe", "John Roe"), "Bridges")
    assert (found.published, found.updated) == ("2024-05-01", "2024-05-03")


def test_a_page_without_meta_tags_tells_its_author_and_day_in_its_text() -> None:
    told = "".join(f"<p>{SENTENCE}It was item {number} of the plan.</p>" for number in range(6))
    body = f"<h1>Bridge to stay open</h1><p>By Jane Doe</p><p>September 4, 2025</p>{told}"
    found = extract.article(f"<html><body>{body}</body></html>", "a.html")
    assert (found.authors, found.published) == (("Jane Doe",), "2025-09-04")
    assert found.text.startswith(SENTENCE.strip())


def test_a_short_first_sentence_stays() -> None:
    told = "".join(f"<p>{SENTENCE}It was item {number} of the plan.</p>" for number in range(6))
    html = f"<html><body><h1>Bridge to stay open</h1><p>Yesterday, the council won.</p>{told}</body></html>"
    assert extract.article(html, "a.html").text.startswith("Yesterday, the council won.\n\n")


def test_the_name_of_the_site_is_no_headline() -> None:
    head = '<title>The Courier: Bridge to stay open</title><meta property="og:site_name" content="The Courier">'
    html = page(head).replace("<body>", "<body><header><h1>The Courier</h1></header>")
    assert extract.article(html, "a.html").title == "Bridge to stay open"


def test_publishers_are_names() -> None:
    assert clean_publisher(["https://www.facebook.com/courier", "@courier"], None) == "Courier"
    assert clean_publisher([], "www.courier.example") == "courier.example"


def test_titles_are_one_line_of_bearable_length() -> None:
    assert one_line("a\n\tb\x00c\u202e") == "a b c"
    assert len(one_line("word " * 500)) <= 402


@pytest.mark.parametrize(
    ("url", "canonical", "expected"),
    [
        (None, "https://news.example.org/a", "https://news.example.org/a"),
        ("https://m.example.org/a?x=1", "https://www.example.org/a", "https://www.example.org/a"),
        ("https://example.org/a", "https://evil.example.net/a", "https://example.org/a"),
        ("https://example.org/a", "https://example.org/", "https://example.org/a"),
        ("https://example.org/a", "/b", "https://example.org/b"),
        ("https://example.org/a", "javascript:alert(1)", "https://example.org/a"),
        (None, "https://example.org/", None),
        (None, "http://localhost/a", None),
        ("https://example.org/a", "https://[host]/p", "https://example.org/a"),
        ("https://eve.substack.com/p/x", "https://ada.substack.com/p/story", "https://eve.substack.com/p/x"),
    ],
)
def test_a_canonical_address_must_be_plausible(url: str | None, canonical: str, expected: str | None) -> None:
    found = extract.article(page(f'<link rel="canonical" href="{canonical}">'), "a.html", url)
    assert found.url == expected


@pytest.mark.parametrize("date", ["1900-01-01", "2999-01-01", "0000-00-00", "soon"])
def test_impossible_dates_are_no_dates(date: str) -> None:
    head = f'<meta property="article:published_time" content="{date}">'
    assert extract.article(page(head), "a.html").published is None


def test_an_update_on_the_day_itself_is_none() -> None:
    head = '<meta property="article:published_time" content="2024-05-01"><meta property="og:updated_time" content="{}">'
    assert extract.article(page(head.format("2024-05-01T20:00")), "a.html").updated is None
    assert extract.article(page(head.format("2024-05-03")), "a.html").updated == "2024-05-03"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<h1>Just a moment...</h1><p>Verifying you are human. This may take a few seconds.</p>", "robots"),
        ("<h1>Access denied</h1><p>You do not have permission to view this page.</p>", "robots"),
        (
            "<h1>Story</h1><p>It began well.</p><p>Subscribe to continue reading. Already a subscriber? Log in.</p>",
            "paywall",
        ),
        (
            "<h1>Before you continue</h1><p>We use cookies and data. Accept all cookies or reject all of them.</p>",
            "consent",
        ),
        ("<h1>Sign in</h1><form><input type='password'></form><p>Please log in.</p>", "login"),
        ("<h1>404</h1><p>The page could not be found.</p>", "error page"),
    ],
)
def test_walls_are_named_and_the_way_round_them_too(body: str, reason: str) -> None:
    html = f"<html><head><title>Site</title></head><body>{body}</body></html>"
    with pytest.raises(ExtractError, match=reason) as error:
        extract.article(html, "a.html")
    assert "Save the page in your browser" in str(error.value)


def test_an_article_about_paywalls_is_an_article() -> None:
    told = "was told to subscribe to continue reading, she said, and went to the library instead of paying for it."
    body = "".join(f"<p>{SENTENCE}Reader number {number} {told}</p>" for number in range(9))
    assert "subscribe to continue reading" in extract.article(page(body=body), "a.html").text


def test_a_page_without_text_says_so() -> None:
    with pytest.raises(ExtractError, match=r"a\.html: no article was found"):
        extract.article("<html><head><title>x</title></head><body><img src='a.png'></body></html>", "a.html")


def test_few_words_bring_a_warning() -> None:
    found = extract.article("<html><body><p>The bridge will open on Monday at noon.</p></body></html>", "a.html")
    assert found.text == "The bridge will open on Monday at noon."
    assert found.warnings == ("Only 8 words were found in the page.",)


def test_deep_nesting_is_refused_before_it_is_parsed() -> None:
    html = "<html><body>" + "<div>" * 100_000 + "text" + "</div>" * 100_000
    with pytest.raises(ExtractError, match="nested"):
        extract.article(html, "a.html")


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        ("Café – naïve".encode(), None, "Café – naïve"),
        ("Café – naïve".encode(), "iso-8859-1", "Café – naïve"),
        ("Café – naïve".encode("cp1252"), "iso-8859-1", "Café – naïve"),
        ("Café – naïve".encode("cp1252"), None, "Café – naïve"),
        ("\ufeffCafé".encode(), "latin-1", "Café"),
        ("Café ok, long enough".encode("utf-16"), None, "Café ok, long enough"),
        ("Plain text in UTF-16".encode("utf-16-le"), None, "Plain text in UTF-16"),
        (b'<meta charset="windows-1251">' + "Привет".encode("cp1251"), None, '<meta charset="windows-1251">Привет'),
        ("日本語の記事".encode("shift_jis"), "shift_jis", "日本語の記事"),
        (b"good \xc3\xa9 " * 20 + b"one slip \xff", "latin-1", "good é " * 20 + "one slip \ufffd"),
        (b"text", "no-such-charset", "text"),
        (b"line\r\nline\rline", None, "line\nline\nline"),
    ],
)
def test_encodings(data: bytes, charset: str | None, expected: str) -> None:
    assert decode(data, "a.txt", charset) == expected


@pytest.mark.parametrize(
    ("data", "name", "what"),
    [
        (b"%PDF-1.7\n", "story.html", "a PDF, although named .html"),
        (b"\x89PNG\r\n\x1a\n\0\0", "story.txt", "a PNG image"),
        (b"PK\x03\x04" + b"x" * 50 + b"word/document.xml", "story.txt", "a Word document"),
        (b"PK\x03\x04" + b"x" * 50, "story.html", "a ZIP archive"),
        (b"\x1f\x8b\x08\0", "story.html", "a gzip archive"),
        (bytes(range(256)) * 20, "story.txt", "a binary file"),
    ],
)
def test_binary_files_are_named(data: bytes, name: str, what: str) -> None:
    with pytest.raises(ExtractError, match=what):
        decode(data, name)


def test_a_web_archive_holds_its_page() -> None:
    archive = (
        b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://example.org/story\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/related; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'
        + page("<title>Bridge stays open</title>").encode()
        + b"\r\n--b--\r\n"
    )
    found = draft(Page("a.mhtml", archive, "a.mhtml"))
    assert (found.title, found.url) == ("Bridge stays open", "https://example.org/story")


def test_copies_share_half_of_their_shingles() -> None:
    words = [f"w{number}" for number in range(200)]
    texts = {"a": " ".join(words), "b": " ".join(words[:170] + ["other"] * 3), "c": " ".join(reversed(words))}
    [pair] = similar(texts)
    assert (pair.one, pair.other) == ("a", "b")
    assert pair.similarity == round(166 / (196 + 3), 3) == round(jaccard(texts["a"], texts["b"]), 3)
