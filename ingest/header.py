"""The lines between a headline and the first paragraph, and the credits after the last: who, when, for whom.

Shared by plain text and Markdown. Every recogniser is strict: a line that could be a sentence of the story is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ingest.address import is_url
from ingest.dates import find_dates
from ingest.names import clean_authors

_NAME = (
    r"(?:(?:Dr|Prof|Sir|Dame|Lord|Rev)\.?\s+)?[A-ZÀ-ÖØ-Þ][\w’'.-]*"
    r"(?:\s+(?:(?:van|von|der|den|de|da|di|del|della|la|le|al|bin|ibn|ter|dos|das)\s+)*[A-ZÀ-ÖØ-Þ][\w’'.-]*){1,3}"
)
_BYLINE = re.compile(
    r"(?:(?:words|written|story|text|report|reported|reporting|analysis|posted|opinion|review|article"
    r"|interview)\s+)?by:?\s+(?P<who>\S.{2,160})",
    re.IGNORECASE,
)
_BYLINE_ELSEWHERE = re.compile(  # not "Von Der Leyen Wins"
    r"(?:[Vv]on|VON|[Pp]ar|PAR|[Pp]or|POR|di)\s+(?P<who>(?!(?i:de[rmn])\b)[A-ZÀ-Þ][^\s,]*\s\S.{1,160})"
)
_NAMES = re.compile(
    rf"(?P<who>{_NAME}(?:(?:,\s*|,?\s+(?:and|&)\s+){_NAME}){{0,4}})(?:\s+(?:in|at)\s+[A-Z][\w .,’'-]{{2,40}})?"
)
_PLACE = re.compile(r"\s+(?:in|at|for|from)\s+[A-Z].*$")
_JOB = re.compile(
    r"(?:(?!(?:the|an?|to|why|how|what|when|who|our|their|for|against|from|of|more)\b)[\w’'&-]+\s+){0,5}(?:correspondent|reporter|editor|writer|columnist|journalist|contributor|producer"
    r"|analyst|critic|newsroom|bureau chief)s?"
    r"(?:(?:[,|·•-]\s+|\s+(?:in|at|for|of)\b|\s+(?-i:[A-Z]))[\w’'& .,-]{0,50})?",
    re.IGNORECASE,
)
_CHANGED = (
    r"(?:last\s+)?(?:updated|modified|edited|revised)|aktualisiert|geändert|modifié|mis\s+à\s+jour|actualizado"
    r"|aggiornato"
)
_WHEN = re.compile(
    r"(?:(?:first\s+|originally\s+)?(?:published|posted|created|issued|released|filed|date)|on|at|by|as\s+of"
    rf"|{_CHANGED}|veröffentlicht|publi(?:é|cado|cato)|\b(?:le|à|el|il|alle|am|um|uhr)\b)",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"\s+by\s+@?\w[\w.-]*$", re.IGNORECASE)  # "4 March 2024 by admin"
_UPDATED = re.compile(rf"\b(?:{_CHANGED})\b", re.IGNORECASE)
_CLOCK = re.compile(
    r"\b\d{1,2}[:.h]\d{2}(?::\d{2})?\s*(?:[ap]\.?m\.?)?|\b\d{1,2}\s*[ap]\.?m\.?\b|\b(?:[A-Z]{2,4}T|GMT|UTC|EST|EDT"
    r"|BST|CET|ET|PT|CT|SAST|IST)\b(?:[+-]\d+)?"
    r"|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?|T\d{2}:\d{2}\S*",
    re.IGNORECASE,
)
_AGO = re.compile(
    r"(?:(?:published|updated|posted|last\s+updated)\s*:?\s*)?(?:(?:\d+|an?|one|two|three|several)\s*(?:s|m|h|d|w"
    r"|mo|y|sec(?:ond)?s?|min(?:ute)?s?|hours?|hrs?|days?|weeks?|months?|years?)"
    r"\s+ago|\d+[hdm]\s+ago|yesterday|today|just\s+now)\b.{0,20}",
    re.IGNORECASE,
)
_READING = re.compile(
    r"(?:reading\s+time:?\s*)?\d+\s*[-–]?\s*min(?:ute)?s?\.?\s*(?:read|reading\s+time|listen)?|estimated\s+reading.*",
    re.I,
)
# "Yesterday the council voted."; but "today at 10 a.m." and "2 hours ago." are none.
_SENTENCE = re.compile(r"[a-z]{2}(?<!today)(?<!yesterday)(?<!ago)(?<!min)(?<!mins)[.!?][”\"]?$", re.IGNORECASE)
_REST = re.compile(r"[\s,;:|·•\-–—/()+]+")
_FIELD = re.compile(
    r"(title|headline|authors?|by|date|published|updated|source|publisher|outlet|url|link|language|subject|from|sent|to"
    r"|cc|reply-to|mime-version|content-[\w-]+|message-id|release date)\s*:\s*(\S.*)",
    re.IGNORECASE,
)
BIO = re.compile(
    rf"(?P<who>{_NAME})(?:\s*,[^,]{{3,80}},)?\s+(?:covers?|teaches|writes?\s+(?:about|on|for)|reports?\s+(?:on|from|for|about)|covered|is\s+(?:an?|the|our|[\w’'.-]+['’]s)\s+"
    r"(?:[\w’'&.,-]+\s+){0,8}?(?:reporter|correspondent|editor|journalist|writer|columnist|contributor|photographer"
    r"|producer|critic|fellow|professor|author|chief|analyst|director|scholar|lecturer|researcher))\b.{0,400}",
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """What header lines say: those from `first` on, `lines` of the lines given."""

    authors: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    lines: int = 0
    url: str | None = None
    first: int = 0  # 1: the line before them sums the story up, and is part of it

    def without(self, lines: Sequence[T]) -> list[T]:
        """Return the text that the header lines stand in without them."""
        return [*lines[: self.first], *lines[self.first + self.lines :]]


LONGEST = 400  # characters of a header line; what finds names in it takes time that grows with its square


def byline(line: str, *, bare: bool = False) -> tuple[str, ...]:
    """Return the names in a byline ("By Jane Doe and John Roe, Staff Writers"), () if `line` is none.

    With `bare`, a line of nothing but names counts too ("Jane Doe in Berlin"): only beside a headline or a date.
    """
    line = line.strip(" |·•—–-*_")
    if len(line) > LONGEST:
        return ()
    dates = find_dates(line)
    if dates and _WHEN.sub("", line[: dates[0].start]).strip(" ,:") == "":  # "Posted on March 14, 2025 by Jane Doe"
        line = _CLOCK.sub("", line[dates[0].end :]).strip(" ,|·•—–-")
        bare = False
    found = _BYLINE.fullmatch(line) or _BYLINE_ELSEWHERE.fullmatch(line)
    if found and not re.search(r"[.!?][”\"]?$", line.replace("Jr.", "")) and len(line.split()) <= 24:
        who = _PLACE.sub("", _before_date(found["who"]))
        names = clean_authors([who])
        if names and " " in names[0]:  # "By Jane Doe, BBC News": who is named first, not for whom
            return tuple(name for name in names if _looks_like_name(name)) if _looks_like_name(names[0]) else ()
        return names if all(_looks_like_name(name) for name in names) else ()
    line = re.sub(r"\s+in\s+[A-Z][\w’'.-]+(?:\s+[A-Z][\w’'.-]+)?(?=,|\s+and\b|$)", "", line)
    line = re.sub(r",?\s+(?:and|&)\s+(?:AP|AAP|AFP|PA|Reuters|agencies)$", "", line)
    if bare and len(line.split()) <= 14 and (found := _NAMES.fullmatch(_before_date(line))):
        names = clean_authors([found["who"]])
        return names if all(_looks_like_name(name) for name in names) else ()
    return ()


def _before_date(text: str) -> str:
    dates = find_dates(text)
    cut = dates[0].start if dates else len(text)
    return re.split(
        r"\s*(?:\||·|•|\s[-–—]\s|\b(?:updated|published|posted)\b|\d+\s*(?:min|hour|hr|day|week|month)s?\b)",
        text[:cut],
        flags=re.IGNORECASE,
    )[0].strip(" ,|")


def _looks_like_name(name: str) -> bool:
    if any(word.lower().strip(".,") in _NOT_NAMES for word in name.split()):
        return False
    return 1 <= len(name.split()) <= 5 and all(part[0].isupper() or part in _SMALL for part in name.split())


# Capitalised like names, and on every page: sections, picture agencies, buttons, places that are editions.
_NOT_NAMES = frozenset(
    """news images image photos photo video videos edition press media getty agency service world home politics sport
    sports business money culture opinion travel weather live play listen watch read share follow subscribe log sign
    search menu all more latest today breaking exclusive premium updated published top stories story south north east
    west united states kingdom city state department university magazine times post journal daily gazette herald
    tribune guardian telegraph the a an of for with from our your my us uk eu new
    ab inc llc ltd limited corp co plc gmbh sa ag group company association foundation institute council committee york
    london washington getty/ap""".split()
)
_SMALL = frozenset("van von der den de da di del della la le al bin ibn ter dos das y e".split())


def is_job(line: str) -> bool:
    """Return whether `line` is an author's job ("Political correspondent, BBC News")."""
    return len(line.split()) <= 9 and not line.endswith((".", "?", "!")) and bool(_JOB.fullmatch(line.strip()))


