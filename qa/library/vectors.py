"""The passages' vectors in Chroma, derived from the catalog. The only file that touches chromadb.

Chroma's folder is not made for two processes: two writers lose vectors in silence, and a reader beside a writer goes
stale. So one process at a time holds a file lock, and no other opens the folder at all. The lock is the operating
system's: it goes when its process does, killed or not.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

# Denser than Chroma's defaults (16 neighbours, 100): recall at 50 is .99 against .92 on 5,000 vectors in 2,000
# clusters, a question takes the same 1.3 ms, and adding a passage .43 ms against .29.
GRAPH = {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 200}


class VectorsError(Exception):
    """Chroma's folder cannot be used. Never shown: the library answers from the catalog's own vectors instead."""


class Vectors:
    """One collection of vectors, named by passage number, in a folder that only the holder of its lock opens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Not one lock a thread: what is locked is the folder against other processes.
        self._lock = FileLock(folder.with_name(f"{folder.name}.lock"), thread_local=False)
        self._guard = threading.RLock()
        self._client: Any = None
        self._collection: Any = None
        self.name: str | None = None  # of the collection that is open

    @property
    def held(self) -> bool:
        return self._lock.is_locked

    def acquire(self) -> bool:
        """Try to be the process that may open the folder, without waiting; tell whether it is."""
        with self._guard:
            if not self.held:
                try:
                    self._lock.acquire(blocking=False)
                except (Timeout, OSError, NotImplementedError):  # taken, or a file system that has no locks
                    return False
            return True

    def open(self, name: str) -> bool:
        """Open the collection `name`; return False if it is not there. The lock must be held."""
        with self._guard, _trouble(self._folder):
            if self.name == name:
                return True
            client = self._connect()
            from chromadb.errors import NotFoundError

            try:
                self._collection = client.get_collection(name, embedding_function=None)
            except NotFoundError:
                return False
            self.name = name
            return True

    def create(self, name: str) -> None:
        """Make the collection `name` and open it; any other is dropped. The lock must be held."""
        with self._guard, _trouble(self._folder):
            client = self._connect()
            for other in client.list_collections():
                client.delete_collection(other.name)
            # Without `embedding_function=None` Chroma looks for a model to download.
            self._collection = client.create_collection(name, embedding_function=None, configuration={"hnsw": GRAPH})
            self.name = name

    def _connect(self) -> Any:
        """Return the client: the one place that knows which kind of Chroma this is."""
        if not self.held:
            raise VectorsError(f"{self._folder} is not held by this process")
        if self._client is None:
            import chromadb  # half a second, and no listing of articles needs it
            from chromadb.config import Settings

            options: dict[str, Any] = {
                "_env_file": None,  # else a .env in the reader's current folder would configure Chroma
                "chroma_api_impl": "chromadb.api.rust.RustBindingsAPI",
                "anonymized_telemetry": False,
            }
            try:
                self._client = chromadb.PersistentClient(str(self._folder), settings=Settings(**options))
            except BaseException:
                # Chroma remembers a half-started client by its folder, and would give it out the next time.
                from chromadb.api.shared_system_client import SharedSystemClient

                SharedSystemClient._identifier_to_system.pop(str(self._folder), None)
                raise
        return self._client

    def nearest(self, vector: np.ndarray, k: int) -> list[int]:
        """Return the numbers of about the `k` nearest passages, best first."""
        with _trouble(self._folder):
            found = self._collection.query(query_embeddings=vector[None, :], n_results=k, include=[])
            return [int(number) for number in found["ids"][0]]

    def reachable(self, vectors: np.ndarray) -> np.ndarray:
        """Tell for each of `vectors`, all of them stored ones, whether a search for it finds it or its equal."""
        with _trouble(self._folder):
            found = self._collection.query(query_embeddings=vectors, n_results=1, include=["distances"])
            return np.array([bool(near) and near[0] < 1e-3 for near in found["distances"]])

    def apply(self, numbers: Sequence[int], vectors: np.ndarray, gone: Sequence[int]) -> None:
        """Set the vectors of `numbers`, and delete those of `gone`. Repeating it changes nothing."""
        with _trouble(self._folder):
            if numbers:  # upsert: `add` passes over a known id without a word
                self._collection.upsert(ids=[str(number) for number in numbers], embeddings=vectors)
            if gone:
                self._collection.delete(ids=[str(number) for number in gone])

    def numbers(self) -> set[int]:
        with _trouble(self._folder):
            return {int(number) for number in self._collection.get(include=[])["ids"]}

    def stored(self, numbers: Sequence[int]) -> dict[int, np.ndarray]:
        """Return the vectors of those of `numbers` that Chroma has."""
        with _trouble(self._folder):
            found = self._collection.get(ids=[str(number) for number in numbers], include=["embeddings"])
            return {int(n): vector for n, vector in zip(found["ids"], found["embeddings"], strict=True)}

    def leave(self) -> None:
        """Close the folder and keep its lock, so that the next use opens it anew."""
        with self._guard, _trouble(self._folder):
            self._disconnect()

    def drop(self) -> None:
        """Delete the folder, whatever state it is in. The lock must be held."""
        with self._guard, _trouble(self._folder):
            self._disconnect()
            if self._folder.is_dir() and not self._folder.is_symlink():
                shutil.rmtree(self._folder)
            else:
                self._folder.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the folder, then let go of the lock: the next process finds everything written."""
        with self._guard:
            try:
                with _trouble(self._folder):
                    self._disconnect()
            except VectorsError:  # it is only left; what it lacks, verify finds
                pass
            finally:
                self._lock.release()

    def _disconnect(self) -> None:
        client, self._client, self._collection, self.name = self._client, None, None, None
        if client is not None:
            client.close()


@contextmanager
def _trouble(folder: Path) -> Iterator[None]:
    try:
        yield
    except (VectorsError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a broken folder makes Chroma's Rust core panic, which is no Exception
        cause = (str(error).strip().splitlines() or [""])[0].removeprefix("Error executing plan: ")
        raise VectorsError(f"{folder}: {cause[:80] or type(error).__name__}") from error
