"""Settings: where the library lives, which models read it, and a few numbers.

The only reader of environment variables and of the configuration file. In order of precedence: an argument,
`BYLINE_*` in the environment, `config.toml` in the home folder, the default below.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from qa.errors import SettingsError

BUNDLED = "bundled"  # the models that come with the package: nothing is downloaded


@dataclass(frozen=True, slots=True)
class Settings:
    """What a reader may change; `home` holds the catalog, the vectors and `config.toml`."""

    home: Path
    encoder: str = BUNDLED  # a sentence-transformers model: a folder or a hub name
    reader: str = BUNDLED  # a question-answering model: a folder or a hub name
    passages_read: int = 12  # .97 of the evidence of news questions is among the first 12 passages
    quotes_shown: int = 5  # at most; usually fewer answer
    words_shown: int = 120  # in all quotes of one answer
    threads: int = 0  # for the models; 0: as many as the machine has cores

    @classmethod
    def load(cls, home: str | os.PathLike[str] | None = None, **given: Any) -> Settings:
        """Return the settings for `home` (None: BYLINE_HOME, else ~/.byline).

        Raises SettingsError, naming the file or variable, for an unknown name or a value of the wrong kind.
        """
        try:
            folder = Path(home or os.environ.get("BYLINE_HOME") or Path.home() / ".byline").expanduser().absolute()
        except RuntimeError as error:  # a ~name that nobody has, or an account without a home
            raise SettingsError("The home folder cannot be told. Name one with --home or BYLINE_HOME.") from error
        values: dict[str, Any] = {}
        file = folder / "config.toml"
        if file.is_file():
            try:
                values.update(tomllib.loads(file.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                raise SettingsError(f"{file} is not readable TOML ({error}). Correct or delete it.") from error
        origin = dict.fromkeys(values, str(file))
        known = {f.name for f in fields(cls)} - {"home"}
        for name in known:
            if (value := os.environ.get(f"BYLINE_{name.upper()}")) is not None:
                values[name], origin[name] = value, f"BYLINE_{name.upper()}"
        values.update(given)
        if unknown := sorted(set(values) - known):
            raise SettingsError(
                f"{origin.get(unknown[0], 'settings')}: no setting {unknown[0]!r}. Known: {', '.join(sorted(known))}."
            )
        settings = cls(home=folder)
        for name, value in values.items():
            settings = replace(
                settings, **{name: _checked(name, value, getattr(settings, name), origin.get(name, "settings"))}
            )
        return settings


def _checked(name: str, value: Any, default: Any, origin: str) -> Any:
    if isinstance(default, str):
        if isinstance(value, (str, os.PathLike)) and str(value).strip():
            return str(value)
        raise SettingsError(f"{origin}: {name} is {value!r}; give a folder or a model name, or {BUNDLED!r}.")
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    least = 0 if name == "threads" else 1
    if number < least or isinstance(value, (bool, float)):
        raise SettingsError(f"{origin}: {name} is {value!r}; give a whole number of at least {least}.")
    return number
