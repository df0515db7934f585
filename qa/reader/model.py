"""Passages → scored spans. The only file that touches transformers.

A span's score is its margin in raw logits over "no answer in this passage" (position 0, as in SQuAD 2.0), so scores
of different passages are comparable; nothing is normalised within a passage, where a passage without an answer would
outvote the right one. Beside start and end, the bundled network scores every sentence: "is this part of the answer?"
Offsets go from the tokenizer to the screen; nothing is searched for again.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer

from qa.encoder import bundled_folder, first_line, native_bf16, prepare_torch, quiet_loading
from qa.errors import ReaderError
from qa.passages import heading_text
from qa.reader import attention
from qa.records import Article, Hit, SentenceScore, Span
from qa.settings import BUNDLED, Settings
from qa.text import sentences

WEIGHTS = Path(__file__).parent / "weights"
HEADING_ENDS = " | "  # between title and passage; a character that sentences rarely hold
QUESTION_CHARACTERS = 400  # about 100 tokens; a longer question is cut, from its start on it is rarely a question
MAX_TOKENS = 320  # question, title and a passage of 200 tokens fit; longer passages are read in windows
STRIDE = 96  # tokens that neighbouring windows share: more than the longest answer
MAX_ANSWER = 48  # tokens; longer answers are shown as whole sentences anyway
MOST_SPANS = 4  # of one sentence
NEARLY = 3.0  # logits that a further span of a sentence may be worse than its best
SPLIT = 1.0  # logits that an end and a start inside a span may be worse than its own, to cut it there
BATCH = 16
# A batch is filled up to a multiple of so many tokens, since kernels are made, and kept, for each shape that comes
# along; and to so many at least: below, oneDNN adds up a product of 1,536 numbers in another order, which shows in a
# logit's second digit.
ROWS, LEAST_ROWS = 128, 512
OUTSIDE = -1


class ReaderNetwork(nn.Module):
    """A question-answering model with a third output: one logit a sentence, from its pooled token vectors."""

    def __init__(self, base: Any, sentence_head: bool) -> None:
        super().__init__()
        self.base = base
        hidden = base.config.hidden_size
        self.sentence_head = (
            nn.Sequential(nn.Linear(2 * hidden, 128), nn.GELU(), nn.Linear(128, 1)) if sentence_head else None
        )

    def forward(self, batch: Batch) -> tuple[Any, Any, Any]:
        """Return start and end logits (tokens,) and sentence logits (sentences,) of a batch's windows, in float32.

        Sentence logits are None of a model without the sentence output. Windows are read end to end in one row where
        the model keeps them apart, else one at a time: what a window gets does not depend on the others.
        """
        if self.sentence_head is None:
            parts = [self.base(**batch.inputs(self._has_types, slice(a, b))) for a, b in batch.bounds]
            joined = [
                torch.cat([getattr(p, name)[0] for p in parts]).float() for name in ("start_logits", "end_logits")
            ]
            return joined[0], joined[1], None
        given = {**batch.inputs(True), "position_ids": batch.positions[None], "groups": batch.groups}
        tokens = self.base.base_model(**given).last_hidden_state[0].float()
        # The outputs are computed in float32: in bfloat16 a logit of 8 is rounded to 1/32, and ties decide answers.
        with torch.autocast(tokens.device.type, enabled=False):
            start, end = _linear(self.base.qa_outputs, tokens).unbind(-1)
            hidden, activation, last = self.sentence_head
            pooled = _pooled(tokens, batch.sentences, batch.count)
            return start, end, _linear(last, activation(_linear(hidden, pooled))).squeeze(-1)

    @property
    def _has_types(self) -> bool:
        return self.base.config.type_vocab_size > 1


def multiply_in_bf16(network: ReaderNetwork) -> None:
    """Let the matrix products of `network` run in bfloat16, and nothing else.

    What is added up from layer to layer, and normalised, stays in float32: with all of it in bfloat16, the same
    passage read in another batch came out up to .06 logits different.
    """
    for module in network.base.base_model.modules():
        if isinstance(module, nn.Linear):
            module.to(torch.bfloat16)
            module.register_forward_pre_hook(lambda _, given: (given[0].bfloat16(),))


def _linear(layer: Any, inputs: Any) -> Any:
    return nn.functional.linear(inputs, layer.weight.float(), layer.bias.float())


def _pooled(tokens: Any, sentence_ids: Any, count: int) -> Any:
    """Return the mean and the maximum of each sentence's token vectors: (count, 2 * size)."""
    slot = torch.where(sentence_ids == OUTSIDE, count, sentence_ids)
    index = slot.unsqueeze(-1).expand_as(tokens)
    zeros = torch.zeros((count + 1, tokens.shape[1]), device=tokens.device)
    total = zeros.scatter_add(0, index, tokens)
    size = zeros[:, 0].scatter_add(0, slot, torch.ones_like(slot, dtype=torch.float32))
    top = zeros.scatter_reduce(0, index, tokens, "amax", include_self=False)
    return torch.cat([total / size.clamp(min=1).unsqueeze(-1), top], -1)[:count]


