"""Markdown → Draft: front matter and headings are understood, links and emphasis become plain text."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator
from typing import Any

from ingest import header
from ingest.address import is_url
from ingest.extract import Block, join
from ingest.metadata import day
from ingest.names import clean_authors, one_line
from ingest.records import Draft
from qa.errors import ExtractError
from qa.text import fold

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\A\ufeff?\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_PLAIN = re.compile(r"^(\w[\w-]*):[ \t]+([^\s\[{&*!|>].*)$", re.MULTILINE)
_UNSEEN = re.compile(r"<(script|style|iframe)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_BREAKS = re.compile(
    r"</?(?:p|div|blockquote|li|ul|ol|h[1-6]|tr|br|figure|figcaption|table|td|th)\b[^>]*>", re.IGNORECASE
)
_LINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]\n]+)\]\]")  # note-taking programs link names as [[Jane Doe]]
_CODE = re.compile(r"(^```.*?^```|^~~~.*?^~~~|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_NOTED = (
    (re.compile(r"!\[\[[^\[\]\n]*\]\]|(?<![\w%])%%(?:(?!\n\n).)*?%%", re.DOTALL), ""),
    (re.compile(r"^\[\^[^\[\]\s]+\]:[ \t]*|\[\^[^\[\]\s]+\]", re.MULTILINE), ""),
    (_LINK, r"\1"),
    (re.compile(r"(?<![\w=])==(?=\S)([^=\n]+)(?<=\S)==(?![\w=])"), r"\1"),
    (re.compile(r"^([ \t>]*)\[![\w-]+\][+-]?[ \t]*(.*)$", re.MULTILINE), r"\1\2\n\1"),
    (re.compile(r"^([ \t]*(?:[-*+]|\d+[.)])[ \t]+)\[[ xX]\][ \t]+", re.MULTILINE), r"\1"),
    (re.compile(r"^(?:#[^\W\d][\w/-]*[ \t]*)+$", re.MULTILINE), ""),
)


def article(text: str, name: str) -> Draft:
    """Return the article in a Markdown text; `name` is for messages and, as a last resort, the title.

    Raises ExtractError where nothing but markup is in it.
    """
    front = _FRONT.match(text) or _TOML.match(text)
    facts = _facts(front[1], toml=front.re is _TOML) if front else {}
    if front and not facts and re.search(r"^[^:\n-]{30,}[.!?][”\"]?$", front[1], re.MULTILINE):
        front = None  # no front matter but sentences between two rules
    text = text[front.end() :] if front else text
    if not front:
        named, used = header.fields(text.split("\n")[: header.MOST_FIELDS])  # "Title: …", as in other kinds of text
        facts, text = dict(named), "\n".join(text.split("\n")[used:])
    blocks = list(_blocks(_noted(text)))
    title = one_line(str(facts.get("title") or ""))
    if blocks and blocks[0].heading and (not title or fold(blocks[0].text) == fold(title)):
        title = blocks[0].text
        blocks = blocks[1:]
    if not facts and blocks and blocks[0].heading and fold(blocks[0].text) == "metadata":
        listed = list(itertools.takewhile(lambda block: not block.heading, blocks[1:]))
        facts = {name.lower(): value for name, _, value in (block.text.partition(": ") for block in listed)}
        blocks = blocks[1 + len(listed) :]
    told = header.take([block.text for block in blocks])
    blocks = told.without(blocks)
    body, headings = join(blocks)
    if not body:
        raise ExtractError(f"{name}: there is no article in it. Save the article again.")
    published = _first_day(facts, "published", "date", "created", "pubdate") or told.published
    updated = _first_day(facts, "updated", "modified", "lastmod") or told.updated
    claims = [str(facts.get(key) or "") for key in ("url", "source", "link", "canonical")]
    address = next((claim for claim in claims if is_url(claim)), told.url)
    publisher = str(facts.get("publisher") or facts.get("site") or facts.get("outlet") or "")
    return Draft(
        title=title or name.rpartition(".")[0] or name,
        text=body,
        authors=clean_authors(_listed(facts.get("authors") or facts.get("author") or facts.get("by"))) or told.authors,
        publisher=one_line(publisher) or None,
        published=published,
        updated=updated if updated and published and updated > published else None,
        language=str(facts["lang"])[:2].lower() if facts.get("lang") else None,
        url=address,
        headings=headings,
    )


def _facts(front: str, *, toml: bool = False) -> dict[str, Any]:
    """Return the front matter by lower-case name; {} where it is neither TOML nor YAML of the plain kind."""
    import tomllib  # late, both: only for Markdown with front matter

    import yaml

    try:
        found = tomllib.loads(front) if toml else yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError):  # "title: Bridge toll: drivers to pay": read as it is meant
        found = {name: value.strip("\"' ") for name, value in _PLAIN.findall(front)}
    return {str(key).lower(): value for key, value in found.items()} if isinstance(found, dict) else {}


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value] if value else []
    return [_LINK.sub(r"\1", str(one.get("name") if isinstance(one, dict) else one)) for one in values]


def _noted(text: str) -> str:
    """Return `text` without what note-taking programs write beside Markdown: [[links]], ==marks==, %%remarks%%, tags,
    [!callouts], [ ] boxes, [^1]; not where code stands.
    """
    parts = _CODE.split(text)
    for at in range(0, len(parts), 2):
        for pattern, plain in _NOTED:
            parts[at] = pattern.sub(plain, parts[at])
    return "".join(parts)


def _first_day(facts: dict[str, Any], *names: str) -> str | None:
    return next((found for name in names if (found := day(str(facts.get(name) or "")))), None)


def _blocks(text: str) -> Iterator[Block]:
    """Yield paragraphs, list items, table rows and headings as plain text, in order."""
    from markdown_it import MarkdownIt  # late: only for Markdown

    heading, cell = False, False
    row: list[str] = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        if token.type == "heading_open":
            heading = True
        elif token.type == "html_block":
            for part in _BREAKS.split(_UNSEEN.sub("", token.content)):
                if plain := " ".join(html.unescape(re.sub(r"<[^>]*>", "", part)).split()):
                    yield Block(plain)
        elif token.type in ("fence", "code_block"):
            yield Block(token.content.strip())
        elif token.type in ("th_open", "td_open", "th_close", "td_close"):
            cell = token.type.endswith("open")
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield Block(" | ".join(row))
        elif token.type == "inline":
            plain = _plain(token.children or [])
            if cell:
                row.append(plain)
            elif plain:
                yield Block(plain, heading)
            heading = False


def _plain(children: list[Any]) -> str:
    parts = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak":
            parts.append("\n")
    return "\n".join(" ".join(line.split()) for line in "".join(parts).split("\n") if line.strip())
