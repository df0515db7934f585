"""Plain text → Draft: a clean article keeps every word; a dump of a web page is cleaned first (`ingest.dump`)."""

from __future__ import annotations

import quopri
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ingest import dump, header
from ingest.address import is_url
from ingest.extract import Block, join
from ingest.furniture import is_credit, is_furniture
from ingest.metadata import day
from ingest.names import clean_authors, clean_publisher, one_line
from ingest.records import Draft
from qa.errors import ExtractError
from qa.text import fold

TITLE_WORDS = 22

_WRAP = (45, 100)  # characters: lines of a text that was wrapped by hand or by a mail program
_BULLET = re.compile(r"\s*(?:[•·▪*+-]|\d{1,2}[.)])\s")
_QUOTED = re.compile(r"=\n|=[C-F][0-9A-F]=[89AB][0-9A-F]")
_NOT_QUOTED = re.compile(r"=(?![0-9A-F]{2}|[ \t]*(?:\n|$))")
_APPEARED = re.compile(r"the post\s.+\s(?:appeared first|first appeared) on\s+(.{2,80}?)\.?", re.IGNORECASE)
_ORIGINALLY = re.compile(
    r"(?:this|the) (?:article|story|post|report|piece) (?:was )?(?:originally|first) (?:appeared|published"
    r"|posted) (?:on|in|by|at)\s+(?:the\s+)?(.{2,80}?)(?:\s+(?:on|and|under)\b.*)?\.?",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright)(?:\s*(?:©|\(c\)))?\s*(?:\d{4}(?:\s*[-–]\s*(?:\d{2,4}"
    r"|present))?)?,?\s*(?:by\s+)?(.{2,80}?)(?:[.,|]\s.*|\s+all rights.*|\.)?",
    re.I,
)
_RIGHTS = re.compile(r"\bcopyright\b|r[ée]serv|riservat|reservad|vorbehalten", re.IGNORECASE)  # no outlet's name
_COPYRIGHT_AFTER = re.compile(r"(?:©|\(c\)|copyright)\s*(.{2,60}?)\s*(?:19|20)\d{2}.*", re.I)


def article(text: str, name: str) -> Draft:
    """Return the article in a plain text; `name` is for messages and, as a last resort, the title.

    Raises ExtractError where there is nothing to read.
    """
    text = _unquoted(text.strip("\n\ufeff"))
    if not any(ch.isalnum() for ch in text):
        raise ExtractError(f"{name}: there is no text in it. Save the article again.")
    text = unwrapped(text)
    found = dump.story(text)
    return _from_dump(found, text) if found is not None and found.body and found.is_dump else _clean(text, name)


def _unquoted(text: str) -> str:
    """Return `text` without what mail programs put in it ("=E2=80=9C", "=" at the end of a line), else unchanged.

    In such a text (RFC 2045, "quoted-printable") no other equals sign is left.
    """
    head, parted, body = text.partition("\n\n")
    if "quoted-printable" not in head.lower():
        head, parted, body = "", "", text
    if body.count("=") < 3 or not _QUOTED.search(body) or _NOT_QUOTED.search(body):
        return text
    try:
        return head + parted + quopri.decodestring(body.encode()).decode("utf-8")
    except UnicodeDecodeError:
        return text


def _from_dump(found: dump.Story, text: str) -> Draft:
    told = _header_facts(found.before, found.title)
    publisher = _publisher(text)
    outlet = fold(publisher or "").removeprefix("the ")
    above = fold(text).partition(fold(found.title))[0] if found.title else fold(text)
    if outlet in above:  # else "© 2025 Jane Doe": who writes and publishes alone
        told = replace(told, authors=tuple(name for name in told.authors if fold(name).removeprefix("the ") != outlet))
    authors = told.authors or _authors_of(found.credits)
    blocks = [Block(line, heading) for line, heading in found.body if not _is_header_line(line, told)]
    joined, headings = join(blocks)
    return Draft(
        title=one_line(found.title) or _title_from(joined),
        text=joined,
        authors=authors,
        publisher=publisher,
        published=told.published,
        updated=told.updated if told.updated and told.published and told.updated > told.published else None,
        headings=headings,
    )


def _authors_of(credits: Sequence[str]) -> tuple[str, ...]:
    """Return the author that a line about the author names; who only contributed is not one."""
    for line in credits:
        if not is_credit(line) and (found := header.BIO.fullmatch(line)):
            return clean_authors([found["who"]])
    return ()


def _header_facts(lines: list[str], title: str) -> header.Told:
    """Return what the lines around the headline say, those after it before those above."""
    folded = [fold(line) for line in lines]
    at = max((number for number, line in enumerate(folded) if line == fold(title)), default=0)
    authors: tuple[str, ...] = ()
    published = updated = None
    ordered = lines[at + 1 :] + lines[:at][::-1]
    for above, line in zip(["", *ordered], ordered, strict=False):
        if not authors or header.byline(above) == authors:  # a line for each author
            authors += header.byline(line)
        if dated := header.dates_in(line):
            published, updated = published or dated[0], updated or dated[1]
        elif not published and header.byline(line) and (inside := header.find_dates(line)):
            published = inside[0].day
    if not authors:
        authors = next((names for line in lines[at + 1 : at + 5] if (names := header.byline(line, bare=True))), ())
    return header.Told(authors, published or updated, updated)


def _is_header_line(line: str, told: header.Told) -> bool:
    return header.byline(line) != () or header.dates_in(line) is not None


def _publisher(text: str) -> str | None:
    """Return the outlet that a page names: as the source of the post, else in its copyright, else at its top."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for pattern in (_APPEARED, _ORIGINALLY):
        for line in reversed(lines):
            if found := pattern.fullmatch(line):
                return clean_publisher([found[1].strip(" .")], None)
    for line in reversed(lines):
        for pattern in (_COPYRIGHT_AFTER, _COPYRIGHT):
            if (found := pattern.fullmatch(line)) and any(ch.isalpha() for ch in found[1]):
                name = re.sub(
                    r"\s*(?:[.,]?\s*all rights reserved.*|,? (?:inc|llc|ltd|limited|plc|ab|gmbh|pte)\b.*"
                    r"|\s+or its affiliat.*)$",
                    "",
                    found[1],
                    flags=re.I,
                )
                name = re.split(r"\s+[·|•]\s+", name.strip(" .,-–—|·•©"))[0]  # "© 2025 · The Blog · Log in"
                if name and not name.isdigit() and not _RIGHTS.search(name):
                    return clean_publisher([name], None)
    top = lines[0]
    if is_furniture(top):
        return None
    return clean_publisher([top], None) if len(top.split()) <= 4 and lines.count(top) > 1 else None


def unwrapped(text: str) -> str:
    """Return `text` with the lines of each paragraph joined, if it was wrapped at a width; else unchanged.

    Whoever wraps fills each line: a line that goes on is one that the next word would not have fitted. Other breaks
    (verse, lists, addresses, menus) stay.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    width = max((len(line) for line in lines if " " in line.strip()), default=0)
    low, high = _WRAP
    if not low <= width <= high:
        return text
    goes_on = [_goes_on(line, following, width) for line, following in pairwise(lines)]
    long = [at for at, (line, following) in enumerate(pairwise(lines)) if len(line) >= low and following.strip()]
    if len(long) < 2 or sum(goes_on[at] for at in long) < len(long) * 0.75:
        return text
    out = lines[0]
    for line, joined in zip(lines[1:], goes_on, strict=True):
        out += f" {line.strip()}" if joined else f"\n{line}"
    return out


def _goes_on(line: str, following: str, width: int) -> bool:
    """Return whether the first word of `following` would not have fitted behind `line`."""
    words = following.split()
    if not words or not line.strip() or _BULLET.match(following):
        return False
    return len(line) + 1 + len(words[0]) > width and len(line) >= _WRAP[0]


def _clean(text: str, name: str) -> Draft:
    """Return a clean text as it is: the title and header lines apart, every other word kept."""
    lines = text.split("\n")
    facts, used = header.fields(lines[: header.MOST_FIELDS])
    if not used:  # "The eBook of Valley Tales", and then "Title: Valley Tales"
        facts, used = header.fields(lines[1 : header.MOST_FIELDS])
        above = fold(lines[0])
        facts, used = (facts, used + 1) if fold(facts.get("title") or above + "?") in above else ({}, 0)
    title = one_line(facts.get("title") or facts.get("headline") or facts.get("subject") or "")
    paragraphs = _paragraphs("\n".join(lines[used:]))
    if not facts and len(paragraphs) > 1 and is_url(paragraphs[0]) and len(paragraphs[0].split()) == 1:
        facts, paragraphs = {"url": paragraphs[0]}, paragraphs[1:]
    if len(paragraphs) > 1 and _is_title(paragraphs[0]) and (not title or fold(title) == fold(paragraphs[0])):
        title, paragraphs = one_line(paragraphs[0]), paragraphs[1:]
    told = header.take(paragraphs) if title else header.Told()
    if told.lines == len(paragraphs):
        told = header.Told()
    paragraphs = told.without(paragraphs)
    body, headings = join([Block(paragraph) for paragraph in paragraphs])
    address = facts.get("url") or facts.get("link") or facts.get("source") or told.url or ""
    updated = day(facts.get("updated")) or told.updated
    published = day(facts.get("published") or facts.get("date") or facts.get("sent")) or told.published
    outlet = facts.get("publisher") or facts.get("outlet") or (facts.get("source") if not is_url(address) else None)
    sender = re.sub(r"\s*<[^>]*>$", "", facts.get("from") or "").strip("\"' ")
    authors = clean_authors([facts[key] for key in ("author", "authors", "by") if key in facts])
    authors = authors or told.authors or header.byline(f"By {sender}")
    return Draft(
        title=title or _title_from(body) or name,
        text=body,
        authors=authors,
        publisher=one_line(outlet or ("" if authors else sender)) or None,
        published=published,
        updated=updated if updated and published and updated > published else None,
        url=address if is_url(address) else None,
        headings=headings,
    )


def _is_title(paragraph: str) -> bool:
    """Return whether a first paragraph is a title: one short line that does not end as a sentence does."""
    words = len(paragraph.split())
    return (
        "\n" not in paragraph
        and words <= TITLE_WORDS
        and len(paragraph) <= 200
        and not re.search(r"[.:;,][”\"’')]*$", paragraph)
    )


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of `text`: between blank lines; within them, a line that ends as a sentence ends one."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        current: list[str] = []
        for line in (line.strip() for line in block.split("\n") if line.strip()):
            titled = not found and len(current) == 1 and len(line) >= 60 and len(line) > 1.3 * len(current[0])
            told = len(found) < 4 and bool(current) and (header.byline(current[-1]) or header.dates_in(current[-1]))
            if current and (re.search(r"[.!?…][”\"’')\]]*$", current[-1]) or titled or told):
                found.append("\n".join(current))
                current = []
            current.append(line)
        if current:
            found.append("\n".join(current))
    return found


def _title_from(text: str) -> str:
    """Return the first words of a text without a title."""
    first = one_line(text.partition("\n")[0][:400]) or one_line(text[:400])
    words = first.split(" ")
    if len(words) <= 14 and len(first) <= 120:
        return first
    return " ".join(words[:12])[:120].rstrip(" ,;:.") + " …"
