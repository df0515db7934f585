"""Real articles in: `add(["https://example.org/story", "saved/page.html", "folder/"])`.

sources    what a person names → single things to read
address    which web addresses may be opened, and the form an article is known by
fetch      address → bytes, the only network code
worker     a process apart that reads pages within limits: `reading` → decode → one of
extract    HTML (with `metadata`, `blocked`, `furniture`), `plaintext`, `markdown` → Draft
duplicates the same report under another name?
pipeline   `add`: all of it, with a result for every source
"""

from ingest.pipeline import add

__all__ = ["add"]
