"""`python -m eval.bench NAME …`."""

from __future__ import annotations

import sys
from importlib import import_module

from eval.bench import names
from qa.errors import BylineError


def main(argv: list[str]) -> int:
    """Run the bench that `argv` names, or list them."""
    benches = names()
    if not argv or argv[0] not in benches:
        stream = sys.stdout if argv[:1] in ([], ["--help"], ["-h"]) else sys.stderr
        if stream is sys.stderr:
            print(f"no bench {argv[0]!r}.", file=stream)
        print("usage: python -m eval.bench NAME [options]; --help after a name shows them\n", file=stream)
        for name, text in benches.items():
            print(f"  {name:10} {text}", file=stream)
        return 0 if stream is sys.stdout else 2
    try:
        return int(import_module(f"eval.bench.{argv[0]}").main(argv[1:]))
    except BylineError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
