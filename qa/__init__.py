"""Byline: ask a library of articles, get exact quotes.

from qa import Assistant, Filters, Library, ask
"""

from qa.assistant import Assistant, ask
from qa.library import Library
from qa.records import Answer, Article, Filters, Passage, Quote

__all__ = ["Answer", "Article", "Assistant", "Filters", "Library", "Passage", "Quote", "ask"]
