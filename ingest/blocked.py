"""Pages shown instead of the article: paywalls, consent walls, logins, checks for robots, errors sent as a page."""

from __future__ import annotations

import re
from typing import Any

_ROBOT = re.compile(
    r"just a moment|attention required|are you (?:a )?(?:human|robot)|verify(?:ing)? (?:that )?you(?:'re"
    r"| are) (?:a )?human|"
    r"checking (?:your|if the site) (?:browser|connection)|access (?:to this page has been )?denied"
    r"|pardon our interruption|"
    r"unusual (?:traffic|activity)|captcha|ddos protection|request unsuccessful|please enable (?:cookies|js"
    r"|javascript)|"
    r"enable javascript and cookies|security check|bot (?:detection|verification)|request blocked",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"before you continue|we value your privacy|we and our (?:\d+ )?(?:partners|third)|your privacy (?:choices"
    r"|matters)|"
    r"accept (?:all )?(?:cookies|and continue)|consent (?:to|to the) (?:use|processing|cookies)|cookie (?:consent"
    r"|wall)|"
    r"yahoo is part of the yahoo family|manage (?:your )?(?:cookie|privacy) (?:settings|preferences)",
    re.IGNORECASE,
)
_PAYWALL = re.compile(
    r"subscribe (?:now )?to (?:continue|keep|read|unlock|access)|(?:this|the) (?:article|story|content"
    r"|post) is (?:only |exclusively )?"
    r"(?:available |reserved )?(?:for|to) (?:our )?(?:paid |paying )?(?:subscribers|members)"
    r"|already a (?:subscriber|member)\??|"
    r"(?:to )?(?:continue|keep) reading[^.]{0,40}(?:subscri|sign|log|register|account)|you(?:'ve| have) (?:reached"
    r"|read) your"
    r"[^.]{0,40}(?:limit|free)|subscriber[- ]only|unlock (?:this|the|unlimited|full)[^.]{0,30}(?:article|story|access)|"
    r"free (?:articles?|stories) (?:left|remaining|this month)|start your (?:free )?(?:trial|subscription)"
    r"|premium (?:article|content)|"
    r"create a free account to (?:continue|read)|register to (?:continue|read)|become a member to (?:read|continue)",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:log|sign) ?in to (?:continue|your account|view|read)|enter your password|forgot(?:ten)? (?:your )?password|"
    r"you must be logged in|please (?:log|sign) in",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"(?:page|article|story|site|content) (?:is |was |could )?(?:not|cannot be|can't be|couldn't be"
    r"|no longer) (?:be )?(?:found|available|exist\w*)|"
    r"\b404\b|\b(?:403|500|502|503)\b[^.]{0,20}(?:error|forbidden|unavailable|gateway)|403 forbidden"
    r"|service unavailable|"
    r"bad gateway|internal server error|domain (?:is )?for sale|we can['’]t find (?:the|that) page",
    re.IGNORECASE,
)

SHORT = 150  # words; a wall shows the first paragraphs at most, an article about walls says more
MARGIN = 60  # words of visible text below which the page's title alone tells


def reason(tree: Any, title: str, words: int, *, paid: bool = False) -> str | None:
    """Return what stands in place of the article, as a sentence; None for an article.

    `words` is the length of the text that was extracted, `paid` whether the page's own data says it is not free.
    """
    if words >= SHORT * 2:
        return None
    visible = " ".join(" ".join(tree.xpath("//body//text()[not(ancestor::script or ancestor::style)]")).split())[
        :60_000
    ]
    head = f"{title} {tree.findtext('.//title') or ''}"
    length = len(visible.split())
    if words < SHORT and (_ROBOT.search(head) or (length < 300 and _ROBOT.search(visible))):
        return "the site checks for robots instead of showing the article."
    if words < SHORT and (_MISSING.search(head) or (length < MARGIN and _MISSING.search(visible))):
        return "this is the site's error page, not an article."
    if words < SHORT and (
        _CONSENT.search(head) or (length < 600 and _CONSENT.search(visible) and _mostly(visible, words))
    ):
        return "the site asks for consent instead of showing the article."
    asked = [found.start() for found in _PAYWALL.finditer(visible)]
    if asked and (paid or words < MARGIN or (words < SHORT and asked[-1] > len(visible) // 2)):
        return "the article is behind a paywall: only its beginning is in the page."
    if words < 60 and (
        _LOGIN.search(head) or _LOGIN.search(visible) or tree.xpath("boolean(//input[@type='password'])")
    ):
        return "the site asks for a login instead of showing the article."
    return None


def _mostly(visible: str, words: int) -> bool:
    """Return whether the wall is most of what there is: a banner over a short article is not one."""
    return words < 60 or len(_CONSENT.findall(visible)) > 2
