"""Bytes → text: what is not text is named, what is text is read in the encoding it is really in."""

from __future__ import annotations

import codecs
import re

from qa.errors import ExtractError
from qa.text import normalise

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript document"),
    (b"ID3", "an audio file"),
    (b"OggS", "an audio file"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"bplist00", "a Safari web archive or property list"),
    (b"wOF", "a font"),
    (b"\x00\x01\x00\x00\x00", "a font"),
)
_OFFICE: tuple[tuple[bytes, str], ...] = (
    (b"word/", "a Word document"),
    (b"xl/", "an Excel sheet"),
    (b"ppt/", "a PowerPoint file"),
)
_OFFICE += ((b"application/epub", "an EPUB book"), (b"opendocument.text", "an OpenDocument text"))

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_BOMS += ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

# What browsers make of a declared encoding (WHATWG Encoding Standard): the superset that is really meant.
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874", "gb2312": "gb18030"}
_MEANT |= {"gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs"}
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{2,40})", re.IGNORECASE)
_HEAD = 4096  # bytes; the standard says the declaration stands in the first 1,024, and pages are laxer

_BAD_SHARE = 0.002  # wrong characters in a text that is still taken to be in this encoding: a slip or two in a page


def decode(data: bytes, name: str, charset: str | None = None) -> str:
    """Return `data` as text; `charset` is what the server declared.

    Valid UTF-8 is UTF-8 whatever was declared: text in another encoding is next to never valid by chance. Raises
    ExtractError, saying what it is and what to do, where the bytes are not text.
    """
    for bom, marked in _BOMS:
        if data.startswith(bom):
            return normalise(data.decode(marked, "replace").replace("\ufeff", ""))
    refuse_binary(data, name)
    if encoding := _wide(data):
        return normalise(data.decode(encoding, "replace"))
    declared = [_known(charset), _known(_declared(data))]
    if b"\x1b" in data[:_HEAD] and (escaped := next((d for d in declared if d and d.startswith("iso2022")), None)):
        return normalise(data.decode(escaped, "replace"))
    try:
        return normalise(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    for candidate in ("utf-8" if _mostly_utf8(data) else None, *declared, _guessed(data)):
        if candidate:
            text = data.decode(candidate, "replace")
            if text.count("\ufffd") <= max(2, len(text) * _BAD_SHARE):
                return normalise(text)
    return normalise(data.decode("cp1252", "replace"))


def refuse_binary(data: bytes, name: str) -> None:
    """Raise ExtractError if `data` is a known binary format, or no text at all."""
    what = next((what for magic, what in _MAGIC if data.startswith(magic)), None)
    if data.startswith(b"PK\x03\x04"):
        what = next((kind for mark, kind in _OFFICE if mark in data[:200_000]), "a ZIP archive")
    elif data[:4] == b"RIFF" or data[4:8] == b"ftyp":
        what = "a video, audio or picture file"
    elif data[:2] == b"MZ" and b"\0" not in data[:_HEAD]:
        what = None  # two letters that may well begin a text
    if what is None and b"\0" in data and not _wide(data) and data.count(b"\0") > 2 + len(data) // 1000:
        what = "a binary file"
    if what:
        suffix = name.rpartition(".")[2] if "." in name else ""
        named = f", although named .{suffix}" if suffix.lower() in _TEXT_SUFFIXES else ""
        raise ExtractError(f"{name}: looks like {what}{named}. Save the article as a web page or text and add that.")


_TEXT_SUFFIXES = frozenset({"html", "htm", "xhtml", "txt", "md", "markdown", "mhtml", "mht", "text"})


def _wide(data: bytes) -> str | None:
    """Return UTF-16's byte order where a text without a mark is in it: every second byte is NUL in Latin script."""
    head = data[:_HEAD]
    if len(head) < 8 or b"\0" not in head:
        return None
    half = len(head) // 2
    if head[1::2].count(0) > half * 0.5 and head[0::2].count(0) < half * 0.1:
        return "utf-16-le"
    if head[0::2].count(0) > half * 0.5 and head[1::2].count(0) < half * 0.1:
        return "utf-16-be"
    return None


def _declared(data: bytes) -> str | None:
    found = _XML.search(data[:_HEAD]) or _META.search(data[:_HEAD])
    return found[1].decode("ascii", "replace") if found else None


# Transforms that are no encodings, and encodings that a page that can be read this far is not in.
_NOT_HERE: tuple[str, ...] = (
    "utf-16",
    "utf-32",
    "utf-7",
    "punycode",
    "idna",
    "base64",
    "bz2",
    "hex",
    "quopri",
    "rot13",
    "uu",
    "zlib",
)
_NOT_HERE += ("unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem")


def _known(charset: str | None) -> str | None:
    """Return Python's name for the encoding that a declared one means, None where there is no such thing."""
    if not charset:
        return None
    try:
        found = codecs.lookup(charset.strip().lower())
    except (LookupError, ValueError):
        return None
    if found.name.startswith(_NOT_HERE):
        return None
    return _MEANT.get(found.name, found.name)


def _mostly_utf8(data: bytes) -> bool:
    """Return whether `data` is UTF-8 with a slip here and there: ten good sequences for every bad one."""
    text = data.decode("utf-8", "replace")
    good = sum(1 for character in text if character > "\x7f" and character != "\ufffd")
    return good >= 10 * text.count("\ufffd")


def _guessed(data: bytes) -> str | None:
    """Return the likeliest encoding of undeclared bytes: Western where accents are rare, else what a detector says."""
    high = sum(1 for byte in data[:20_000] if byte > 0x7F)
    letters = high + sum(1 for byte in data[:20_000] if chr(byte).isalpha() and byte < 0x80)
    if high < letters * (0.4 if len(data) < 300 else 0.08):
        return "cp1252"  # detectors guess wildly on little evidence
    from charset_normalizer import from_bytes  # late: seldom needed

    sample = data[:20_000]
    best = from_bytes(sample).best()
    return best.encoding if best is not None else None
