"""The command line: a thin skin over the library, the assistant and the chat.

An expected error is one line on standard error that ends with what to do next, and exit status 1; a usage error is
status 2. Nothing heavy is imported before the command that needs it, so `--help`, `list` and `show` start at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from qa.errors import BylineError
from qa.records import AddResult, Answer, ArticleRow, Filters
from qa.settings import Settings

STATUSES = ("added", "updated", "unchanged", "skipped", "failed")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character still shows the rest
    options = parser().parse_args(argv)
    try:
        return options.run(options) or 0
    except BylineError as error:
        print(f"byline: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nbyline: stopped. What was stored before stays stored.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `byline list | head`
    except OSError as error:
        print(f"byline: {error}. Check that the disk has room and the file may be used.", file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = argparse.ArgumentParser(prog="byline", description="Ask your own articles, get exact quotes.")
    top.add_argument("--version", action="version", version=f"byline {_version()}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        sub.add_argument("--home", metavar="DIR", help="the library's folder (default: BYLINE_HOME or ~/.byline)")
        sub.set_defaults(run=run)
        return sub

    demo = command("demo", _demo, "load the sample articles into a library of their own, answer, open the chat")
    demo.add_argument("--no-chat", action="store_true", help="stop after the answers")
    _address(demo)
    add = command("add", _add, "add articles: addresses, files, folders, lists of addresses, or - for standard input")
    add.add_argument("sources", nargs="+", metavar="SOURCE")
    add.add_argument("--json", action="store_true", help="print the results as JSON")
    ask = command("ask", _ask, "ask a question and print the quotes that answer it")
    ask.add_argument("question")
    ask.add_argument("--json", action="store_true", help="print the answer as JSON")
    ask.add_argument("--after", type=_date, metavar="DATE", help="only articles of this day or later (2025-09-04)")
    ask.add_argument("--before", type=_date, metavar="DATE", help="only articles of this day or earlier")
    ask.add_argument("--publisher", action="append", default=[], metavar="NAME", help="only this outlet (repeatable)")
    ask.add_argument("--article", action="append", default=[], metavar="ID", help="only this article (repeatable)")
    ask.add_argument("--words", type=_positive, metavar="N", help="quote up to N words (default 120)")
    ask.add_argument("--quotes", type=_positive, metavar="N", help="show up to N quotes (default 5)")
    chat = command("chat", _chat, "open the chat in the browser")
    _address(chat)
    chat.add_argument("--auth", action="store_true", help="ask for the name and password of each person")
    chat.add_argument(
        "--mcp", action="store_true", help="offer ask, add, search and verify to other programs as MCP tools"
    )
    chat.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a further name of this server")
    chat.add_argument("--folders", action="store_true", help="let people add folders of this machine")
    chat.add_argument("--no-browser", action="store_true", help="do not open a browser")
    listing = command("list", _list, "list the articles")
    listing.add_argument("text", nargs="?", help="only those with these words in title, outlet or author")
    listing.add_argument("--json", action="store_true", help="print the list as JSON")
    show = command("show", _show, "print an article")
    show.add_argument("id", metavar="ID", help="an article's id, or the beginning of one")
    show.add_argument("--json", action="store_true", help="print the article as JSON")
    remove = command("remove", _remove, "remove an article with its passages and vectors")
    remove.add_argument("ids", nargs="+", metavar="ID")
    verify = command("verify", _verify, "check that the library is whole")
    verify.add_argument("--repair", action="store_true", help="mend what can be mended")
    verify.add_argument("--json", action="store_true", help="print the result as JSON")
    user = command("user", _user, "add a person who may sign in to a chat with --auth, or remove one")
    user.add_argument("name", metavar="NAME")
    user.add_argument("--remove", action="store_true", help="remove the person; articles stay")
    from eval.cli import add_arguments

    add_arguments(command("eval", _eval, "ask every question of a set and report how good the answers are"))
    return top


def _version() -> str:
    try:
        return version("byline")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "(not installed)"


def _address(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--host", default="127.0.0.1", help="the address to serve on (default: this machine only)")
    sub.add_argument("--port", type=int, default=7860)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _date(text: str) -> str:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it as 2025-09-04") from error


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


class Progress:
    """One line on a terminal that says how far a long task is; silent elsewhere."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()

    def __call__(self, done: int, total: int, name: str) -> None:
        if not self.shown:
            return
        filled = 24 * done // max(total, 1)
        label = "".join(c for c in name if c.isprintable())
        label = label if len(label) <= 40 else f"…{label[-39:]}"
        print(
            f"\r\x1b[K[{'█' * filled}{'·' * (24 - filled)}] {done}/{total} {label}", end="", file=sys.stderr, flush=True
        )

    def end(self) -> None:
        """Clear the line."""
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _add(options: argparse.Namespace) -> int:
    from ingest import add

    progress = Progress()
    try:
        results = add(options.sources, options.home, progress=progress)
    finally:
        progress.end()
    if options.json:
        _print_json([asdict(result) for result in results])
    else:
        _print_results(results)
    return 1 if any(result.status == "failed" for result in results) else 0


