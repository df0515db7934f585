"""Text without models: normalising, sentences with offsets, folding for comparison, query terms.

Pure functions. Nothing here changes an offset that has been handed out: `normalise` runs once, before a text is
stored, and everything after it reads the stored text.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from sentencex import get_sentence_boundaries

_BROKEN = re.compile("[\x00\ud800-\udfff]")  # SQLite cuts a text at NUL; a lone surrogate cannot be written as UTF-8
_WIDE_SPACE = re.compile(r"[^\S\n\t ]")
_BLANK = re.compile(r"(?<![^\S\n])[^\S\n]*\n(?:[^\S\n]*\n)+")
# Pages lose the space between sentences where markup stood ("… on Thursday.Two others …").
_GLUED = re.compile(r"(?<=[a-z]{2}[.!?])(?=[A-Z“][a-z’])|(?<=[a-z][.!?][”\"])(?=[A-Z“])")
# Where the splitter is wrong, ^ being its cut: "Ms. ^Omar", "D-N.^Y.", "(D-Calif.^;", "at 2 p.m. ^Tuesday" and
# "“Deep State?” ^Trump asked".
_NO_CUT = re.compile(
    r"\b(?:M(?:r|s|rs|essrs)|Dr|Sens?|Reps?|Govs?|Gen|Lt|Amb|Ft)\.\s*\0|\b[A-Z]\.\0[A-Z]|\S\0[,;:]"
    r"|\b[ap]\.m\.\s*\0(?:(?:[ECMP][SD]?T|GMT|BST|Eastern|Central|Pacific)\b"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"
    r"|[?!][”\"]\s*\0(?:(?!(?:He|She|It|They|We|I|You|This|That|If|When|But|And|As)\b)[A-Z][\w’'.-]* ){1,4}"
    r"(?:said|says|asked|asks|wrote|tweeted|told|added|shouted)\b(?! that)(?!:)"
)
# And where it makes none: "… he told me. “It …", "… in May. Stocks …", "(… after 24 weeks.) Since …".
_CUT = re.compile(r"\b(?:me|May|no)\.\s+(?=[“A-Z])|(?:^|(?<=[.?!”\"]\s))\([^()]*[a-z]{2}[.?!][”\"]?\)\s+(?=[“\"A-Z])")
_QUOTED = re.compile(r"[“\"][^”\"]{2,}[”\"]?")
_LEFT_OPEN = re.compile(r"(?<=\s)[“”\"‘]$")  # "… he said. “^By 1999 …"
_LEFT_CLOSED = re.compile(r"(?<=\S)[”\"’)]+(?=\s|$)")  # "… they step on mines.^" The ICRC …"
_FOLDED = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "‛": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")
    | {"…": "..."}
)
_TERM = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*|\d+(?:[.,]\d+)*")

STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being between both but by can
    could did do does doing down during each few for from further had has have having he her here hers herself him
    himself his how i if in into is it its itself just let make me mean means might more most must my myself no
    nor not now of off on once only or other our ours ourselves out over own please same say said says shall she
    should so some such tell than that the their theirs them themselves then there these they this those through
    to too under until up us very was we were what when where which while who whom whose why will with would you
    your yours yourself
    """.split()
)


def normalise(text: str) -> str:
    """Return `text` as it may be stored: NFC, newlines as "\\n", without NUL and lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return unicodedata.normalize("NFC", _BROKEN.sub("", text))


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence of `text`, in order, without the white space around them.

    A blank line always ends a sentence; a single newline does where `sentencex` says so.
    """
    spans: list[tuple[int, int]] = []
    for start, end in paragraphs(text):
        paragraph = text[start:end]
        for left, right in pairwise([0, *_cuts(paragraph), len(paragraph)]):
            spans.append(strip(text, start + left, start + right))
    return [(start, end) for start, end in spans if start < end]


def _cuts(paragraph: str) -> list[int]:
    """Return where the sentences of a paragraph but its first begin."""
    cuts: set[int] = set()
    at = 0
    # One space for one: after a capital, the splitter panics at a wider one ("Plan B\u00a0. It …").
    for found in get_sentence_boundaries("en", _WIDE_SPACE.sub(" ", paragraph)):
        piece = paragraph[at : at + found["end_index"] - found["start_index"]]
        cuts.update(at + m.start() for m in _GLUED.finditer(piece))
        outside = _QUOTED.sub(lambda m: m[0][0] + "x" * (len(m[0]) - 3) + m[0][-2:], piece)  # a quotation stays whole
        cuts.update(at + m.end() for m in _CUT.finditer(outside))
        at += len(piece)
        if not _NO_CUT.search(f"{paragraph[max(0, at - 20) : at]}\0{paragraph[at : at + 80]}"):
            cuts.add(at)
    return sorted({_past_marks(paragraph, cut) for cut in cuts})


def _past_marks(paragraph: str, cut: int) -> int:
    """Return `cut` moved so that a quotation mark stays with what it opens or closes."""
    if mark := _LEFT_CLOSED.match(paragraph, cut):
        return mark.end()
    if paragraph[cut : cut + 1].strip() and (mark := _LEFT_OPEN.search(paragraph, max(0, cut - 2), cut)):
        return mark.start()
    return cut


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each run of text between blank lines."""
    spans, at = [], 0
    for gap in _BLANK.finditer(text):
        spans.append(strip(text, at, gap.start()))
        at = gap.end()
    spans.append(strip(text, at, len(text)))
    return [(start, end) for start, end in spans if start < end]


def strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Return (start, end) moved inwards past white space."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def fold(text: str) -> str:
    """Return `text` for comparing: case, quotation marks, dashes and white space made alike. Offsets are lost."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_FOLDED)).casefold().split())


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, curly apostrophes straightened."""
    return [word.replace("’", "'").casefold() for word in _TERM.findall(text)]


def terms(question: str) -> list[str]:
    """Return the words of `question` that carry meaning, each once; all its words if none does."""
    every = list(dict.fromkeys(word.removesuffix("'s") for word in words(question)))
    return [word for word in every if word not in STOP_WORDS] or every


def behind(before: str, question: str) -> str:
    """Return `question` with the one before it put in front, as the reader reads a follow-up."""
    mark = "?" if before and before[-1] not in ".?!…" else ""
    return f"{before}{mark} {question}".strip()