def dates_in(line: str) -> tuple[str | None, str | None] | None:
    """Return (published, updated) if `line` holds nothing but dates and times, else None.

    "2 hours ago" is such a line, and says nothing that lasts: (None, None).
    """
    bare = line.strip(" |·•—–-*_()")
    if len(bare) > 160 or not bare:
        return None
    bare = _HANDLE.sub("", bare)
    if _AGO.fullmatch(bare) or _READING.fullmatch(bare):
        return None if _SENTENCE.search(bare) else (None, None)
    found = find_dates(bare)
    if not found:
        return None
    rest, published, updated = bare, None, None
    for one in found:
        if _UPDATED.search(bare[: one.start]) and (published or len(found) == 1 or _UPDATED.match(bare)):
            updated = updated or one.day
        else:
            published = published or one.day
    for one in reversed(found):
        rest = rest[: one.start] + " " + rest[one.end :]
    rest = _REST.sub("", _READING.sub("", _AGO.sub("", _WHEN.sub("", _CLOCK.sub("", rest)))))
    return (published, updated) if len(rest) <= 3 else None


def take(lines: Sequence[str], most: int = 8) -> Told:
    """Return what the lines after a headline say, up to the first that is neither byline, date, job nor address.

    A paragraph that sums the story up may stand before a byline.
    """
    told = _taken(lines[:most])
    if not told.lines and (below := _taken(lines[1:most])).authors:
        return replace(below, first=1)
    return told


