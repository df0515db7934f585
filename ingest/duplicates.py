"""Is one report a copy of another? Outlets carry the same agency's text under headlines of their own.

Two texts are compared by the share of five-word shingles that they have in common (Jaccard similarity), estimated by
MinHash and found by locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive
Datasets", chapter 3), so that a library is compared with itself without looking at every pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.text import words

if TYPE_CHECKING:
    from datasketch import MinHash

SHINGLE = 5  # words; shorter ones make reports of one event look like copies
PERMUTATIONS = 128  # standard error of the estimate about .04 at .5
COPY = 0.5  # Jaccard: the two differ by a paragraph or two, headlines and cuts


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that are copies: their keys, the smaller first, and their Jaccard similarity."""

    one: str
    other: str
    similarity: float


def shingles(text: str) -> set[str]:
    """Return the runs of five words in `text`; a text of fewer words is one run."""
    every = words(text)
    return {" ".join(every[at : at + SHINGLE]) for at in range(max(1, len(every) - SHINGLE + 1))}


def signature(text: str) -> MinHash:
    """Return the MinHash of the shingles of `text`: 128 numbers that estimate similarity with another's."""
    from datasketch import MinHash  # late: it brings scipy, which takes half a second

    found = MinHash(num_perm=PERMUTATIONS, seed=1)
    found.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in shingles(text)])
    return found


def similar(texts: Mapping[str, str], least: float = COPY) -> list[Pair]:
    """Return the pairs of `texts` (key → text) whose similarity is `least` or more, the closest first.

    MinHash only finds the candidates; their similarity is then counted, so no pair is there by chance.
    """
    from datasketch import MinHashLSH

    # Candidates from a lower threshold: near its own, the index misses one pair in four.
    index = MinHashLSH(threshold=max(0.1, least - 0.2), num_perm=PERMUTATIONS)
    found = []
    for key, text in texts.items():
        made = signature(text)
        for other in sorted(index.query(made)):
            similarity = jaccard(text, texts[other])
            if similarity >= least:
                found.append(Pair(min(key, other), max(key, other), round(similarity, 3)))
        index.insert(key, made)
    return sorted(found, key=lambda pair: (-pair.similarity, pair.one, pair.other))


def jaccard(one: str, other: str) -> float:
    """Return the share of five-word shingles that two texts have in common, in [0, 1]."""
    ours, theirs = shingles(one), shingles(other)
    return len(ours & theirs) / len(ours | theirs)


def copies(text: str, others: Iterable[tuple[str, MinHash]], least: float = COPY) -> list[str]:
    """Return the keys of `others` (key, signature) that `text` is a copy of, the closest first."""
    made = signature(text)
    scored = [(made.jaccard(other), key) for key, other in others]
    return [key for similarity, key in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if similarity >= least]
