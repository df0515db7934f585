"""A text dump of a web page (select all, copy, save) → its story, without the page around it.

The dump is a list of lines; each is told apart by its own wording and shape, and the story is then found as the
stretch of lines that gains most: prose counts for it, menus, sharing and teasers against it (the maximum-sum
segment of Bentley, "Programming Pearls", 1984). Its headline stands before it, often again elsewhere; within it,
captions, pull quotes and links to other stories are taken out; nothing after an unmistakable end comes back.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest import header
from ingest import headline as headlines
from ingest.furniture import is_credit, is_furniture, is_picture_agency, is_told
from qa.text import fold

STRONG_WORDS = 12  # a line of so many words that ends as a sentence is prose wherever it stands

_BULLET = re.compile(r"^\s*(?:[•·▪◦‣*+>»–—-])\s+(?=\S)")
_ENDED = re.compile(r"(?:[.!?:;…]|[;,] (?:and|or))\s?[”“»\"’')\]*]*$|[”\"’'][.!?]?$|[。！？」]$")
_TRUNCATED = re.compile(
    r"(?:\.\.\.|…|\[(?:…|\.\.\.)\])[”\"’')\]]*\s*(?:(?:read|continue|see|more)\b.*)?$", re.IGNORECASE
)
_SMALL_WORD = re.compile(r"[a-zà-öø-ÿ]")
_LINKED = re.compile(r"(?:also\s+)?read\s+(?:more|also)\s*[:|]\s*.{3,180}", re.IGNORECASE)
_END = re.compile(
    r"""(?:(?:more|read\s+more|most|related|recommended|trending|popular|latest|similar|top)\s+(?:from|in|on|about|by
        |read|popular|viewed|shared|commented|stories|articles?|news|posts?|headlines?|videos?|content|coverage
        |reading|to\s+explore|for\s+you|topics?|links?)\b[^.!?]{0,60}
    |(?:you\s+(?:may|might)\s+(?:also\s+)?(?:like|be\s+interested\s+in)|also\s+(?:in|on|read)\b[^.]{0,40}|up\s+next
        |read\s+next|what\s+to\s+read\s+next|what['’]s\s+next|next\s+up|related|recommended|trending(?:\s+now)?
        |most\s+read|most\s+popular|popular|latest|more\s+stories|more\s+news|more|editor['’]?s['’]?\s+picks?)
    |(?:tags?|topics?|filed\s+under|categor(?:y|ies)|posted\s+in|explore\s+more)\s*:?.{0,120}
    |about\s+the\s+authors?|(?:previous|next)(?:\s+(?:article|post|story))?|(?:around|from)\s+the\s+web
        |promoted\s+(?:stories|links|content)|sponsored(?:\s+(?:content|links|stories))?|taboola\w*|outbrain)\W*""",
    re.IGNORECASE | re.VERBOSE,
)
_COMMENTS = re.compile(
    r"(?:\d+\s+)?(?:comments?|responses?|replies|thoughts\s+on\b.{0,120})(?:\s*\(?\d+\)?)?|(?:leave|post|add"
    r"|write)\s+a\s+(?:comment|reply)(?:\s+cancel\s+reply)?"
    r"|join\s+the\s+(?:conversation|discussion)\W*|(?:view|show|read|see)\s+(?:all\s+"
    r"|the\s+)?(?:\d+\s+)?comments?.{0,10}|discussion(?:\s+about\s+this\s+post)?|conversation",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"the\s+post\s.{3,400}\s(?:appeared\s+first|first\s+appeared)\s+on\s.{2,80}"
    r"|(?:©|\(c\)|copyright(?=\W*(?:©|\(c\)|(?:19|20)\d\d|by\b|[^.]{2,40}\.?$))).{0,200}"
    r"|.{0,120}\ball\s+rights\s+reserved\b.*"
    r"|our\s+standards:.*|###|-30-"
    r"|\*\s*\*\s*\*\s*end.*",
    re.IGNORECASE,
)
_REPORTED = re.compile(r"\(?(?:reporting|writing|additional\s+reporting|editing)\s+by\s.{3,300}", re.IGNORECASE)
_CREDITED = re.compile(
    r"(?:\((?:istock\w*|getty[^)]*|ap|afp|reuters|epa|shutterstock|alamy|unsplash|supplied|handout)[^)]{0,40}"
    r"|(?:photo(?:graph)?|image|picture|illustration|credit|video|graphic)s?\s*(?:by|credit|courtesy(?:\s+of)?"
    r"|from)?\s*[:/]\s*\S.{1,80}"
    r"|(?:©|\(c\))\s*\S.{1,60}|\(?(?:ap\s+photo|photo|reuters|afp|getty\s+images?|file\s+photo"
    r"|file)\s*[/:)]\s*.{0,60}|[\w .’'-]{2,40}/(?:getty(?:\s+images)?|ap|afp|reuters|shutterstock|epa|pa"
    r"|the\s+guardian|bloomberg|pool|rex|alamy)\b.{0,30}"
    r"|(?-i:(?=[PI]))(?:photo(?:graph)?|picture|illustration)s?\s+by"  # not "it bought a picture by Pablo Picasso"
    r"\s+(?-i:[A-ZÀ-Þ][\w’'.-]+(?:\s[A-ZÀ-Þ][\w’'.-]+){1,3})"
    r"|(?:via\s+)?getty\s+images|\(ap\)|ap\s+photo|reuters|afp|shutterstock|alamy|pa\s+(?:wire|media)|epa"
    r"|associated\s+press|handout|courtesy\s+.{2,50})\)?\W*$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Line:
    """A line of a dump; `block` counts the stretches between blank lines, `alone` is whether it is one by itself."""

    text: str
    block: int
    alone: bool = False
    bullet: bool = False
    words: int = 0
    kind: str = "other"  # prose, short (a sentence of few words), date, byline, furniture, end, comments, over, other
    times: int = 1  # how often the same line is in the dump
    gain: float = field(default=0.0)


@dataclass(frozen=True, slots=True)
class Story:
    """What was found: the story's lines in order, each with whether it is a heading; `lost` is the share of the
    dump's prose that was left out."""

    title: str
    body: list[tuple[str, bool]]
    before: list[str]  # the lines about the headline, where byline and date are
    credits: list[str]  # "X contributed reporting", "Y covers Russia": about the story, not of it
    lost: float
    evidence: tuple[float, float]  # lines that speak for a dump: in all, and outside the story

    @property
    def is_dump(self) -> bool:
        """Return whether the text is a page's dump: furniture about the story, and most of the prose in it."""
        seen, outside = self.evidence
        return seen >= 3 and outside >= 2 and (self.lost < 0.6 or outside >= 8)


def lines_of(text: str) -> list[Line]:
    """Return the non-blank lines of `text`, told apart."""
    lines: list[Line] = []
    block, blank = 0, True
    for raw in _mended(text).split("\n"):
        bare = raw.strip(" \t\u00a0\u200b\ufeff")
        if not bare:
            block += not blank
            blank = True
            continue
        blank = False
        bullet = bool(_BULLET.match(raw))
        plain = _BULLET.sub("", raw).strip() if bullet else bare
        lines.append(Line(plain, block, bullet=bullet, words=len(plain.split())))
    sizes = Counter(line.block for line in lines)
    times = Counter(fold(line.text) for line in lines)
    for line in lines:
        line.alone = sizes[line.block] == 1
        line.times = times[fold(line.text)]
        line.kind = kind_of(line)
    return lines


def _mended(text: str) -> str:
    """Return `text` with what pages glue together or tear apart put right: bylines, above all."""
    text = re.sub(r"^([ \t]*by:?)[ \t]*\n+[ \t]*(?=[A-ZÀ-Þ])", r"\1 ", text, flags=re.IGNORECASE | re.MULTILINE)
    text = _GLUED_JOB.sub(r"\1, \2", text)
    return _GLUED_LINK.sub(r"\1", text)


# "Jane DoeTravel Reporter", "By Jane Doe0", "By Jane DoeTwitter": a link or a job right after the name.
_GLUED_JOB = re.compile(
    r"^((?:[Bb]y )?[A-Z][\w’'.-]+(?: [A-Z][\w’'.-]*[a-z]){1,3})([A-Z][a-z]+(?: [A-Z&][\w&]*){0,4} ?(?:[Rr]eporter"
    r"|[Ww]riter|[Ee]ditor|[Cc]orrespondent))$",
    re.M,
)
_GLUED_LINK = re.compile(
    r"^(by [^\n]{4,80}?[a-z])(?:Twitter|Facebook|Email|Follow|X|\d{1,3})$", re.IGNORECASE | re.MULTILINE
)


def kind_of(line: Line) -> str:
    """Return what a line is by its own wording and shape."""
    text = line.text
    if _COMMENTS.fullmatch(text):
        return "comments"
    if _OVER.fullmatch(text) or (_REPORTED.fullmatch(text) and not is_told(text)):
        return "over"
    if header.dates_in(text) is not None:
        return "date"
    if header.byline(text):
        return "byline"
    if _END.fullmatch(text) and line.words <= 12:
        return "end"
    if is_furniture(text) or is_caption(text) or _LINKED.fullmatch(text):
        return "furniture"
    return "prose" if is_prose(text, line.words) else "short" if is_short(text) else "other"


def is_prose(text: str, words: int) -> bool:
    """Return whether `text` reads as a sentence or more of running text."""
    if words < STRONG_WORDS or _TRUNCATED.search(text):
        return False
    ended = bool(_ENDED.search(text))
    return _running(text) and (ended or (words > 40 and ". " in text))


def is_short(text: str) -> bool:
    """Return whether `text` is a short sentence: it may be one of the story's, or a slogan."""
    ends = r"[.!?:;]\s?[”“»\"’')\]]*$|[”»\"]$" if " " in text else r"\w[.!?][”\"’')\]]*$"  # "No."; but "Menu:" is none
    return len(text.split()) < STRONG_WORDS and bool(re.search(ends, text)) and not _TRUNCATED.search(text)


def _running(text: str) -> bool:
    """Return whether most words are in lower case, as in sentences and not in headlines."""
    words = [word for word in text.split() if word[0].isalpha()]
    small = sum(1 for word in words if _SMALL_WORD.match(word))
    return small >= len(words) * 0.4 or (not text.isascii() and small == 0)


def is_caption(text: str) -> bool:
    """Return whether `text` ends in a picture's credit ("… on Monday. Photograph: Jane Doe/AP")."""
    if len(text) > 500 or not (found := _CREDITED.search(text)):
        return False
    return found.start() == 0 or (text[found.start() - 1] in " .)|(" and (len(text) < 320))


def story(text: str) -> Story | None:
    """Return the story in a dump, None where it holds no running text."""
    lines = lines_of(text)
    _weigh(lines)
    start, end = _best(lines)
    if start == end:
        return None
    end = _last(lines, start, end)
    headline = headlines.find(lines, start)
    first = headline + 1 if headline is not None else start
    title = lines[headline].text if headline is not None else ""
    kept, credits = _without_credits([pair for pair in _inside(lines, first, end) if fold(pair[0].text) != fold(title)])
    kept = _headings_in_sentences(kept)
    used = sum(line.words for line, _ in kept)
    prose = sum(line.words for line in lines if line.kind in ("prose", "short")) or 1
    body = [(line.text, is_heading) for line, is_heading in kept]
    top = headline if headline is not None else start
    before = [line.text for line in lines[max(0, top - 8) : max(start, top + 1) + 6]]
    evidence = _evidence(lines, headline if headline is not None else start, end)
    return Story(title, body, before, credits, max(0.0, 1 - used / prose), evidence)


def _evidence(lines: Sequence[Line], start: int, end: int) -> tuple[float, float]:
    """Return how many lines speak for a dump, in all and outside the story: furniture, and menus' short lines.

    Captions and "Related:" lines do not count: clean texts carry them too.
    """
    inside = outside = 0.0
    run = 0
    for at, line in enumerate(lines):
        run = run + 1 if line.kind in ("other", "furniture") and line.words <= 4 else 0
        seen = (
            1.0 if line.kind in ("comments", "end", "over") or (line.kind == "furniture" and line.words <= 12) else 0.0
        )
        seen = (
            0.0
            if is_caption(line.text) or line.text[:8].lower().startswith(("related:", "photo", "file pho"))
            else seen
        )
        seen = max(seen, 1.0 if run == 5 else 0.2 if run > 5 else 0.0)
        if (
            line.alone
            and line.words <= 2
            and at + 1 < len(lines)
            and lines[at + 1].kind == "prose"
            and line.text != line.text.upper()
        ):
            seen = 0.0  # "Search", "About": over a paragraph it is a heading
        if start <= at < end:
            inside += seen
        else:
            outside += seen
    return inside + outside, outside


def _weigh(lines: Sequence[Line]) -> None:
    """Set what each line counts for or against the story."""
    cost = {
        "furniture": -4.0,
        "end": -8.0,
        "comments": -15.0,
        "over": -20.0,
        "date": -2.0,
        "byline": -1.0,
        "other": -3.0,
    }
    for at, line in enumerate(lines):
        if line.kind == "prose":
            line.gain = min(line.words, 60)
            near = [other for other in lines[max(0, at - 2) : at + 3] if other is not line]
            if near and not any(other.kind in ("prose", "short") for other in near) and line.words < 40:
                line.gain *= 0.4  # a teaser between headlines, or a notice: prose of a story has prose beside it
            if line.times > 1:
                line.gain = 0.0
        elif line.kind == "short":
            line.gain = 2.0 if line.alone else -1.0
        else:
            line.gain = cost[line.kind] if not (line.kind == "other" and line.alone and not line.bullet) else -2.0


def _best(lines: Sequence[Line]) -> tuple[int, int]:
    """Return (start, end) of the stretch whose gains add up to most."""
    best, at, total, start = (0, 0), 0, 0.0, 0
    most = 0.0
    for at, line in enumerate(lines):
        if total <= 0:
            total, start = 0.0, at
        total += line.gain
        if total > most:
            most, best = total, (start, at + 1)
    return best


def _last(lines: Sequence[Line], start: int, end: int) -> int:
    """Return where the story ends: at the first mark of its end that no story follows."""
    told = 0
    for at in range(start, end):
        line = lines[at]
        if line.kind == "prose":
            told += line.words
        if told < 40:
            continue
        if line.kind in ("comments", "over") and not (
            line.kind == "comments" and _goes_on(lines[at + 1 : min(end, at + 15)], 3)
        ):
            end = at
            break
        if line.kind == "end" and not _goes_on(lines[at + 1 : min(end, at + 40)], 2):
            end = at
            break
    while end > start and lines[end - 1].kind not in ("prose", "short"):
        end -= 1
    return end


def _goes_on(lines: Sequence[Line], paragraphs: int) -> bool:
    """Return whether running text resumes: `paragraphs` of it in a row, not a headline with a teaser each."""
    row = 0
    for line in lines:
        if line.kind == "furniture":
            continue
        row = row + 1 if line.kind == "prose" or (line.kind == "short" and row) else 0
        if row >= paragraphs:
            return True
    return False


def _inside(lines: Sequence[Line], first: int, end: int) -> list[tuple[Line, bool]]:
    """Return the story's lines from `first` to `end`, each with whether it is a heading."""
    kept: list[tuple[Line, bool]] = []
    whole = [fold(line.text) for line in lines[first:end] if line.kind == "prose"]
    spaced = _spaced(lines[first:end])
    for at in range(first, end):
        line = lines[at]
        if line.kind == "prose":
            again = line.times > 1 and fold(line.text) in {fold(one.text) for one, _ in kept}
            if not again and not (line.words < 45 and _pulled(line.text, whole)):
                kept.append((line, False))
        elif line.kind == "short":
            fits = line.alone or not spaced or _beside_prose(lines, at) or _listed(lines, at, kept)
            if fits and (kept or line.words > 5) and not _pulled(line.text, whole) and not _pair(lines, at):
                kept.append((line, line.text.endswith("?") and bool(kept) and _is_heading(lines, at, end, spaced)))
        elif line.kind == "other" and kept and _is_heading(lines, at, end, spaced):
            kept.append((line, True))
        elif (line.kind == "other" and kept and _listed(lines, at, kept)) or (
            line.kind == "other" and at == first and _is_standfirst(lines, at)
        ):
            kept.append((line, False))
    while kept and kept[-1][1]:
        kept.pop()
    return kept


def _without_credits(kept: list[tuple[Line, bool]]) -> tuple[list[tuple[Line, bool]], list[str]]:
    """Return the story without the lines at its ends that are about its authors, and these.

    Only at the ends: within a story, "Jane Doe is a professor of …" introduces who is quoted next.
    """
    first, end = 0, len(kept)
    while first < end - 1 and _is_credit(kept[first][0]):
        first += 1
    while end > first + 1 and _is_credit(kept[end - 1][0]):
        end -= 1
    return kept[first:end], [line.text for line, _ in (*kept[end:], *kept[:first])]


def _is_credit(line: Line) -> bool:
    return is_credit(line.text) or (line.words < 60 and bool(header.BIO.fullmatch(line.text)))


def _headings_in_sentences(kept: list[tuple[Line, bool]]) -> list[tuple[Line, bool]]:
    """Return `kept` with headings that are written as sentences ("Russia wants a smaller army.") marked as headings.

    Only in a story whose paragraphs are otherwise long: two or more short sentences by themselves, in nobody's
    voice, each with paragraphs before the next.
    """
    lone = [at for at, (line, _) in enumerate(kept) if line.kind == "short" and line.words <= 9]
    apart = all(after - before > 2 for before, after in itertools.pairwise(lone))
    plain = all(kept[at][0].alone and not _SPOKEN.search(kept[at][0].text) for at in lone)
    if len(lone) < 2 or not apart or not plain or lone[0] == 0 or lone[-1] == len(kept) - 1:
        return kept
    return [(line, heading or at in lone) for at, (line, heading) in enumerate(kept)]


_SPOKEN = re.compile(
    r"[”\"“:;]|^(?:but|and|or|so|yet|he|she|it|they|we|i|you|that|this|these|those|there|then|no|yes|not|his|her|their|its)\b|\bsaid\b",
    re.IGNORECASE,
)


def _spaced(lines: Sequence[Line]) -> bool:
    """Return whether blank lines part the paragraphs, as in most dumps."""
    prose = [line for line in lines if line.kind == "prose"]
    return sum(1 for line in prose if line.alone) >= len(prose) * 0.7


def _pulled(text: str, whole: Sequence[str]) -> bool:
    """Return whether `text` is a pull quote: the same words are in a paragraph."""
    bare = fold(text).strip("\"'.,… ")
    return len(bare) > 15 and any(bare in paragraph and len(paragraph) > len(bare) + 10 for paragraph in whole)


def _pair(lines: Sequence[Line], at: int) -> bool:
    """Return whether a credit stands right under the line: then it is a picture's caption."""
    below = lines[at + 1] if at + 1 < len(lines) else None
    return below is not None and below.block == lines[at].block and is_picture_agency(below.text)


def _is_heading(lines: Sequence[Line], at: int, end: int, spaced: bool) -> bool:
    """Return whether a short line is a section's heading: by itself, running text before and right after it."""
    line = lines[at]
    if line.bullet or not 1 <= line.words <= 14 or (spaced and not line.alone) or line.times > 1:
        return False
    if header.is_job(line.text) or not any(ch.isalpha() for ch in line.text):
        return False
    after = lines[at + 1] if at + 1 < end else None
    before = lines[at - 1]
    parted = line.kind == "short" or before.kind in ("prose", "short", "furniture") or (spaced and line.words <= 8)
    return after is not None and after.kind in ("prose", "short") and parted


def _beside_prose(lines: Sequence[Line], at: int) -> bool:
    """Return whether running text stands in the same block: a paragraph with its lines broken by the page."""
    return any(other.block == lines[at].block and other.kind == "prose" for other in lines[max(0, at - 1) : at + 2])


def _listed(lines: Sequence[Line], at: int, kept: Sequence[tuple[Line, bool]]) -> bool:
    """Return whether a line belongs to a list that running text leads into ("… in three ways:")."""
    if lines[at].words < 2 or not kept:
        return False
    top = at - 1
    while top > 0 and at - top < 25 and lines[top].kind in ("other", "short") and not lines[top].text.endswith(":"):
        top -= 1
    lead = lines[top]
    if not lead.text.endswith(":") or lead.kind not in ("prose", "short") or all(lead is not line for line, _ in kept):
        return False
    rows = lines[top + 1 : at + 1]
    together = len({line.block for line in rows}) == 1
    return together or all(line.bullet or re.search(r"(?:[;,.]|[;,] (?:and|or))$", line.text) for line in rows)


def _is_standfirst(lines: Sequence[Line], at: int) -> bool:
    """Return whether the line under the headline sums the story up, without a full stop as some outlets print it."""
    line = lines[at]
    return (
        line.words >= 8
        and _running(line.text)
        and not _pair(lines, at)
        and not line.bullet
        and not _TRUNCATED.search(line.text)
    )
