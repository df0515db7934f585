"""What a page says about itself: title, authors, publisher, dates, language and its own address.

Each fact is asked of several places in order of trust (the publisher's structured data, then meta tags, then what
the page shows) and then checked: a date lies between the first news sites and tomorrow, an author is a name, an
address belongs to the site it came from.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml.etree import _Element

from ingest.address import is_url, parse, registrable, same_site
from ingest.names import clean_authors, clean_publisher, one_line
from qa.errors import SourceError
from qa.text import fold, terms

EARLIEST = "1990-01-01"  # the first news on the web; older pages give their archive date in the text

_STORY = re.compile(r"(?:\w*Article|\w*Posting|Report|Review\w*|AnalysisNews\w*|OpinionNews\w*|WebPage|Event|Recipe)$")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_SAVED = re.compile(r"<!-- saved from url=\(\d+\)(\S+) -->")  # a browser's note at the head of a page it saves
_WRAPPED = re.compile(r"^\s*(?:/[/*]\s*)?(?:<!--|<!\[CDATA\[)(?:\s*\*/)?|(?:/[/*]\s*)?(?:-->|\]\]>)(?:\s*\*/)?\s*$")
_SEPARATOR = re.compile(r"\s+[|–—·•»«:-]\s+|\s*\|\s*|\s+::\s+")


class Facts:
    """The facts of one parsed page; `url` is where it was fetched from (None: a file), `source` its HTML."""

    def __init__(self, tree: _Element, url: str | None = None, source: str = "") -> None:
        self._url = url
        self._saved = found[1] if (found := _SAVED.search(source[:2000])) else None
        self._tree = tree
        self._meta = _meta(tree)
        self._data = _structured(tree)

    def first(self, *names: str) -> str | None:
        """Return the first meta tag among `names` that says something."""
        return next((value for name in names for value in self._meta.get(name, ()) if value.strip()), None)

    def canonical(self) -> str | None:
        """Return the page's own address, if it is plausible, else where it was fetched from.

        A fetched page may only name an address of its own site, and never the front page when it was not fetched
        from there; a file may name any page.
        """
        links = [link.get("href") or "" for link in self._tree.iterfind(".//link[@rel='canonical']")]
        base = self._url or next((tag.get("href") or "" for tag in self._tree.iterfind(".//base[@href]")), "")
        for claim in (*links, self.first("og:url"), *self._strings("mainEntityOfPage", "url"), self._saved):
            try:
                resolved = urljoin(base, claim.strip()) if claim else ""
            except ValueError:  # "https://[domain]/…": a template nobody filled in
                continue
            if resolved and self._plausible(resolved):
                return resolved
        return self._url

    def _plausible(self, claim: str) -> bool:
        try:
            address = parse(claim)
        except SourceError:
            return False
        if address.target in ("/", "/index.html", "/home") or "." not in address.host:
            return bool(self._url) and address.url == parse(self._url or "", any_port=True).url
        return self._url is None or same_site(address.host, urlsplit(self._url).hostname or "")

    def title(self, fallback: str | None) -> str:
        """Return the headline without the outlet's name around it."""
        shown = [one_line("".join(h.itertext())) for h in self._tree.iter("h1")]
        head = self._tree.findtext(".//head/title") or self._tree.findtext(".//title")
        seen = set(terms(" ".join([head or "", *shown])))  # Wikipedia's "headline" is a description
        stated = [claim for claim in self._strings("headline") if not seen or seen & set(terms(html.unescape(claim)))]
        claims = [*stated, self.first("og:title"), self.first("twitter:title")]
        if fallback and _is_outlet(fallback, {fold(name) for name in self._outlets()}):
            fallback = None  # the site's name over every page of it
        if fallback and head and (fold(fallback) in fold(head) or _about_the_same(fallback, head)):
            head = fallback  # the headline that readers see; the window's title is written for search engines
        titles = [one_line(html.unescape(claim)) for claim in (*claims, head, fallback) if claim and claim.strip()]
        if not titles:
            return next((heading for heading in shown if heading), "")
        # The headline that is shown is the publisher's own wording, without what was put round it for sharing.
        for heading in shown:
            if len(heading.split()) >= 3 and fold(heading) in fold(titles[0]):
                return heading
        title = _without_outlet(titles[0], {fold(name) for name in self._outlets()})
        return title if any(claims) else _without_tail(title)

    def _outlets(self) -> Iterator[str]:
        named = (self.first("og:site_name"), self.first("application-name"), *self._publishers())
        yield from (name for name in named if name)
        host = urlsplit(self.canonical() or "").hostname
        if host:
            yield host.removeprefix("www.")
            yield registrable(host).partition(".")[0]

    def authors(self, fallback: str | None) -> tuple[str, ...]:
        """Return the names of the authors, in the page's order."""
        outlets = tuple(self._outlets())
        stated = [_name(person) for story in self._data for person in _listed(story.get("author"))]
        places = ("author", "byl", "article:author", "parsely-author", "dc.creator", "citation_author")
        tags = [self._meta.get(name, []) for name in places]
        for claim in (stated, *tags):
            if names := clean_authors([one for one in claim if one], outlets):
                return names
        shown = clean_authors([fallback or ""], outlets)  # read off the page: one word is more often a button
        return tuple(name for name in shown if " " in name)

    def publisher(self) -> str | None:
        """Return the outlet's name, readable."""
        claims = [self.first("og:site_name"), *self._publishers(), self.first("publisher", "dc.publisher")]
        claims += [self.first("citation_journal_title", "application-name"), self.first("article:publisher")]
        host = urlsplit(self.canonical() or "").hostname
        return clean_publisher([claim for claim in claims if claim], host)

    def _publishers(self) -> Iterator[str]:
        for story in self._data:
            for owner in _listed(story.get("publisher")):
                if name := _name(owner):
                    yield name

    def dates(self, text_date: str | None) -> tuple[str | None, str | None]:
        """Return the days of publication and of the last change, None where unknown; `text_date` is a fallback."""
        tags: tuple[str, ...] = (
            "article:published_time",
            "article:published",
            "og:published_time",
            "parsely-pub-date",
            "datepublished",
        )
        tags += (
            "date",
            "pubdate",
            "publishdate",
            "publish-date",
            "sailthru.date",
            "dc.date.issued",
            "dc.date",
            "dcterms.date",
        )
        tags += ("article.published", "publication_date", "cxenseparse:recs:publishtime", "citation_publication_date")
        changed: tuple[str, ...] = (
            "article:modified_time",
            "og:updated_time",
            "datemodified",
            "last-modified",
            "article:modified",
            "dcterms.modified",
        )
        shown = (self._times("@itemprop='datePublished' or @pubdate"), self._times("@itemprop='dateModified'"))
        published = _first_day([*self._strings("datePublished"), *(self.first(tag) for tag in tags), *shown[0]])
        updated = _first_day([*self._strings("dateModified"), *(self.first(tag) for tag in changed), *shown[1]])
        if not published and text_date and not text_date.endswith("-01-01"):  # a guess from a year alone
            published = day(text_date)
        return published, updated if updated and published and updated > published else None

    def _times(self, which: str) -> Iterator[str]:
        for element in self._tree.xpath(f".//*[{which}]"):
            yield element.get("content") or element.get("datetime") or ""

    def language(self) -> str | None:
        """Return the ISO 639-1 code that the page declares."""
        declared = [self._tree.get("lang"), self._tree.get("{http://www.w3.org/XML/1998/namespace}lang")]
        declared += [*self._strings("inLanguage"), self.first("content-language"), self.first("og:locale")]
        for claim in declared:
            if claim and (found := re.match(r"([a-z]{2})(?:[-_]|$)", claim.strip().lower())):
                return found[1]
        return None

    def paid(self) -> bool:
        """Return whether the publisher marks the page as not free to read."""
        return any(str(story.get("isAccessibleForFree")).lower() == "false" for story in self._data)

    def _strings(self, *names: str) -> list[str]:
        found = (story.get(name) for story in self._data for name in names)
        return [
            value if isinstance(value, str) else value.get("@id", "")
            for value in found
            if isinstance(value, (str, dict))
        ]


