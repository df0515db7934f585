"""Make the reader's weights: `python -m qa.reader.train --data FOLDER --out FOLDER`.

Fine-tunes the bundled encoder (embeddings frozen) as a span reader with a sentence output. The loss of a question
with its two passages is the sum of

- the span loss of each passage: the log-likelihood of any marked start and end, of each of them where they are to be
  found together, and of position 0 where there is none;
- half a loss normalised over both passages together (Clark and Gardner 2018, "Simple and Effective Multi-Paragraph
  Reading Comprehension", section 3.2, shared normalisation);
- the sentence loss: a binary one over the sentences of both passages, and half a listwise one.

`--start FOLDER` goes on from the weights of an earlier run, with a fresh schedule, and `--keep SHARE` mixes that
share of them, or of `--average FOLDER`, into the result. Runs on a GPU where there is one.
Writes a checkpoint every few hundred steps and resumes from it.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qa.encoder import Encoder, prepare_torch

torch = prepare_torch()

from qa.reader import data, model  # noqa: E402  (torch first, with its settings)

QUESTIONS_A_STEP = 16
LEARNING_RATE = 2e-4
HEAD_RATE = 1e-3  # the two new heads start from noise
WARM_UP = 0.04
CHECKPOINT_STEPS = 200


def examples_from(folder: Path, scale: Path | None, unanswerable: Path | None, seed: int) -> list[data.Example]:
    """Return one pass of training examples: from `folder`, our own questions, and `unanswerable`'s training titles."""
    rng, encoder = random.Random(seed), Encoder()
    found = data.news_examples(folder, scale, encoder, rng) if (folder / "news_questions.jsonl.gz").is_file() else []
    print(f"news: {len(found):,} examples", flush=True)
    for name, share in data.SETS.items():
        file = folder / f"{name}.jsonl.gz"
        if not file.is_file():
            print(f"{file} is missing: trained without it", flush=True)
            continue
        part = data.set_examples(file, share, encoder, rng)
        answerable = sum(bool(e.evidence) for e in part)
        print(f"{name}: {len(part):,} examples, {answerable / max(len(part), 1):.0%} answerable", flush=True)
        found += part
    if unanswerable:
        part = data.unanswerable_examples(unanswerable, encoder, rng)
        print(f"{unanswerable.name}: {len(part):,} examples", flush=True)
        found += part
    return data.with_follow_ups(found, rng)


def batches(examples: Sequence[data.Example], seed: int) -> Iterator[list[data.Example]]:
    """Yield batches for one pass, in an order that `seed` fixes."""
    rng = random.Random(seed)
    order = list(examples)
    rng.shuffle(order)
    for begin in range(0, len(order), QUESTIONS_A_STEP):
        yield order[begin : begin + QUESTIONS_A_STEP]


def targets(window: model.Window, spans: Sequence[tuple[int, int]], width: int) -> tuple[Any, Any]:
    """Return two masks (width,) of the tokens where a marked span starts and ends; position 0 where none does."""
    start, end = torch.zeros(width, dtype=torch.bool), torch.zeros(width, dtype=torch.bool)
    for left, right in spans:
        first = next((n for n, o in enumerate(window.offsets) if o and o[0] <= left < o[1]), None)
        last = next((n for n, o in enumerate(window.offsets) if o and o[0] < right <= o[1]), None)
        if first is not None and last is not None:
            start[first] = end[last] = True
    if not start.any():
        start[0] = end[0] = True
    return start, end


