"""A run → run.json, questions.csv, report.md and report.html, one self-contained page; and lines for a terminal."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.run import PARTIAL, Run
from eval.score import STAGE_HELP, STAGES
from eval.summary import COMPARED, LOWER_IS_BETTER, sure
from eval.words import DEFINITIONS, LABELS, figure, signed

if TYPE_CHECKING:
    from markupsafe import Markup

SHOWN = 500  # questions opened in the page, failures first: more make it slow on a phone
HEADLINE = ("point_recall@3", "point_recall@1", "evidence_precision", "abstention_auroc", "abstention_accuracy",
            "quotes_exact", "short_f1", "evidence_retrieved", "words_quoted", "ece", "seconds_median")  # fmt: skip
RANKED = ("recall@1", "recall@5", "recall@10", "recall@100", "mrr", "ndcg@10", "evidence_retrieved", "seconds_median")
DEPTHS = ("recall@1", "recall@5", "recall@10", "recall@20", "recall@100")
IN_TERMINAL = ("point_recall@1", "point_recall@3", "evidence_precision", "short_f1", "abstention_accuracy")
BY_TYPE = (
    "point_recall@1",
    "point_recall@3",
    "point_recall@5",
    "evidence_precision",
    "short_f1",
    "abstention_accuracy",
)
PRINTED = ("point_recall@1", "point_recall@3", "point_recall@5", "evidence_precision", "evidence_recall",
           "evidence_retrieved", "short_f1", "short_exact", "squad_exact", "squad_f1", "abstention_auroc",
           "abstention_accuracy", "wrongly_answered", "wrongly_abstained", "ece", "quotes_exact", "quotes_in_gold",
           "words_quoted", "recall@1", "recall@5", "recall@10", "recall@100", "mrr", "ndcg@10", "seconds_median",
           "seconds_p95")  # fmt: skip


def write(run: Run, folder: str | os.PathLike[str]) -> Path:
    """Write the run's four files into `folder` and return the page's path; the notes of an unfinished run go."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("run.json", to_json(run)),
        ("questions.csv", to_csv(run)),
        ("report.md", to_markdown(run)),
        ("report.html", to_html(run)),
    ):
        put(folder / name, text)
    (folder / PARTIAL).unlink(missing_ok=True)
    return folder / "report.html"


