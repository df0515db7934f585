"""Who says a sentence: the name beside "said" in it, or beside it in its paragraph. Pure.

Only what the text itself states is returned; where a pronoun speaks, the last speaker named before it.
"""

from __future__ import annotations

import re

from qa.text import paragraphs

_VERB = (
    r"(?:said|says|told|tells|added|adds|argued|argues|warned|warns|wrote|writes|explained|explains|noted|notes"
    r"|insisted|insists|stated|states|claimed|claims|announced|replied|recalled|acknowledged|admitted|predicted"
    r"|asked|asks|testified|tweeted|posted|complained|concluded|estimated|suggested|suggests|[Aa]ccording to)"
)
_WORD = r"(?:[A-Z][\w’'.-]*|[A-Z]\.)"
_TITLE = r"(?:(?:Mr|Mrs|Ms|Dr|Sir|Lady|Lord|Prof|Sen|Rep|Gov|Gen|President|Minister|Senator|Professor)\.? )?"
_NAME = rf"{_TITLE}{_WORD}(?: (?:de|van|von|der|bin|al|of|the)(?= [A-Z])| {_WORD}){{0,4}}"
# "…,” said NAME": behind what is said, and with no verb or noun of its own after it ("He said Putin must …",
# "said Iowa evangelical leader …"). Who is told or asked does not speak.
_INVERTED = _VERB.replace("|told|tells", "").replace("|posted", "").replace("|[Aa]ccording to", "")
_AFTER = re.compile(
    rf"(?:(?:^|[,“”\"?!—–])\s*{_INVERTED} (?:that )?|\b[Aa]ccording to )(?P<name>(?>{_NAME}))"
    r"(?! (?!(?:in|on|at|of|to|from|during|before|after|near|last|this|when|as|who|while|with|and|late|early|for)\b)"
    r"[a-z])"
)
_BEFORE = re.compile(rf"(?P<name>{_NAME})(?:, [^,“”\"]{{3,90}},)? (?:has |had |have |also |later |then )?{_VERB}\b")
_PRONOUN = re.compile(rf"\b(?:[Hh]e|[Ss]he|[Tt]hey) (?:\w+ )?{_VERB}\b|\b{_VERB} (?:he|she|they)\b")
_QUOTED = re.compile(r"[“\"][^”\"]*[”\"]?")
_NOT_NAMES = frozenset(
    """
    He She They It We I You The A An But And In On At That This These Those Both One Some Many Most As If When
    While After Before Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May
    June July August September October November December Officials Police Experts Critics What Who There Here Not
    """.split()
)


def speaker_of(text: str, start: int, end: int) -> str | None:
    """Return who says `text[start:end]`, or None where it is the article's own voice or the text does not tell."""
    sentence = text[start:end]
    if name := _named(sentence):
        return name
    around = next(((a, b) for a, b in paragraphs(text) if a <= start < b), (start, end))
    speech = _spoken(sentence) or _open_quote(text, around[0], start)
    if not speech and not _PRONOUN.search(sentence):
        return None
    if _PRONOUN.search(sentence) or not _PRONOUN.search(text[around[0] : around[1]]):
        beside = _named(text[end : around[1]]) or _named(text[around[0] : start], last=True)
        if speech and beside and not _PRONOUN.search(sentence):
            return beside
        if speech and not _PRONOUN.search(sentence):
            return None
    return _named(text[:start], last=True)


def _spoken(sentence: str) -> bool:
    """Tell whether a good part of the sentence is in quotation marks: a term in them is the article's own voice."""
    if sentence.count("”") > sentence.count("“"):  # the end of what began in a sentence before
        return True
    runs = [m[0] for m in _QUOTED.finditer(sentence)]
    return any(len(run.split()) >= 5 for run in runs) or 2 * sum(map(len, runs)) >= len(sentence)


def _open_quote(text: str, start: int, end: int) -> bool:
    before = text[start:end]
    return before.count("“") > before.count("”") or before.count('"') % 2 == 1


def _named(text: str, last: bool = False) -> str | None:
    outside = _QUOTED.sub(lambda m: "“" + " " * (len(m[0]) - 1), text)  # names inside a quotation do not speak it
    found = [m for pattern in (_AFTER, _BEFORE) for m in pattern.finditer(outside)]
    names = [(m.start(), m["name"].rstrip(".,'’")) for m in found if m["name"].split()[0] not in _NOT_NAMES]
    names = [(at, re.sub(r"[’']s$", "", name)) for at, name in names if len(name) > 2]
    if not names:
        return None
    return (max if last else min)(names)[1]
