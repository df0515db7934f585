"""Answers: what is derived, and the way through JSON and back."""

import json

from qa.records import Answer, Article, Filters, Passage, Quote, within_words


def quote(text="Snow fell. It lay.", start=10, **given):
    values = {
        "article_id": "a1",
        "title": "T",
        "url": None,
        "publisher": "P",
        "authors": ("A", "B"),
        "published": "2025-09-04",
    }
    return Quote(**values | {"start": start, "end": start + len(text), "text": text} | given)


def test_answer_survives_json():
    answer = Answer(
        "q?", "q?", (quote(highlights=((10, 14),), also_in=("b2",)),), 0.7, True, nearest=(quote(),), seconds=0.1
    )
    data = json.loads(json.dumps(answer.to_dict()))
    assert Answer.from_dict(data) == answer
    assert data["short"] == "Snow" == answer.short
    assert data["quotes"][0]["id"] == "a1@1:10-28"


def test_text_numbers_its_sources_and_keeps_to_its_words():
    long = quote("word " * 99 + "end.", start=0)
    answer = Answer("q", "q", (long, quote("Thirty " * 29 + "x.", start=900)), 0.5, True)
    assert answer.text.count("[1]") == 2 and "[2]" not in answer.text
    assert "P · A, B · 2025-09-04" in answer.text


def test_text_of_no_answer_is_its_reason():
    assert Answer("q", "q", (), 0.1, False, "Your articles do not say.").text == "Your articles do not say."
    assert Answer("q", "q", (), 0.1, False).short == ""


def test_within_words_always_gives_the_first():
    quotes = [quote("a b c."), quote("d e."), quote("f.")]
    assert list(within_words(quotes, 1)) == quotes[:1]
    assert list(within_words(quotes, 5)) == quotes[:2]


def test_ids_and_filters():
    assert Passage("a", 2, 3, 9, "xxxxxx").id == "a@2:3-9"
    assert not Filters()
    assert Filters(publishers=["P"]).publishers == ("P",)
    from datetime import date, datetime

    assert Filters(after=date(2025, 1, 2), before=datetime(2025, 1, 3, 4)) == Filters("2025-01-02", "2025-01-03")


def test_an_article_is_immutable():
    article = Article("a", None, "T", (), None, None, None, "", None, "text", "")
    try:
        article.text = "other"
    except AttributeError:
        return
    raise AssertionError("an article's text was changed in place")
