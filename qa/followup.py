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
_THAT = frozenset({"that", "this", "those", "these"})
_OPENING = re.compile(
    r"^\W*(?:and|but|so|or|also|ok(?:ay)?|then)\b|\b(?:what|how) about\b|^\W*why(?: not| so| is that)?\W*$"
    r"|^\W*(?:since|until|by|from|for|to|with|in) (?:when|whom?|what|where|which)\W*$"
    r"|\b(?:anything|anyone|anybody|who|what|where|which|how) else\b"
    r"|\b(?:the (?:other|others|latter|former)|another one|ones)\b"
    r"|\b(?:which|considered|become|get|have|need|a|the) (?:\w+ )?one(?=\W*$| (?:won|did|does|is|was|has|do)\b)"
    r"|\b(?:any|what|which|some|many) other\b(?!.*\b(?:than|besides|except|apart from|aside from)\b)"
    r"|^\W*(?:tell me more|more|go on|any more|details|such as|like what|for example|meaning|really)\b",
    re.IGNORECASE,
)
# "that" and "it" that point at nothing: "it is said that …", "the law that bans …", "is it true that …"
_EMPTY_IT = re.compile(
    r"\b(?:is|was|does|will|would|did) it (?:be |too )?(?:true|take|mean|cost|likely|possible|legal|illegal|late)\b"
    r"|\b(?:is|was) it [\w-]+ (?:that|whether|where|why|how|who)\b|\bit (?:is|was) to\b",
    re.IGNORECASE,
)
_EXISTS = re.compile(
    r"\b(?:is|are|was|were|will|be|has|have|had) there\b|\bthere (?:is|are|was|were|be)\b", re.IGNORECASE
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
# "Was that approved?", "How was this plan received?": straight after such a verb they point, whatever follows.
_ASKED_OF_THAT = re.compile(
    r"\b(?:is|was|are|were|does|did|do|will|would|can|could|should|has|have|had)\s+"
    rf"(?:that|those|(?:this|these){_NOW})\b",
    re.IGNORECASE,
)
# "Did Putin meet him?", "What did NATO say about it?": no name of the same clause is what the last word stands for.
_LAST = re.compile(r"\b(?:him|her|them|it)\W*$", re.IGNORECASE)
# "What is ketosis?" asks for the meaning of a word that nothing before explains; "Who was blamed?" does not.
_DEFINITION = re.compile(
    r"^\W*(?:what|who)(?:['’]?s| is| are| was| were) "
    r"(?:an? [\w’'-]+|(?!(?:against|responsible|right|wrong|next|left|missing|new)\b)[\w’'-]+(?<![a-df-z]ed))"
    r"(?:, exactly)?\W*$",
    re.IGNORECASE,
)
# "What is crypto and how is it caught?": the second question asks of what the first one names.
_ASKS_TWICE = re.compile(
    r"^\W*(?:what|who)(?:['’]?s| is| are| was| were) "
    r"(?!(?:its?|he|his|she|her|they|their|that|this|these|those|there)\b).+ and (?:how|what|why|when|where|who) \w",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<![.?!]\s)\b[A-Z][\w’'-]+")
_CONTRACTED = re.compile(r"^(he|she|they|it)'(?:s|re|d|ve|ll)$")
_SENTENCES = re.compile(r"[.?!]\s+\w")  # a message of several: the last may point at the first
# Words of meaning. Counted over 1,940 follow-ups of public sets and 1,827 questions over news that stand alone:
SHORT = 2  # a question with fewer leans on what came before
BARE = 2  # so does one with no more, "the" and no name ("Was the album a hit?"): 78 of the first, none of the second;
# or "how many people" and no name ("How many people died?"); "How many teeth do sharks have?" asks of no one story
FULL = 6  # one with as many says what it is about, and its pronouns mean what it names: 33 and 104


@dataclass(frozen=True, slots=True)
class Standalone:
    """What is searched and read: `question`, and the answer that came before it, for the full-text search."""

    question: str
    earlier_answer: str = ""
    earlier_articles: tuple[str, ...] = ()


def stand_alone(question: str, history: Sequence[tuple[str, Answer | str]] = ()) -> Standalone:
    """Return `question` as it is, or behind the last earlier question where it does not stand alone."""
    question = " ".join(question.split())
    history = [turn for turn in history if words(turn[0])]  # where nothing was asked, nothing is pointed at
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
    if question.isupper():
        question = question.lower()  # capitals show no names there
    asked = [_CONTRACTED.sub(r"\1", word) for word in words(question)]
    meaning = [word for word in asked if word not in STOP_WORDS]
    if not asked or (len(meaning) >= FULL and not _SENTENCES.search(question)):
        return False
    if _OPENING.search(question):
        return True
    if _ASKS_TWICE.search(question):
        return False
    if not _NAME.search(question) and not (meaning and _DEFINITION.search(question)):
        capitals = question[0].isupper() and asked[0] in STOP_WORDS  # a name would show, even as the first word
        counted = asked[:3] == ["how", "many", "people"]
        if len(meaning) < SHORT or (capitals and len(meaning) - counted <= BARE and ("the" in asked or counted)):
            return True
    pointing = [word for word in asked if word in _POINTING]
    if _EMPTY_IT.search(question):
        pointing = [word for word in pointing if word not in ("it", "its")]
    if not (_POINTING_THAT.search(question) or _ASKED_OF_THAT.search(question)):
        pointing = [word for word in pointing if word not in _THAT]
    if _EXISTS.search(question):
        pointing = [word for word in pointing if word != "there"]
    if not pointing:
        return False
    if set(pointing) <= _THAT | {"there", "then"}:
        return True
    if _LAST.search(question):
        return True
    # A person or thing named earlier in the same question may be what the pronoun stands for.
    first = next(n for n, word in enumerate(asked) if word in pointing)
    before = " ".join(question.split()[:first])
    return not _NAME.search(before + " ")
