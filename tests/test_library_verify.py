"""A library that is damaged, full, locked away or of another version: noticed, said in a line, mended."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from qa.errors import LibraryError, ModelMismatchError
from qa.library import Library
from tests.fakes import FakeEncoder
from tests.library_tools import article, dense, fill, ids, long_text, words


def sql(library: Library, *statements: str) -> None:
    """Write to the catalog behind the library's back."""
    connection = sqlite3.connect(library.home / "catalog.sqlite3")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def lose_vectors(library: Library) -> None:
    library._index.vectors.apply([], np.empty((0, 0)), [1, 2])


def add_strange_vectors(library: Library) -> None:
    library._index.vectors.apply([9_999], np.ones((1, 64), np.float32), [])


def change_a_vector(library: Library) -> None:
    library._index.vectors.apply([3], np.ones((1, 64), np.float32), [])


def delete_the_folder(library: Library) -> None:
    library._index.vectors.close()
    shutil.rmtree(library.home / "vectors")


def overwrite_chroma(library: Library) -> None:
    library._index.vectors.close()
    (library.home / "vectors" / "chroma.sqlite3").write_bytes(b"not a database" * 400)


def a_file_for_the_folder(library: Library) -> None:
    delete_the_folder(library)
    (library.home / "vectors").write_text("what?")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lose_vectors, "2 passages have no vector in the index."),
        (add_strange_vectors, "1 vectors in the index belong to no passage."),
        (change_a_vector, "1 vectors in the index are not their passages'."),
        (delete_the_folder, "The vector index is missing."),
        (overwrite_chroma, "The vector index cannot be read"),
        (a_file_for_the_folder, "The vector index cannot be read"),
    ],
)
def test_damage_to_the_index_is_found_and_mended_without_the_encoder(
    library: Library, encoder: FakeEncoder, damage, problem: str
) -> None:
    fill(library, 30)
    expected = dense(library, "w1 w2 w3", 5)
    damage(library)
    calls = encoder.calls
    report = library.verify()
    assert not report.ok
    assert [line[: len(problem)] for line in report.problems] == [problem]
    mended = library.verify(repair=True)
    assert (mended.ok, mended.problems, mended.vectors) == (True, [], 30)
    assert len(mended.repaired) == 1
    assert encoder.calls == calls
    assert dense(library, "w1 w2 w3", 5) == expected
    assert library._index.vectors.held


@pytest.mark.parametrize("damage", [delete_the_folder, overwrite_chroma, a_file_for_the_folder])
def test_a_question_is_answered_beside_a_broken_index(library: Library, damage) -> None:
    fill(library, 30)
    expected = dense(library, "w1 w2 w3", 5)
    damage(library)
    library.put(article("late", "A heron in the reeds."))
    assert dense(library, "w1 w2 w3", 5) == expected
    assert dense(library, "heron in the reeds", 1) == ["late"]


def test_a_lost_graph_is_noticed_when_the_index_is_opened(library: Library) -> None:
    """Chroma itself says nothing when the folder of its graph is gone: it answers from the rest."""
    for number in range(13):  # so many passages that Chroma writes its graph out
        paragraphs = (" ".join(f"w{number}x{at}x{word % 9}" for word in range(150)) + "." for at in range(100))
        library.put(article(f"a{number}", "\n\n".join(paragraphs)))
    assert library.counts()["passages"] == 1300
    expected = dense(library, "w1x7x3 w5x50x2 w9x99x8", 5)
    library._index.vectors.close()
    graphs = [path for path in (library.home / "vectors").iterdir() if path.is_dir()]
    assert graphs
    for graph in graphs:
        shutil.rmtree(graph)
    assert dense(library, "w1x7x3 w5x50x2 w9x99x8", 5) == expected
    assert not library.verify().ok
    assert library.verify(repair=True).ok
    assert dense(library, "w1x7x3 w5x50x2 w9x99x8", 5) == expected


