"""Seconds from `byline demo --no-chat` to its first cited answer, and to its end.

Run in a process of its own, once with an empty home (the sample articles are added) and once more with the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str]) -> int:
    """Run the bench; status 1 when the first run took longer than `--at-most`, or failed."""
    parser = argparse.ArgumentParser("python -m eval.bench start", description=__doc__)
    parser.add_argument(
        "--at-most", type=float, metavar="SECONDS", help="exit with status 1 if the first answer is later"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as home:
        runs = {name: demo(home) for name in ("empty home", "same home again")}
    if any(run["status"] for run in runs.values()):
        print("byline demo failed; run it by hand to see why.", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(runs, indent=1))
    else:
        for name, run in runs.items():
            print(f"{name:16} first answer {run['first']:5.1f} s   end {run['total']:5.1f} s")
    return int(args.at_most is not None and runs["empty home"]["first"] > args.at_most)


def demo(home: str) -> dict[str, float]:
    """Run the demo; return seconds to the first whole answer ("first") and to the end ("total"), and its status."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "ui.cli", "demo", "--no-chat", "--home", home]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    first = 0.0
    asked = answered = 0
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("▸"):  # a question; the lines after it are its answer
                asked += 1
                if asked == 2 and not first:  # the first answer is complete when the second question is printed
                    first = time.perf_counter() - begun
            answered += "“" in line
        status = process.wait()
    return {"first": first, "total": time.perf_counter() - begun, "status": float(status or not answered)}
