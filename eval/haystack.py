"""A Haystack pipeline of the same models over the same passages, to be scored beside Byline. The optional extra
`haystack` installs it.

Encoder, passages, titles before passages, number of passages read and the stand-alone form of a follow-up are
Byline's; retrieval is Haystack's embedding retriever, reading its extractive reader, both as they come. An answer's
quotes are the whole sentences around the reader's answers, so that the same measures apply.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from qa.compose import quote
from qa.errors import BylineError
from qa.followup import stand_alone
from qa.passages import TITLE_CHARACTERS, split
from qa.records import Answer, Article, Quote, within_words
from qa.settings import BUNDLED
from qa.text import sentences

if TYPE_CHECKING:
    from qa.library import Library

System = Callable[..., Answer]
INSTALL = "The Haystack adapter needs the optional extra: pip install 'byline[haystack]'."


@contextmanager
def pipeline(library: Library) -> Iterator[System]:
    """Yield a function (question, history) → `Answer` over `library`. Raises BylineError without Haystack.

    Loads a second copy of the models and embeds every passage: about a hundred passages a second.
    """
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # read at import; nothing here phones home
    try:
        from haystack import Document, Pipeline
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )
        from haystack_integrations.components.readers.transformers import TransformersExtractiveReader
    except ImportError as error:
        raise BylineError(f"{INSTALL} ({error})") from error
    from haystack.utils import ComponentDevice

    settings = library.settings
    cpu = ComponentDevice.from_str("cpu")
    with tempfile.TemporaryDirectory(prefix="byline-haystack-") as folder:
        encoder, reader = _models(settings.encoder, settings.reader, folder)
        articles: dict[str, Article] = {}
        documents = []
        for row in library.list():
            article = articles[row.id] = library.get(row.id)
            for passage in split(article, library.encoder.count_tokens):
                meta = {"article": row.id, "start": passage.start, "title": article.title[:TITLE_CHARACTERS].strip()}
                documents.append(Document(content=passage.text, meta=meta))
        embedder = SentenceTransformersDocumentEmbedder(
            model=encoder,
            device=cpu,
            token=None,
            meta_fields_to_embed=["title"],
            normalize_embeddings=True,
            progress_bar=False,
        )
        store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
        store.write_documents(embedder.run(documents)["documents"])
        flow = Pipeline()
        flow.add_component(
            "embed",
            SentenceTransformersTextEmbedder(
                model=encoder, device=cpu, token=None, normalize_embeddings=True, progress_bar=False
            ),
        )
        flow.add_component("retrieve", InMemoryEmbeddingRetriever(store, top_k=settings.passages_read))
        flow.add_component(
            "read", TransformersExtractiveReader(model=reader, device=cpu, token=None, top_k=settings.quotes_shown * 2)
        )
        flow.connect("embed.embedding", "retrieve.query_embedding")
        flow.connect("retrieve.documents", "read.documents")

        def ask(question: str, history: Sequence[tuple[str, str]] = ()) -> Answer:
            asked = stand_alone(question, history).question
            found = flow.run({"embed": {"text": asked}, "read": {"query": asked}})["read"]["answers"]
            return to_answer(question, asked, found, articles, settings.quotes_shown, settings.words_shown)

        yield ask


def _models(encoder: str, reader: str, folder: str) -> tuple[str, str]:
    """Return what Haystack can load for the settings' models: folders, or the names of a hub."""
    from qa.encoder import bundled_folder

    if reader == BUNDLED:
        from qa.reader.model import load_bundled  # torch and transformers: seconds

        network, tokenizer = load_bundled()
        network.base.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        reader = folder
    return (bundled_folder() if encoder == BUNDLED else encoder), reader


def to_answer(
    question: str, asked: str, found: Sequence[Any], articles: dict[str, Article], quotes: int, words: int
) -> Answer:
    """Return Haystack's answers as an `Answer`: not found where its "no answer" scores best."""
    real = [answer for answer in found if answer.data and answer.document is not None]
    none = max((answer.score for answer in found if not answer.data), default=0.0)
    shown: list[Quote] = []
    for answer in real:
        article = articles[answer.document.meta["article"]]
        first = answer.document.meta["start"] + answer.document_offset.start
        last = answer.document.meta["start"] + answer.document_offset.end
        touched = [(s, e) for s, e in sentences(article.text) if s < last and first < e]
        if not touched or any(
            q.article_id == article.id and q.start < touched[-1][1] and touched[0][0] < q.end for q in shown
        ):
            continue
        start, end = touched[0][0], touched[-1][1]
        shown.append(quote(article, start, end, highlights=((first, last),), confidence=answer.score))
    kept = tuple(within_words(shown[:quotes], words))
    is_found = bool(kept) and real[0].score >= none
    confidence = min(max(1.0 - none, 0.0), 1.0) if found else 0.0
    if not is_found:
        return Answer(question, asked, (), confidence, False, "Haystack found no answer.", kept[:3])
    return Answer(question, asked, kept, confidence, True)
