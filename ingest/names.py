"""Names of people and outlets as they should be shown: "By JANE DOE, Staff Writer | The Gazette" → Jane Doe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qa.text import fold

TITLE_LENGTH = 400  # characters; a longer "title" is a paragraph that went astray

_SPACE = re.compile(r"\s+")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_BY = re.compile(
    r"^\s*(?:(?:written|words|story|text|reported|report|analysis|posted|published|article|opinion|review"
    r"|interview)\s+)?"
    r"(?:by|von|par|por)\s*:?\s+|^(?:authors?|reporters?|writers?)\s*:\s*",
    re.IGNORECASE,
)
_JOB = re.compile(
    r"\b(?:(?:staff|senior|chief|special|associated|freelance|guest|contributing|political|science|health|business"
    r"|sports?|news|"
    r"foreign|national|international|royal|technology|tech|climate|environment|economics?|education|culture|defen[cs]e|"
    r"diplomatic|crime|city|local|data|features?|deputy|assistant|managing|executive|digital|online|audience|travel"
    r"|money|"
    r"show ?biz|entertainment|world|europe|asia|africa|us|uk|washington|moscow|media|arts|legal|home|global|social"
    r"|community|affairs)\s+)*"
    r"(?:staff|writers?|reporters?|correspondents?|editors?|contributors?|journalists?"
    r"|columnists?|producers?|"
    r"photographers?|bureau|desk|newsroom|team|critic|analyst|fellow|intern|chief)\b.*$",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:the )?(?:staff|admin(?:istrator)?|editor(?:s|ial)?(?: (?:staff|team|board))?|news ?(?:desk|room|staff)"
    r"|web ?(?:desk|master)|"
    r"guest|anonymous|unknown|none|null|undefined|n/?a|user|author|team|contributors?|posts? by|view (?:all"
    r"|profile)|see more|"
    r"username|authority control|link copied|see full bio|lesedauer|follow|share|subscribe|"
    r".*\b(?:orcid|profile|newsletter|subscribe|facebook|twitter|instagram)\b.*)",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*(?:;|\n|\||•|·|/|\band\b|&(?!\w)|\bund\b|\bwith\b)\s*", re.IGNORECASE)
_SUFFIX = re.compile(
    r"(?:jr|sr|ii|iii|iv|md|phd|ph\.d|m\.d|dds|esq|rn|cpa|mph|obe|cbe|mbe|ap|reuters|afp)\.?$", re.IGNORECASE
)
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|www\.\S+|(?<!\w)@\w+")
_UPDATED = re.compile(
    r"\b(?:published|updated|posted|last modified|first published|link copied|lesedauer)\b.*$"
    r"|\b(?:january|february|march|april|june|july|august|september|october|november|december"
    r"|dec|nov|oct|sept|aug|feb|jan)"
    r"\.?(?:\s+\d.*)?$",
    re.IGNORECASE,
)
_PARTICLES = frozenset("van von der den de da di del della la le los al el bin ibn ter ten du dos das y e".split())


def one_line(text: str) -> str:
    """Return `text` as a title may be stored: one line, no tags, no control characters, of bearable length."""
    plain = "".join(c if c.isprintable() else " " for c in _TAG.sub("", text))
    plain = _SPACE.sub(" ", plain).strip()
    return plain if len(plain) <= TITLE_LENGTH else plain[:TITLE_LENGTH].rsplit(" ", 1)[0] + " …"


def clean_authors(claims: Iterable[str], outlets: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the people in `claims`, each once: without "By", jobs, addresses, the outlets' own names and "Staff"."""
    not_people = {fold(outlet) for outlet in outlets}
    names: dict[str, str] = {}
    for claim in claims:
        for part in _people(claim):
            name = _person(part)
            if name and fold(name) not in not_people:
                names.setdefault(fold(name), name)
    return tuple(names.values())[:20]


def _people(claim: str) -> list[str]:
    """Return the parts of a byline; a comma parts people, unless what follows is a job or a degree."""
    claim = _ADDRESS.sub(" ", _BY.sub("", one_line(claim)))
    parts = []
    for part in _SPLIT.split(_UPDATED.sub("", claim)):
        pieces = [piece.strip() for piece in part.split(",") if piece.strip()]
        if len(pieces) == 2 and " " not in pieces[0] and " " not in pieces[1] and not _SUFFIX.match(pieces[1]):
            pieces = [f"{pieces[1]} {pieces[0]}"]  # "Doe, Jane"
        parts.extend(pieces)
    return parts


def _person(part: str) -> str | None:
    part = _BY.sub("", part)
    part = re.sub(r"\s*\([^)]*\)\s*", " ", part)
    job = _JOB.search(part)
    if job and len(part[: job.start()].split()) <= 1:
        return None  # "Staff Writer", "Travel News Reporter"
    part = (part[: job.start()] if job else part).strip(" .,:;|-–—*\"'“”")
    if not part or _SUFFIX.fullmatch(part) or _NOBODY.fullmatch(part) or len(part) > 60:
        return None
    words = part.split()
    if len(words) > 6 or any(ch.isdigit() for ch in part) or not any(ch.isalpha() for ch in part):
        return None
    if part.isascii() and len(words) > 1 and (part.isupper() or part.islower()):
        words = [
            word if word.lower() in _PARTICLES and n else _cased(word) for n, word in enumerate(part.lower().split())
        ]
    return " ".join(words)


def _cased(word: str) -> str:
    cased = "-".join(piece[:1].upper() + piece[1:] for piece in word.split("-"))
    return re.sub(r"^(Mc|O['’])(\w)", lambda m: m[1] + m[2].upper(), cased)


def clean_publisher(claims: Iterable[str], host: str | None) -> str | None:
    """Return the first claim that reads like an outlet's name, else a name made from its host."""
    for claim in claims:
        name = one_line(claim).lstrip("@")
        if name.lower().startswith(("http://", "https://")) or "facebook.com" in name.lower() or not name:
            continue
        name = re.split(r"\s+[|–—-]\s+", name)[0].strip()
        if re.fullmatch(r"(?:www\.)?[\w-]+(?:\.[\w-]+)+", name) and name.islower():
            return name.removeprefix("www.")
        if 1 < len(name) <= 60:
            return name if not name.islower() or " " in name else name.title()
    return host.removeprefix("www.") if host else None
