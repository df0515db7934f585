"""Bytes → Draft: which kind of page it is, and the right reader for it."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import PurePath

from ingest import extract, markdown, plaintext
from ingest.decode import decode
from ingest.records import Draft, Page
from ingest.sources import MARKDOWN, PAGES, TEXTS
from qa.errors import ExtractError

TEXT_CHARACTERS = 5_000_000  # of one text: a thousand articles, twice the longest novel

_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|article|div|meta)\b", re.I | re.S
)
_TAGS = re.compile(r"<(?:p|div|br|a|span|h[1-6]|body|html|article|section|table|title)\b", re.IGNORECASE)


def draft(page: Page) -> Draft:
    """Return the article in `page`, as its kind is read.

    Raises ExtractError where the bytes are no text or hold no article.
    """
    suffix = PurePath(page.name).suffix.lower()
    if suffix in (".mhtml", ".mht") or _is_mhtml(page.data):
        return _archived(page)
    text = decode(page.data, page.name, page.charset)
    if not text.strip():
        raise ExtractError(f"{page.name}: there is no text in it. Save the article again.")
    if _is_html(text, suffix, page.content_type):
        return extract.article(text, page.name, page.url)
    if len(text) > TEXT_CHARACTERS:
        limit = TEXT_CHARACTERS // 1_000_000
        raise ExtractError(f"{page.name}: more than {limit} million characters of text. Split it into its articles.")
    if suffix in MARKDOWN or page.content_type in ("text/markdown", "text/x-markdown"):
        found = markdown.article(text, page.name)
    else:
        found = plaintext.article(text, page.name)
    return replace(found, url=found.url or page.url)


def _is_html(text: str, suffix: str, content_type: str | None) -> bool:
    """Return whether `text` is a web page, whatever its name: by its first tag, else by its tags and its name."""
    if _HTML.match(text[:5000]):
        return True
    named = suffix in PAGES or (content_type or "").endswith("html")
    if content_type == "text/plain" or suffix in TEXTS | MARKDOWN:
        return False
    return bool(_TAGS.search(text[:200_000])) if named or not suffix else False


def _is_mhtml(data: bytes) -> bool:
    head = data[:2000].lower()
    return b"\ncontent-type: multipart/related" in head and b"mime-version:" in head


def _archived(page: Page) -> Draft:
    """Return the article of a web archive: one HTML part, with its pictures beside it, as in an e-mail."""
    message = email.message_from_bytes(page.data, policy=email.policy.default)
    for part in message.walk():
        if isinstance(part, EmailMessage) and part.get_content_type() == "text/html":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes) and payload.strip():
                address = str(message.get("Snapshot-Content-Location") or part.get("Content-Location") or "")
                html = decode(payload, page.name, part.get_content_charset())
                found = extract.article(html, page.name)
                return replace(found, url=found.url or (address if address.startswith("http") else None))
    raise ExtractError(f"{page.name}: the web archive holds no page. Save it as HTML and add that.")
