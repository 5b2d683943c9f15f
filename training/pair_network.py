"""The pair network in torch: MiniLM reads both texts together, one linear layer judges.

Every token says with its segment which text it belongs to and whether it also stands in the other one, so that
the difference is marked before the first layer.
"""

import json
import struct
from collections.abc import Sequence

import torch
from torch import Tensor, nn

LAYERS, HEADS, WIDTH, INNER = 6, 12, 384, 1536
POSITIONS = 256
SEGMENTS = 4


class Layer(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.middle_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.inner = nn.Linear(WIDTH, INNER)
        self.outer = nn.Linear(INNER, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, value: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = value.shape
        heads = self.qkv(value).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        # written out: the fused attention's backward pass takes half of a step on a processor
        scores = heads[0] @ heads[1].transpose(-1, -2) * (WIDTH // HEADS) ** -0.5
        context = (
            scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1).to(heads.dtype) @ heads[2]
        )
        context = context.transpose(1, 2).reshape(batch, length, WIDTH)
        middle = self.middle_norm(value + self.dropout(self.attended(context)))
        inner = nn.functional.gelu(self.inner(middle))
        result: Tensor = self.norm(middle + self.dropout(self.outer(inner)))
        return result


class PairNetwork(nn.Module):
    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.word = nn.Embedding(30522, WIDTH)
        self.position = nn.Embedding(POSITIONS, WIDTH)
        self.segment = nn.Embedding(SEGMENTS, WIDTH)
        self.input_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))
        self.dropout = nn.Dropout(dropout)
        self.judge = nn.Linear(2 * WIDTH, 1)
        self.frozen = 0
        """Layers from below that are not trained, nor what is under them."""

    def freeze(self, layers: int) -> None:
        self.frozen = layers
        for layer in self.layers[:layers]:
            layer.dropout.p = 0.0

    def forward(self, ids: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
        """Logits; `mask` is true for tokens, false for padding."""
        attention = mask[:, None, None, :]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            positions = torch.arange(ids.shape[1], device=ids.device)
            value = self.word(ids) + self.position(positions) + self.segment(segments)
            value = self.dropout(self.input_norm(value))
            for layer in self.layers[: self.frozen]:
                value = layer(value, attention)
        for layer in self.layers[self.frozen :]:
            value = layer(value, attention)
        weight = mask[:, :, None].float()
        mean = (value * weight).sum(1) / weight.sum(1)
        logits: Tensor = self.judge(self.dropout(torch.cat((value[:, 0], mean), 1)))
        return logits[:, 0]

    def load_minilm(self, safetensors: bytes) -> None:
        weights = _read(safetensors)
        table = weights["embeddings.token_type_embeddings.weight"]
        with torch.no_grad():
            self.word.weight.copy_(weights["embeddings.word_embeddings.weight"])
            self.position.weight.copy_(weights["embeddings.position_embeddings.weight"][:POSITIONS])
            self.segment.weight.copy_(table[[0, 0, 0, 0]] + 0.02 * torch.randn(SEGMENTS, WIDTH))
            _copy(self.input_norm, weights, "embeddings.LayerNorm")
            for number, layer in enumerate(self.layers):
                if not isinstance(layer, Layer):
                    raise TypeError(number)
                name = f"encoder.layer.{number}"
                parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
                layer.qkv.weight.copy_(torch.cat([weights[f"{part}.weight"] for part in parts]))
                layer.qkv.bias.copy_(torch.cat([weights[f"{part}.bias"] for part in parts]))
                _copy(layer.attended, weights, f"{name}.attention.output.dense")
                _copy(layer.middle_norm, weights, f"{name}.attention.output.LayerNorm")
                _copy(layer.inner, weights, f"{name}.intermediate.dense")
                _copy(layer.outer, weights, f"{name}.output.dense")
                _copy(layer.norm, weights, f"{name}.output.LayerNorm")


def _copy(module: nn.Linear | nn.LayerNorm, weights: dict[str, Tensor], name: str) -> None:
    module.weight.copy_(weights[f"{name}.weight"])
    module.bias.copy_(weights[f"{name}.bias"])


def _read(data: bytes) -> dict[str, Tensor]:
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(
                entry["shape"]
            )
    return tensors


def encode(a: Sequence[int], b: Sequence[int]) -> tuple[list[int], list[int]]:
    """[CLS] a [SEP] b [SEP] with segments: 0 and 1 for a's tokens (shared, own), 2 and 3 for b's."""
    in_a, in_b = set(a), set(b)
    ids = [101, *a, 102, *b, 102]
    segments = [0, *(0 if x in in_b else 1 for x in a), 0, *(2 if x in in_a else 3 for x in b), 2]
    return ids, segments
