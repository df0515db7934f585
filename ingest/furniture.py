"""What a page carries besides its article, told by its wording: menus, sharing, adverts, credits, notices.

Two strengths. `is_furniture` is sure of a line wherever it stands, so it also cleans what an extractor kept;
`may_be_furniture` only counts where the lines around it are furniture too.
"""

from __future__ import annotations

import re

_WORDS = r"(?:\s+\w+){0,%d}"

# Whole lines, folded by `re.IGNORECASE`, that no article sentence reads like.
_SURE = re.compile(
    r"""(?:
      (?:advertisement|advertising|adverti[sz]e\s+with\s+us|ad|ads|sponsored(?:\s+(?:content|links?|by\s.{1,40}))?
        |paid\s+post|promoted(?:\s+content)?)
      (?:\s*[-–—:|.·•]?\s*(?:story|article|content|scroll|continue\w*)\s+(?:continues\s+)?(?:below|reading
        |to\s+continue)?.{0,60})?
    | (?:after|before|end\s+of|skip)\s+(?:the\s+)?(?:newsletter|advert\w*|ad|promotion|podcast
        |related\s+content)(?:\s+\w+){0,3}
    | (?:reach|contact|email|e-mail|write\s+to|follow|find|tweet|send|got|have)\b.{0,120}(?:\b[\w.+-]+@[\w-]+\.\w+
        |(?:twitter|x|instagram|bluesky|threads)\W{1,3}@\w+|@\w{3,}).{0,120}
    | (?:story|article|content|page)\s+continues\s+(?:below|after)\b.*
    | (?:please\s+)?scroll\s+(?:down\s+)?(?:to|for)\s.{1,40}
    | (?:skip|jump)\s+(?:past|to|directly\s+to)\s.{1,60} | try\s+refreshing\s+your\s+browser.{0,20}
        | this\s+(?:advertisement|ad)\s+has\s+not\s+loaded.{0,80}
    | .{2,60}\sis\s+a\s+reader-supported\s+publication\b.{0,200} | thanks\s+for\s+reading\b[^“”]{0,200}
    | subscribe\s+to\s.{1,80} | (?:click|tap)\s+to\s+(?:expand|open|close|play|enlarge|share|copy)\b.{0,60}
    | (?:follow|unfollow)(?:\s+(?:this\s+)?(?:author|topic|us|\w+))? | (?:re)?publish\s+this\s+(?:story|article)
    | you\s+make\s+(?:our|this)\s+work\s+possible\W* | (?:our|this)\s+(?:stories|story
        |articles?)\s+may\s+be\s+republished\b.{0,400}
    | get\s+(?:the|our)\s+(?:\w+\s+){0,3}(?:brief(?:ing)?|newsletter|app|update|digest|e-?mail)s?\W*
        | listen\s+\d+\s+min
    | start\s+your\s+(?:day|morning|week)\s+(?:with|right)\b.{0,120}
    | in\s+this\s+(?:article|story|video)\s*:? | editor['’]?s['’]?\s+note\s*:?
    | (?:tap|click)\s+here\s.{1,120} | (?:for\s+reprints|to\s+submit\s+a\s+correction|you\s+can\s+(?:find
        |save)\s+this)\b.{1,160} | opens\s+in\s+(?:a\s+)?new\s+window | doi:\s*\S+
    | .{0,60}opens\s+in\s+(?:a\s+)?new\s+window | skip\s+(?:ad|advert|advertisement)s?
    | (?:share|tweet|pin|post|email|e-mail|print|save|copy(?:\s+link)?|link\s+copied!?|whatsapp|facebook|twitter|x
        |linkedin|reddit|telegram
        |bluesky|threads|flipboard|pinterest|instagram|youtube|tiktok|messenger|mastodon|pocket|bookmark|listen
          |gift(?:\s+(?:this\s+)?article)?)
      (?:(?:\s*[·|,/]\s*|\s+|\s+(?:on|to|via|by|with)\s+|\s*\d[\d.,km]*\s*)(?:this\s+)?(?:share|tweet|pin|post|email
        |e-mail|mail|print|save|copy|link|copied|whatsapp|facebook
        |twitter|x|linkedin|reddit|telegram|bluesky|threads|flipboard|pinterest|instagram|youtube|tiktok|messenger
          |mastodon|pocket|article|story|page
        |friends?|\d[\d.,km]*|this|the|a|an|link|icon|opens\s+in\s+(?:a\s+)?new\s+window))*!?
    | share\s*\d[\d.,k]*\s*(?:tweet|pin|share)\w*\s*\d*[\d.,k]*\s*\w*
    | share\s+on\s+\w+(?:\s*share\s+on\s+\w+)*
    | \d[\d.,]*\s*[km]?\s*(?:shares?|views?|comments?|likes?|reactions?|reads?|retweets?|followers?|votes?|claps?)
    | (?:shares?|views?|comments?|likes?|reactions?|no\s+comments?(?:\s+yet)?|leave\s+a\s+(?:comment|reply)
        |join\s+the\s+(?:conversation|discussion)\.?
        |(?:view|show|read|see|hide|load|post)\s+(?:all\s+|the\s+|more\s+|a\s+)?(?:\d+\s+)?comments?(?:\s*\(?\d+\)?)?
          |comments?\s*\(?\d*\)?|be\s+the\s+first\s+to\s+comment\W*|add\s+a\s+comment)
    | (?:read|see|load|show|view|learn|find\s+out|discover|watch)\s+more(?:\s*(?:[:»›→>.…]+|stories|news|articles|here
        |»|less))*
    | (?:read|see|view)\s+(?:the\s+)?(?:full|whole|original|next|previous)\s+(?:story|article|post|report|transcript)\W*
    | continue\s+reading(?:\s.{0,60})? | keep\s+reading\W* | view\s+all(?:\s+\w+){0,3} | see\s+all(?:\s+\w+){0,3}
    | (?:previous|next)(?:\s+(?:article|story|post|page))?\W* | no\s+result | view\s+all\s+results? | back\s+to\s+top
        | top\s+of\s+page | home
    | (?:more|related|recommended|popular|trending|latest|similar|most\s+(?:read|popular|viewed|shared)|you\s+(?:may
        |might)\s+(?:also\s+)?(?:like|enjoy|be\s+interested\s+in)
        |editor['’]?s['’]?\s+(?:picks?|choice)|top|up\s+next|what\s+to\s+read\s+next|read\s+next|must\s+reads?
          |don['’]t\s+miss|also\s+(?:read|on\s.{1,30})|around\s+the\s+web|from\s+the\s+web
          |in\s+case\s+you\s+missed\s+it)
      (?:\s+(?:on\s+this\s+story|stories|articles?|news|posts?|links?|topics?|coverage|content|reading|videos?
        |headlines?|reads?|for\s+you|from\s.{1,40}|in\s.{1,30}|now|tags?|on\s.{1,30}))?\s*:?
    | more\s+on\s+(?:this\s+story|this\s+topic|this)\W*
    | (?:topics?|tags?|filed\s+under|explore\s+more\s+on|more\s+about|related\s+topics?|categor(?:y(?!\s*\d)
        |ies))\s*:?(?:\s*[^.!?]{1,120})?
    | (?:sign\s+(?:up|in)|log\s*in|log\s*out|register|subscribe(?:\s+now)?|my\s+account|become\s+a\s+member
        |donate(?:\s+now)?|support\s+us|contact(?:\s+us)?|about(?:\s+us)?|menu|search|close|open\s+menu
        |newsletters?|e-?paper|privacy(?:\s+(?:policy|notice|settings|center))?|terms(?:\s+(?:of\s+(?:use|service
          |sale)|and\s+conditions|&\s+conditions))?|cookies?(?:\s+(?:policy|settings|preferences|notice))?
        |accessibility(?:\s+statement)?|site\s*map|careers?|jobs|help(?:\s+cent(?:er|re))?|faqs?
          |corrections(?:\s+policy)?|rss(?:\s+feeds?)?|do\s+not\s+sell\b.*|ad\s*choices|your\s+privacy\s+choices
          |manage\s+(?:cookies|consent|preferences))\W*
    | (?:accept|reject|decline|allow|manage|agree)(?:\s+(?:all|and|&|to|cookies?|close|options|settings|continue
        |preferences|non-essential|optional))+\W*
    | (?:©|\(c\)|copyright(?=\W*(?:©|\(c\)|(?:19|20)\d\d|by\b))|copyright(?=\s[^.]{2,40}\.?$))\W.{0,200}
    | .{0,80}\ball\s+rights\s+reserved\b.{0,200}
    | (?:image|photo|picture|photograph|video|graphic|illustration|credit|getty|image\s+(?:source|caption|credit)
        |media\s+caption|photo\s+credit|picture\s+credit)s?\s*(?:(?::|\||/)\s*.{1,200}|(?:,|—|–)\s*[^.]{1,60})
    | (?:image|media|video|figure)\s+(?:source|caption)\s*,?.{0,300} | (?:getty\s+images|shutterstock|istock|unsplash
        |afp/getty|ap\s+photo)\W* | (?:\w+\s+){0,4}(?:/|via)\s*(?:getty\s+images|reuters|afp|ap|shutterstock
        |bloomberg)\W*
    | \(?(?:ap\s+photo|reuters|afp|getty(?:\s+images)?|photo|file\s+photo)\s*/\s*[\w .,'’/-]{1,60}\)?
    | loading\b[^.]{0,25}\W* | (?:please\s+wait|javascript\s+is\s+(?:disabled|required)|enable\s+javascript)\b.{0,60}
    | \d+\s+of\s+\d+ | \d+\s*/\s*\d+ | page\s+\d+(?:\s+of\s+\d+)?
    | the\s+post\s.{3,300}\sappeared\s+first\s+on\s.{2,80}
    | this\s+(?:article|story|post)\s+(?:(?:was\s+)?(?:originally|first)\s+(?:appeared|published|posted)|(?:originally
        |first)\s+appeared)\s.{2,160}
    | \[?(?:watch|listen|gallery|video|photos?|live|quiz|poll|opinion|related|read|also\s+read|see\s+also|more
        |explainer|in\s+pictures)\s*[:|]\s.{3,180}
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)

# Requests of the publisher to its reader: whole sentences, so told by several marks together.
_ASKING = re.compile(
    r"""\b(?:sign\s+up|subscribe(?:rs?)?|newsletters?|inbox|follow\s+us|follow\s+(?:him|her|them
        |\w+\s+\w+)?\s*on\s+(?:twitter|x|facebook|instagram)|download\s+(?:the|our)\s+.{0,30}app
    |support\s+(?:our|independent|local)\s+(?:work|journalism|newsroom|reporting)|make\s+a\s+(?:donation|contribution)
        |become\s+a\s+(?:member|supporter|subscriber)|whatsapp\s+channel|click\s+here
    |cookies?|consent|privacy\s+policy|terms\s+(?:of\s+(?:use|service)|and\s+conditions)|unsubscribe
        |got\s+a\s+(?:news\s+)?(?:tip|story)|contact\s+us|email\s+us|e-mail\s+us|get\s+in\s+touch
    |free\s+trial|log\s+in|already\s+a\s+(?:subscriber|member)|gift\s+link|push\s+notifications?|notifications?
        |affiliate\s+(?:links?|commission)|(?:a|earn|small)\s+commission|in\s+your\s+inbox|join\s+(?:our|the)\s+(?:whatsapp
        |telegram|community|newsletter|mailing)|have\s+your\s+say|let\s+us\s+know)\b""",
    re.IGNORECASE | re.VERBOSE,
)
# A live report's "18:31" or "6.31pm BST" over each of its entries.
_TIME = re.compile(
    r"\d{1,2}(?::\d\d(?::\d\d)?|[.h]?\d\d(?=\s*[A-Za-z]{2}))(?:\s*[ap]\.?m\.?)?"
    r"(?:\s*\b(?-i:[A-Z]{2,3}T|[CEMP]T|UTC))?",  # not "1200 ft"
    re.IGNORECASE,
)
# What consent banners speak of, and news about privacy too; but only a banner speaks for its site, or of its buttons.
_PRIVACY = re.compile(
    r"tracking\s+technolog\w+|trackers|withdraw\s+(?:your\s+)?consent|legitimate\s+interests?|personali[sz]ed\s+(?:ads"
    r"|advertising|content)|(?:store|access)\s+(?:and/or\s+access\s+)?(?:information|personal\s+data)"
    r"|process(?:es)?\s+(?:personal\s+)?data|unique\s+identifiers?|(?:our|\d+)\s+(?:partners|vendors)|browsing\s+data"
    r"|resurface\s+this|your\s+(?:privacy\s+)?choices|on\s+your\s+device|ads\s+you\s+see|i\s+accept|show\s+purposes"
    r"|manage\s+preferences|cookies?",
    re.IGNORECASE,
)
_BANNER = re.compile(
    r"\b(?:we|our|i\s+accept|resurface\s+this|your\s+(?:privacy\s+)?choices|ads\s+you\s+see|show\s+purposes"
    r"|manage\s+preferences)\b",
    re.IGNORECASE,
)
_WIRE_NAMES = re.compile(
    r"(?:getty(?:\s+images)?|ap|afp|reuters|epa(?:-efe)?|pa(?:\s+(?:wire|media))?|shutterstock|alamy|bloomberg"
    r"|supplied|handout|file|afp/getty.*|getty images/.*|associated press)\W*",
    re.IGNORECASE,
)
_YOU = re.compile(r"\b(?:you|your|our|us|we|here|now|today|this\s+(?:site|website|page|article|form))\b", re.IGNORECASE)
_START = re.compile(
    r"""(?:sign\s+up|subscribe|get\s+(?:the|our|all|more|your)|join|follow|download|support|donate|click|tap
        |want\s+(?:more|to)|enjoy(?:ed|ing)|do\s+you\s+have|got\s+a|have\s+you|by\s+(?:signing|submitting|entering
        |clicking|subscribing|using|providing|continuing)
    |we\s+(?:use|value|may\s+(?:earn|receive)|and\s+our)|our\s+(?:partners|newsletter|journalism|community|website)
        |this\s+(?:site|website|page|form)|your\s+(?:privacy|email|support|subscription|choices|browser)
        |you\s+can\s+(?:unsubscribe|opt|also\s+follow|follow|read)|if\s+you\s+(?:buy|click|have\s+a|want|would\s+like
        |enjoyed|liked)
    |please\s+(?:enter|check|try|log|sign|consider|subscribe)|privacy\s+notice|already\s+a|not\s+a\s+(?:member
        |subscriber)|thank(?:s|\s+you)\s+for\s+(?:signing|subscribing|reading|registering|your)|contact|email|e-mail
        |for\s+more\s+(?:stories|news|information|from)|stay\s+(?:up|informed|connected|ahead)|never\s+miss|keep\s+up
        |be\s+the\s+first|there\s+was\s+an?\s+(?:error|problem)|comments?\s+(?:are|have|on)|the\s+views\s+expressed
        |story\s+tips|tips\?)\b""",
    re.IGNORECASE | re.VERBOSE,
)

CREDIT = re.compile(
    r"(?:(?:additional|further|extra)\s+)?(?:reporting|writing|editing|research|graphics?|photography"
    r"|illustrations?)\s+(?:and\s+(?:additional\s+)?(?:reporting|writing|editing)\s+)?"
    r"(?:was\s+contributed\s+)?(?:by|from)\s.{2,300}"
    r"|.{2,200}\bcontributed\s+(?:additional\s+)?(?:reporting|research|to\s+this\s+(?:report|story|article))\b.{0,160}"
    r"|(?:written|edited|reported|produced|compiled|translated)\s+by\s.{2,200}",
    re.IGNORECASE,
)


def is_furniture(line: str) -> bool:
    """Return whether `line` is surely not part of an article, wherever it stands."""
    line = line.strip()
    if len(line) > 600:
        return False
    bare = line.strip(" •·*|>»›–—-[](){}▶►→↓↑#:\u200b\t")
    if _TIME.fullmatch(bare):
        return True
    if not any(ch.isalpha() for ch in bare):
        return not any(ch.isdigit() for ch in bare) or len(bare) < 4
    return bool(_SURE.fullmatch(bare)) or is_request(line)


def is_request(line: str) -> bool:
    """Return whether `line` is the publisher speaking to its reader: newsletters, cookies, donations, tips."""
    if len(line) >= 600 or not _YOU.search(line):
        return False
    return _is_banner(line) or bool(_START.match(line.lstrip(" •·*|>»-—–")) and _ASKING.search(line))


def _is_banner(line: str) -> bool:
    return (
        len({mark.lower() for mark in _PRIVACY.findall(line)}) > 1
        and bool(_BANNER.search(line))
        and bool(re.search(r"\b(?:you|your|we and)\b", line, re.IGNORECASE))
        and not re.search('[“”"]', line)
    )


_CREDIT_WORDS = frozenset(
    """additional further extra reporting reported writing written editing edited research graphics graphic photography
    photos illustrations illustration compiled produced translated music video cameras camera hosted shot by from in at
    of for the and with to this report story article was an a""".split()
)


def is_credit(line: str) -> bool:
    """Return whether `line` says who helped with the report: a credit, not a sentence of the story."""
    return len(line) < 320 and bool(CREDIT.fullmatch(line.strip(" ()[]—–-*."))) and not is_told(line)


def is_told(line: str) -> bool:
    """Return whether `line` tells something: "Research by the council found that …" has words of its own.

    A credit has names, and what they did.
    """
    if re.search(r"\bcontributed\b", line):
        return False
    return sum(word not in _CREDIT_WORDS for word in re.findall(r"(?<![\w@./’'])[a-z][a-z’'-]+", line)) > 3


def is_picture_agency(line: str) -> bool:
    """Return whether `line` is nothing but the name under which a picture was supplied ("Getty Images")."""
    return bool(_WIRE_NAMES.fullmatch(line))
