"""Every error that Byline raises on purpose. Each message names its cause and ends with the next step.

BylineError
├── SettingsError          a setting, or the file that holds it, cannot be used
├── SourceError            one source cannot be added
│   ├── UnsafeAddressError     its address leads into this machine or its private network
│   ├── FetchError             its bytes cannot be had
│   └── ExtractError           its bytes hold no article
├── LibraryError           the library cannot be opened, read or written
│   ├── NotInLibraryError      no article has that id
│   ├── LibraryBusyError       another process holds what is needed
│   └── ModelMismatchError     another encoder made its vectors
├── ReaderError            the reader's model cannot be loaded or used
└── QuestionSetError       a question set has a fault; the message names the line
"""

from __future__ import annotations


class BylineError(Exception):
    """Base of every error that a caller may want to show to a person as one line."""


class SettingsError(BylineError):
    """A setting, or the file that holds it, cannot be used."""


class SourceError(BylineError):
    """One source cannot be added; the others can."""


class UnsafeAddressError(SourceError):
    """The address leads into this machine, its private network or a metadata service."""


class FetchError(SourceError):
    """The bytes of a source cannot be had: missing, unreadable, too large, too slow, or not there."""


class ExtractError(SourceError):
    """The bytes of a source hold no article."""


class LibraryError(BylineError):
    """The library cannot be opened, read or written."""


class NotInLibraryError(LibraryError):
    """No article has that id."""


class LibraryBusyError(LibraryError):
    """Another process holds what is needed, and waiting did not help."""


class ModelMismatchError(LibraryError):
    """The library's vectors were made by another encoder than the settings name."""


class ReaderError(BylineError):
    """The reader's model cannot be loaded or used."""


class QuestionSetError(BylineError):
    """A question set has a fault; the message names its line."""
