"""Bytes → text → JSON objects, naming the line of whatever is wrong."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from eval.records import Faults, fault


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file, gunzipped where they are gzipped. Raises QuestionSetError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise fault(str(path), 0, "there is no such file.") from None
    except OSError as error:
        raise fault(str(path), 0, f"it cannot be read ({error.strerror or error}).") from None
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise fault(path.name, 0, f"the gzip data is damaged ({error}).") from None
    return data


def decode(name: str, data: bytes) -> str:
    """Return UTF-8 `data` as text, naming the line where it is not UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise fault(name, 1, "the file is UTF-16; save it as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8."
        raise fault(name, line, what) from None


def json_lines(text: str, faults: Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of each line that is not blank, noting those that hold no JSON object."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        repeated: list[str] = []
        try:
            row = json.loads(line, object_pairs_hook=partial(_once, repeated))
            line.encode("utf-8")
            json.dumps(row, ensure_ascii=False).encode("utf-8")
        except json.JSONDecodeError as error:
            faults.add(number, f"not JSON ({error.msg} at character {error.pos + 1}).")
            continue
        except RecursionError:
            faults.add(number, "not usable JSON (nested too deeply).")
            continue
        except UnicodeEncodeError:
            faults.add(number, "holds half of a surrogate pair (\\ud800 to \\udfff), which is no character.")
            continue
        except ValueError:
            faults.add(number, "not usable JSON (a number of thousands of digits).")
            continue
        if repeated:
            faults.add(number, f"the field {repeated[0]!r} is there twice.")
        elif not isinstance(row, dict):
            faults.add(number, f'a JSON {kind_of(row)} where an object is wanted, {{"id": …}}; one object a line.')
        else:
            yield number, row


def _once(repeated: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            repeated.append(key)
        found[key] = value
    return found


def kind_of(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return kinds.get(type(value), "null")
