"""Reads pages in a process apart, within limits of time and memory.

Pages are made by strangers, and the parsers below are large: a page may send one into a loop, eat the memory or
crash it. Then that process ends, its page gets a clear result, and the next page a new process. Nothing but the
page goes in and nothing but a Draft as JSON comes out.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from ingest.records import SAVE_TEXT, Draft, Page
from qa.errors import ExtractError

CPU_SECONDS = 5  # for one page; the slowest of 300 real ones took 1.1 on two busy cores
WALL_SECONDS = 12.0  # where processor time cannot be limited, and for a machine that is busy elsewhere
MEMORY = 3_000_000_000  # bytes of address space; a 20 MB page takes about a third

_SIZE = struct.Struct(">Q")


class Worker:
    """One reading process, started at the first page and again after one that broke it; threads may share it."""

    def __init__(self, *, cpu_seconds: int = CPU_SECONDS, wall_seconds: float = WALL_SECONDS) -> None:
        self._limits = (cpu_seconds, wall_seconds)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def read(self, page: Page) -> Draft:
        """Return the article in `page`. Raises ExtractError where there is none, or reading it goes past the limits."""
        with self._lock:
            if self._closed:
                raise ExtractError(f"{page.name}: not read, the work was stopped. Add it again.")
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            timer = threading.Timer(self._limits[1], process.kill)
            timer.daemon = True
            timer.start()
            try:
                header = asdict(replace(page, data=b"")) | {"data": None}
                _send(process.stdin, json.dumps(header).encode(), page.data)
                (reply,) = _receive(process.stdout, 1)
            except (OSError, EOFError):
                self._end()
                raise ExtractError(f"{page.name}: reading it took too much time or memory. {SAVE_TEXT}") from None
            finally:
                timer.cancel()
        answer = json.loads(reply)
        if "error" in answer:
            raise ExtractError(answer["error"])
        return Draft.from_dict(answer["draft"])

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._closed = True
        self._end()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            home = str(Path(__file__).resolve().parent.parent)
            path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from ingest.worker import serve; serve({self._limits[0]})"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was still to be written has no reader any more
                    pipe.close()
        process.wait()


def serve(cpu_seconds: int) -> None:
    """Answer pages on standard input until it ends: what the process runs."""
    from ingest.reading import draft  # here, so that the parent never loads the parsers

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipe
    pages, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a library that prints must not garble the answers
    while True:
        try:
            header, data = _receive(pages, 2)
        except EOFError:
            return
        _limit(cpu_seconds)
        page = Page(**{**json.loads(header), "data": data})
        try:
            answer: dict[str, object] = {"draft": draft(page).to_dict()}
        except ExtractError as error:
            answer = {"error": str(error)}
        except (MemoryError, RecursionError):
            return  # the parent says so; a new process has all its memory again
        except Exception as error:  # a fault in a parser is a fault of this page, and the others go on
            answer = {"error": f"{page.name}: the page cannot be read ({type(error).__name__}). {SAVE_TEXT}"}
        _send(answers, json.dumps(answer).encode())


def _limit(cpu_seconds: int) -> None:
    """Give the next page its processor time and memory, where the system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + cpu_seconds + 1
    for limit, value in ((resource.RLIMIT_CPU, soft), (resource.RLIMIT_AS, MEMORY)):
        hard = resource.getrlimit(limit)[1]
        with suppress(ValueError, OSError):  # not every system lets memory be limited; the time limits remain
            resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _send(pipe: IO[bytes], *parts: bytes) -> None:
    for part in parts:
        pipe.write(_SIZE.pack(len(part)))
        pipe.write(part)
    pipe.flush()


def _receive(pipe: IO[bytes], parts: int) -> list[bytes]:
    found = []
    for _ in range(parts):
        (size,) = _SIZE.unpack(_exactly(pipe, _SIZE.size))
        found.append(_exactly(pipe, size))
    return found


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) != size:
        raise EOFError
    return bytes(data)
