"""Select to find evidence: whether and where the library says a sentence, as HTML for the reader's place."""

from __future__ import annotations

import itertools

from qa.check import Check, check
from qa.errors import BylineError
from ui import panes
from ui.desk import Desk, sentence
from ui.html import render

VERDICTS = {
    "exact": "Your articles say exactly this.",
    "wording": "Your articles say this, in the same words.",
    "near": "Your articles say something close to this.",
    "none": "Your articles do not say this.",
}
KINDS = {"exact": "word for word", "wording": "same words", "near": "other words"}
_count = itertools.count(1)


def found(desk: Desk, text: str) -> str:
    """Check `text` against the library and return what the reader shows."""
    try:
        return shown(check(text, desk.library), desk)
    except BylineError as error:
        return panes.missing(sentence(error))


def shown(result: Check, desk: Desk) -> str:
    """Return a check's result: the verdict, then each place as a card that opens its article."""
    verdict, samples = VERDICTS[result.verdict], desk.samples()
    return render(
        "reader", "evidence", result=result, verdict=verdict, kinds=KINDS, samples=samples, nonce=next(_count)
    )