ONE = "(SELECT id FROM passages ORDER BY id LIMIT 1)"


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        ([f'UPDATE passages SET "end" = 100000 WHERE id = {ONE}'], "a00 version 1: a passage is no slice"),
        ([f'UPDATE passages SET start = "end" WHERE id = {ONE}'], "a00 version 1: a passage is no slice"),
        ([f"UPDATE passages SET vector = x'0000' WHERE id = {ONE}"], "a00 version 1: a vector is damaged"),
        (
            [f"UPDATE passages SET vector = CAST(zeroblob(64) || vector AS BLOB) WHERE id = {ONE}"],
            "a00 version 1: a vector is damaged",
        ),
        (["DELETE FROM passages WHERE version_id = 1"], "a00 version 1: no passages"),
        (
            [
                'INSERT INTO passages(version_id, start, "end", vector) SELECT 1, start, "end", vector FROM passages '
                "WHERE version_id = 2",
                "UPDATE articles SET current = 2, latest = 1 WHERE id = 'a00'",
            ],
            "a00: its current version is missing",
        ),
        (["INSERT INTO passage_words(passage_words) VALUES ('delete-all')"], "The full-text index does not match"),
        (["INSERT INTO passage_words(rowid, title, body) VALUES (777, 'x', 'y')"], "The full-text index does not"),
        (["UPDATE texts SET text = 'Invented.' WHERE version_id = 1"], "a00 version 1: the stored text is not what"),
        (["UPDATE versions SET authors = x'00' WHERE id = 1"], "The file is damaged: a row of versions, 'a00'"),
        (["PRAGMA foreign_keys = OFF", "DELETE FROM texts WHERE version_id = 1"], "a00 version 1: the stored text is"),
        (["INSERT INTO passages(version_id, start, \"end\", vector) VALUES (555, 0, 1, x'00')"], "Rows of the table"),
    ],
)
def test_damage_to_the_catalog_is_found(library: Library, statements: list[str], problem: str) -> None:
    for number in range(4):
        library.put(article(f"a{number:02}", f"Text of number {number}, with words of its own."))
    library.drain()
    assert library.verify().ok
    sql(library, *statements)
    report = library.verify()
    assert not report.ok
    assert any(line.startswith(problem) for line in report.problems), report.problems
    mended = library.verify(repair=True)
    beyond = ("stored text" in problem) or ("file is damaged" in problem) or ("current version" in problem)
    assert mended.ok is not beyond, mended.problems
    if not beyond:
        assert library.verify().problems == []
        assert words(library, "number") and len(dense(library, "number", 9)) == 4


def test_old_passages_left_behind_are_cleared_away(library: Library) -> None:
    library.put(article("a1", "First text."))
    library.put(article("a1", "Second text."))
    sql(library, 'INSERT INTO passages(version_id, start, "end", vector) SELECT 1, 0, 5, vector FROM passages')
    assert "1 passages belong to no current article." in library.verify().problems
    assert library.verify(repair=True).ok
    assert library.counts()["passages"] == 1


def test_rebuild_makes_the_index_anew(library: Library) -> None:
    fill(library, 30)
    expected = dense(library, "w1 w2 w3", 5)
    assert library.rebuild() == 30
    assert dense(library, "w1 w2 w3", 5) == expected
    assert (library.verify().ok, library.verify().vectors) == (True, 30)


def test_another_encoder_is_refused_until_the_vectors_are_made_anew(library: Library, home: Path) -> None:
    fill(library, 20)
    library.close()
    with Library.open(home, encoder=FakeEncoder("other", dimension=48)) as other:
        message = r"made with the encoder fake \(64 numbers a vector\), not other\. .* byline verify --repair\.$"
        with pytest.raises(ModelMismatchError, match=message):
            other.put(article("new", "New text."))
        with pytest.raises(ModelMismatchError, match=message):
            dense(other, "w1")
        assert len(words(other, "w1", k=99)) == len(
            [r for r in other.list() if "w1 " in other.get(r.id).text or "w1." in other.get(r.id).text]
        )
        assert other.count() == 20
        report = other.verify()
        assert report.problems == ["The vectors were made by the encoder fake; the settings name other."]
        assert other.verify(repair=True).ok
        assert other.put(article("new", "w1 w2 w3.")).status == "added"
        assert dense(other, "About new w1 w2 w3", 1) == ["new"]
        assert other.verify().vectors == 21


def test_a_model_changed_under_its_name_is_noticed_and_its_vectors_made_anew(library: Library, home: Path) -> None:
    fill(library, 5)
    library.close()
    with Library.open(home, encoder=FakeEncoder(dimension=48)) as changed:
        with pytest.raises(ModelMismatchError, match="byline verify --repair"):
            changed.put(article("new", "New text."))
        assert changed.verify().problems == ["The vectors have 64 numbers each; the encoder fake makes 48."]
        assert changed.verify(repair=True).ok
        assert changed.put(article("new", "A heron.")).status == "added"
        assert dense(changed, "About new A heron", 1) == ["new"]


def test_vectors_are_made_anew_beside_an_article_whose_text_is_lost(library: Library, home: Path) -> None:
    fill(library, 5)
    library.close()
    sql(library, "PRAGMA foreign_keys = OFF", "DELETE FROM texts WHERE version_id = 1")
    with Library.open(home, encoder=FakeEncoder("other", dimension=48)) as other:
        report = other.verify(repair=True)
        assert "The vectors were made by the encoder fake; the settings name other." in report.repaired
        lost = "a000 version 1: the stored text is not what was added. Remove it and add it again."
        assert report.problems == [lost]
        assert other.put(article("new", "A heron.")).status == "added"
        assert dense(other, "About new A heron", 1) == ["new"]


def test_reencoding_tells_how_far_it_is(library: Library, home: Path) -> None:
    fill(library, 5)
    told: list[tuple[int, int, str]] = []
    assert library.rebuild(reencode=True, progress=lambda *step: told.append(step)) == 5
    assert [(done, total) for done, total, _ in told] == [(n, 5) for n in range(1, 6)]
    assert told[0][2] == "About a000"
    assert library.verify().ok


