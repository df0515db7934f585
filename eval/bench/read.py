"""Time the reading of 12 passages of 200 tokens: as shipped, and passage by passage in float32."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

PASSAGES, TOKENS = 12, 200
QUESTION = "How much will the council pay for the two new boats?"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the median times and their ratio; the two ways take turns, so that noise meets both."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench read", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="timed rounds of each (default 30)")
    options = parser.parse_args(argv)
    shipped, plain, text = ways()
    shipped(), plain()
    times: dict[str, list[float]] = {"shipped": [], "plain": []}
    for _ in range(options.rounds):
        for name, way in (("shipped", shipped), ("plain", plain)):
            begun = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begun)
    fast, slow = (1000 * statistics.median(times[name]) for name in ("shipped", "plain"))
    print(f"{PASSAGES} passages of {TOKENS} tokens ({text} characters each), {options.rounds} rounds, medians")
    print(f"as shipped                      {fast:7.1f} ms")
    print(f"passage by passage, float32     {slow:7.1f} ms   ({slow / fast:.1f} times as long)")
    return 0


def ways() -> tuple[Callable[[], object], Callable[[], object], int]:
    """Return the two ways to read the same passages, and the length of one in characters."""
    from qa.encoder import Encoder
    from qa.reader.model import Reader, load_bundled
    from qa.records import Hit, Passage

    sentence = "The ferry to the outer islands sails twice a day in winter, and the council pays {} for each crossing. "
    count = Encoder().count_tokens
    text = ""
    while count([text + sentence.format(len(text))])[0] <= TOKENS:
        text += sentence.format(len(text))
    hits = [Hit(Passage(f"a{n}", 1, 0, len(text), text), 1.0) for n in range(PASSAGES)]
    shipped, plain = Reader(*load_bundled()), Reader(*load_bundled(), bf16=False)

    def one_by_one() -> None:
        for hit in hits:
            plain.read(QUESTION, [hit])

    return lambda: shipped.read(QUESTION, hits), one_by_one, len(text)
