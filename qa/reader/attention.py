"""Attention for passages laid end to end in one row: each attends to itself alone, and little is padding.

Every other part of the network works token by token, so a passage's result does not depend on what it is read with.
For the products of attention, passages of like length are put side by side; the length they are filled up to
depends on their own alone. The backward pass is one of plain matrix products: on a CPU that of
`scaled_dot_product_attention` (seen in PyTorch 2.13) takes thirty times as long as its forward pass, half of a whole
training step; recomputing the probabilities takes a quarter of that, with the same gradients within bfloat16's
rounding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "byline_end_to_end"
FILLED = 32  # passages are filled up to a multiple of so many tokens


@dataclass(frozen=True, slots=True)
class Group:
    """Passages of like length: the token at each place (passages, length), where it goes to, and which are real."""

    tokens: Any
    places: Any  # (passages * length,); a filled place goes to a row after the last token
    real: Any  # (passages, 1, 1, length), or None where all are


def groups_of(lengths: Sequence[int], device: Any = "cpu") -> list[Group]:
    """Return the groups of passages of the given lengths that lie end to end."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    at = 0
    for length in lengths:
        found[-(-length // FILLED) * FILLED].append((at, length))
        at += length
    groups = []
    for width, members in sorted(found.items()):
        begin, length = torch.tensor(members, device=device).T[:, :, None]
        place = torch.arange(width, device=device)[None]
        real = place < length
        tokens = begin + torch.where(real, place, 0)
        mask = None if bool(real.all()) else real[:, None, None]
        groups.append(Group(tokens, torch.where(real, tokens, at).flatten(), mask))
    return groups


class _Attention(torch.autograd.Function):
    """Scaled dot-product attention within each passage: (tokens, heads, size) three times → the same shape."""

    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, value: Any, groups: Sequence[Group], scale: float) -> Any:
        ctx.save_for_backward(query, key, value)
        ctx.groups, ctx.scale = groups, scale
        found = query.new_empty((query.shape[0] + 1, *query.shape[1:]))
        for group in groups:
            q, k, v = (tensor[group.tokens].transpose(1, 2) for tensor in (query, key, value))
            one = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=group.real, scale=scale)
            found.index_copy_(0, group.places, one.transpose(1, 2).flatten(0, 1))
        return found[:-1]

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        query, key, value = ctx.saved_tensors
        outputs = [query.new_empty((query.shape[0] + 1, *query.shape[1:])) for _ in range(3)]
        for group in ctx.groups:
            passages, width = group.tokens.shape

            def taken(tensor: Any, tokens: Any = group.tokens) -> Any:
                return tensor[tokens].transpose(1, 2).flatten(0, 1)

            q, k, v, gradient = (taken(tensor) for tensor in (query, key, value, gradients[0]))
            q *= ctx.scale
            scores = torch.bmm(q, k.transpose(1, 2))
            if group.real is not None:
                real = group.real.expand(-1, query.shape[1], -1, -1).flatten(0, 1)
                scores += torch.zeros(real.shape, dtype=scores.dtype, device=scores.device).masked_fill_(~real, -1e4)
                gradient *= real.transpose(1, 2)
            weights = torch.softmax(scores, -1)
            of_value = torch.bmm(weights.transpose(1, 2), gradient)
            of_scores = torch.bmm(gradient, v.transpose(1, 2))
            of_scores = torch._softmax_backward_data(of_scores, weights, -1, weights.dtype)
            of_query = torch.bmm(of_scores, k).mul_(ctx.scale)
            of_key = torch.bmm(of_scores.transpose(1, 2), q)
            for output, one in zip(outputs, (of_query, of_key, of_value), strict=True):
                one = one.view(passages, -1, width, one.shape[-1]).transpose(1, 2).flatten(0, 1)
                output.index_copy_(0, group.places, one)
        return (*(output[:-1] for output in outputs), None, None)


def _forward(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    groups: Sequence[Group] = (),
    **_: Any,
) -> tuple[Any, None]:
    rows = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    return _Attention.apply(*rows, groups, scaling or query.shape[-1] ** -0.5)[None], None


def register() -> str:
    """Make the attention known to transformers and return its name."""
    AttentionInterface.register(NAME, _forward)
    AttentionMaskInterface.register(NAME, lambda *_, **__: None)
    return NAME
