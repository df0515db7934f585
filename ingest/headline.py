"""Which line of a dump is the headline: a linear ranking of the lines above the story.

A headline's words come back in the story, it stands above byline and date and below a menu or a section's name, it
is a phrase of some length without a full stop, and pages like to say it twice. The weights are a softmax regression
over the candidate lines of 212 dumps made from `data/pages` and `data/news` in two ways; in five-fold
cross-validation by page the first line was right for .81 of those dumps that print the title at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ingest import header
from ingest.furniture import is_picture_agency
from qa.text import fold, terms

if TYPE_CHECKING:
    from ingest.dump import Line

ABOVE = 60  # lines before the story among which the headline is looked for

_PATH = re.compile(r"\s[>›»/|]\s")


def find(lines: Sequence[Line], start: int) -> int | None:
    """Return the index of the headline of the story that begins at line `start`, None if nothing looks like one."""
    said_last = " ".join(fold(line.text) for line in lines if line.kind == "over")
    facts = [at for at in range(max(0, start - 40), min(len(lines), start + 4)) if is_fact(lines, at)]
    story = {word for line in lines[start : start + 400] if line.kind == "prose" for word in _stems(line.text)}
    best, most = None, 0.0
    for at in range(max(0, start - ABOVE), min(len(lines), start + 3)):
        line = lines[at]
        if line.kind not in ("other", "short", "prose") or line.bullet or line.words < 2 or len(line.text) > 250:
            continue
        if at >= start and line.times == 1 and not any(fact > at for fact in facts):
            continue  # the first paragraph, not a headline that looks like prose
        if _is_captioned(lines, at) and any(at - 10 <= fact < at for fact in facts):
            continue  # "Reuters" and what its picture shows
        score = _score(lines, at, start, facts, story)
        score += 3.0 * (line.words > 3 and fold(line.text) in said_last)  # "The post … appeared first on …"
        if best is None or score > most:
            best, most = at, score
    return best if most > 1.0 else None


def _score(lines: Sequence[Line], at: int, start: int, facts: Sequence[int], story: set[str]) -> float:
    line, above = lines[at], lines[at - 1] if at else None
    words = _stems(line.text)
    told = sum(word in story for word in words) / max(1, len(words))
    near = any(0 < fact - at <= 5 for fact in facts)
    score = (4.1 + 1.8 * (len(words) >= 3)) * told
    score += 1.3 * near + 0.6 * (not near and any(5 < fact - at <= 10 for fact in facts))
    score -= 0.7 * (not near and any(0 < at - fact <= 8 for fact in facts))  # under the byline: a caption
    score += 1.7 * (above is None or above.kind in ("furniture", "date", "end") or above.words <= 4 or above.bullet)
    score += 1.0 * (line.times > 1 and line.words > 3) + 1.1 * line.alone
    score += 1.3 * (5 <= line.words <= 22) - 2.4 * (line.words <= 3) - 0.6 * (line.words > 22 or line.kind == "prose")
    score -= 1.8 * line.text.endswith((".", ":")) + 1.0 * bool(_PATH.search(line.text)) + 0.8 * is_fact(lines, at)
    return score - 0.25 * math.log1p(max(0, start - at)) - 0.1 * max(0, at - start + 1)


def _is_captioned(lines: Sequence[Line], at: int) -> bool:
    """Return whether the line stands with nothing but a picture's credit over it between two blank lines."""
    block = [line for line in lines[max(0, at - 2) : at + 2] if line.block == lines[at].block]
    return len(block) == 2 and block[1] is lines[at] and is_picture_agency(block[0].text)


def _stems(text: str) -> list[str]:
    """Return the beginnings of the words that carry meaning: "listens" and "listening" are the same."""
    return [word[:5] for word in terms(text)]


def is_fact(lines: Sequence[Line], at: int) -> bool:
    """Return whether a line says who or when: a bare name only beside a date or a job."""
    line = lines[at]
    if line.kind in ("date", "byline") or header.is_job(line.text):
        return True
    near = [*lines[max(0, at - 2) : at], *lines[at + 1 : at + 3]]
    return any(other.kind == "date" or header.is_job(other.text) for other in near) and bool(
        header.byline(line.text, bare=True)
    )