def _meta(tree: _Element) -> dict[str, list[str]]:
    """Return the meta tags by name in lower case, in the page's order."""
    found: dict[str, list[str]] = {}
    for tag in tree.iter("meta"):
        name = tag.get("property") or tag.get("name") or tag.get("itemprop") or tag.get("http-equiv")
        if name and (content := tag.get("content")):
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _structured(tree: _Element) -> list[dict[str, Any]]:
    """Return the page's JSON-LD descriptions of a story, the most telling kind first."""
    stories: list[tuple[int, dict[str, Any]]] = []
    named: dict[str, Any] = {}
    for script in tree.iter("script"):
        if "ld+json" in (script.get("type") or "").lower() and script.text and len(script.text) < 1_000_000:
            try:
                parsed = json.loads(_WRAPPED.sub("", script.text).strip().strip(";").replace("\n", " "), strict=False)
            except (ValueError, RecursionError):
                continue
            for item in _items(parsed):
                if isinstance(item.get("@id"), str) and item.get("name"):
                    named.setdefault(item["@id"], item)
                kinds = [kind for kind in _listed(item.get("@type")) if isinstance(kind, str)]
                if any(_STORY.match(kind.rpartition("/")[2]) for kind in kinds):
                    stories.append((any("WebPage" in kind for kind in kinds), item))
    for _, story in stories:  # {"author": {"@id": "#jane"}}: the name stands elsewhere in the page
        for role in ("author", "publisher"):
            story[role] = [_found(one, named, role) for one in _listed(story.get(role))]
    return [story for _, story in sorted(stories, key=lambda pair: pair[0])]


