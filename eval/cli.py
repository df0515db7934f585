"""`byline eval`: a thin skin over `evaluate`, `compare` and `new`.

Exit status: 0 done, 1 a floor was broken or an expected error, 2 a fault in a question set or in the command.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.errors import BylineError, QuestionSetError

if TYPE_CHECKING:
    from eval.records import QuestionSet
    from eval.run import Progress, Run

EPILOG = """\
question sets:
  native JSON Lines   {"id", "question", "answers": [["alternative", …], …], "evidence": […], "articles": […], …}
  SQuAD v1.1, v2.0    JSON; its contexts become a library of their own (in --home, if that is new or empty)
  CSV                 columns question, answer; optionally id, type, article, evidence ("|" between alternatives)
  BEIR                a folder with corpus.jsonl, queries.jsonl, qrels/test.tsv: retrieval only

examples:
  byline eval questions.jsonl --out report/
  byline eval questions.jsonl --fail-under point_recall@3=0.8 --floors floors.json
  byline eval compare before/ after/ --fail-under point_recall@3=0.8
  byline eval new questions.jsonl
  byline eval figures
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `byline eval` on `parser`."""
    parser.description = "Ask every question of a set and report how good the answers are, and why some are not."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "words",
        nargs="+",
        metavar="QUESTIONS",
        help="a question set; or: compare RUN RUN | new FILE | figures (write ./new for a file of that name)",
    )
    if not any("--home" in action.option_strings for action in parser._actions):
        parser.add_argument("--home", metavar="DIR", help="the library to ask (default: BYLINE_HOME or ~/.byline)")
    parser.add_argument("--json", metavar="FILE", help="write the whole run as JSON (-: to standard output)")
    parser.add_argument("--out", metavar="DIR", help="write report.html, report.md, questions.csv, run.json; resumes")
    parser.add_argument("--limit", type=_positive, metavar="N", help="ask N questions, drawn with --seed")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of --limit (default: 0)")
    parser.add_argument("--split", metavar="NAME", help="the qrels of a BEIR folder (default: test)")
    parser.add_argument("--retrieval-only", action="store_true", help="rank passages without reading them: fast")
    parser.add_argument("--no-baselines", action="store_true", help="leave out the systems that need no reader")
    parser.add_argument("--haystack", action="store_true", help="score a Haystack pipeline of the same models as well")
    parser.add_argument("--gold", metavar="FILE", help='JSON Lines {"id", "text"}: texts that quotes must stand in')
    parser.add_argument("--allow-missing", action="store_true", help="count what the library lacks as not ingested")
    parser.add_argument("--workers", type=_positive, default=1, metavar="N", help="questions asked at a time")
    parser.add_argument(
        "--fail-under",
        action="append",
        default=[],
        metavar="METRIC=VALUE",
        help="exit with status 1 when below (for ece and the like: above); repeatable",
    )
    parser.add_argument("--floors", metavar="FILE", help="JSON of pinned floors to hold; status 1 if one is broken")
    parser.add_argument("--raise-floors", action="store_true", help="move the floors up to this run's figures")
    parser.add_argument("--force", action="store_true", help="let --raise-floors move them down too")
    parser.add_argument(
        "--data", default="../shared/data", metavar="DIR", help="for figures: the folder of public sets"
    )
    parser.add_argument("--drafts", metavar="FILE", help="for new: a text file of questions, one a line, to draft from")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a whole number of at least 1")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Do what `args` ask and return the exit status; expected errors are printed on standard error."""
    try:
        first, *rest = args.words
        if first == "compare" and len(rest) == 2:
            return _compare(args, rest[0], rest[1])
        if first == "new" and len(rest) == 1:
            return _new(args, Path(rest[0]))
        if first == "figures" and not rest:
            return _figures(args)
        if rest:
            usage = (
                "compare RUN RUN" if first == "compare" else "new FILE" if first == "new" else "one QUESTIONS at a time"
            )
            print(f"byline eval: {usage}. See byline eval --help.", file=sys.stderr)
            return 2
        return _evaluate(args, first)
    except QuestionSetError as error:
        print(error, file=sys.stderr)
        return 2
    except BylineError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        again = " The same command goes on where it stopped." if args.out else ""
        print(f"\nstopped.{again}", file=sys.stderr)
        return 130


def _evaluate(args: argparse.Namespace, path: str) -> int:
    from eval.questions import load
    from eval.run import evaluate

    # Everything that can be wrong with the command is found out before a question is asked.
    wanted, held = _floors(args)
    _check_writable(args)
    questions = load(path, split=args.split, limit=args.limit, seed=args.seed)
    gold = _gold(Path(args.gold)) if args.gold else None
    retrieval = args.retrieval_only or questions.kind == "retrieval"
    with ExitStack() as stack:
        library = _library(args, questions, stack)
        system: Any = None
        others = {}
        if not retrieval:
            from qa.assistant import Assistant

            system = Assistant.open(library=library)
            if args.haystack:
                from eval.haystack import pipeline

                others["Haystack"] = stack.enter_context(pipeline(library))
        with _bar(f"asking {path}") as progress:
            done = evaluate(
                system,
                questions,
                library=library,
                baselines=not args.no_baselines,
                others=others,
                gold=gold,
                allow_missing=args.allow_missing,
                retrieval_only=retrieval,
                out=args.out,
                workers=args.workers,
                progress=progress,
            )
    _deliver(args, done)
    return _hold(args, done.summary, wanted, held)


