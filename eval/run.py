"""`evaluate`: a system and a question set → a `Run` with every answer, its scores, and the figures over all."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval import retrieval, summary
from eval.about import about, machine, peak_memory_mb
from eval.questions import load
from eval.records import Observed, Question, QuestionSet, fault
from eval.score import answer_scores, right, score
from eval.shelf import Shelf, check
from eval.systems import BestSentences, System, TopPassages, as_answer, as_system
from qa.errors import LibraryError
from qa.followup import stand_alone
from qa.retrieve import retrieve

if TYPE_CHECKING:
    from qa.assistant import Assistant
    from qa.library import Library

Progress = Callable[[int, int], None]
PARTIAL = "questions.partial.jsonl"
MOST_GROUPS = 500  # articles listed one by one; beyond that a table tells nobody anything


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation. `summary` and `by_type` hold figures by measure, `intervals` their 95% intervals.

    `systems` holds the same for the baselines and other systems, with the paired difference to each; `questions`
    one result a question; `notes` what was odd about the set.
    """

    about: dict[str, Any]
    summary: dict[str, Any]
    by_type: dict[str, dict[str, Any]]
    questions: list[dict[str, Any]]
    intervals: dict[str, list[float]] = field(default_factory=dict)
    intervals_by_type: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    by_article: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_outlet: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_year: dict[str, dict[str, Any]] = field(default_factory=dict)
    systems: dict[str, dict[str, Any]] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the run as `run.json` and `--json` hold it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Run:
        """Rebuild a run from `to_dict()`."""
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


