"""The records of an evaluation: questions and what they expect, and the faults of a question set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qa.errors import QuestionSetError
from qa.records import Answer, Article, Hit, Span

FAULTS_SHOWN = 20  # a file in the wrong format has a fault on every line; twenty show the pattern


@dataclass(frozen=True, slots=True)
class Question:
    """One question and what its answer must hold.

    `answers` are the required points, each a tuple of verbatim alternatives; none: the articles do not answer it.
    `evidence` are the sentences that answer, `articles` the articles that hold them (id, URL, file stem or title),
    `history` earlier (question, answer) turns. `relevant` maps article ids to grades where the set judges
    retrieval. `line` is its line in the file it came from.
    """

    id: str
    question: str
    answers: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    type: str = "question"
    relevant: tuple[tuple[str, int], ...] = ()
    line: int = 0

    @property
    def answerable(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions with their file's name, format and hash.

    `articles` are the texts that came with the questions (SQuAD, BEIR); empty where they ask about a library.
    `kind` is "answers", or "retrieval" where only rankings are judged.
    """

    name: str
    format: str
    sha256: str
    questions: tuple[Question, ...]
    articles: tuple[Article, ...] = ()
    kind: str = "answers"


@dataclass(frozen=True, slots=True)
class Observed:
    """What a system did with one question: its answer and, where it shows them, the steps before it.

    `hits` and `spans` are None for a system that does not show them. `seconds` holds "total" and, where known,
    "retrieve", "read" and "compose".
    """

    answer: Answer
    hits: tuple[Hit, ...] | None = None
    spans: tuple[Span, ...] | None = None
    seconds: dict[str, float] = field(default_factory=dict)


class Faults:
    """Collects what is wrong with a file, so that a person can correct everything at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[tuple[int, str]] = []

    def add(self, line: int, fault: str) -> None:
        """Note a fault; `line` counts from 1, and 0 means the file as a whole."""
        self.found.append((line, fault))

    def stop_if_any(self) -> None:
        """Raise QuestionSetError naming each fault with its line, if there is any."""
        if not self.found:
            return
        found = sorted(self.found, key=lambda fault: fault[0])
        lines = [f"{self.name}{f', line {line}' if line else ''}: {fault}" for line, fault in found[:FAULTS_SHOWN]]
        if len(found) > FAULTS_SHOWN:
            lines.append(f"… and {len(found) - FAULTS_SHOWN} more.")
        these = "the file" if not found[0][0] else "the line" if len(found) == 1 else f"these {len(found)} faults"
        raise QuestionSetError("\n".join(lines) + f" Nothing was asked: correct {these} and run the command again.")


def fault(name: str, line: int, what: str) -> QuestionSetError:
    """Return the error for a single fault that ends the reading."""
    faults = Faults(name)
    faults.add(line, what)
    try:
        faults.stop_if_any()
    except QuestionSetError as error:
        return error
    raise AssertionError("unreachable")


def points_of(alternatives: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Return points as tuples, equal alternatives of a point once."""
    return tuple(tuple(dict.fromkeys(point)) for point in alternatives)
