"""Who says a sentence: the name beside "said" in it, or beside it in its paragraph. Pure.

Only what the text itself states is returned; where a pronoun speaks, the last speaker named before it, or the
person whom a sentence just before is about.
"""

from __future__ import annotations

import re

from qa.text import paragraphs

_VERB = (
    r"(?:said|says|told|tells|added|adds|argued|argues|warned|warns|wrote|writes|explained|explains|noted|notes"
    r"|insisted|insists|stated|claimed|claims|announced|replied|recalled|acknowledged|admitted|predicted|asked"
    r"|asks|testified|tweeted|complained|concluded|estimated|suggested|suggests|commented|remarked|conceded"
    r"|(?:states|posted|continued|began|declared|responded|answered|recalls)"
    r"(?= (?:that|on)\b|[.,:]))"  # not "Member states"
)
_CAPITAL = "[A-Z" + "".join(filter(str.isupper, map(chr, range(0xC0, 0x250)))) + "]"  # Élodie, Ó Murchú, Şahin
_WORD = (
    r"(?:(?:Mrs?|Ms|Dr|Prof|Sen|Rep|Gov|Lt|Gen|Col|Maj|Capt|Sgt|Adm|St)\.|(?:[A-Z]\.){1,4}"
    rf"|{_CAPITAL}[\w’'-]*(?:\.[a-z]{{2,}})?)"
)
# "van der Steeg", "Coast & Marches"
_SMALL = rf"(?: (?:de|del|della|di|da|du|la|van|von|der|den|ten|bin|al|of|the|&)){{1,2}}(?= {_CAPITAL})"
_NAME = rf"{_WORD}(?:{_SMALL}| {_WORD}){{0,7}}(?:,? (?:[JS]r|Co|Inc|Corp|Ltd)\b\.?)?"
# "…,” said NAME": behind what is said, and with no verb or noun of its own after it ("He said Putin must …",
# "said Iowa evangelical leader …"). Who is told or asked does not speak.
_INVERTED = _VERB.replace("|told|tells", "|agreed|agrees").replace("|posted", "")
_AFTER = re.compile(
    rf"(?:(?:^|[,“”\"?!—–])\s*{_INVERTED} (?:that )?|\b[Aa]ccording to )(?P<name>(?>{_NAME}))(?! and {_CAPITAL})"
    r"(?! (?!(?:in|on|at|of|to|from|during|before|after|near|last|this|when|as|who|while|with|and|late|early|for)\b)"
    r"[a-z])"
)
# What may stand between a name and its verb: "(R-S.C.)", ", who runs the mill,", ", a baker in Leeds, England,".
_TOLD_OF = r"(?:an?|the|of|from|who|whose|\d+|its|his|her|their|former|speaking)\b"
_HAS = r"(?:(?:has|had|have|also|later|then|(?:him|her|it)self) )?"
# "A port in Corsica said", "Jo Ray, MD, of Leeds University said", "Jo Ray at Lorne & Co said": a place is no speaker.
_BEFORE = re.compile(
    rf"(?P<place>(?:(?<![\w-])(?:in|at|from|near|to|with|against)|, of) (?:the )?)?(?<![\w’'-])(?P<name>{_NAME})"
    rf"(?: (?:at|from) (?:the )?(?:[a-z]+ )?{_NAME})?(?: \([^()]{{1,40}}\))?"
    rf"(?:, (?:\d+|{_TOLD_OF}[^“”\"\n]{{3,200}}?|[^,“”\"]{{3,90}}),)? {_HAS}{_VERB}\b"
)
_ENCLOSED = re.compile(  # "His lawyer, Al Cox, said"
    rf", (?:(?!(?:who|the|by|in|of|at|from)\b)[a-z][\w-]* ){{0,2}}(?P<name>{_NAME}), {_HAS}{_VERB}\b"
)
# A person whom a sentence is about: "Steve Schmidt, who ran the campaign, called it …", "Mr. Henington worries …".
_OFFICE = re.compile(
    r"\b(?:Mrs?|Ms|Dr|Sir|Sen|Rep|Gov|Gen|President|Minister|Secretary|Senator|Governor|Mayor|Speaker|Sheriff|Judge"
    r"|Chief|Leader)\b"
)
_ABOUT = re.compile(
    rf"(?:^|(?<=[.?!”\"]\s)|(?<=\n))(?:(?:[\w’'-]+ ){{0,3}}?[a-z][\w’'-]* (?={_NAME}, \d+,))?(?P<name>{_NAME})"
    rf"(?P<told> \([DR]-|, (?:{_TOLD_OF}|[a-z][a-z ]* (?:of|at|for)\b))?(?(told)|(?= (?!and\b|or\b|of\b)[a-z]))"
)
_PRONOUN = re.compile(
    r"(?:(?:^|(?<=[.?!”\"]\s))(?:(?:And|But|So|Yet|Still|Then|Later|Also),? )?|[,;:“”\"?!—–(]\s*(?:and |but )?)"
    rf"(?:[Hh]e|[Ss]he|[Tt]hey) (?:\w+ )?{_VERB}\b|[,“”\"?!—–]\s*{_VERB} (?:he|she|they)\b"
)
_QUOTED = re.compile(r"[“\"](?:[^”\"\n]|\n(?!\s*\n))*[”\"]?")  # one left open ends with its paragraph
_NO_NAME = re.compile(
    r"^(?:He|She|They|It|We|I|You|The|An?|But|And|In|On|At|That|This|These|Those|Both|One|Some|Many|Most|Others?|As"
    r"|Neither|Either|No|None|Nobody|Somebody|Someone|Everybody|Everyone|Each|Another|Several|Few|Dozens|Hundreds"
    r"|Thousands|(?:Doctors|Reporters)(?! Without )|Scientists|Researchers|Witnesses|Residents|Passengers|Neighbou?rs"
    r"|Analysts|Economists|Investigators|Lawyers|Organi[sz]ers|Campaigners|Supporters|Opponents"
    r"|If|When|While|After|Before|Already|Still|Meanwhile|Instead|However|Today|Officials|Police|Experts|Critics|What"
    r"|Who|There|Here|Not|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July"
    r"|August|September|October|November|December)(?:$| |[’'](?:ve|m|re|d|ll)\b)"
    r"|^(?:Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten)(?:$| of | .*s$)"  # "Two Democrats"; but "Ten Hag" is one
    r"|^(?:[A-Z]\.)+[A-Z]?$|[’']s$"  # "Leeds, N.Y., said", "Obama's claims"
)
# "On Monday Trump said", "The White House said": what stands before the name.
_LEAD = re.compile(
    r"^(?:(?:In|On|At|For|As|If|When|While|After|Before|And|But|Yet|So|Then|Meanwhile|Tonight|Last|Former"
    r"|The(?= \S+ \S)|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
    r"|January|February|March|April|May|June|July|August|September|October|November|December)(?: |$))+"
)
_CLAUSE = re.compile(r"(?:If|When|While|After|Before) ")
# "…, began, before Al Cox asked why": a clause inside another does not speak.
_INSIDE = re.compile(r"\b(?:if|when|while|after|before|until|because|what|whether|where|why|how) $")
_HIS_HOUSE = re.compile(r"(?<=\S) of the .*")


