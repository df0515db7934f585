"""An article → passages of whole sentences, each short enough for the encoder and the reader. Pure.

A passage never crosses more than it must: it ends at a paragraph's end once it is two thirds full, and the next
one begins with the last sentence of the one before, so that an answer told over two sentences is whole in one of
them. A sentence longer than a passage is cut at white space, and every piece is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qa.records import Article, Passage
from qa.text import sentences, strip

MAX_TOKENS = 200  # leaves room for the title and the special tokens within the encoder's and reader's 256
OVERLAP_TOKENS = 60  # a longer last sentence is not repeated: it would cost more room than it brings
TITLE_CHARACTERS = 150  # of the title put before a passage that is embedded or read

CountTokens = Callable[[Sequence[str]], list[int]]


def split(article: Article, count_tokens: CountTokens, max_tokens: int = MAX_TOKENS) -> list[Passage]:
    """Return the passages of `article`, in order: exact slices that together cover every sentence."""
    text = article.text
    pieces = _pieces(text, count_tokens, max_tokens)
    if not pieces:
        return []
    headings = {start for start, _ in article.headings}
    passages: list[Passage] = []
    current: list[tuple[int, int, int]] = []
    used = 0

    def close() -> None:
        start, end = current[0][0], current[-1][1]
        passages.append(Passage(article.id, article.version, start, end, text[start:end]))

    for piece in pieces:
        start, _, size = piece
        new_paragraph = bool(current) and "\n\n" in text[current[-1][1] : start]
        full = used + size > max_tokens
        if current and (full or (new_paragraph and used > max_tokens * 2 // 3) or (start in headings and used > 80)):
            close()
            last = current[-1]
            keep = last[2] <= OVERLAP_TOKENS and last[2] + size <= max_tokens and start not in headings
            current = [last] if keep and last[0] not in headings else []
            used = sum(kept[2] for kept in current)
        current.append(piece)
        used += size
    close()
    return passages


def _pieces(text: str, count_tokens: CountTokens, max_tokens: int) -> list[tuple[int, int, int]]:
    """Return (start, end, tokens) of each sentence; an over-long one is cut at white space, or where it must be."""
    found = sentences(text)
    pieces: list[tuple[int, int, int]] = []
    for (start, end), size in zip(found, count_tokens([text[s:e] for s, e in found]), strict=True):
        queue = [(start, end, size)]
        while queue:
            left, right, tokens = queue.pop(0)
            if tokens <= max_tokens or right - left <= 1:
                pieces.append((left, right, tokens))
                continue
            middle = (left + right) // 2
            cut = max(text.rfind(" ", left + 1, middle), text.rfind("\n", left + 1, middle))
            cut = cut if cut > left + (right - left) // 4 else middle
            halves = [strip(text, left, cut), strip(text, cut, right)]
            halves = [(a, b) for a, b in halves if a < b]
            sizes = count_tokens([text[a:b] for a, b in halves])
            queue = [(a, b, n) for (a, b), n in zip(halves, sizes, strict=True)] + queue
    return pieces


def heading_text(article: Article) -> str:
    """Return what a model is told before a passage: the title, and the date where there is one."""
    title = article.title[:TITLE_CHARACTERS].strip()
    return f"{title} ({article.published})" if article.published and title else title


def embedding_text(article: Article, passage: Passage) -> str:
    """Return what is embedded for `passage`: it is found by its article's title as well."""
    title = article.title[:TITLE_CHARACTERS].strip()
    return f"{title}\n{passage.text}" if title else passage.text
