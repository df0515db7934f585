"""The library of a set that carries its own texts: SQuAD's contexts, BEIR's corpus."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.records import QuestionSet

if TYPE_CHECKING:
    from qa.library import Library
    from qa.settings import Settings

UNFINISHED = "being-built-by-byline-eval"
MADE_OF = "made-by-byline-eval"  # the ids of the texts put there


@contextmanager
def library_in(
    folder: Path, questions: QuestionSet, settings: Settings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Library]:
    """Open the library of `questions` in `folder`, built there if need be.

    One whose building was cut off is built anew: in bfloat16 a vector depends a little on what was encoded with it,
    and a resumed run must end with the figures of an unbroken one.
    """
    from qa.library import Library

    mark, made = folder / UNFINISHED, folder / MADE_OF
    if mark.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ours = not any(folder.iterdir())  # never mark, and so never delete, a folder that held something before
    if ours:
        mark.touch()
    with Library.open(settings=replace(settings, home=folder.absolute())) as library:
        wanted = {article.id for article in questions.articles}
        if made.exists():  # by an earlier form of the set: what it no longer holds goes
            for id in set(json.loads(made.read_text())) & {row.id for row in library.list()} - wanted:
                library.remove(id)
        put(questions, library, progress)
        if ours or made.exists():
            made.write_text(json.dumps(sorted(wanted)))
            mark.unlink(missing_ok=True)
        yield library


def put(questions: QuestionSet, library: Library, progress: Callable[[int, int], None] | None = None) -> None:
    """Put the texts that a set carries into `library`; those there already stay, unless their text has changed.

    A library that holds anything else is left alone: it is somebody's own, and is asked as it is.
    """
    wanted = {article.id for article in questions.articles}
    there = {row.id for row in library.list()}
    if there - wanted:
        return
    for number, _ in enumerate(library.put_many(questions.articles), 1):
        if progress is not None:
            progress(number, len(questions.articles))