def speaker_of(text: str, start: int, end: int) -> str | None:
    """Return who says `text[start:end]`, or None where it is the article's own voice or the text does not tell."""
    sentence = text[start:end]
    if name := _named(sentence):
        return name
    outside = _outside(sentence)
    pronoun = _PRONOUN.search(outside)
    if re.search(rf"\b{_VERB}\b", outside) and not pronoun:
        return None  # an official, the memo: somebody else than who speaks beside it
    left, right = next(((a, b) for a, b in paragraphs(text) if a <= start < b), (start, end))
    if not pronoun and not (_spoken(sentence) or _open_quote(text, left, start)):
        return None
    if pronoun or _PRONOUN.search(_outside(text[left:right])):
        return _antecedent(text[:start])
    return _named(text[left:start], last=True) or _named(text[end:right])


def _antecedent(before: str) -> str | None:
    """Return whom "he said" stands for: who spoke last, or a person whom a sentence just before is about."""
    outside = _outside(before)
    spoke = max(_speakers(outside), key=lambda n: n[0].start(), default=None)
    beside = paragraphs(outside)[-2:]
    since = max(spoke[0].end() if spoke else 0, beside[0][0] if beside else 0)
    about = [n for m, n in _names(_ABOUT, outside[since:]) if " " in n and (m["told"] or _OFFICE.search(n))]
    return about[-1] if about else spoke[1] if spoke else None


def _spoken(sentence: str) -> bool:
    """Tell whether a good part of the sentence is in quotation marks: a term in them is the article's own voice."""
    if sentence.count("”") > sentence.count("“"):  # the end of what began in a sentence before
        return True
    runs = [m[0] for m in _QUOTED.finditer(sentence)]
    return any(len(run.split()) >= 5 for run in runs) or 2 * sum(map(len, runs)) >= len(sentence)


def _open_quote(text: str, start: int, end: int) -> bool:
    before = text[start:end]
    return before.count("“") > before.count("”") or before.count('"') % 2 == 1


def _outside(text: str) -> str:
    """Return `text` with its quotations blanked: names inside a quotation do not speak it."""
    return _QUOTED.sub(lambda m: "“" + " " * (len(m[0]) - 1), text)


def _named(text: str, last: bool = False) -> str | None:
    names = _speakers(_outside(text))
    if last:
        return max(names, key=lambda n: n[0].start())[1] if names else None
    # "When Kaine asked why, Pence replied": the main clause speaks.
    return min(names, key=lambda n: (bool(_CLAUSE.match(n[0]["name"])), n[0].start()))[1] if names else None


def _speakers(outside: str) -> list[tuple[re.Match[str], str]]:
    found: list[tuple[re.Match[str], str]] = []
    for pattern in (_AFTER, _BEFORE, _ENCLOSED):  # of two that share a verb, the surer
        taken = [m.span() for m, _ in found]
        found += [n for n in _names(pattern, outside) if not any(a < n[0].end() <= b for a, b in taken)]
    return [n for n in found if not _INSIDE.search(outside[: n[0].start("name")])]


def _names(pattern: re.Pattern[str], text: str) -> list[tuple[re.Match[str], str]]:
    """Return each match of `pattern` whose name is one, with the name."""
    found = [(m, _LEAD.sub("", m["name"]).rstrip(".,'’")) for m in pattern.finditer(text)]
    named = [(m, name) for m, name in found if name != m["name"] or not m.groupdict().get("place")]
    # "Prof. Jo Ray of the Centre": whoever has a name needs no more; "Leader of the Opposition" does.
    named = [(m, _HIS_HOUSE.sub("", name) if " " in name.split(" of the ")[0] else name) for m, name in named]
    return [(m, name) for m, name in named if len(name) > 2 and not _NO_NAME.search(name)]