@dataclass(frozen=True, slots=True)
class Window:
    """The model's input for (a part of) one passage. `offsets` are characters of the passage, None outside it."""

    row: int
    ids: tuple[int, ...]
    types: tuple[int, ...]
    offsets: tuple[tuple[int, int] | None, ...]
    sentence_ids: tuple[int, ...]

    @property
    def count(self) -> int:
        """Return how many sentences its outputs are for: one more than the last it holds."""
        return max(self.sentence_ids, default=OUTSIDE) + 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows end to end as tensors (tokens,), with padding as a last one; `sentences` counts on through them."""

    ids: Any
    types: Any
    positions: Any
    sentences: Any
    lengths: tuple[int, ...]
    groups: list[attention.Group]
    count: int

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """Return where each window begins and ends."""
        ends = list(itertools.accumulate(self.lengths))
        return list(zip([0, *ends], ends, strict=False))

    def inputs(self, types: bool, part: slice = slice(None)) -> dict[str, Any]:
        """Return what a model is given of one part: a row of ids, and of types where it has them."""
        given = {"input_ids": self.ids[None, part]}
        return {**given, "token_type_ids": self.types[None, part]} if types else given


class Inputs:
    """Question, heading and passage → windows; a tokenizer of its own, whose state nothing changes."""

    def __init__(self, tokenizer: Any, max_tokens: int = MAX_TOKENS) -> None:
        from tokenizers import Tokenizer

        self.max_tokens = max_tokens
        self.pad = tokenizer.pad_token_id or 0
        self._tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def windows(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Window]:
        """Return the windows of each (heading, text); a passage that fits has one."""
        question = " ".join(question.split())[:QUESTION_CHARACTERS]
        contexts = [f"{heading}{HEADING_ENDS}{text}" if heading else text for heading, text in passages]
        encodings = self._tokenizer.encode_batch([(question, context) for context in contexts])
        found: list[Window] = []
        for row, ((_, text), context, encoding) in enumerate(zip(passages, contexts, encodings, strict=True)):
            shift = len(context) - len(text)
            spans = sentences(text)
            offsets: list[tuple[int, int] | None] = []
            sentence_ids: list[int] = []
            at = 0
            for sequence, (start, end) in zip(encoding.sequence_ids, encoding.offsets, strict=True):
                if sequence != 1 or start < shift or end <= start:
                    offsets.append(None)
                    sentence_ids.append(OUTSIDE)
                    continue
                start, end = start - shift, end - shift
                while at < len(spans) - 1 and start >= spans[at][1]:
                    at += 1
                inside = bool(spans) and spans[at][0] <= start < spans[at][1]
                offsets.append((start, end) if inside else None)
                sentence_ids.append(at if inside else OUTSIDE)
            found += self._cut(row, encoding, offsets, sentence_ids)
        return found

    def _cut(
        self, row: int, encoding: Any, offsets: list[tuple[int, int] | None], sentence_ids: list[int]
    ) -> list[Window]:
        ids, types = encoding.ids, encoding.type_ids
        body = [i for i, offset in enumerate(offsets) if offset is not None]
        if len(ids) <= self.max_tokens or not body:
            keep = range(min(len(ids), self.max_tokens))
            pick = [list(keep)]
        else:
            first, last = body[0], body[-1] + 1
            room = max(self.max_tokens - first - (len(ids) - last), STRIDE * 2)
            pick, at = [], first
            while True:
                pick.append([*range(first), *range(at, min(at + room, last)), *range(last, len(ids))])
                if at + room >= last:
                    break
                at += room - STRIDE
        return [
            Window(
                row,
                tuple(ids[i] for i in chosen),
                tuple(types[i] for i in chosen),
                tuple(offsets[i] for i in chosen),
                tuple(sentence_ids[i] for i in chosen),
            )
            for chosen in pick
        ]

    def batch(self, windows: Sequence[Window], device: Any = "cpu") -> Batch:
        """Return the windows end to end, filled up to LEAST_ROWS tokens or a multiple of ROWS."""
        lengths = [len(window.ids) for window in windows]
        spare = max(LEAST_ROWS - sum(lengths), -sum(lengths) % ROWS)
        positions = [n for length in lengths for n in range(length)] + [n % self.max_tokens for n in range(spare)]
        sentences: list[int] = []
        count = 0
        for window in windows:
            sentences += [s if s == OUTSIDE else s + count for s in window.sentence_ids]
            count += window.count

        def filled(values: list[int], value: int) -> Any:
            return torch.tensor(values + [value] * (sum(lengths) + spare - len(values)), device=device)

        return Batch(
            filled([i for window in windows for i in window.ids], self.pad),
            filled([i for window in windows for i in window.types], 0),
            filled(positions, 0),
            filled(sentences, OUTSIDE),
            tuple(lengths),
            attention.groups_of([*lengths, spare] if spare else lengths, device),
            count,
        )


def new_network() -> tuple[ReaderNetwork, Any]:
    """Return an untrained reader on the bundled encoder's weights, embeddings frozen, and its tokenizer."""
    quiet_loading()
    folder = bundled_folder()
    base = AutoModelForQuestionAnswering.from_pretrained(
        folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation=attention.register()
    )
    for parameter in base.base_model.embeddings.parameters():
        parameter.requires_grad_(False)
    return ReaderNetwork(base, sentence_head=True), AutoTokenizer.from_pretrained(folder)


