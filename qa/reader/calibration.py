"""From the reader's raw logits to probabilities: a few numbers, fitted once and kept beside the weights. Pure.

Both maps are logistic regressions (Platt scaling), fitted by `eval.calibrate` on articles that are neither
trained nor reported on.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from qa.errors import ReaderError


@dataclass(frozen=True, slots=True)
class Calibration:
    """How logits become probabilities, and from where on a sentence is quoted and an answer given.

    Sentence: `evidence`, `margin`, `rank` and `bias` weigh the sentence output, the span's margin, the logarithm of
    its passage's rank in retrieval, and a constant. Answer: `first` and `base` weigh the best sentence's log-odds and
    a constant. The rank of the *article* would help on questions written over one article, as those of the fit are; it
    would hide what a second one says.
    """

    evidence: float = 0.0
    margin: float = 0.5
    rank: float = -0.5
    bias: float = -2.0
    first: float = 1.0
    base: float = 0.5
    found: float = 0.5  # an answer is given from this confidence on
    keep: float = 0.2  # a further sentence is quoted from this probability on …
    keep_share: float = 0.4  # … and from this share of the best one's

    def sentence_logit(self, margin: float, evidence: float | None, rank: int = 0) -> float:
        """Return the log-odds that a sentence is part of the answer; its passage has `rank` in retrieval, from 0."""
        return self.evidence * (evidence or 0.0) + self.margin * margin + self.rank * math.log1p(rank) + self.bias

    def answer_probability(self, best: float | None) -> float:
        """Return the probability that the question is answered, from the best sentence's log-odds (None: none read).

        The next sentence's, the words in common with the question and the rank in retrieval add nothing to it.
        """
        return 0.0 if best is None else sigmoid(self.first * best + self.base)

    @classmethod
    def read(cls, file: Path) -> Calibration:
        """Return the calibration kept in `file`. Raises ReaderError."""
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8"))["calibration"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ReaderError(f"{file} holds no calibration ({error}). Reinstall Byline.") from error

    def write(self, file: Path, **notes: object) -> None:
        """Write the calibration to `file`, with notes on how it was fitted."""
        numbers = {name: round(value, 4) for name, value in asdict(self).items()}
        file.write_text(json.dumps({"calibration": numbers, **notes}, indent=1) + "\n", encoding="utf-8")


def sigmoid(x: float) -> float:
    """Return the logistic function of `x`, without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
