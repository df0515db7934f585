"""The library of a set that carries its own texts: SQuAD's contexts, BEIR's corpus."""

from __future__ import annotations

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


@contextmanager
def library_in(
    folder: Path, questions: QuestionSet, settings: Settings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Library]:
    """Open the library of `questions` in `folder`, built there if need be.

    One whose building was cut off is built anew: in bfloat16 a vector depends a little on what was encoded with it,
    and a resumed run must end with the figures of an unbroken one.
    """
    from qa.library import Library

    mark = folder / UNFINISHED
    if mark.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    with Library.open(settings=replace(settings, home=folder.absolute())) as library:
        put(questions, library, progress)
        mark.unlink()
        yield library


def put(questions: QuestionSet, library: Library, progress: Callable[[int, int], None] | None = None) -> None:
    """Put the texts that a set carries into `library`; those that are there already are left as they are.

    A library that holds anything else is left alone: it is somebody's own, and is asked as it is.
    """
    wanted = {article.id for article in questions.articles}
    there = {row.id for row in library.list()}
    if there - wanted:
        return
    fresh = [article for article in questions.articles if article.id not in there]
    for number, _ in enumerate(library.put_many(fresh), 1):
        if progress is not None:
            progress(number, len(fresh))
