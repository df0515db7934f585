"""Fifty hostile and broken inputs: each gives one clear line, quickly, and leaves the library verified."""

from __future__ import annotations

import gzip
import os
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest import add
from ingest.fetch import Fetcher
from qa.library import Library
from qa.records import AddResult
from tests.test_fetch import BOMB, dripping, endless
from tests.web import answer, redirect, serving

SECONDS = 15.0  # for one input, on a busy machine; a reader would think that it hangs
PARAGRAPH = "The council voted on Tuesday to keep the old bridge open for another three years, and the mayor agreed. "
BODY = "".join(f"<p>{PARAGRAPH}It was item {number} of the plan.</p>" for number in range(6))


def html(head: str = "", body: str = BODY) -> bytes:
    return f"<html><head>{head}</head><body><article>{body}</article></body></html>".encode()


def data(json: str) -> str:
    return f'<script type="application/ld+json">{json}</script>'


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


# name of the file: (its bytes, what the reason must say; None: it is an article and is stored)
FILES: dict[str, tuple[bytes, str | None]] = {
    "empty.html": (b"", "empty"),
    "empty.txt": (b"", "empty"),
    "blank.txt": (b" \n\t\n", "empty"),
    "nbsp.txt": ("\u00a0\u200b\n".encode(), "no text"),
    "bom-only.txt": (b"\xef\xbb\xbf", "no text"),
    "noise.html": (noise(50_000), "binary|no article|not a web page"),
    "noise.txt": (noise(50_000), "binary"),
    "nul.txt": (b"\0" * 10_000, "binary"),
    "nul-inside.txt": (PARAGRAPH.encode() + b"\0" + PARAGRAPH.encode(), None),
    "pdf.html": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + noise(2_000), "PDF, although named .html"),
    "pdf.pdf": (b"%PDF-1.7\n" + noise(2_000), "PDF"),
    "picture.html": (b"\x89PNG\r\n\x1a\n" + noise(2_000), "PNG"),
    "word.txt": (b"PK\x03\x04" + noise(100) + b"word/document.xml", "Word"),
    "packed.html": (gzip.compress(html()), "gzip"),
    "bomb.html": (BOMB, "gzip"),
    "data.json": (b'{"a": 1}', r"\.json files are not read"),
    "large.html": (b"<p>" + b"x" * 50_000_000, "larger than 20 MB"),
    "large.txt": (b"word " * 10_000_000, "larger than 20 MB"),
    "long-text.txt": (b"word " * 1_500_000, "million characters"),
    "one-line.txt": (b"word " * 200_000, None),
    "one-word.txt": (b"x" * 1_000_000, None),
    "one-line.html": (html(body=f"<p>{PARAGRAPH * 3000}</p>"), None),
    "no-spaces.html": (html(body="<p>" + "x" * 3_000_000 + "</p>"), None),
    "deep.html": (html(body="<div>" * 100_000 + PARAGRAPH), "nested"),
    "deep-odd.html": (html(body="<x>" * 100_000 + PARAGRAPH), "nested|no article|took too much|cannot be read|^$"),
    "unclosed.html": (b"<html><body>" + b"<p>" * 100_000, "no article|empty|took too much|cannot be read"),
    "open-angle.html": (b"<html>" + b"<" * 200_000, "no article|not a web page|took too much|cannot be read"),
    "attributes.html": (html(body="<p " + " ".join(f"a{n}=1" for n in range(50_000)) + f">{PARAGRAPH}</p>"), "endless"),
    "table.html": (html(body="<table>" + "<tr><td>1</td></tr>" * 30_000 + "</table>"), "^$|took too much|no article"),
    "entities.html": (
        b'<!DOCTYPE html [<!ENTITY a "lol">'
        + b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">' * 9
        + b"]><html><p>&b;</p>"
        + BODY.encode(),
        None,
    ),
    "no-text.html": (html(body="<img src='a.png'>"), "no article"),
    "script-only.html": (html("<script>document.write('x')</script>", ""), "no article"),
    "script-title.html": (html("<title><script>alert(1)</script>Bridge</title>"), None),
    "javascript-url.html": (html("<link rel='canonical' href='javascript:alert(1)'>"), None),
    "long-title.html": (html(f"<title>{'word ' * 20_000}</title>"), None),
    "broken-jsonld.html": (
        html(data('{"@type": "NewsArticle", "headline": ')),
        None,
    ),
    "deep-jsonld.html": (html(data("[" * 50_000)), None),
    "odd-jsonld.html": (
        html(
            '<script type="application/ld+json">{"@type": ["Article", 3], "author": [null, 7, {"name": {}}]}</script>'
        ),
        None,
    ),
    "future.html": (html('<meta property="article:published_time" content="9999-99-99">'), None),
    "charset.html": (html('<meta charset="no-such-thing">'), None),
    "charset-lie.html": (b'<html><meta charset="utf-8"><body>' + BODY.replace("mayor", "maïre").encode("cp1252"), None),
    "utf7.html": (html('<meta charset="utf-7">'), None),
    "surrogates.txt": (PARAGRAPH.encode() + b"\xed\xa0\x80 end.", None),
    "rtl.txt": (("\u202e" + PARAGRAPH).encode(), None),
    "zalgo.txt": (PARAGRAPH.encode() + ("e" + "\u0301" * 5_000).encode(), None),
    "paywall.html": (html(body="<h1>Story</h1><p>It began.</p><p>Subscribe to continue reading.</p>"), "paywall"),
    "consent.html": (
        html(body="<h1>Before you continue</h1><p>Accept all cookies or reject all of them.</p>"),
        "consent",
    ),
    "captcha.html": (html("<title>Just a moment...</title>", "<p>Verify you are human.</p>"), "robots"),
    "front.md": (b"---\n" + b"a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n" + b"---\n# T\n\nText.", None),
    "deep.md": (b"> " * 5_000 + b"text", "took too much|cannot be read|no article|^$"),
    "links.md": (b"[" * 50_000, None),
    "bad.mhtml": (b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\nnothing", "holds no page"),
}

