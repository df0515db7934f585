"""People who share a server: names with hashed passwords in one file, and their sign-ins.

The file, `users.json` in the library's home, maps a name to its scrypt hash. Sign-ins are kept in the library, so
that restarting the server signs nobody out. `byline user NAME` adds a person or changes their password, which ends
the sign-ins made with the one before.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import hmac
import json
import os
import re
import secrets
import sys
import tempfile
import threading
import time
from pathlib import Path

from qa.errors import SettingsError
from qa.library import Library
from qa.settings import Settings

NAME = re.compile(r"[\w.@-]{1,64}")
LEAST = 8  # characters of a password
COST = {"n": 2**15, "r": 8, "p": 1}  # 32 MB and some 80 ms a try: RFC 7914's interactive setting, doubled
MEMORY = 64 * 2**20  # OpenSSL refuses n = 2**15 at its default limit
DAYS = 30  # a sign-in lasts
TRIES, PAUSE = 5, 30  # wrong passwords in a row, then seconds of waiting
SESSION = "session"  # kind under which the library keeps sign-ins


class Users:
    """The people of one server. Safe to use from several threads."""

    def __init__(self, file: Path, library: Library) -> None:
        self.file = file
        self.library = library
        self._lock = threading.Lock()
        self._wrong: dict[str, tuple[int, float]] = {}
        self._dummy = _hash(secrets.token_hex(8))

    def check(self, name: str, password: str) -> str | None:
        """Return None if the password is right, else the sentence to show. An unknown name takes as long."""
        with self._lock:  # counted before it is looked at: tries sent all at once are as many as one after another
            wrong, until = self._wrong.get(name, (0, 0.0))
            if time.monotonic() < until:
                return f"Too many wrong passwords. Try again in {PAUSE} seconds."
            if len(self._wrong) > 10_000:  # made-up names must not fill the memory
                self._wrong.clear()
            self._wrong[name] = (wrong + 1, time.monotonic() + PAUSE if wrong + 1 >= TRIES else 0.0)
        known = read(self.file).get(name)
        if _same(password, known or self._dummy) and known is not None:
            with self._lock:
                self._wrong.pop(name, None)
            return None
        return "That name and password do not go together. Check both, or ask whoever runs this server."

    def sign_in(self, name: str) -> str:
        """Return the token of a new sign-in; only its hash is kept, with that of the password it was made with."""
        token = secrets.token_urlsafe(32)
        given = {"name": name, "until": time.time() + DAYS * 86400, "password": _digest(read(self.file).get(name, ""))}
        self.library.keep(SESSION, _digest(token), given)
        return token

    def who(self, token: str | None) -> str | None:
        """Return whose sign-in `token` is, or None: ended, unknown, or the person was removed or has a new password."""
        kept = self.library.kept_one(SESSION, _digest(token)) if token else None
        if not kept or kept.value["until"] < time.time():
            return None
        known = read(self.file).get(kept.value["name"])
        if known is None or kept.value.get("password") != _digest(known):
            return None
        return str(kept.value["name"])

    def sign_out(self, token: str | None) -> None:
        """End a sign-in."""
        if token:
            self.library.forget(SESSION, _digest(token))


def read(file: Path) -> dict[str, str]:
    """Return names and their hashes; none where the file is absent. Raises SettingsError for a broken file."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read as a list of users ({error}). Correct or delete it.") from error
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise SettingsError(f"{file} is not a list of users. Delete it and add them again.")
    return data


def add(file: Path, name: str, password: str) -> None:
    """Add a person or change their password, which ends their sign-ins.

    Raises SettingsError for a name or password that will not do.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(f"{name!r} cannot be a user's name. Use up to 64 letters, digits and . _ @ - only.")
    if len(password) < LEAST:
        raise SettingsError(f"The password is too short. Give at least {LEAST} characters.")
    _write(file, {**read(file), name: _hash(password)})


def remove(file: Path, name: str) -> None:
    """Remove a person, which also ends their sign-ins. Raises SettingsError for an unknown name."""
    people = read(file)
    if people.pop(name, None) is None:
        raise SettingsError(f"There is no user {name!r}. Known: {', '.join(sorted(people)) or 'none'}.")
    _write(file, people)


def _write(file: Path, people: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)  # mode 0600: nobody else reads the hashes
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(people, out, indent=1)
    os.replace(name, file)


def _hash(password: str) -> str:
    salt = secrets.token_bytes(16)
    made = hashlib.scrypt(password.encode(), salt=salt, maxmem=MEMORY, **COST)
    return "$".join(["scrypt", str(COST["n"]), str(COST["r"]), str(COST["p"]), _text(salt), _text(made)])


def _same(password: str, stored: str) -> bool:
    try:
        kind, n, r, p, salt, made = stored.split("$")
        if kind != "scrypt":
            return False
        tried = hashlib.scrypt(
            password.encode(), salt=base64.b64decode(salt), maxmem=MEMORY, n=int(n), r=int(r), p=int(p)
        )
        return hmac.compare_digest(tried, base64.b64decode(made))
    except ValueError:
        return False


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Add, change or remove a person, asking for the password; return the exit status."""
    parser = argparse.ArgumentParser(prog="byline user", description="Who may sign in to byline chat --auth.")
    parser.add_argument("name", nargs="?", help="the person to add or give a new password; without it, all are listed")
    parser.add_argument("--remove", action="store_true", help="remove the person, which ends their sign-ins")
    parser.add_argument("--home", metavar="DIR", help="the library's home (default: BYLINE_HOME or ~/.byline)")
    given = parser.parse_args(arguments)
    try:
        file = Settings.load(given.home).home / "users.json"
        if not given.name:
            print("\n".join(sorted(read(file))) or "No users yet.")
        elif given.remove:
            remove(file, given.name)
        else:
            asked = getpass.getpass if sys.stdin.isatty() else lambda _: sys.stdin.readline().rstrip("\n")
            add(file, given.name, asked(f"Password for {given.name}: "))
    except EOFError:  # Ctrl-D
        print("\nNo password was given, and nothing has changed.", file=sys.stderr)
        return 1
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
