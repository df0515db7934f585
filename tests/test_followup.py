"""Which questions lean on what came before, and what is then searched."""

import pytest

from qa.followup import leans_back, stand_alone
from qa.records import Answer, Quote


@pytest.mark.parametrize(
    "question",
    [
        "And what about NATO?",
        "When was that?",
        "How does that compare with the Ukrainian position?",
        "Why?",
        "why not",
        "What did he say about it?",
        "How many of them came?",
        "Who else was there?",
        "and in 2023?",
        "Is it expensive?",
        "What happened then?",
        "Tell me more",
        "did they agree",
        "Since when?",
        "But who paid?",
        "What are these?",
        "How long did this take?",
        "What else happened that year?",
        "What did NATO say about it?",
        "Did Putin meet him?",
        "How was that plan received?",
        "Tell me how they’re different.",
        "Which one won?",
        "Are there any other cases?",
        "Was the album a hit?",
        "How many people died?",
        "Who was blamed?",
        "who is against",
        "HOW OLD IS SHE?",
        "WHERE DID THEY FIND IT?",
        "Big coffee firms did nothing at first. What did Starbucks and Nestlé then do to help them?",
    ],
)
def test_leans_back(question):
    assert leans_back(question)


@pytest.mark.parametrize(
    "question",
    [
        "What does Russia mean by security guarantees?",
        "Who won the Aske Marathon?",
        "is it true that the toll was approved",
        "What is the law that bans phones in schools?",
        "Did Putin say he would accept Ukraine in the EU?",
        "Are there plans for a night train to Vienna?",
        "How much will it cost to cross the Aske bridge?",
        "what did mayor hollis say about ferry cuts",
        "Which drinks come in the pack?",
        "What does the pledge mean for small islands?",
        "What did Thornbury council decide about parking this year?",
        "What happened at the Aske Bridge this week?",
        "How many deaths have there been in Gaza since October?",
        "Is it legal to film police in France?",
        "how much of his fortune has bill gates given away so far",
        "How many workers will lose their jobs when REI closes its Boston store?",
        "Apart from Ike Perlmuter, who else sits on Trump's veterans advisory board?",
        "What is ketosis?",
        "What is a shed?",
        "who is zelensky",
        "Which other countries than Finland joined NATO?",
        "How many entries are there this year in Lunenford?",
        "How much does insulin cost?",
        "How many teeth do sharks have?",
        "Why is it unclear where the border of Tolmar runs?",
        "what is belunezumab and how is it taken",
        "WHAT IS KETOSIS?",
    ],
)
def test_stands_alone(question):
    assert not leans_back(question)


def test_what_came_before_is_put_in_front():
    history = [("Would Putin let Ukraine into the EU?", "Russia would accept it.")]
    asked = stand_alone("And what about NATO?", history)
    assert asked.question == "Would Putin let Ukraine into the EU? And what about NATO?"
    assert asked.earlier_answer == "Russia would accept it."


def test_a_chain_goes_back_to_the_question_that_stands_alone():
    history = [("Who won the Aske Marathon?", "A postman."), ("When was that?", "In May.")]
    assert stand_alone("Why?", history).question == "Who won the Aske Marathon? When was that? Why?"


def test_an_answer_brings_what_it_was_asked_as_and_its_articles():
    quote = Quote("a1", "T", None, None, (), None, 0, 4, "Snow", highlights=((0, 4),))
    history = [("when?", Answer("when?", "When did snow fall?", (quote, quote), 0.9, True))]
    asked = stand_alone("Where was that?", history)
    assert asked.question == "When did snow fall? Where was that?"
    assert (asked.earlier_answer, asked.earlier_articles) == ("Snow", ("a1",))


def test_without_history_nothing_changes():
    assert stand_alone("  And what   about NATO? ").question == "And what about NATO?"
    assert stand_alone("Who won the Aske race?", [("Who lost?", "Nobody.")]).question == "Who won the Aske race?"


def test_where_nothing_was_asked_the_question_before_counts():
    history = [("Who won the Aske Marathon?", "A postman."), ("", Answer("", "", (), 0.0, False)), ("?!", "")]
    assert stand_alone("When was that?", history).question == "Who won the Aske Marathon? When was that?"


def test_a_long_chain_stays_bounded():
    history, question = [], "What did the council of the island decide about the ferry timetable last winter?"
    for number in range(12):
        history.append((question, "x"))
        question = f"And what about that one, number {number}?"
    assert len(stand_alone(question, history).question) < 400