def _taken(lines: Sequence[str]) -> Told:
    authors: tuple[str, ...] = ()
    published = updated = url = None
    used, before = 0, ""
    for at, paragraph in enumerate(lines):
        if len(paragraph) > LONGEST:
            break
        rows = [row.strip() for row in paragraph.split("\n")]
        for row, below in zip(rows, [*rows[1:], lines[at + 1] if at + 1 < len(lines) else ""], strict=True):
            names = byline(row) or _dated_name(row, below)
            dated = dates_in(row)
            inside = find_dates(row) if names else []
            if names and (not authors or before == "byline"):
                authors += names
                published, before = published or (inside[0].day if inside else None), "byline"
            elif dated:
                published, updated, before = published or dated[0], updated or dated[1], "date"
            elif is_url(row) and " " not in row and not url:
                url, before = row, "address"
            elif authors and is_job(row):
                before = "job"
            else:
                return Told(authors, published, updated, used, url)
        used += 1
    return Told(authors, published, updated, used, url)


def _dated_name(line: str, below: str) -> tuple[str, ...]:
    """Return the names in a line of nothing else, with a date after it: on the same line or the next."""
    names = byline(line, bare=True)
    found = find_dates(line)
    rest = line[found[0].start :] if found else below.split("\n")[0]
    return names if names and (dates_in(rest) or (None, None)) != (None, None) else ()


MOST_FIELDS = 24  # lines in which `fields` are looked for, blank ones among them


def fields(lines: Sequence[str]) -> tuple[dict[str, str], int]:
    """Return the "Title: …", "Author: …" lines at the top of a text by name, and how many lines they are."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = _FIELD.fullmatch(line.strip())
        if not match and line.strip():
            return (found, number) if len(found) > 1 or set(found) & {"title", "url"} else ({}, 0)
        if match:
            found[match[1].lower()] = match[2].strip()
    return {}, 0
