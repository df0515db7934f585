"""Answers on screen: text from articles cannot act there."""

import html.parser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from qa.records import Answer, Quote
from qa.render import (
    answer_html,
    answer_markdown,
    answer_text,
    confidence_word,
    day,
    escape_markdown,
    fragment_url,
    source_line,
)


def quote(text="Snow fell on Monday.", **given):
    values = {
        "article_id": "a1",
        "title": "Snow",
        "url": "https://x.example/a",
        "publisher": "Post",
        "authors": ("Ann",),
    }
    return Quote(**values | {"published": "2025-09-04", "start": 0, "end": len(text), "text": text} | given)


def answer(*quotes, **given):
    return Answer("When did snow fall?", "When did snow fall?", quotes, 0.8, True, **given)


def test_text_for_a_terminal():
    shown = answer_text(answer(quote(highlights=((13, 19),), speaker="Ann Lee")))
    assert "│ Snow fell on Monday. [1]" in shown and "— Ann Lee" in shown
    assert "[1] Snow — Post · Ann · 4 Sep 2025" in shown
    assert "\x1b[1mMonday\x1b[22m" in answer_text(answer(quote(highlights=((13, 19),))), color=True)


def test_paragraphs_and_items_keep_their_lines_on_a_terminal():
    shown = answer_text(answer(quote("“It is late.”\n\nIt fell:\n• rain\n• snow, and\nhail", highlights=((26, 30),))))
    assert shown.split("\n")[:4] == ["  │ “It is late.”", "  │ It fell:", "  │ • rain", "  │ • snow, and hail [1]"]


def test_terminal_codes_in_an_article_do_nothing():
    hostile = quote("Red \x1b[31malert\x07 \u202e here.", title="\x1b]0;title\x07", highlights=((0, 3),))
    shown = answer_text(answer(hostile))
    assert "\x1b" not in shown and "\x07" not in shown and "\u202e" not in shown


def test_no_answer_shows_its_reason_and_the_nearest():
    none = Answer("q", "q", (), 0.1, False, "Not in your articles.", (quote(),))
    shown = answer_text(none)
    assert shown.startswith("Not in your articles.") and "1. Snow fell on Monday." in shown


def test_what_was_searched_is_shown_when_it_differs():
    follow = Answer("When?", "Did snow fall? When?", (quote(),), 0.8, True)
    assert "searched as: Did snow fall? When?" in answer_text(follow)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/a.png)",
    "[click](javascript:alert(1))",
    "<http://evil.example>",
    "http://evil.example/auto",
    "&lt;b&gt;",
    "**bold** _it_ `code` ~~s~~",
    "# heading",
    "> quote\n- item",
    '"><svg onload=alert(1)>',
    "[a]: http://evil.example",
    "\\![x](y)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_html(text):
    hostile = quote(text, title=text, publisher=text, authors=(text,), speaker=text, highlights=((1, 4),))

    class Tags(html.parser.HTMLParser):
        seen: list[str] = []  # noqa: RUF012
        text = ""

        def handle_starttag(self, tag, attrs):
            self.seen.append(tag)

        def handle_data(self, data):
            self.text += data

    tags = Tags()
    tags.seen = []
    tags.feed(answer_html(answer(hostile)))
    assert set(tags.seen) <= {"blockquote", "b", "ol", "li", "a", "cite"}
    assert text in tags.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_markdown(text):
    hostile = quote(text, title=text, publisher=text, authors=(text,), speaker=text, url=None)
    rendered = MarkdownIt("commonmark", {"html": True, "linkify": False}).render(answer_markdown(answer(hostile)))
    assert "<script" not in rendered and "<img" not in rendered and "<a " not in rendered and "<svg" not in rendered


@given(st.text(max_size=80))
def test_escaped_markdown_reads_as_the_text(text):
    flat = " ".join(text.split()).replace("\x00", "")
    rendered = MarkdownIt("commonmark").render("x" + escape_markdown(flat) + "x")
    assert "<a" not in rendered and "<em" not in rendered and "<img" not in rendered


def test_an_unsafe_address_is_no_link():
    assert "href" not in answer_html(answer(quote(url="javascript:alert(1)")))
    assert fragment_url(quote(url="file:///etc/passwd")) is None
    assert fragment_url(quote(url="http://[bad")) is None


def test_fragments_open_the_page_at_the_words():
    assert fragment_url(quote()) == "https://x.example/a#:~:text=Snow%20fell%20on%20Monday."
    long = quote("One two three four five six-seven, eight nine ten eleven twelve.")
    assert fragment_url(long) == (
        "https://x.example/a#:~:text=One%20two%20three%20four%20five,eight%20nine%20ten%20eleven%20twelve."
    )


def test_words_dates_and_sources():
    assert [confidence_word(c) for c in (0.9, 0.6, 0.3, 0.1)] == ["clear", "likely", "possible", "weak"]
    assert day("2025-09-04") == "4 Sep 2025" and day(None) is None and day("spring") == "spring"
    assert source_line(quote(authors=())) == "Post · 4 Sep 2025"
    assert source_line(quote(publisher=None, authors=(), published=None)) == ""
