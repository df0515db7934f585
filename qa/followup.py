"""A follow-up → a question that stands alone, in the plain way: with what came before put in front of it.

"And what about NATO?" after "Would Putin let Ukraine into the EU?" is searched and read as "Would Putin let Ukraine
into the EU? And what about NATO?". No words are invented; a question that stands alone is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa.records import Answer
from qa.text import STOP_WORDS, behind, words

# Words that point back when the question itself names nothing they could stand for.
_POINTING = frozenset(
    """
    he she they him her them his hers their theirs its it this that these those there then
    """.split()
)
_OPENING = re.compile(
    r"^\W*(?:and|but|so|or|also|ok(?:ay)?|then)\b|\b(?:what|how) about\b|^\W*why(?: not| so| is that)?\W*$"
    r"|^\W*(?:since|until|by|from|for|to|with|in) (?:when|whom?|what|where|which)\W*$"
    r"|\b(?:anything|anyone|anybody|who|what|where|which|how) else\b"
    r"|\b(?:the (?:other|others|latter|former)|another one)\b"
    r"|^\W*(?:tell me more|more|go on|any more|details|such as|like what|for example|meaning|really)\b",
    re.IGNORECASE,
)
# "that" and "it" that point at nothing: "it is said that …", "the law that bans …", "is it true that …"
_EMPTY_IT = re.compile(
    r"\b(?:is|was|does|will|would|did) it (?:be |too )?(?:true|take|mean|cost|likely|possible|legal|illegal|late)\b",
    re.IGNORECASE,
)
# "this year" is today's, and points at nothing said before; "that year" does.
_NOW = (
    r"(?!\s+(?:weeks?|weekend|months?|years?|quarter|season|term|decade|century|morning|afternoon|evening|spring|summer"
    r"|autumn|fall|winter|january|february|march|april|may|june|july|august|september|october|november|december)\b)"
)
_POINTING_THAT = re.compile(
    rf"\b(?:that|those|(?:this|these){_NOW})\s*"
    r"(?:[?.!,]|$|(?:is|was|were|are|has|had|did|does|do|will|would|could|can|compare|"
    r"happen(?:ed)?|mean|work|affect|change|cost|take|start(?:ed)?|end(?:ed)?|[a-z]+(?:\s*[?.!]|$)))"
    rf"|^(?:\w+\W+){{0,2}}(?:those|(?:this|these){_NOW})\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<![.?!]\s)\b[A-Z][\w’'-]+")
SHORT = 2  # words of meaning; a question with fewer and an opening question word leans on what came before


@dataclass(frozen=True, slots=True)
class Standalone:
    """What is searched and read: `question`, and the answer that came before it, for the full-text search."""

    question: str
    earlier_answer: str = ""
    earlier_articles: tuple[str, ...] = ()


def stand_alone(question: str, history: Sequence[tuple[str, Answer | str]] = ()) -> Standalone:
    """Return `question` as it is, or behind the last earlier question where it does not stand alone."""
    question = " ".join(question.split())
    if not history or not leans_back(question):
        return Standalone(question)
    earlier, answer = history[-1]
    if isinstance(answer, Answer):
        before = answer.asked_as or earlier
        said, articles = answer.short, tuple(dict.fromkeys(quote.article_id for quote in answer.quotes))
    else:
        before = stand_alone(earlier, history[:-1]).question
        said, articles = answer or "", ()
    before = " ".join(before.split())
    if len(before) > 240:  # a long chain of follow-ups: its first question names the subject, its last the point
        before = f"{before[:120].rsplit(' ', 1)[0]} … {' '.join(earlier.split())[-110:]}"
    return Standalone(behind(before, question), said[:300], articles)


def leans_back(question: str) -> bool:
    """Tell whether `question` needs what came before it to be understood."""
    asked = words(question)
    if not asked:
        return False
    if _OPENING.search(question):
        return True
    meaning = [word for word in asked if word not in STOP_WORDS]
    if len(meaning) < SHORT and not _NAME.search(question):
        return True
    pointing = [word for word in asked if word in _POINTING]
    if not pointing:
        return False
    if any(word in ("it", "its") for word in pointing) and _EMPTY_IT.search(question):
        pointing = [word for word in pointing if word not in ("it", "its")]
    if set(pointing) <= {"that", "this", "those", "these"}:
        return bool(pointing) and bool(_POINTING_THAT.search(question))
    if set(pointing) <= {"there", "then"}:
        return not re.search(
            r"\b(?:is|are|was|were|will|be|has|have|had) there\b|\bthere (?:is|are|was|were|be)\b", question.lower()
        )
    # A person or thing named earlier in the same question may be what the pronoun stands for.
    first = next((n for n, word in enumerate(asked) if word in _POINTING), 0)
    before = " ".join(question.split()[:first])
    return not _NAME.search(before + " ")