def _found(one: Any, named: dict[str, dict[str, Any]], role: str) -> Any:
    """Return the person or organisation that `one` only points to; who writes a site alone is no outlet."""
    other = named.get(str(one.get("@id"))) if isinstance(one, dict) and not one.get("name") else None
    return one if other is None or (role == "publisher" and "Person" in _listed(other.get("@type"))) else other


def _items(parsed: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > 4:
        return
    if isinstance(parsed, list):
        for part in parsed[:200]:
            yield from _items(part, depth + 1)
    elif isinstance(parsed, dict):
        yield parsed
        for name in ("@graph", "mainEntity", "itemReviewed"):
            if isinstance(parsed.get(name), (list, dict)):
                yield from _items(parsed[name], depth + 1)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _name(thing: Any) -> str:
    """Return the name in a JSON-LD person or organisation, or in a plain string."""
    if isinstance(thing, dict):
        names = [name for name in _listed(thing.get("name")) if isinstance(name, str)]
        return ", ".join(names)
    return thing if isinstance(thing, str) else ""


def _without_outlet(title: str, outlets: set[str]) -> str:
    """Return `title` without the outlet's name at either end ("Story - The Outlet", "The Outlet | Story")."""
    name, colon, rest = title.partition(": ")
    if colon and _is_outlet(name, outlets):
        title = rest.strip()
    for _ in range(3):
        cuts = list(_SEPARATOR.finditer(title))
        if not cuts:
            break
        first, last = cuts[0], cuts[-1]
        if _is_outlet(title[last.end() :], outlets):
            title = title[: last.start()].strip()
        elif _is_outlet(title[: first.start()], outlets):
            title = title[first.end() :].strip()
        else:
            break
    return title


def _about_the_same(one: str, other: str) -> bool:
    return len(one.split()) >= 4 and len(set(terms(one)) & set(terms(other))) >= 2


def _without_tail(title: str) -> str:
    """Return a window's title without its last part, where that is short enough to be an outlet nobody names."""
    cuts = list(_SEPARATOR.finditer(title))
    if cuts and len(title[cuts[-1].end() :].split()) <= 4 and len(title[: cuts[-1].start()].split()) >= 3:
        return title[: cuts[-1].start()].strip()
    return title


def _is_outlet(part: str, outlets: set[str]) -> bool:
    plain = re.sub(r"^the\s+|[\s.]+", "", fold(part))
    for outlet in outlets:
        name = re.sub(r"^the\s+|[\s.]+", "", outlet)
        if (
            plain
            and name
            and (plain == name or (len(name) > 4 and plain.startswith(name) and len(plain) < len(name) + 12))
        ):
            return True
    return False


def day(value: str | None) -> str | None:
    """Return the ISO day in a date as pages write it, None if there is none or it cannot be true."""
    if not value:
        return None
    found = _ISO.search(value)
    if found:
        try:
            return checked_day(date(int(found[1]), int(found[2]), int(found[3])))
        except ValueError:
            return None
    from ingest.dates import find_date  # the many ways of writing a date in words

    return find_date(value)


def checked_day(value: date) -> str | None:
    """Return `value` as ISO if it lies between the first web pages and tomorrow (time zones run ahead)."""
    iso = value.isoformat()
    return iso if EARLIEST <= iso <= (date.today() + timedelta(days=1)).isoformat() else None


def _first_day(values: Iterable[str | None]) -> str | None:
    return next((found for value in values if (found := day(value))), None)


__all__ = ["Facts", "checked_day", "day", "is_url"]