def evaluate(
    system: Any,
    questions: QuestionSet | str | PathLike[str] | Sequence[Question],
    *,
    library: Library | None = None,
    baselines: bool = True,
    others: Mapping[str, Any] | None = None,
    gold: Mapping[str, str] | None = None,
    allow_missing: bool = False,
    retrieval_only: bool = False,
    out: str | PathLike[str] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Ask `system` every question and score what it answers.

    `system` is an `Assistant`, or any function question → answer (a string, a list of strings, an `Answer`, or None
    for "no answer"); `others` are further ones by name, scored on the same questions. `library` (default: the
    assistant's) is where quotes and failures are looked up. `baselines` adds the two systems that need no reader.
    `gold` maps article names to texts that quotes must stand in too. With `out`, results are kept there question by
    question, and a run that was cut off goes on where it stopped. `workers` questions are asked at a time.
    Raises QuestionSetError, before anything is asked, for a fault in the set.
    """
    asked = _question_set(questions)
    assistant: Assistant | None = system if hasattr(system, "trace") and hasattr(system, "library") else None
    library = library or (assistant.library if assistant else None)
    shelf, notes = None, []
    if library is not None:
        shelf = Shelf(library)
        if not shelf.rows:
            raise LibraryError(
                f"the library in {library.settings.home} is empty. Add its articles first: byline add FOLDER"
            )
        notes = check(asked, shelf, allow_missing)
        if not shelf.trust(gold if gold is not None else {article.id: article.text for article in asked.articles}):
            notes += ["no gold text is of an article in the library, so no quote is checked against one."] * bool(gold)
    retrieval_only = retrieval_only or asked.kind == "retrieval"
    facts = about(asked, assistant.settings if assistant else library.settings if library else None, shelf)
    name = getattr(system, "__qualname__", type(system).__name__).split("<locals>.")[-1]
    facts["system"] = "Byline" if assistant or retrieval_only else name
    facts["mode"] = "retrieval" if retrieval_only else "answers"
    facts["others"] = sorted(others or {}) + ["baselines"] * baselines
    if gold is not None:
        facts["gold"] = hashlib.sha256(json.dumps(gold, sort_keys=True).encode()).hexdigest()
    if retrieval_only:
        if library is None or shelf is None:
            raise LibraryError("a retrieval run needs a library. Give library=, or an Assistant as the system.")
        judged = sum(any(retrieval.relevant(question, shelf).values()) for question in asked.questions)
        if not judged:
            raise fault(asked.name, 0, "no question names an article, so there is nothing to rank.")
        if judged < len(asked.questions):
            notes.append(f"{len(asked.questions) - judged:,} questions name no article and are not ranked.")
        work = _rank(asked, library, shelf, baselines)
    else:
        work = _answers(asked, system, shelf, library, baselines, others or {}, workers)
    started, begun = datetime.now(UTC), time.perf_counter()
    results = list(_kept(asked, work, facts, Path(out) if out else None, progress))
    if out and (others or not (assistant or retrieval_only)):  # `facts` know a function by its name alone
        (Path(out) / PARTIAL).unlink(missing_ok=True)
    facts |= {
        "machine": machine(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - begun, 1),
        "peak_memory_mb": peak_memory_mb(),
    }
    return conclude(facts, results, notes)


def conclude(facts: dict[str, Any], results: list[dict[str, Any]], notes: Sequence[str] = ()) -> Run:
    """Return the run that `results` make: a pure function of them."""
    group = _group
    whole, intervals = summary.figures(results, group)
    types = {
        name: summary.figures(cases, group) for name, cases in summary.grouped(results, lambda c: [c["type"]]).items()
    }
    systems: dict[str, dict[str, Any]] = {}
    for name in results[0].get("others", {}) if results else ():
        theirs = summary.others(results, name)
        ours = [case for case in results if name in case.get("others", {})]
        found, spread = summary.figures(theirs, group)
        by_type = {kind: summary.plain(cases) for kind, cases in summary.grouped(theirs, lambda c: [c["type"]]).items()}
        systems[name] = {
            "summary": found,
            "intervals": spread,
            "by_type": by_type,
            "paired": summary.paired(theirs, ours),
        }

    def listed(key: Callable[[summary.Case], Sequence[str]]) -> dict[str, dict[str, Any]]:
        groups = summary.grouped(results, key)
        return {} if len(groups) > MOST_GROUPS else {name: summary.plain(cases) for name, cases in groups.items()}

    return Run(
        about=facts,
        summary=whole,
        by_type={name: row for name, (row, _) in types.items()},
        questions=results,
        intervals=intervals,
        intervals_by_type={name: spread for name, (_, spread) in types.items()},
        by_article=listed(lambda c: c.get("expected", {}).get("articles", ())),
        by_outlet=listed(lambda c: c.get("outlets", ())),
        by_year=listed(lambda c: sorted({date[:4] for date in c.get("dates", ())})),
        systems=systems,
        curves=summary.curves(results),
        notes=list(notes),
    )


def _question_set(given: QuestionSet | str | PathLike[str] | Sequence[Question]) -> QuestionSet:
    if isinstance(given, QuestionSet):
        return given
    if isinstance(given, (str, PathLike)):
        return load(given)
    listed = tuple(given)
    if not listed:
        raise fault("questions", 0, "there is none.")
    for id, count in Counter(question.id for question in listed).items():
        if count > 1:
            raise fault("questions", 0, f"the id {id!r} is that of {count} questions.")
    digest = hashlib.sha256(repr([replace(question, line=0) for question in listed]).encode("utf-8", "surrogatepass"))
    return QuestionSet("questions", "python", digest.hexdigest(), listed)


def _group(case: summary.Case) -> str:
    return str(case["group"])


def _answers(
    asked: QuestionSet,
    system: Any,
    shelf: Shelf | None,
    library: Library | None,
    baselines: bool,
    others: Mapping[str, Any],
    workers: int,
) -> Callable[[Sequence[Question]], Iterator[dict[str, Any]]]:
    """Return the function that asks questions and yields their results, in order."""
    main = as_system(system)
    extra = {name: as_system(other) for name, other in others.items()}
    readerless: list[TopPassages | BestSentences] = []
    if baselines and shelf is not None and library is not None:
        readerless = [TopPassages(shelf.get), BestSentences(shelf.get, library.encoder)]
    squad = asked.format in ("squad", "contexts")  # its figures mean something where a question has one short answer

    def result(question: Question, observed: Observed) -> dict[str, Any]:
        found = score(question, observed, shelf, squad)
        scores = found["scores"]
        if shelf is not None and observed.hits is not None:
            grades = retrieval.relevant(question, shelf)
            if grades:
                ranked = {question.id: retrieval.ranking(observed.hits)}
                scores |= retrieval.scores({question.id: grades}, ranked, len(observed.hits))[question.id]
        found["others"] = {}
        for name, other in extra.items():
            seen = other(question)
            found["others"][name] = _other(question, seen, shelf, squad)
        if readerless and library is not None:
            words, hits = observed.answer.asked_as or question.question, observed.hits
            if hits is None:  # a function shows none of its own
                words = stand_alone(question.question, question.history).question
                with library.snapshot() as view:
                    hits = tuple(retrieve(words, view, library.encoder, library.settings.passages_read))
            for baseline in readerless:
                answer = baseline(words, hits)
                found["others"][baseline.name] = _other(question, Observed(answer), shelf, squad)
        return found

    def work(questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
        for question, observed in zip(questions, _ask(main, questions, workers), strict=True):
            yield result(question, observed)

    return work


def _ask(system: System, questions: Sequence[Question], workers: int) -> Iterator[Observed]:
    if workers <= 1:
        yield from map(system, questions)
        return
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from pool.map(system, questions)
        finally:
            pool.shutdown(cancel_futures=True)


def _other(question: Question, observed: Observed, shelf: Shelf | None, squad: bool) -> dict[str, Any]:
    answer = as_answer(question.question, observed.answer)
    return {
        "found": answer.found,
        "confidence": answer.confidence,
        "right": right(question, answer),
        "short": answer.short,
        "scores": answer_scores(question, answer, shelf, squad),
        "quotes": [quote.text for quote in answer.quotes],
        "seconds": {name: round(value, 5) for name, value in observed.seconds.items()},
    }


def _rank(
    asked: QuestionSet, library: Library, shelf: Shelf, baselines: bool
) -> Callable[[Sequence[Question]], Iterator[dict[str, Any]]]:
    """Return the function that ranks passages for questions, without reading them."""

    def work(questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
        rank = retrieval.Rankings(library, asked.questions)
        for question in questions:
            grades = retrieval.relevant(question, shelf)
            if not any(grades.values()):
                continue
            ranked, seconds = rank(question)
            scores: dict[str, dict[str, float]] = {}
            for name, hits in ranked.items():
                order = retrieval.ranking(hits)
                scores[name] = retrieval.scores({question.id: grades}, {question.id: order})[question.id]
                scores[name] |= _held(question, hits)
            best = retrieval.ranking(ranked["Byline"])
            place = next((n for n, id in enumerate(best, 1) if grades.get(id, 0) > 0), None)
            others = {n: {"found": True, "scores": s} for n, s in scores.items() if n != "Byline" and baselines}
            yield {
                "id": question.id,
                "type": question.type,
                "answerable": True,
                "group": question.articles[0] if question.articles else question.id,
                "question": question.question,
                "found": True,
                "outcome": f"found at {place}" if place else "not found",
                "stage": None if place and place <= 10 else "not in the first ten",
                "scores": scores["Byline"],
                "relevant": {id: grade for id, grade in grades.items() if grade > 0},
                "ranking": best[:10],
                "titles": [row.title if (row := shelf.rows.get(id)) else id for id in best[:10]],
                "others": others,
                "seconds": {"total": round(seconds, 5)},
            }

    return work


def _held(question: Question, hits: Sequence[Any]) -> dict[str, float]:
    from eval.metrics import evidence_found

    if not question.evidence:
        return {}
    found = evidence_found(question.evidence, [hit.passage.text for hit in hits[:12]])
    return {"evidence_retrieved": sum(found) / len(found)}


def _kept(
    asked: QuestionSet,
    work: Callable[[Sequence[Question]], Iterator[dict[str, Any]]],
    facts: dict[str, Any],
    out: Path | None,
    progress: Progress | None,
) -> Iterator[dict[str, Any]]:
    """Yield the results of `work`, in order, keeping them in `out` as they come and taking up what is kept there."""
    fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    done: dict[str, dict[str, Any]] = {}
    total = len(asked.questions)
    if out is None:
        for number, result in enumerate(work(asked.questions), 1):
            yield result
            _tell(progress, number, total)
        return
    out.mkdir(parents=True, exist_ok=True)
    file = out / PARTIAL
    kept = list(_read_partial(file, fingerprint))
    done = {result["id"]: result for result in kept}
    clean = file.with_suffix(".new")  # without the half line that a killed run may have left
    rows = ({"fingerprint": fingerprint}, *kept)
    clean.write_text("".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows), encoding="utf-8")
    clean.replace(file)
    with file.open("a", encoding="utf-8") as stream:
        todo = [question for question in asked.questions if question.id not in done]
        _tell(progress, len(done), total)
        for number, result in enumerate(work(todo), len(done) + 1):
            line = json.dumps(result, ensure_ascii=True)
            stream.write(line + "\n")
            stream.flush()
            done[result["id"]] = json.loads(line)  # as a resumed run reads it
            _tell(progress, number, total)
    yield from (done[question.id] for question in asked.questions if question.id in done)


def _tell(progress: Progress | None, number: int, total: int) -> None:
    if progress is not None:
        progress(number, total)


def _read_partial(file: Path, fingerprint: str) -> Iterable[dict[str, Any]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break  # the line that was being written when the run was killed
    if not rows or rows[0].get("fingerprint") != fingerprint:
        return []
    return rows[1:]
