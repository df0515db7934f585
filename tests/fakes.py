"""Small real objects that stand in for heavy ones: `from tests.fakes import FakeEncoder`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

_WORD = re.compile(r"\w+")


class FakeEncoder:
    """An encoder without a model: a text's vector is the sum of one fixed random direction for each of its words.

    Texts that share words are near each other, the same text gives the same vector in every process, and a
    thousand texts take milliseconds. A token is a word. `calls` counts the texts encoded.
    """

    def __init__(self, name: str = "fake", dimension: int = 64, max_tokens: int = 256) -> None:
        self.name = name
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.calls = 0
        self._directions: dict[str, np.ndarray] = {}

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return vectors of shape (len(texts), dimension), float32, of unit length."""
        self.calls += len(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.casefold()) or [""]:
                vectors[row] += self._direction(word)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_WORD.findall(text)) for text in texts]

    def _direction(self, word: str) -> np.ndarray:
        if word not in self._directions:
            digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            rng = np.random.default_rng(int.from_bytes(digest, "little"))
            self._directions[word] = rng.standard_normal(self.dimension).astype(np.float32)
        return self._directions[word]