def shipped_state(network: ReaderNetwork) -> dict[str, Any]:
    """Return the tensors that ship: everything but the embeddings, which are the encoder's, in bfloat16."""
    return {
        name: tensor.to(torch.bfloat16).contiguous()
        for name, tensor in network.state_dict().items()
        if ".embeddings." not in name
    }


def load_bundled(folder: Path = WEIGHTS) -> tuple[ReaderNetwork, Any]:
    """Return the trained reader of `folder` and its tokenizer. Raises ReaderError."""
    from safetensors.torch import load_file

    file = folder / "reader.safetensors"
    try:
        state = load_file(file)
    except Exception as error:
        raise ReaderError(
            f"the reader's weights {file} cannot be read ({error}). Reinstall Byline, or run python -m qa.reader.train."
        ) from error
    network, tokenizer = new_network()
    missing, unexpected = network.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    if unexpected or any(".embeddings." not in name for name in missing):
        raise ReaderError(f"{file} does not fit this version of Byline. Reinstall Byline.")
    return network, tokenizer


class Reader:
    """A loaded reader, safe to share between threads."""

    def __init__(self, network: ReaderNetwork, tokenizer: Any, threads: int = 0, bf16: bool | None = None) -> None:
        """Take a network to read with; `bf16`: multiply in bfloat16 (None: where the processor does so itself)."""
        prepare_torch(threads)
        limit = min(MAX_TOKENS, getattr(network.base.config, "max_position_embeddings", MAX_TOKENS) or MAX_TOKENS)
        self._inputs = Inputs(tokenizer, limit)
        self._network = network.eval().float()
        if native_bf16() if bf16 is None else bf16:
            multiply_in_bf16(network)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, settings: Settings) -> Reader:
        """Return the reader that `settings` names. Raises ReaderError when it cannot be loaded."""
        if settings.reader == BUNDLED:
            return cls(*load_bundled(), settings.threads)
        quiet_loading()
        try:
            config = AutoConfig.from_pretrained(settings.reader)
            base, info = AutoModelForQuestionAnswering.from_pretrained(
                settings.reader, config=config, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(settings.reader)
        except Exception as error:
            raise ReaderError(
                f"the reader {settings.reader!r} cannot be loaded ({first_line(error)}). "
                f"Name a question-answering model's folder or hub name in the settings, or {BUNDLED!r}."
            ) from error
        if any("qa_outputs" in name for name in info["missing_keys"]):
            raise ReaderError(
                f"the model {settings.reader!r} was not trained for question answering. "
                f"Name one that was, or {BUNDLED!r}."
            )
        if not getattr(tokenizer, "is_fast", False):
            raise ReaderError(f"the model {settings.reader!r} has no fast tokenizer, so no offsets. Name another.")
        return cls(ReaderNetwork(base, sentence_head=False), tokenizer, settings.threads)

    def read(
        self, question: str, hits: Sequence[Hit], articles: Mapping[tuple[str, int], Article] | None = None
    ) -> list[list[SentenceScore]]:
        """Return, for each hit, its sentences in order with the best spans of each.

        `articles`, by (id, version), give the title and date that are read before a passage. The result does not
        depend on how passages are batched: beyond bfloat16's rounding, each is read by itself.
        """
        passages = []
        for hit in hits:
            article = (articles or {}).get((hit.passage.article_id, hit.passage.version))
            passages.append((heading_text(article) if article else "", hit.passage.text))
        windows = self._inputs.windows(question, passages)
        order = sorted(range(len(windows)), key=lambda n: len(windows[n].ids))
        found: list[dict[int, _Reading]] = [{} for _ in hits]
        for begin in range(0, len(order), BATCH):
            chosen = [windows[n] for n in order[begin : begin + BATCH]]
            for window, readings in zip(chosen, self._score(chosen), strict=True):
                best = found[window.row]
                for sentence, reading in readings.items():
                    if sentence not in best or reading.spans[0] > best[sentence].spans[0]:
                        best[sentence] = reading
        results = []
        for hit, best in zip(hits, found, strict=True):
            passage = hit.passage
            bounds = sentences(passage.text)
            scored = []
            for number, reading in sorted(best.items()):
                start, end = (passage.start + offset for offset in bounds[number])
                first, *more = [
                    Span(passage, passage.start + left, passage.start + right, margin)
                    for margin, left, right in reading.spans
                ]
                scored.append(SentenceScore(start, end, first, reading.evidence, tuple(more)))
            results.append(scored)
        return results

    def _score(self, windows: Sequence[Window]) -> list[dict[int, _Reading]]:
        batch = self._inputs.batch(windows)
        with self._lock, torch.inference_mode():
            start, end, evidence = self._network(batch)
        starts, ends = start.numpy(), end.numpy()
        results, sentences_before = [], 0
        for (left_edge, right_edge), window in zip(batch.bounds, windows, strict=True):
            own_starts, own_ends = starts[left_edge:right_edge], ends[left_edge:right_edge]
            null = float(own_starts[0] + own_ends[0])
            readings = {}
            for sentence, first, last in _runs(window.sentence_ids):
                spans = []
                for total, left, right in best_spans(own_starts[first:last], own_ends[first:last], null):
                    begin, finish = window.offsets[first + left], window.offsets[first + right]
                    assert begin is not None and finish is not None  # a run holds only tokens with offsets
                    spans.append((total - null, begin[0], finish[1]))
                logit = None if evidence is None else float(evidence[sentences_before + sentence])
                readings[sentence] = _Reading(tuple(spans), logit)
            results.append(readings)
            sentences_before += window.count
        return results


@dataclass(frozen=True, slots=True)
class _Reading:
    """A sentence's spans as (margin, start, end) in characters of its passage, best first, and its logit."""

    spans: tuple[tuple[float, int, int], ...]
    evidence: float | None


def best_spans(start: np.ndarray, end: np.ndarray, null: float) -> list[tuple[float, int, int]]:
    """Return the best span of some tokens, and further ones beside it that nearly equal it, as (logit, first, last).

    Start and end are chosen together, the end never before the start. A span that holds another end and, after it,
    another start about as good as its own is cut there: it is a list ("tea, milk and honey"), or says the answer and
    goes on. A further span must beat the no-answer score `null` and not overlap.
    """
    size = len(start)
    grid = start[:, None] + end[None, :]
    steps = np.arange(size)[None, :] - np.arange(size)[:, None]
    grid = np.where((steps >= 0) & (steps < MAX_ANSWER), grid, -np.inf)
    found: list[tuple[float, int, int]] = []
    while len(found) < MOST_SPANS:
        left, right = divmod(int(grid.argmax()), size)
        logit = float(grid[left, right])
        if found and (logit < found[0][0] - NEARLY or logit < null):
            break
        found += _parts(start, end, left, right)
        grid[: right + 1, left:] = -np.inf  # whatever starts before its end and ends after its start
        if not np.isfinite(grid).any():
            break
    return found[:MOST_SPANS]


def _parts(start: np.ndarray, end: np.ndarray, left: int, right: int) -> list[tuple[float, int, int]]:
    """Return the span, or what it is cut into, best first, as (logit, first, last)."""
    parts, at = [], left
    for last in left + np.flatnonzero(end[left:right] >= end[right] - SPLIT):
        later = np.flatnonzero(start[last + 1 : right + 1] >= start[left] - SPLIT)
        if last >= at and len(later):
            parts.append((float(start[at] + end[last]), at, int(last)))
            at = int(last + 1 + later[0])
    return sorted([*parts, (float(start[at] + end[right]), at, right)], key=lambda part: -part[0])


def _runs(sentence_ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (sentence, first token, end token) of each sentence in a window."""
    runs: list[tuple[int, int, int]] = []
    for position, sentence in enumerate(sentence_ids):
        if sentence == OUTSIDE:
            continue
        if runs and runs[-1][0] == sentence and runs[-1][2] == position:
            runs[-1] = (sentence, runs[-1][1], position + 1)
        else:
            runs.append((sentence, position, position + 1))
    return runs
