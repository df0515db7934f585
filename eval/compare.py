"""Two runs of the same questions, side by side: paired differences, and the questions that changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from eval.report import columns
from eval.run import Run
from eval.summary import LOWER_IS_BETTER, paired, sure
from eval.words import LABELS, figure, signed
from qa.errors import QuestionSetError

BY_TYPE = (
    "point_recall@1",
    "point_recall@3",
    "point_recall@5",
    "evidence_precision",
    "short_f1",
    "abstention_accuracy",
)
LISTED = 15  # changed questions of each kind that a terminal shows; the JSON has them all


@dataclass(frozen=True, slots=True)
class Comparison:
    """`measures`: {name: {"a", "b", "difference", "interval", "p"}}; `better` and `worse`: the questions that changed.

    `by_type` holds the same measures by type of question; `only_a` and `only_b` count questions of one run alone.
    """

    names: tuple[str, str]
    questions: int
    measures: dict[str, dict[str, Any]]
    by_type: dict[str, dict[str, dict[str, Any]]]
    better: list[dict[str, Any]]
    worse: list[dict[str, Any]]
    only_a: int
    only_b: int
    differs: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def read(path: str | PathLike[str]) -> Run:
    """Return the run in a `run.json`, in its folder, or in a `--json` file. Raises QuestionSetError."""
    file = Path(path)
    if file.is_dir():
        file = file / "run.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return Run.from_dict(data)
    except FileNotFoundError:
        raise QuestionSetError(f"{file}: there is no such run. Make it with byline eval QUESTIONS --out DIR.") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise QuestionSetError(f"{file} is not a run of byline eval ({error}). Make it again with --out DIR.") from None


def compare(a: Run, b: Run, names: tuple[str, str] = ("A", "B")) -> Comparison:
    """Compare two runs on the questions that both asked. Raises QuestionSetError if there is none."""
    first = {case["id"]: case for case in a.questions}
    second = {case["id"]: case for case in b.questions}
    twin = {id: id for id in first if id in second and _asked(first[id]) == _asked(second[id])}
    # Ids made of line numbers (CSV) move when a line is put in: the rest is known by its words.
    free = {_asked(case): id for id, case in second.items() if id not in twin}
    twin |= {id: free.pop(_asked(case)) for id, case in first.items() if id not in twin and _asked(case) in free}
    shared = [id for id in first if id in twin]
    if a.about.get("mode") != b.about.get("mode"):
        raise QuestionSetError("one run is of answers and the other of rankings. Compare two of the same kind.")
    if not shared:
        raise QuestionSetError("the two runs have no question in common. Compare runs of the same question set.")
    ours, theirs = [first[id] for id in shared], [second[twin[id]] for id in shared]
    by_type = {}
    for kind in dict.fromkeys(case["type"] for case in ours):
        rows = [n for n, case in enumerate(ours) if case["type"] == kind]
        by_type[kind] = paired([ours[n] for n in rows], [theirs[n] for n in rows], BY_TYPE)
    changed = [row for one, two in zip(ours, theirs, strict=True) if (row := _change(one, two)) is not None]
    return Comparison(
        names,
        len(shared),
        paired(ours, theirs),
        by_type,
        sorted((row for row in changed if row["by"] > 0), key=lambda row: -row["by"]),
        sorted((row for row in changed if row["by"] < 0), key=lambda row: row["by"]),
        len(first) - len(shared),
        len(second) - len(shared),
        _differs(a.about, b.about),
    )


def _asked(case: Mapping[str, Any]) -> str:
    # The same id with other words, earlier turns or points is another question.
    points = case.get("expected", {}).get("points")
    return json.dumps([case["question"], case.get("history") or [], points], sort_keys=True)


def quality(case: Mapping[str, Any]) -> float:
    """Return one number for how well a question went, from 0 to 1.

    Point recall at 3 and 1, half and half, where it has points; whether it was rightly left alone where it has none;
    reciprocal rank in a retrieval run.
    """
    scores = case["scores"]
    if "point_recall@3" in scores:
        return (scores["point_recall@3"] + scores["point_recall@1"]) / 2
    return scores["mrr"] if "mrr" in scores else float(not case["found"])


def _change(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any] | None:
    by = quality(two) - quality(one)
    if abs(by) < 1e-9 and one["outcome"] == two["outcome"]:
        return None
    return {
        "id": one["id"],
        "type": one["type"],
        "question": one["question"],
        "by": by,
        "a": {"outcome": one["outcome"], "stage": one["stage"], "quotes": [q["text"] for q in one.get("quotes", ())]},
        "b": {"outcome": two["outcome"], "stage": two["stage"], "quotes": [q["text"] for q in two.get("quotes", ())]},
    }


def _differs(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return what the two runs rest on that is not the same."""
    return [
        name
        for name in ("questions", "library", "models", "settings", "code", "versions", "mode")
        if a.get(name) != b.get(name)
    ]


def terminal(found: Comparison) -> str:
    """Return the comparison for a terminal."""
    one, two = found.names
    rows = [["", one, two, "difference", "95% interval", "p", ""]]
    for name, row in found.measures.items():
        low, high = row.get("interval", (None, None))
        between = f"{signed(low, name)} to {signed(high, name)}" if low is not None else ""
        p = f"{row['p']:.3f}" if "p" in row else ""
        values = [figure(row["a"], name), figure(row["b"], name), signed(row["difference"], name)]
        rows.append([LABELS[name], *values, between, p, verdict(row, name)])
    lines = [f"{found.questions:,} questions in both runs"]
    if found.only_a or found.only_b:
        lines[0] += f" ({found.only_a:,} only in {one}, {found.only_b:,} only in {two})"
    if found.differs:
        lines.append(f"The runs differ in: {', '.join(found.differs)}.")
    lines += [
        "",
        *columns(rows),
        "",
        "p: two-sided, paired bootstrap; many measures at once find a difference by chance.",
    ]
    for title, changed in ((f"Better in {two}", found.better), (f"Worse in {two}", found.worse)):
        lines += ["", f"{title}: {len(changed)}"]
        lines += [
            f"  {row['id']}  {row['question']}  ({row['a']['stage'] or row['a']['outcome']} → "
            f"{row['b']['stage'] or row['b']['outcome']}, {signed(row['by'], 'point_recall@3')})"
            for row in changed[:LISTED]
        ]
        if len(changed) > LISTED:
            lines.append(f"  … and {len(changed) - LISTED} more; --json FILE has them all.")
    return "\n".join(lines)


def verdict(row: Mapping[str, Any], name: str) -> str:
    """Return "better" or "worse" where the difference is more than chance, else nothing."""
    if not sure(row):
        return ""
    return "better" if (row["difference"] > 0) != (name in LOWER_IS_BETTER) else "worse"