def put(file: Path, text: str) -> None:
    """Write `text` to `file`, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8", newline="")
    beside.replace(file)


def to_json(run: Run) -> str:
    """Return the run as JSON; a figure that could not be computed is null."""

    def clean(value: Any) -> Any:
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, Mapping):
            return {str(key): clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, (list, tuple)) else value

    return json.dumps(clean(run.to_dict()), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def to_csv(run: Run) -> str:
    """Return one line a question, for a spreadsheet."""
    names = [name for name in LABELS if any(name in case["scores"] for case in run.questions)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(
        [
            "id",
            "type",
            "question",
            "found",
            "confidence",
            "outcome",
            "stage",
            "short",
            *names,
            "seconds",
            "articles",
            "quotes",
        ]
    )
    for case in run.questions:
        quotes = "\n".join(quote["text"] for quote in case.get("quotes", ()))
        articles = " | ".join(case.get("expected", {}).get("articles", ()))
        cells = [case["id"], case["type"], case["question"], case["found"], _short(case.get("confidence"))]
        cells += [case["outcome"], case["stage"] or "", case.get("short", "")]
        cells += [_short(case["scores"].get(name)) for name in names]
        writer.writerow([_cell(cell) for cell in (*cells, case["seconds"].get("total", ""), articles, quotes)])
    return "\ufeff" + stream.getvalue()  # the mark by which spreadsheets know UTF-8


def _short(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.4f}".rstrip("0").rstrip(".")


def _cell(value: Any) -> Any:
    # A text that begins like a formula is run by spreadsheets: https://owasp.org/www-community/attacks/CSV_Injection
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def to_markdown(run: Run) -> str:
    """Return the figures as Markdown, for a pull request or a note."""
    systems = list(run.systems)
    lines = [f"# {title(run)}", "", lead(run), "", _row(["measure", run.about["system"], "95% interval", *systems])]
    lines.append(_row(["---", *["---:"] * (2 + len(systems))]))
    for name in _present(run, PRINTED):
        spread = run.intervals.get(name)
        between = f"{figure(spread[0], name)} to {figure(spread[1], name)}" if spread and spread[0] != spread[1] else ""
        theirs = [figure(run.systems[other]["summary"].get(name), name) for other in systems]
        lines.append(_row([LABELS[name], figure(run.summary[name], name), between, *theirs]))
    measures = [name for name in BY_TYPE if any(name in row for row in run.by_type.values())] or list(
        _present(run, RANKED)
    )
    lines += ["", "## By type", "", _row(["type", "questions", *(LABELS[name] for name in measures)])]
    lines.append(_row(["---", *["---:"] * (1 + len(measures))]))
    for kind, row in run.by_type.items():
        lines.append(_row([kind, str(row["questions"]), *(figure(row.get(name), name) for name in measures)]))
    if stages := run.curves.get("stages"):
        lines += ["", "## Where it failed", ""]
        lines += [
            f"- {stage}: {count} ({STAGE_HELP.get(stage, '')})" for stage, count in sorted(stages.items(), key=_order)
        ]
    return "\n".join([*lines, ""])


def _order(row: tuple[str, Any]) -> int:
    return STAGES.index(row[0]) if row[0] in STAGES else len(STAGES)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _present(run: Run, names: Sequence[str]) -> list[str]:
    return [name for name in names if run.summary.get(name) is not None]


def title(run: Run) -> str:
    """Return the heading of a report."""
    return f"{run.about['system']} on {run.about['questions']['name']}"


def lead(run: Run) -> str:
    """Return one sentence that says what was asked of what, and when."""
    answerable, asked = run.summary["answerable"], run.summary["questions"]
    parts = [f"{asked:,} questions"]
    if run.about["mode"] == "retrieval":
        parts = [f"{asked:,} questions, ranked without reading"]
    elif answerable < asked:
        parts.append(f"{asked - answerable:,} of them without an answer")
    if (library := run.about.get("library")) is not None:
        parts.append(f"{library['articles']:,} articles")
    if "started" in run.about:
        parts.append(f"{run.about['started'][:10]}, {run.about['machine']['processor']}")
    return " · ".join(parts)


def terminal(run: Run) -> str:
    """Return the figures for a terminal: Byline beside the baselines, then by type, then where it failed."""
    systems = list(run.systems)
    rows = [["", run.about["system"], "95% interval", *systems]]
    for name in _present(run, PRINTED):
        spread = run.intervals.get(name)
        between = f"{figure(spread[0], name)}–{figure(spread[1], name)}" if spread and spread[0] != spread[1] else ""
        rows.append([LABELS[name], figure(run.summary[name], name), between,
                     *(figure(run.systems[other]["summary"].get(name), name) for other in systems)])  # fmt: skip
    lines = [f"{title(run)}: {lead(run)}", "", *columns(rows)]
    shown = [name for name in IN_TERMINAL if any(name in row for row in run.by_type.values())]
    shown = shown or _present(run, ("recall@1", "recall@10", "ndcg@10"))
    if len(run.by_type) > 1:
        rows = [["by type", "questions", *(LABELS[name] for name in shown)]]
        rows += [
            [kind, str(row["questions"]), *(figure(row.get(n), n) for n in shown)] for kind, row in run.by_type.items()
        ]
        lines += ["", *columns(rows)]
    if stages := run.curves.get("stages"):
        lines += [
            "",
            "where it failed: " + ", ".join(f"{stage} {count}" for stage, count in sorted(stages.items(), key=_order)),
        ]
    return "\n".join(lines)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns, the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def to_html(run: Run) -> str:
    """Return the page: everything in it, nothing loaded, no script, every text escaped."""
    import jinja2  # late: `byline eval --help` needs no templates

    from eval import plots

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "figure": figure,
        "signed": signed,
        "side": side,
        "spread": lambda between: bool(between) and between[0] != between[1],  # all alike: nothing was resampled
        "highlighted": highlighted,
        "source": _source,
        "plus_one": lambda number: number + 1,
    }
    ranked = run.about["mode"] == "retrieval"
    failed = [case for case in run.questions if case["stage"]]
    well = [case for case in run.questions if not case["stage"]]
    kept = {case["id"] for case in [*failed, *well][:SHOWN]}
    names = sorted({case["stage"] for case in failed}, key=lambda stage: _order((stage, 0)))
    by_type = [name for name in (RANKED if ranked else BY_TYPE) if any(name in row for row in run.by_type.values())]
    main = "recall@10" if ranked else "point_recall@3"
    page = environment.get_template("report.html").render(
        run=run,
        title=title(run),
        lead=lead(run),
        labels=LABELS,
        definitions=DEFINITIONS,
        defined=[name for name in DEFINITIONS if run.summary.get(name) is not None],
        headline=_present(run, RANKED if ranked else HEADLINE),
        resampled="whole articles" if len({case["group"] for case in run.questions}) >= 10 else "questions",
        systems_help=(
            "Each part of the search alone."
            if ranked
            else "“Top passages” shows the first retrieved passages whole, “best sentences” those nearest to the "
            "question by embedding: neither needs a reader."
        ),
        measures=[
            name
            for name in (*COMPARED, "seconds_median")
            if name in run.summary and any(name in system["summary"] for system in run.systems.values())
        ],
        type_measures=by_type,
        main_measure=main if any(main in row for row in run.by_type.values()) else None,
        whisker=plots.whisker,
        groupings=[
            (heading, groups)
            for heading, groups in (("article", run.by_article), ("outlet", run.by_outlet), ("year", run.by_year))
            if len(groups) > 1
        ],
        plots=_plots(run),
        stages=[(name, [case for case in failed if case["stage"] == name]) for name in names],
        stage_help=STAGE_HELP,
        well=well,
        kept=kept,
        shown=len(kept),
        left_out=len(run.questions) - len(kept),
        about=_about(run),
    )
    return page + "\n"


def side(pair: Mapping[str, Any], name: str) -> str:
    """Return "ahead" or "behind" where the difference is more than chance, else nothing."""
    if not sure(pair):
        return ""
    return "ahead" if (pair["difference"] > 0) != (name in LOWER_IS_BETTER) else "behind"


def highlighted(quote: Mapping[str, Any]) -> Markup:
    """Return a quote's text escaped, with the words that answer in <mark>."""
    from markupsafe import Markup, escape

    text, start = quote["text"], quote["start"]
    parts, at = [], 0
    for begin, end in sorted((max(0, a - start), min(len(text), b - start)) for a, b in quote.get("highlights", ())):
        if at <= begin < end:
            parts += [escape(text[at:begin]), Markup("<mark>"), escape(text[begin:end]), Markup("</mark>")]
            at = end
    return Markup("").join([*parts, escape(text[at:])])


