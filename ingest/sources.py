"""What a person names (addresses, files, folders, lists of addresses, standard input) → single things to read."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest import address
from ingest.address import printable as shown
from ingest.decode import decode, refuse_binary
from ingest.records import Page
from qa.errors import FetchError, SourceError
from qa.records import AddResult

PAGES = frozenset({".html", ".htm", ".xhtml", ".shtml", ".mhtml", ".mht"})
TEXTS = frozenset({".txt", ".text"})
MARKDOWN = frozenset({".md", ".markdown"})
READABLE = PAGES | TEXTS | MARKDOWN
LISTS = TEXTS | {"", ".urls", ".list", ".lst"}  # what a list of addresses may be called

MEGABYTES = 20  # of one file, as of one page from the web
LIST_BYTES = MEGABYTES * 1_000_000  # about 200,000 addresses
STDIN = "-"
KINDS = "Byline reads web pages (.html, .mhtml), text (.txt) and Markdown (.md)."

_LINE = re.compile(r"^(?:(?:[-*+•]|\d+[.)])\s+)?<?(https?://[^\s<>]+)>?(?:\s+#.*)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to read: an address, a file, or bytes that are already here (standard input)."""

    source: str
    url: str | None = None
    path: Path | None = None
    data: bytes | None = None

    def read(self) -> Page:
        """Return the bytes of a file or of standard input. Raises FetchError where they cannot be had."""
        if self.data is not None:
            return Page(self.source, self.data, "standard input")
        assert self.path is not None
        return Page(self.source, read_file(self.path), self.path.name, path=str(self.path.absolute()))


def expand(sources: Iterable[str | os.PathLike[str]]) -> Iterator[Item | AddResult]:
    """Yield every single thing that `sources` name, in order; what cannot be read yields its result at once."""
    for source in sources:
        name = os.fsdecode(source).strip() if isinstance(source, (str, bytes, os.PathLike)) else ""
        try:
            yield from _expand(name)
        except (SourceError, OSError, ValueError) as error:
            yield AddResult(shown(name), "failed", reason=_reason(name, error))


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, PermissionError):
        return f"{shown(name)}: may not be read (permission denied). Change its permissions or copy it."
    detail = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "not a usable name"
    return f"{shown(name)}: cannot be read ({detail}). Check the path."


def _expand(name: str) -> Iterator[Item | AddResult]:
    if not name:
        raise FetchError("An empty source. Give an address, a file or a folder.")
    if name == STDIN:
        yield from _standard_input()
        return
    if address.is_url(name):
        yield Item(name, url=name)
        return
    path = Path(name).expanduser()
    if not os.path.lexists(path):
        if scheme := address.scheme_of(name):
            raise FetchError(
                f"{shown(name)}: {scheme} addresses are not opened, only http and https. {address.SAVE_IT}"
            )
        hint = f"If it is an address, write https://{name}." if address.looks_like_host(name) else "Check the path."
        raise FetchError(f"{shown(name)}: no such file or folder. {hint}")
    if path.is_dir():
        yield from _folder(path, name)
    elif (listed := _listed(path)) is not None:
        yield from listed
    else:
        yield Item(name, path=path)


def _standard_input() -> Iterator[Item | AddResult]:
    data = sys.stdin.buffer.read(MEGABYTES * 1_000_000 + 1)
    if len(data) > MEGABYTES * 1_000_000:
        raise FetchError(f"standard input: larger than {MEGABYTES} MB. Add its articles one at a time.")
    if not data.strip():
        raise FetchError("standard input: nothing came. Pipe an article or a list of addresses into it.")
    found = addresses(data[:LIST_BYTES], "standard input")
    yield from _each(found) if found else [Item("standard input", data=data)]


def _listed(path: Path) -> list[Item | AddResult] | None:
    """Return the addresses that a file lists, None if it is no such list."""
    if path.suffix.lower() not in LISTS or not path.is_file() or path.stat().st_size > LIST_BYTES:
        return None
    found = addresses(read_file(path), path.name)
    return list(_each(found)) if found else None


