"""The sample library: articles written for Byline, and questions about them. Nothing in them is real reporting."""

from pathlib import Path


def articles_folder() -> Path:
    """Return the folder of the sample articles."""
    return Path(__file__).parent / "articles"


def questions_file() -> Path:
    """Return the question set over the sample articles."""
    return Path(__file__).parent / "questions.jsonl"