def loss_of(network: Any, inputs: model.Inputs, batch: Sequence[data.Example]) -> tuple[Any, dict[str, float]]:
    """Return the mean loss of a batch of examples, and its parts."""
    windows: list[model.Window] = []
    for example in batch:
        pairs = [(c.heading, c.text) for c in (example.positive, example.negative)]
        both = inputs.windows(example.question, pairs)
        windows += [next(w for w in both if w.row == row) for row in (0, 1)]  # a training passage fits one window
    start, end, evidence = outputs_of(network, inputs, windows)
    width, count = start.shape[1], evidence.shape[1]
    golds = [targets(window, batch[n // 2].spans if n % 2 == 0 else (), width) for n, window in enumerate(windows)]
    gold_start, gold_end = torch.stack([g[0] for g in golds]), torch.stack([g[1] for g in golds])
    allowed = torch.tensor([[o is not None for o in w.offsets] + [False] * (width - len(w.offsets)) for w in windows])
    learn = torch.tensor([n % 2 == 1 or batch[n // 2].learn_spans for n in range(len(windows))])
    every = torch.tensor([n % 2 == 0 and batch[n // 2].every for n in range(len(windows))])
    sentences_known = np.zeros((len(windows), count), bool)
    sentences_true = np.zeros((len(windows), count), np.float32)
    for n, window in enumerate(windows):
        evidence_spans = batch[n // 2].evidence if n % 2 == 0 else ()
        for offset, sentence in zip(window.offsets, window.sentence_ids, strict=True):
            if offset is not None:
                sentences_known[n, sentence] = True
                if any(a <= offset[0] < b for a, b in evidence_spans):
                    sentences_true[n, sentence] = 1.0
    known, truth = torch.from_numpy(sentences_known), torch.from_numpy(sentences_true)
    device = start.device
    gold_start, gold_end, allowed, learn, every, truth, known = (
        t.to(device) for t in (gold_start, gold_end, allowed, learn, every, truth, known)
    )
    span = joint = torch.zeros((), device=device)
    with_null = allowed.clone()
    with_null[:, 0] = True
    answered = (~gold_start[0::2, 0]) & learn[0::2]
    for logits, gold in ((start, gold_start), (end, gold_end)):
        masked = logits.masked_fill(~with_null, -1e4)
        any_of = torch.logsumexp(masked.masked_fill(~gold, -1e4), 1)
        each_of = masked.masked_fill(~gold, 0).sum(1) / gold.sum(1)
        likelihood = torch.where(every, each_of, any_of) - torch.logsumexp(masked, 1)
        span = span - (likelihood * learn).sum() / learn.sum().clamp(min=1)
        pair = logits.masked_fill(~allowed, -1e4).view(len(batch), -1)
        both = torch.logsumexp(pair.masked_fill(~gold.view(len(batch), -1), -1e4), 1) - torch.logsumexp(pair, 1)
        joint = joint - (both * answered).sum() / answered.sum().clamp(min=1)
    binary = torch.nn.functional.binary_cross_entropy_with_logits(evidence, truth, reduction="none")
    binary = (binary * known).sum() / len(batch)
    rows = evidence.masked_fill(~known, -1e4).view(len(batch), -1)
    marked = truth.view(len(batch), -1).bool()
    listwise = torch.logsumexp(rows, 1) - torch.logsumexp(rows.masked_fill(~marked, -1e4), 1)
    listwise = (listwise * marked.any(1)).sum() / marked.any(1).sum().clamp(min=1)
    total = span + 0.5 * joint + binary + 0.5 * listwise
    parts = {"span": span, "joint": joint, "sentence": binary, "listwise": listwise}
    return total, {name: float(value.detach()) for name, value in parts.items()}


def outputs_of(network: Any, inputs: model.Inputs, windows: Sequence[model.Window]) -> tuple[Any, Any, Any]:
    """Return the network's outputs for the windows: start, end (both windows, tokens), sentences (windows, most)."""
    device = next(network.parameters()).device
    batch = inputs.batch(windows, device)
    with torch.autocast(device.type, torch.bfloat16):
        start, end, evidence = network(batch)

    def rows(values: Any, sizes: list[int]) -> Any:
        parts = values[: sum(sizes)].split(sizes)
        return torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True)

    sizes = [len(window.ids) for window in windows]
    return rows(start, sizes), rows(end, sizes), rows(evidence, [window.count for window in windows])


def rate_at(progress: float) -> float:
    """Return the share of the learning rate at `progress` in [0, 1]: up over WARM_UP, then straight down to 0."""
    return min(progress / WARM_UP, max(0.0, (1 - progress) / (1 - WARM_UP)))


def train(options: argparse.Namespace) -> None:
    """Train from `options.data` into `options.out`, resuming from its checkpoint if there is one."""
    from safetensors.torch import save_file

    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    cache = options.out / f"examples-{options.seed}.pt"
    if cache.is_file():
        examples = torch.load(cache, weights_only=False)
    else:
        examples = examples_from(options.data, options.articles, options.unanswerable, options.seed)
        _write(cache, examples)
    network, tokenizer = model.new_network()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if options.start:
        network.load_state_dict(model.load_bundled(options.start)[0].state_dict())
    network.to(device).train()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = options.dropout
    inputs = model.Inputs(tokenizer)
    body = [p for n, p in network.named_parameters() if p.requires_grad and "qa_outputs" not in n and "_head" not in n]
    heads = [p for n, p in network.named_parameters() if p.requires_grad and ("qa_outputs" in n or "_head" in n)]
    groups = [{"params": body, "peak": LEARNING_RATE}, {"params": heads, "peak": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, lr=LEARNING_RATE, weight_decay=0.01)
    per_pass = math.ceil(len(examples) / QUESTIONS_A_STEP)
    steps = options.steps or per_pass * options.passes
    step, spent, file = 0, 0.0, options.out / "checkpoint.pt"
    if file.is_file():
        saved = torch.load(file, map_location=device, weights_only=False)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved["spent"]
        print(f"resuming at step {step}", flush=True)
    print(f"{len(examples):,} examples, {steps:,} steps of {QUESTIONS_A_STEP}, on {device}", flush=True)
    begun, seen = time.monotonic() - spent, dict.fromkeys(("span", "joint", "sentence", "listwise"), 0.0)
    progress = 0.0
    while progress < 1:
        number, within = divmod(step, per_pass)
        for at, batch in enumerate(batches(examples, options.seed + number)):
            if at < within:
                continue
            spent = time.monotonic() - begun
            progress = max(step / steps, spent / (60 * options.minutes) if options.minutes else 0.0)
            if progress >= 1:
                break
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * options.rate * rate_at(progress)
            loss, parts = loss_of(network, inputs, batch)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(body + heads, 1.0)
            optimiser.step()
            step += 1
            for name, value in parts.items():
                seen[name] += value / 50
            if step % 50 == 0:
                shown = "  ".join(f"{name} {value:.3f}" for name, value in seen.items())
                print(f"step {step:,} of {steps:,} ({progress:.0%}, {spent / 60:.0f} min)  {shown}", flush=True)
                seen = dict.fromkeys(seen, 0.0)
            if step % CHECKPOINT_STEPS == 0:
                state = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
                _write(file, {**state, "step": step, "spent": spent})
    # The mean of two points of one run often generalises better than its end (Wortsman and others 2022).
    if other := options.average or options.start:
        before = model.load_bundled(other)[0].state_dict()
        mixed = {name: torch.lerp(end.cpu(), before[name], options.keep) for name, end in network.state_dict().items()}
        network.load_state_dict(mixed)
    save_file(model.shipped_state(network.cpu()), options.out / "reader.safetensors")
    made = {"steps": step, "questions_a_step": QUESTIONS_A_STEP, "examples": len(examples), "seed": options.seed}
    (options.out / "training.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {options.out / 'reader.safetensors'} after {step:,} steps", flush=True)


def _write(file: Path, value: Any) -> None:
    """Write by way of another name, so that a stop in the middle leaves the last checkpoint whole."""
    part = file.with_suffix(".part")
    torch.save(value, part)
    part.replace(file)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m qa.reader.train", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the training sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and weights")
    parser.add_argument(
        "--unanswerable", type=Path, help="a set whose unanswerable questions are used, half its titles"
    )
    parser.add_argument("--articles", type=Path, help="file of the articles that Byline's own questions are over")
    parser.add_argument("--start", type=Path, help="folder of the weights to go on from (default: the encoder's)")
    parser.add_argument("--keep", type=float, default=0.0, help="share of those weights in the end, from 0 to 1")
    parser.add_argument("--average", type=Path, help="folder of the weights to keep a share of (default: of --start)")
    parser.add_argument("--rate", type=float, default=1.0, help="share of the learning rates to use (default 1)")
    parser.add_argument("--dropout", type=float, default=0.0, help="share of hidden values to drop (default 0)")
    parser.add_argument("--passes", type=int, default=1, help="passes over the examples (default 1)")
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps instead")
    parser.add_argument(
        "--minutes", type=float, default=0, help="stop after so many minutes, rate down to zero by then"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    if not options.data.is_dir():
        print(f"no such folder: {options.data}. Give the folder that holds the training sets.", file=sys.stderr)
        return 1
    train(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