def _floors(args: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    """Return the floors of --fail-under and of --floors. Raises FloorError."""
    from eval import floors

    wanted = floors.parse(args.fail_under)
    pinned = Path(args.floors) if args.floors else None
    if args.raise_floors and pinned is None:
        raise floors.FloorError("--raise-floors needs the file: --floors FILE.")
    held = floors.read(pinned) if pinned is not None and (pinned.exists() or not args.raise_floors) else {}
    return wanted, held


def _check_writable(args: argparse.Namespace) -> None:
    """Raise FloorError where --json, --floors or --out names what cannot be written."""
    from eval import floors

    for name, given in (("--json", args.json), ("--floors", args.floors), ("--out", args.out)):
        if not given or given == "-":
            continue
        path = Path(given).absolute()
        if name != "--out" and path.is_dir():
            raise floors.FloorError(f"{name} {given} is a folder; name a file in it.")
        for folder in (path, *path.parents) if name == "--out" else path.parents:
            if folder.exists() and not folder.is_dir():
                raise floors.FloorError(f"{name} {given}: {folder} is a file, where a folder is wanted.")


def _hold(
    args: argparse.Namespace, summary: Mapping[str, Any], wanted: Mapping[str, float], held: Mapping[str, float]
) -> int:
    """Say which floors `summary` breaks, raise them if asked to, and return the exit status."""
    from eval import floors, report

    broken = floors.broken(summary, wanted) + floors.broken(summary, held, floors.TOLERANCE)
    for line in broken:
        print(line, file=sys.stderr)
    if args.raise_floors:
        fresh = {name: summary[name] for name in floors.FIRST if summary.get(name) is not None}
        raised = floors.raised(summary, held or fresh, args.force)
        report.put(Path(args.floors), json.dumps(raised, indent=1) + "\n")
    return 1 if broken else 0


def _deliver(args: argparse.Namespace, done: Run) -> None:
    from eval import report

    terminal = sys.stderr if args.json == "-" else sys.stdout
    print(report.terminal(done), file=terminal)
    for note in done.notes[:5]:
        print(f"note: {note}", file=sys.stderr)
    if len(done.notes) > 5:
        print(f"note: {len(done.notes) - 5} more, in the report.", file=sys.stderr)
    if args.json == "-":
        sys.stdout.write(report.to_json(done))
    elif args.json:
        report.put(Path(args.json), report.to_json(done))
    if args.out:
        print(f"\n{report.write(done, args.out)}", file=terminal)


def _library(args: argparse.Namespace, questions: QuestionSet, stack: ExitStack) -> Any:
    """Return the library to ask: the one at --home, or one of the set's own where the set carries its texts."""
    from eval import own
    from qa.library import Library
    from qa.settings import Settings

    settings = Settings.load(args.home)
    bar = f"adding the {len(questions.articles):,} texts of {questions.name}"
    if questions.articles and args.home is None:
        home = (
            Path(args.out) / "library"
            if args.out
            else Path(stack.enter_context(tempfile.TemporaryDirectory("-byline-eval")))
        )
        with _bar(bar) as progress:
            return stack.enter_context(own.library_in(home, questions, settings, progress))
    library = stack.enter_context(Library.open(settings=settings))
    if questions.articles:
        with _bar(bar) as progress:
            own.put(questions, library, progress)
    return library


def _gold(path: Path) -> dict[str, str]:
    from eval.questions import read_gold

    return read_gold(path)


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    """Show progress with the time left on standard error, if that is a terminal."""
    from tqdm import tqdm

    with tqdm(desc=what, unit="", disable=None, file=sys.stderr, leave=False, smoothing=0.05) as bar:

        def progress(number: int, total: int) -> None:
            if bar.total is None:
                bar.total = total
                bar.initial = number if number > 1 else 0  # what an earlier run had done says nothing about the pace
                bar.start_t = time.time()
            bar.update(number - bar.n)

        yield progress


def _compare(args: argparse.Namespace, a: str, b: str) -> int:
    from eval import compare, report

    wanted, held = _floors(args)
    _check_writable(args)
    names = (Path(a).name or a, Path(b).name or b)
    second = compare.read(b)
    found = compare.compare(compare.read(a), second, names if names[0] != names[1] else (a, b))
    print(compare.terminal(found), file=sys.stderr if args.json == "-" else sys.stdout)
    text = json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n"
    if args.json == "-":
        sys.stdout.write(text)
    elif args.json:
        report.put(Path(args.json), text)
    return _hold(args, second.summary, wanted, held)  # of the run that is meant to be no worse


def _new(args: argparse.Namespace, file: Path) -> int:
    from eval import new
    from qa.library import Library

    with Library.open(args.home) as library:
        if args.drafts:
            return new.draft(file, Path(args.drafts), library)
        return new.write(file, library)


def _figures(args: argparse.Namespace) -> int:
    from eval import figures

    return figures.run(args)


def main(argv: list[str] | None = None) -> int:
    """Run `byline eval` by itself: `python -m eval.cli`."""
    parser = argparse.ArgumentParser("byline eval")
    add_arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