def test_an_emptied_library_takes_any_encoder(library: Library, home: Path) -> None:
    library.put(article("a1", "Text."))
    library.drain()
    library.remove("a1")
    with Library.open(home, encoder=FakeEncoder("other", dimension=48)) as other:
        other.put(article("a2", "A heron."))
        assert dense(other, "heron") == ["a2"]
    with pytest.raises(ModelMismatchError):
        dense(library, "heron")


def one_line(error: pytest.ExceptionInfo[LibraryError], path: Path, step: str) -> None:
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    assert message.endswith(step)


def test_a_home_that_is_a_file(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    one_line(error, home, "Name another home with --home or BYLINE_HOME.")


def test_a_home_below_a_file(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(LibraryError) as error:
        Library.open(home / "deeper")
    one_line(error, home / "deeper", "Name another home with --home or BYLINE_HOME.")


def test_a_catalog_that_is_no_database(home: Path) -> None:
    home.mkdir()
    (home / "catalog.sqlite3").write_bytes(b"This is certainly not a database. " * 100)
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    one_line(error, home / "catalog.sqlite3", "Restore it from a backup, or move it away to begin an empty library.")


def test_a_damaged_page_is_found_and_said(library: Library, home: Path) -> None:
    for number in range(30):
        library.put(article(f"a{number}", long_text("storm", "flood", "drought")))
    library.close()
    with open(home / "catalog.sqlite3", "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for page in range(5, size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(1000))
    with Library.open(home, encoder=FakeEncoder()) as again:
        report = again.verify()
        assert not report.ok
        assert any("damaged" in line and line.endswith("backup.") for line in report.problems)
        assert not again.verify(repair=True).ok


def test_a_catalog_of_a_newer_byline(library: Library, home: Path) -> None:
    library.close()
    sql(library, "UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    one_line(error, home / "catalog.sqlite3", "Upgrade with: pip install --upgrade byline")


def test_a_catalog_of_format_1_is_brought_up_to_date(library: Library, home: Path) -> None:
    library.put(article("a1", "Bread.", title="Übermut", publisher="ÉCHO", authors=("Zoë Q", "Bo Writer")))
    library.put(article("a2", "Mud.", title="zebra", publisher=None, authors=()))
    library.close()
    for name in ("title", "publisher", "authors"):
        sql(library, f"ALTER TABLE versions DROP COLUMN {name}_folded")
    sql(library, "UPDATE meta SET value = '1' WHERE key = 'schema'")
    with Library.open(home, encoder=FakeEncoder()) as again:
        assert ids(again.list(text="übermut écho zoë WRITER")) == ["a1"]
        assert ids(again.list(order="title")) == ["a2", "a1"]
        assert again.verify().problems == []
    with Library.open(home, encoder=FakeEncoder()) as again:
        again.put(article("a3", "Rye.", title="Äpfel"))
        assert ids(again.list(text="äpfel")) == ["a3"]


def refuse_to_write(library: Library, pragma: str) -> None:
    """Have SQLite itself run out of room, or find the file not writable."""

    @sa.event.listens_for(library._database._engine, "checkout")
    def checkout(connection, _record, _proxy) -> None:
        connection.execute(pragma)


@pytest.mark.parametrize(
    ("pragma", "step"),
    [
        ("PRAGMA max_page_count = 60", "Free some space and try again: nothing that was stored is lost."),
        ("PRAGMA query_only = ON", "Make it and its folder writable, or name another home with --home or BYLINE_HOME."),
    ],
)
def test_a_full_or_read_only_disk_loses_nothing(library: Library, home: Path, pragma: str, step: str) -> None:
    library.put(article("a1", "Some text."))
    refuse_to_write(library, pragma)
    with pytest.raises(LibraryError) as error:
        for number in range(50):
            library.put(article(f"b{number}", long_text("storm", "flood", "drought")))
    one_line(error, home / "catalog.sqlite3", step)
    assert library.get("a1").text == "Some text."
    with Library.open(home, encoder=FakeEncoder()) as again:
        assert again.verify().ok
        assert "a1" in ids(again.list())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_without_permission(home: Path) -> None:
    home.mkdir(mode=0o500)
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    assert str(home) in str(error.value)


def test_a_damaged_row_is_one_clear_line(library: Library, home: Path) -> None:
    library.put(article("a1", "Text."))
    sql(library, "UPDATE versions SET authors = '[\"Ann'")
    for use in (library.list, lambda: library.get("a1")):
        with pytest.raises(LibraryError) as error:
            use()
        one_line(error, home / "catalog.sqlite3", "Restore it from a backup.")


def test_a_damaged_schema_is_one_clear_line(library: Library, home: Path) -> None:
    library.close()
    file = home / "catalog.sqlite3"
    content = file.read_bytes()
    file.write_bytes(content.replace(b"CREATE TABLE meta", b"CREATE \xc3ABLE meta"))
    with pytest.raises(LibraryError) as error:
        Library.open(home)
    one_line(error, file, "Restore it from a backup.")