def _print_results(results: Sequence[AddResult]) -> None:
    for result in results:
        said = [result.title or result.source]
        if result.title and result.title != result.source:
            said.append(result.source)
        line = f"{result.status:<10} {result.article_id or '':<12}  {_clean('  '.join(said))}"
        reason = _clean(result.reason or "")
        for name in (_clean(result.source), Path(_clean(result.source)).name):
            reason = reason.removeprefix(f"{name}: ")  # named once is enough
        print(line + (f": {reason}" if reason else ""))
        for warning in result.warnings:
            print(f"{'':<24} note: {_clean(warning)}")
    counts = {status: sum(r.status == status for r in results) for status in STATUSES}
    print(", ".join(f"{count} {status}" for status, count in counts.items() if count) or "nothing to add")


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _ask(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from qa.assistant import Assistant
    from qa.library import Library

    settings = Settings.load(options.home)
    if options.words:  # more words are asked for in order to see more quotes
        settings = replace(
            settings, words_shown=options.words, quotes_shown=max(settings.quotes_shown, options.words // 20)
        )
    if options.quotes:
        settings = replace(settings, quotes_shown=options.quotes)
    with Library.open(settings=settings) as library:
        chosen = tuple(library.get(article).id for article in options.article)
        filters = Filters(options.after, options.before, options.publisher, chosen)
        if not library.count():
            answer = Assistant(library, settings).ask(options.question)
        else:
            answer = Assistant.open(settings=settings, library=library).ask(options.question, filters=filters)
    _print_json(answer.to_dict()) if options.json else _print_answer(answer)
    return 0


def _print_answer(answer: Answer) -> None:
    from qa.render import answer_text

    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = max(40, min(96, os.get_terminal_size().columns if sys.stdout.isatty() else 88))
    print(answer_text(answer, color=color, width=width))


def _chat(options: argparse.Namespace) -> None:
    from ui.chat import serve

    serve(
        options.home,
        options.host,
        options.port,
        open_browser=not options.no_browser,
        auth=options.auth,
        mcp=options.mcp,
        folders=options.folders,
        allow_hosts=options.allow_host,
    )


DEMO_QUESTIONS = (
    "What does Russia mean by security guarantees?",
    "How much will it cost to cross the Aske bridge?",
    "What happened to the lost silent film?",
)


def _demo(options: argparse.Namespace) -> None:
    from eval.sample import articles_folder
    from ingest import add
    from qa.assistant import Assistant
    from qa.library import Library
    from ui.desk import remember_sample

    # A home of its own: the invented articles never mix with a person's library.
    settings = Settings.load(options.home or Settings.load().home.with_name(".byline-demo"))
    library = Library.open(settings=settings)
    print(f"Sample library in {settings.home}", flush=True)
    assistant = Assistant(library, settings)
    progress = Progress()
    results = add([articles_folder()], library=library, progress=progress)
    progress.end()
    for result in results:  # so that the chat labels them, offers its examples, and evaluates on them
        if result.article_id:
            remember_sample(library, result.article_id)
    print(f"{library.count()} articles, all written for Byline: nothing in them is real reporting.\n", flush=True)
    if failed := [result for result in results if result.status == "failed"]:
        _print_results(failed)
    for question in DEMO_QUESTIONS:
        print(f"▸ {question}\n", flush=True)
        _print_answer(assistant.ask(question))
        print(flush=True)
    if options.no_chat:
        print(f"Open the chat with: byline chat --home {settings.home}")
        library.close()
        return
    from ui.chat import serve

    serve(settings.home, options.host, options.port, assistant=assistant)


def _list(options: argparse.Namespace) -> None:
    from qa.library import Library

    with Library.open(options.home) as library:
        rows = library.list(text=options.text)
    if options.json:
        _print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print(_row(row))
    if not rows:
        print(
            "no such article" if options.text else "the library is empty. Add articles: byline add FILE, FOLDER or URL"
        )
    else:
        print(f"{len(rows)} article{'s' * (len(rows) != 1)}")


def _row(row: ArticleRow) -> str:
    where = " · ".join(part for part in (row.publisher, ", ".join(row.authors)) if part)
    return _clean(f"{row.id}  {row.published or '          '}  {row.title}{f'  ({where})' if where else ''}")


def _show(options: argparse.Namespace) -> None:
    from qa.library import Library

    with Library.open(options.home) as library:
        article = library.get(options.id)
    if options.json:
        _print_json(asdict(article))
        return
    print(_clean(article.title))
    facts = (article.publisher, ", ".join(article.authors), article.published, article.url)
    print(_clean(" · ".join(fact for fact in facts if fact)))
    if article.updated:
        print(_clean(f"updated {article.updated}"))
    print(f"\n{''.join(c if c.isprintable() or c == chr(10) else ' ' for c in article.text)}")


def _remove(options: argparse.Namespace) -> None:
    from qa.library import Library

    with Library.open(options.home) as library:
        found = [library.get(article) for article in options.ids]  # all must exist before one is removed
        for article in found:
            library.remove(article.id)
            print(f"removed    {article.id}  {_clean(article.title)}")


def _verify(options: argparse.Namespace) -> int:
    from qa.library import Library

    with Library.open(options.home) as library:
        report = library.verify(repair=options.repair)
    if options.json:
        _print_json(asdict(report))
        return 0 if report.ok else 1
    for problem in report.problems:
        print(f"fault: {problem}")
    for repaired in report.repaired:
        print(f"mended: {repaired}")
    counted = [(report.articles, "article"), (report.passages, "passage"), (report.vectors, "vector")]
    parts = [f"{number:,} {name}{'s' * (number != 1)}" for number, name in counted if number is not None]
    if report.vectors is None:
        parts.append("vectors not looked at: another process holds them")
    if report.pending:
        parts.append(f"{report.pending:,} on their way to the vector store")
    verdict = "all is well" if report.ok else "not whole; byline verify --repair mends what can be mended"
    print(f"{', '.join(parts)}: {verdict}")
    return 0 if report.ok else 1


def _user(options: argparse.Namespace) -> int:
    from ui.users import main as users

    given = [
        options.name,
        *(["--remove"] if options.remove else []),
        *(["--home", options.home] if options.home else []),
    ]
    return users(given)


def _eval(options: argparse.Namespace) -> int:
    from eval.cli import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
