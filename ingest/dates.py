"""Dates as articles print them ("Sept. 4, 2025", "4 September 2025", "Thu 4 Sep 2025 09.14 BST", "2025/09/04",
"4. September 2025", "4 de septiembre de 2025").

Only full dates count: a day without a year, or "3 hours ago", says nothing that lasts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

EARLIEST = date(1900, 1, 1)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# German, French, Spanish, Italian, Portuguese, Dutch and Swedish, where they differ; only between a day and a year.
_ELSEWHERE = (
    "januar|januari|janvier|enero|gennaio|janeiro",
    "februar|februari|février|febrero|febbraio|fevereiro",
    "märz|mars|marzo|março|maart",
    "avril|abril|aprile",
    "mai|mayo|maggio|maio|mei|maj",
    "juni|juin|junio|giugno|junho",
    "juli|juillet|julio|luglio|julho",
    "août|agosto|augustus|augusti",
    "septembre|septiembre|settembre|setembro",
    "oktober|octobre|octubre|ottobre|outubro",
    "novembre|noviembre|novembro",
    "dezember|décembre|diciembre|dicembre|dezembro",
)
_NUMBER = {name: number for number, names in enumerate(_ELSEWHERE, 1) for name in names.split("|")}
_NUMBER |= {name: number for number, name in enumerate(_MONTHS, 1)}
_MONTH = (
    r"(?P<{0}>{1}jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<{0}>\d{{1,2}})(?:st|nd|rd|th)?"
_YEAR = r"(?P<{0}>(?:19|20)\d{{2}})(?!\d)"
_PATTERN = re.compile(
    "|".join(
        (
            r"(?<!\d)" + _YEAR.format("y1") + r"[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})(?!\d)",
            r"\b"
            + _MONTH.format("m2", "")
            + r"\s*"
            + _DAY.format("d2")
            + r"(?:\s*,\s*|\s+)(?:at\s+)?"
            + _YEAR.format("y2"),
            r"(?<!\d)"
            + _DAY.format("d3")
            + r"(?:er|º|\.)?(?:\s+(?:of|de))?[\s-]+"
            + _MONTH.format("m3", f"{'|'.join(_ELSEWHERE)}|")
            + r"(?:\s+de)?[\s,-]+"
            + _YEAR.format("y3"),
            r"(?<![\d/.])(?P<a4>\d{1,2})(?P<sep>[/.])(?P<b4>\d{1,2})(?P=sep)" + _YEAR.format("y4"),
        )
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A date in a text: the ISO day, and where it stands."""

    day: str
    start: int
    end: int


def find_dates(text: str) -> list[Found]:
    """Return the full dates in `text`, in order; impossible and future ones are left out.

    "3/4/2025" is read as the American day-second form unless only the other is possible; with dots ("4.9.2025")
    the day comes first.
    """
    found = []
    for match in _PATTERN.finditer(text):
        if (value := _date(match)) and EARLIEST <= value <= date.today() + timedelta(days=1):
            found.append(Found(value.isoformat(), match.start(), match.end()))
    return found


def find_date(text: str) -> str | None:
    """Return the first full date in `text` as ISO."""
    return next((found.day for found in find_dates(text)), None)


def _date(match: re.Match[str]) -> date | None:
    parts = match.groupdict()
    try:
        if parts["y1"]:
            return date(int(parts["y1"]), int(parts["m1"]), int(parts["d1"]))
        for form in ("2", "3"):
            if parts["y" + form]:
                name = parts["m" + form].lower()
                month = _NUMBER.get(name) or _NUMBER[name[:3]]
                return date(int(parts["y" + form]), month, int(parts["d" + form]))
        first, second = int(parts["a4"]), int(parts["b4"])
        day_first = parts["sep"] == "." or first > 12
        return date(int(parts["y4"]), second if day_first else first, first if day_first else second)
    except ValueError:
        return None
