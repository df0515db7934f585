"""What passes between the steps of `ingest`: a page's bytes, and the article read from them before it has an id."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SAVE_TEXT = "Copy the article's text into a .txt file and add that."  # the way out where a page cannot be read


@dataclass(frozen=True, slots=True)
class Page:
    """The bytes of one source.

    `name` is its file name or the last part of its address, `url` where it was fetched from in the end (None for a
    file), `content_type` and `charset` what the server declared, `path` the absolute path of a file.
    """

    source: str
    data: bytes
    name: str
    url: str | None = None
    path: str | None = None
    content_type: str | None = None
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a page says: an Article without identity. `headings` are offsets into `text`, as in Article."""

    title: str
    text: str
    authors: tuple[str, ...] = ()
    publisher: str | None = None
    published: str | None = None
    updated: str | None = None
    language: str | None = None
    url: str | None = None
    headings: tuple[tuple[int, int], ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary that survives JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Draft:
        """Rebuild a draft from `to_dict()` after a trip through JSON."""
        lists = {name: tuple(data[name]) for name in ("authors", "warnings")}
        headings = tuple((int(start), int(end)) for start, end in data["headings"])
        return cls(**{**data, **lists, "headings": headings})