URLS: dict[str, tuple[str, str]] = {
    "dead host": ("http://nothing.invalid/", "no host named"),
    "this machine": ("http://localhost/", "inside this machine"),
    "metadata": ("http://169.254.169.254/latest/meta-data/", "inside this machine"),
    "disguised": ("http://0x7f.1/", "hides a numeric address"),
    "password": ("http://a:secret@example.org/", "user name or password"),
    "port": ("http://example.org:25/", "port 25"),
    "no scheme": ("www.example.org/story", "write https://"),
    "file scheme": ("file:///etc/passwd", "file addresses are not opened"),
    "script": ("javascript:alert(1)", "not opened|no such file"),
    "spaces": ("https://exa mple.org/ a", "not a web address|no host name"),
    "endless address": ("https://example.org/" + "a" * 100_000, "longer than"),
    "control characters": ("https://example.org\x00/\x1b[31m", "not a web address|no host"),
    "line in the path": ("no\nsuch\x1b[2Jfile.txt", "no such file"),
    "long path": ("a" * 5_000, "cannot be read|no such file"),
}

ROUTES: dict[str, tuple[Callable, str]] = {
    "/loop": (redirect("/loop"), "redirected more than"),
    "/endless": (endless, "larger than"),
    "/drip": (dripping, "no answer within"),
    "/bomb": (answer(BOMB, Content_Encoding="gzip"), "larger than"),
    "/pdf": (answer(b"%PDF", Content_Type="application/pdf"), "not a web page"),
    "/lying": (answer(b"%PDF-1.4\n" + noise(500)), "PDF"),
    "/403": (answer(b"no", 403), "refuses programs"),
    "/500": (answer(b"no", 500), "fault of its own"),
    "/empty": (answer(b""), "no text|empty"),
}


@pytest.fixture
def checked(library: Library) -> Iterator[Callable[..., AddResult]]:
    """Add one source: it takes a bearable time, gives one printable line, and the library verifies after it."""

    def one(source: str | Path, fetcher: Fetcher | None = None) -> AddResult:
        start = time.monotonic()
        [result] = add([source], library=library, fetcher=fetcher)
        assert time.monotonic() - start < SECONDS
        if result.status == "failed":
            assert result.reason and result.reason.isprintable() and len(result.reason) < 700
            assert result.reason.rstrip().endswith(".")
        assert result.source.isprintable() and len(result.source) < 400
        return result

    yield one
    report = library.verify()
    assert report.ok, report.problems


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, checked: Callable[..., AddResult], library: Library, tmp_path: Path) -> None:
    data, says = FILES[name]
    (tmp_path / name).write_bytes(data)
    result = checked(tmp_path / name)
    if says is None:
        assert result.status == "added", result.reason
        stored = library.get(result.article_id or "")
        assert stored.title.isprintable() and len(stored.title) <= 402 and stored.text.strip()
        assert stored.url is None or stored.url.startswith("http")
        assert stored.published is None or "1990" <= stored.published < "2999"
    else:
        assert result.status in ("failed", "added" if "^$" in says else "failed"), result
        assert re.search(says, result.reason or ""), result.reason


@pytest.mark.parametrize("name", URLS)
def test_addresses(name: str, checked: Callable[..., AddResult]) -> None:
    source, says = URLS[name]
    result = checked(source)
    assert result.status == "failed" and re.search(says, result.reason or ""), result
    assert "secret" not in f"{result.reason}{result.source}"


@pytest.mark.parametrize("path", ROUTES)
def test_servers(path: str, checked: Callable[..., AddResult]) -> None:
    route, says = ROUTES[path]
    with serving({path: route}) as base, Fetcher(allow_private=True, seconds=2, megabytes=1) as fetcher:
        result = checked(base + path, fetcher)
    assert result.status == "failed" and re.search(says, result.reason or ""), result


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_nobody_writes_to_is_not_waited_for(checked: Callable[..., AddResult], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert "not a regular file" in (checked(tmp_path / "pipe.txt").reason or "")


def test_a_socket_and_a_device_are_not_files(checked: Callable[..., AddResult], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(tmp_path / "s.txt"))
        assert checked(tmp_path / "s.txt").status == "failed"
    if Path("/dev/zero").exists():
        assert "not a regular file" in (checked("/dev/zero").reason or "")


def test_links(checked: Callable[..., AddResult], tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    assert "a link to nothing" in (checked(tmp_path / "gone.txt").reason or "")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    assert checked(tmp_path / "loop.txt").status == "failed"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "again").symlink_to(tmp_path / "folder")
    assert checked(tmp_path / "folder").status == "skipped"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(checked: Callable[..., AddResult], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.txt").chmod(0)
    assert "permission denied" in (checked(tmp_path / "a.txt").reason or "")


def test_a_name_that_is_no_text(checked: Callable[..., AddResult], tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    try:
        Path(os.fsdecode(name)).write_text(PARAGRAPH)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert checked(os.fsdecode(name)).status == "added"


def test_there_are_fifty_of_them() -> None:
    assert len(FILES) + len(URLS) + len(ROUTES) >= 50
