"""Asking, with the real models, a real library and the sample articles."""

import threading

import pytest

from eval import evaluate, floors
from eval.sample import articles_folder, questions_file
from ingest import add
from qa import Assistant, Filters, Library, ask
from qa.assistant import EMPTY, NO_QUESTION, NONE_MATCH, Stopped
from qa.records import Answer
from qa.settings import Settings

FLAGSHIP = "What does Russia mean by security guarantees?"


@pytest.fixture(scope="module")
def assistant(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    results = add([articles_folder()], home)
    assert {result.status for result in results} == {"added"}
    opened = Assistant.open(home)
    yield opened
    opened.library.close()


def exact(answer, library):
    return all(q.text == library.get(q.article_id, q.version).text[q.start : q.end] for q in answer.quotes)


def test_the_flagship_question(assistant):
    answer = assistant.ask(FLAGSHIP)
    assert answer.found and 1 <= len(answer.quotes) <= 5 and exact(answer, assistant.library)
    said = " ".join(quote.text for quote in answer.quotes)
    assert "NATO" in said
    assert sum(quote.words for quote in answer.quotes) <= 120
    first = answer.quotes[0]
    assert first.publisher and first.authors and first.published and first.url and first.highlights
    assert 0 < answer.confidence <= 1 and answer.seconds > 0 and answer.short in said


def test_what_the_articles_do_not_say(assistant):
    answer = assistant.ask("What is the boiling point of tungsten?")
    assert not answer.found and answer.quotes == () and answer.short == ""
    assert answer.reason and 1 <= len(answer.nearest) <= 3
    assert all(quote.highlights == () for quote in answer.nearest)


def test_a_question_in_lower_case(assistant):
    assert "Anstey" in " ".join(q.text for q in assistant.ask("who won the aske marathon").quotes)


def test_a_follow_up_is_read_with_what_came_before(assistant):
    first = assistant.ask("Who won the Aske Marathon?")
    second = assistant.ask("And what does he do for a living?", [("Who won the Aske Marathon?", first)])
    assert second.asked_as == "Who won the Aske Marathon? And what does he do for a living?"
    assert {q.article_id for q in second.quotes or second.nearest} & {q.article_id for q in first.quotes}


def test_the_sample_questions_hold_their_floors(assistant):
    """The whole of Byline: what `byline eval eval/sample/questions.jsonl --floors eval/sample/floors.json` checks."""
    run = evaluate(assistant, questions_file(), library=assistant.library, baselines=False)
    assert floors.broken(run.summary, floors.read(questions_file().with_name("floors.json"))) == []


def test_filters(assistant):
    rows = {row.id: row for row in assistant.library.list()}
    outlet = "Northlight"
    answer = assistant.ask(FLAGSHIP, filters=Filters(publishers=[outlet]))
    assert {rows[q.article_id].publisher for q in answer.quotes or answer.nearest} == {outlet}
    early = assistant.ask(FLAGSHIP, filters=Filters(before="2024-12-31"))
    assert all(rows[q.article_id].published <= "2024-12-31" for q in early.quotes or early.nearest)
    none = assistant.ask(FLAGSHIP, filters=Filters(after="2099-01-01"))
    assert (none.found, none.reason) == (False, NONE_MATCH)


def test_a_copied_story_is_quoted_once_and_names_the_copy(assistant):
    answer = assistant.ask("How many people on the Kestrel Isles were left without internet?")
    texts = [quote.text for quote in answer.quotes]
    assert len(texts) == len(set(texts))
    titles = {row.id: row.title for row in assistant.library.list()}
    copies = {titles[other] for quote in answer.quotes for other in quote.also_in}
    assert any("cable" in title.lower() for title in copies)


def test_steps_and_stop(assistant):
    seen = []
    trace = assistant.trace(FLAGSHIP, on_step=seen.append)
    assert list(dict.fromkeys(step.name for step in seen)) == ["searching", "reading", "composing"]
    assert seen[0].detail == f"searching {assistant.library.count():,} articles"
    assert seen[-1].quotes == trace.answer.quotes
    assert set(trace.seconds) == {"retrieve", "read", "compose"} and len(trace.hits) == 12
    with pytest.raises(Stopped):
        assistant.trace(FLAGSHIP, stop=lambda: True)


def test_reading_ends_after_the_first_round_when_a_sentence_is_likely_enough(assistant, monkeypatch):
    clear = "How many people on the Kestrel Isles were left without internet?"
    seen = []
    short = assistant.trace(clear, on_step=seen.append)
    assert len(short.read) == 8 and [s.detail for s in seen if s.name == "reading"] == ["reading 8 passages"]
    seen.clear()
    hard = assistant.trace("Who was the first person to walk on the moon?", on_step=seen.append)
    assert len(hard.read) == 12
    assert [s.detail for s in seen if s.name == "reading"] == ["reading 8 passages", "reading 4 more passages"]
    monkeypatch.setattr("qa.assistant.FIRST_ROUND", 12)
    assert len(assistant.trace(clear).read) == 12
    assert assistant.ask(clear).quotes == short.answer.quotes


def test_threads_get_the_same_answers(assistant):
    questions = [FLAGSHIP, "Who won the Aske Marathon?", "Why was the cod quota cut?"] * 3
    alone = [assistant.ask(question).quotes for question in questions]
    results = {}

    def run(number):
        results[number] = assistant.ask(questions[number]).quotes

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[q.id for q in results[n]] for n in range(len(questions))] == [[q.id for q in quotes] for quotes in alone]


def test_words_shown_is_a_setting(assistant):
    short = Assistant(assistant.library, Settings.load(assistant.library.home, words_shown=30, quotes_shown=1))
    answer = short.ask(FLAGSHIP)
    assert len(answer.quotes) == 1


def test_an_empty_library_and_an_empty_question(tmp_path):
    with Library.open(tmp_path / "empty") as library:
        opened = Assistant(library, library.settings)
        assert opened.ask("Who?").reason == EMPTY
        assert opened.ask("  ").reason == NO_QUESTION
        assert opened.ask("?? !").reason == NO_QUESTION


def test_ask_from_python(assistant):
    answer = ask("Who won the Aske Marathon?", home=assistant.library.home)
    assert isinstance(answer, Answer) and answer.found and Answer.from_dict(answer.to_dict()) == answer


def test_an_article_added_by_another_library_is_found_at_once(assistant, tmp_path):
    page = tmp_path / "lighthouse.txt"
    page.write_text(
        "Lighthouse keeper retires\n\nThe last keeper of the Skarn lighthouse, Olga Fenn, retired on Friday after "
        "41 years.\n\nShe will move to a flat in Aldermouth with her parrot.\n"
    )
    with Library.open(assistant.library.home) as other:
        [result] = add([page], library=other)
    try:
        answer = assistant.ask("Who was the last keeper of the Skarn lighthouse?")
        assert any("Olga Fenn" in quote.text for quote in answer.quotes)
    finally:
        assistant.library.remove(result.article_id)
    gone = assistant.ask("Who was the last keeper of the Skarn lighthouse?")
    assert all(q.article_id != result.article_id for q in (*gone.quotes, *gone.nearest))