def addresses(data: bytes, name: str) -> list[str]:
    """Return the lines of a list of addresses, without blank and "#" lines, remarks, bullets and angle brackets; []
    where it is anything else.

    A list with a slip in one line is still a list: the slip gets its own result.
    """
    try:
        lines = [line.strip() for line in decode(data, name).splitlines()]
    except SourceError:
        return []
    lines = [_LINE.sub(r"\1", line) for line in lines if line and not line.startswith("#")]
    good = sum(1 for line in lines if address.is_url(line) and " " not in line)
    return lines if good and good >= len(lines) * 0.8 else []


def _each(lines: list[str]) -> Iterator[Item | AddResult]:
    for line in lines:
        if address.is_url(line):
            yield Item(line, url=line)
        else:
            reason = f"{shown(line)}: not a web address. Correct the line; it must begin with https://."
            yield AddResult(shown(line), "failed", reason=reason)


def _folder(folder: Path, name: str) -> Iterator[Item | AddResult]:
    """Yield the articles in `folder` and below, sorted, and one result for all that is left out."""
    left_out: Counter[str] = Counter()
    files: list[Path] = []
    failed: list[AddResult] = []

    def unreadable(error: OSError) -> None:
        where = shown(str(error.filename or name))
        failed.append(AddResult(where, "failed", reason=_reason(where, error)))

    for at, folders, names in os.walk(folder, onerror=unreadable):
        hidden = [one for one in folders if one.startswith(".")]
        saved = [one for one in folders if _belongs_to_page(Path(at, one), names)]
        folders[:] = sorted(one for one in folders if one not in hidden and one not in saved)
        for file in sorted(names):
            path = Path(at, file)
            if file.startswith("."):
                continue
            if path.suffix.lower() in READABLE and path.is_file():
                files.append(path)
            else:
                left_out[path.suffix.lower() or "without a suffix"] += 1
    for path in files:
        try:
            yield from _listed(path) or [Item(str(path), path=path)]
        except SourceError as error:  # an empty or unreadable file is one result, and the others go on
            yield AddResult(shown(str(path)), "failed", reason=str(error))
    yield from failed
    if left_out or not files:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in left_out.most_common(5))
        total = sum(left_out.values())
        reason = (
            f"{total} file{'s' * (total != 1)} of other kinds left out ({kinds})."
            if left_out
            else "nothing to read in it."
        )
        yield AddResult(shown(name), "skipped", reason=f"{reason} {KINDS}")


def _belongs_to_page(folder: Path, files: list[str]) -> bool:
    """Return whether `folder` holds the pictures and scripts of a page that a browser saved beside it."""
    name = folder.name  # "Story_files", "Story.files", "Story-Dateien", "Story_fichiers"; "council-2025" is none
    stems = {name.rpartition(mark)[0] for mark in "-_." if name.rpartition(mark)[2].isalpha()} - {""}
    if any(f"{stem}{suffix}" in files for stem in stems for suffix in PAGES):
        return True
    # Its page was renamed or is gone: a browser's own names, or scripts, tell it from a folder of "case_files".
    if not name.endswith(("_files", ".files")):
        return False
    try:
        inside = list(folder.iterdir())
    except OSError:  # the walk says of it that it cannot be read
        return False
    return any(one.suffix.lower() in (".css", ".js") or one.name.startswith("saved_resource") for one in inside)


def read_file(path: Path) -> bytes:
    """Return the bytes of a regular file of bearable size. Raises FetchError, naming the reason."""
    name = shown(str(path))
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise FetchError(f"{name}: not a regular file. To pipe an article in, use `-`.")
            data = file.read(MEGABYTES * 1_000_000 + 1)
    except OSError as error:
        if path.is_symlink() and not path.exists():
            raise FetchError(f"{name}: a link to nothing. Check where it leads.") from None
        raise FetchError(_reason(str(path), error)) from None
    if len(data) > MEGABYTES * 1_000_000:
        raise FetchError(f"{name}: larger than {MEGABYTES} MB. Save just the article as text and add that.")
    if not data.strip():
        raise FetchError(f"{name}: the file is empty. Save the article again.")
    if path.suffix and path.suffix.lower() not in READABLE | LISTS:
        refuse_binary(data, path.name)
        raise FetchError(f"{name}: {path.suffix} files are not read. {KINDS}")
    return data


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe without a writer would wait for ever
