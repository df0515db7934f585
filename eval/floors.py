"""Pinned floors: figures that a change must not fall below, kept in a JSON file; they rise, and only rise.

The file is {"point_recall@3": 0.85, …}. For a measure where less is better (ece, wrongly_answered) the number is a
ceiling, and it only falls.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.summary import LOWER_IS_BETTER, SCORED
from eval.words import figure
from qa.errors import BylineError

# Two machines round differently in bfloat16, which moves a question or two of a hundred across a threshold.
TOLERANCE = 0.005
# What a new file of floors holds; the rest moves too much from change to change to stand in its way.
FIRST = ("point_recall@1", "point_recall@3", "point_recall@5", "evidence_precision", "short_f1", "abstention_auroc",
         "abstention_accuracy", "quotes_exact", "evidence_retrieved", "recall@10", "ndcg@10")  # fmt: skip
LATENCIES = ("seconds_median", "seconds_p95")


class FloorError(BylineError):
    """A floor, or the file that holds them, cannot be used."""


def parse(given: Iterable[str]) -> dict[str, float]:
    """Return floors from "METRIC=VALUE" texts. Raises FloorError."""
    floors = {}
    for text in given:
        name, sign, value = text.partition("=")
        try:
            floors[name.strip()] = number = float(value)
        except ValueError:
            number = math.nan
        if not sign or math.isnan(number):
            raise FloorError(f"{text!r} is not METRIC=VALUE; write for example point_recall@3=0.85.")
    return _known(floors, "--fail-under")


def read(file: Path) -> dict[str, float]:
    """Return the floors in `file`. Raises FloorError."""
    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FloorError(f"{file}: there is no such file. Make it with --raise-floors.") from None
    except (OSError, ValueError) as error:
        raise FloorError(
            f"{file} cannot be read as JSON ({error}). Correct it, or make it anew with --raise-floors."
        ) from None
    if not isinstance(data, dict) or not all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and not math.isnan(v) for v in data.values()
    ):
        raise FloorError(f'{file} does not hold {{"METRIC": NUMBER, …}}. Correct it.')
    return _known({name: float(value) for name, value in data.items()}, str(file))


def _known(floors: dict[str, float], origin: str) -> dict[str, float]:
    for name in floors:
        if name not in SCORED and name not in LATENCIES:
            raise FloorError(f"{origin}: no measure {name!r}. Known: {', '.join((*SCORED, *LATENCIES))}.")
    return floors


def broken(summary: Mapping[str, Any], floors: Mapping[str, float], tolerance: float = 0.0) -> list[str]:
    """Return one line for each floor that `summary` does not hold."""
    lines = []
    for name, floor in floors.items():
        value = summary.get(name)
        if value is None:
            lines.append(f"{name} was not measured on this set; its floor is {floor:g}.")
        elif lower_is_better(name) and value > floor + tolerance:
            lines.append(f"{name} is {figure(value, name)} ({value:.4f}), above {floor:g}.")
        elif not lower_is_better(name) and value < floor - tolerance:
            lines.append(f"{name} is {figure(value, name)} ({value:.4f}), under {floor:g}.")
    return lines


def lower_is_better(name: str) -> bool:
    return name in LOWER_IS_BETTER or name in LATENCIES


def raised(summary: Mapping[str, Any], floors: Mapping[str, float], force: bool = False) -> dict[str, float]:
    """Return `floors` moved up to the figures of `summary`; down too with `force`."""
    found = dict(floors)
    for name, floor in floors.items():
        value = summary.get(name)
        if value is None:
            continue
        better = value < floor if lower_is_better(name) else value > floor
        if better or force:
            found[name] = round(float(value), 4)
    return found