def _source(quote: Mapping[str, Any]) -> str:
    parts = (quote.get("title"), quote.get("publisher"), quote.get("published"))
    return " · ".join(part for part in parts if part) or "no source given"


def _plots(run: Run) -> list[tuple[str, str, Markup]]:
    from eval import plots

    found: list[tuple[str, str, Markup]] = []
    curves = run.curves
    if run.about["mode"] == "answers" and (rows := curves.get("reliability")):
        text = "Confidence against how often a quote held a required point; on the dashed line it means what it says."
        found.append(("Is the confidence right?", text, plots.reliability(rows)))
    if run.about["mode"] == "answers" and (rows := curves.get("risk_coverage")) and len(rows) > 2:
        answered = sum(case["found"] for case in run.questions) / len(run.questions)
        text = "The share wrong when only the most confident questions are answered."
        found.append(("Risk and coverage", text, plots.risk_coverage(rows, answered)))
    if rows := curves.get("evidence_at"):
        text = "The share of all evidence sentences among the first passages: no reader can do better."
        found.append(("Evidence retrieved", text, plots.evidence_at(rows)))
    names = [name for name in DEPTHS if name in run.summary]
    if run.about["mode"] == "retrieval" and len(names) > 1:
        systems = {run.about["system"]: run.summary, **{name: s["summary"] for name, s in run.systems.items()}}
        lines = {system: [row[name] for name in names] for system, row in list(systems.items())[:3]}
        text = "The share of relevant articles among the first 1, 5, 10, 20 and 100."
        title = "Recall by depth"
        found.append((title, text, plots.depths(lines, [n.split("@")[1] for n in names], title, "recall")))
    if len(stages := curves.get("stages", {})) > 1:
        found.append(
            (
                "Where it failed",
                "Questions by the first stage at which a point was lost.",
                plots.bars(stages, "Questions"),
            )
        )
    taken = {
        label: round(1000 * run.summary[f"seconds_{stage}_median"], 1)
        for stage, label in (("retrieve", "retrieving"), ("read", "reading"), ("compose", "composing"))
        if f"seconds_{stage}_median" in run.summary
    }
    if taken:
        median, slow = (figure(run.summary[name], name) for name in ("seconds_median", "seconds_p95"))
        text = f"Median by stage; in all {median}, 95% within {slow}."
        found.append(("Time a question", text, plots.bars(taken, "Milliseconds", " ms")))
    return found


def _about(run: Run) -> list[tuple[str, str]]:
    facts = run.about
    asked = facts["questions"]
    rows = [("Questions", f"{asked['name']} ({asked['format']}), sha256 {asked['sha256'][:16]}")]
    if library := facts.get("library"):
        rows.append(("Library", f"{library['articles']:,} articles, sha256 {library['sha256'][:16]}"))
    for name, model in facts.get("models", {}).items():
        if not (name == "reader" and facts["mode"] == "retrieval"):
            rows.append(
                (name.capitalize(), f"{model['name']}{', sha256 ' + model['sha256'][:16] if 'sha256' in model else ''}")
            )
    if settings := facts.get("settings"):
        rows.append(("Settings", ", ".join(f"{name} {value}" for name, value in settings.items())))
    rows.append(("Code", f"sha256 {facts['code'][:16]}"))
    rows.append(("Versions", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())))
    if machine := facts.get("machine"):
        memory = f", {machine['memory_gb']} GB" if machine.get("memory_gb") else ""
        rows.append(("Machine", f"{machine['processor']}, {machine['cores']} cores{memory}, {machine['system']}"))
    if "started" in facts:
        peak = f", at most {facts['peak_memory_mb']:,.0f} MB of memory" if facts.get("peak_memory_mb") else ""
        rows.append(("Run", f"{facts['started']}, {facts['seconds']:,.0f} seconds{peak}"))
    return rows
