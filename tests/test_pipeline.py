"""`add`: every source gets its own result, and one that fails never stops the others."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from ingest import add
from ingest.fetch import Fetcher
from ingest.records import Page
from ingest.worker import Worker
from qa.errors import ExtractError, LibraryError
from qa.library import Library
from qa.records import AddResult
from tests.web import answer, redirect, serving

TEXT = (
    "The harbour froze\n\nThe ferry stopped on Tuesday, and nobody on the island was surprised.\n\nIt thawed on Friday."
)


def page(title: str, extra: str = "", head: str = "") -> str:
    told = f"{title}: the council agreed on Tuesday night to item"
    body = "".join(f"<p>{told} {number} of the plan.{extra}</p>" for number in range(5))
    body = f"<body><article><h1>{title}</h1>{body}</article></body>"
    return f'<html lang="en"><head><title>{title}</title>{head}</head>{body}</html>'


def statuses(results: list[AddResult]) -> list[str]:
    return [result.status for result in results]


def test_files_of_each_kind(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page("The bridge stays open"))
    (tmp_path / "b.txt").write_text(TEXT)
    (tmp_path / "c.md").write_text("# The mill\n\nIt turns again.")
    sources = [tmp_path / name for name in ("a.html", "b.txt", "c.md")]
    results = add(sources, library=library)
    assert statuses(results) == ["added"] * 3
    assert [result.title for result in results] == ["The bridge stays open", "The harbour froze", "The mill"]
    assert [result.source for result in results] == [str(source) for source in sources]
    stored = library.get(results[1].article_id or "")
    assert stored.text.split("\n\n")[0] == "The ferry stopped on Tuesday, and nobody on the island was surprised."
    assert stored.source == str(sources[1])


def test_a_failure_stops_nothing_and_a_repeat_changes_nothing(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "empty.html").write_text("")
    sources = [tmp_path / "missing.html", tmp_path / "a.txt", tmp_path / "empty.html", ""]
    results = add(sources, library=library)
    assert statuses(results) == ["failed", "added", "failed", "failed"]
    assert "no such file" in (results[0].reason or "")
    assert "empty" in (results[2].reason or "")
    assert statuses(add(sources, library=library)) == ["failed", "unchanged", "failed", "failed"]
    assert library.count() == 1


def test_a_changed_file_is_a_new_version(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(TEXT)
    [first] = add(file, library=library)
    file.write_text(TEXT + " Then it froze again.")
    [second] = add([file], library=library)
    assert (second.status, second.article_id) == ("updated", first.article_id)
    assert library.get(first.article_id or "", 1).text.endswith("Friday.")
    assert library.get(first.article_id or "").version == 2


def test_a_folder_is_read_sorted_and_says_what_it_left_out(library: Library, tmp_path: Path) -> None:
    for name in (
        "b.txt",
        "a.html",
        "sub/c.md",
        ".hidden.txt",
        ".git/d.txt",
        "a_files/e.html",
        "f.jpg",
        "g.JPG",
        "h.css",
    ):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(page(name) if name.endswith("html") else f"# {name}\n\nText of {name}.")
    results = add([tmp_path / "in"], library=library)
    assert [Path(result.source).name for result in results] == ["a.html", "b.txt", "c.md", "in"]
    assert statuses(results) == ["added", "added", "added", "skipped"]
    assert "3 files of other kinds left out (2 .jpg, 1 .css)" in (results[-1].reason or "")


def test_an_empty_file_in_a_folder_is_one_failure_and_the_rest_is_read(library: Library, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abcd":
        (tmp_path / "in" / f"{name}.txt").write_text(
            "" if name == "b" else f"Title {name}\n\nA story about {name} stood here."
        )
    results = add([tmp_path / "in"], library=library)
    assert {Path(r.source).name: r.status for r in results} == {
        "a.txt": "added", "b.txt": "failed", "c.txt": "added", "d.txt": "added",
    }  # fmt: skip
    assert "empty" in next(r.reason or "" for r in results if r.status == "failed")


def test_a_folder_is_left_out_only_where_a_browser_saved_it(library: Library, tmp_path: Path) -> None:
    for name in ("case_files/s.html", "council.html", "council-2025/t.html", "Story_files/u.html", "Story_files/x.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(page(name) if name.endswith("html") else "x")
    results = add([tmp_path], library=library)
    assert {Path(r.source).name for r in results if r.status == "added"} == {"s.html", "council.html", "t.html"}


def test_a_broken_redirect_ends_one_source_alone(library: Library) -> None:
    routes = {"/a": answer(page("a").encode()), "/bad": redirect("http://[broken/"), "/b": answer(page("b").encode())}
    with serving(routes) as base:
        results = add([base + path for path in routes], library=library, fetcher=Fetcher(allow_private=True))
    assert [r.status for r in results] == ["added", "failed", "added"]
    assert "broken address" in (results[1].reason or "")


def test_an_empty_folder_says_so(library: Library, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    [result] = add([tmp_path / "none"], library=library)
    assert result.status == "skipped" and "nothing to read" in (result.reason or "")


def test_pages_from_the_web_are_known_by_their_canonical_address(library: Library, tmp_path: Path) -> None:
    with serving({"/story": answer(page("The bridge").encode()), "/r": redirect("/story#x")}) as base:
        (tmp_path / "list.txt").write_text(
            f"# to read\n{base}/story?utm_source=mail\n\n{base}/r\n{base}/missing\n{base}/story\n"
        )
        with Fetcher(allow_private=True) as fetcher:
            results = add([tmp_path / "list.txt"], library=library, fetcher=fetcher)
    assert statuses(results) == ["added", "unchanged", "failed", "unchanged"]
    assert len({result.article_id for result in results if result.article_id}) == 1
    assert library.get(results[0].article_id or "").url == f"{base}/story"


def test_a_saved_page_is_the_page(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        page("The bridge", head='<link rel="canonical" href="https://www.example.org/bridge">')
    )
    (tmp_path / "b.html").write_text(
        page("The bridge", head='<link rel="canonical" href="http://example.org/bridge/?utm_medium=x">')
    )
    results = add([tmp_path / "a.html", tmp_path / "b.html"], library=library)
    assert results[0].article_id == results[1].article_id


def test_an_inner_address_is_refused_without_being_opened(library: Library) -> None:
    log: list[tuple[str, dict[str, str]]] = []
    with serving({"/": answer(page("Secret").encode())}, log) as base:
        [result] = add([base], library=library)
    assert result.status == "failed" and log == []


def test_standard_input(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def pipe(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    pipe(TEXT.encode())
    [result] = add(["-"], library=library)
    assert (result.source, result.status, result.title) == ("standard input", "added", "The harbour froze")
    pipe(page("The bridge").encode())
    assert add("-", library=library)[0].title == "The bridge"
    pipe(b"https://127.0.0.1/a\nhttp://10.0.0.1/b\n")
    assert statuses(add("-", library=library)) == ["failed", "failed"]
    pipe(b"  \n")
    assert "nothing came" in (add("-", library=library)[0].reason or "")


def test_another_language_brings_a_warning(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page("Die Brücke").replace('lang="en"', 'lang="de-DE"'))
    [result] = add([tmp_path / "a.html"], library=library)
    assert result.status == "added"
    assert any("another language than English (de)" in warning for warning in result.warnings)


def test_progress_counts_every_source(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(TEXT + name)
    seen: list[tuple[int, int]] = []
    add([folder, "missing"], library=library, progress=lambda done, total, _: seen.append((done, total)))
    assert seen[0] == (0, 4) and sorted(seen[1:]) == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_interrupt_keeps_what_is_stored(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.txt").write_text(f"Title {number}\n\n{TEXT}")

    def interrupt(done: int, total: int, source: str) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add([folder], library=library, progress=interrupt)
    assert library.count() >= 20
    assert library.verify().ok


class Failing:
    """A library whose disk is full after some articles."""

    def __init__(self, library: Library, after: int) -> None:
        self._library, self._left = library, after

    def put_many(self, articles):  # type: ignore[no-untyped-def]
        for article in articles:
            if not self._left:
                raise LibraryError("The disk is full. Make room and add again.")
            self._left -= 1
            yield self._library.put(article)


def test_a_library_that_gives_way_is_said_once(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.txt").write_text(TEXT + name)
    results = add([folder], library=Failing(library, 1))  # type: ignore[arg-type]
    assert statuses(results) == ["added", "failed", "skipped", "skipped"]
    assert "disk is full" in (results[1].reason or "")
    assert "not reached" in (results[2].reason or "")


def test_a_home_that_is_a_file_is_a_library_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LibraryError):
        add([], home=tmp_path / "file")


def test_a_page_that_takes_too_long_ends_alone(tmp_path: Path) -> None:
    with Worker(wall_seconds=0.01) as slow, pytest.raises(ExtractError, match="too much time"):
        slow.read(Page("a", page("x").encode() * 200, "a.html"))
    with Worker() as worker:
        assert worker.read(Page("a", page("The bridge").encode(), "a.html")).title == "The bridge"
        assert worker._process is not None
        worker._process.kill()
        worker._process.wait()
        assert worker.read(Page("b", page("The mill").encode(), "b.html")).title == "The mill"


def test_importing_ingest_is_light() -> None:
    heavy = (
        "torch",
        "transformers",
        "sentence_transformers",
        "chromadb",
        "gradio",
        "trafilatura",
        "datasketch",
        "lxml",
    )
    code = f"import sys, ingest; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
