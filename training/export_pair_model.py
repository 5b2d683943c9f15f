"""Writes the trained pair network as packages/pairmodel's int8 ONNX file.

    /tmp/pairs/bin/python training/export_pair_model.py pair-model.pt

The layers and their rounding are those of scripts/build_minilm.py: the words int8 with a scale a row, the matrices
int8 with a scale for every 64 inputs. The segments, and the judge on top, are the pair model's own.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from build_minilm import EPSILON, LAYERS, MICROSOFT, Floats, Graph, Weights, layer  # noqa: E402

TARGET = ROOT / "packages" / "pairmodel" / "synthlang_router_pairmodel"


class PairGraph(Graph):
    def model(self) -> onnx.ModelProto:
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, [1, "tokens"])
            for name in ("input_ids", "segments")
        ]
        outputs = [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, 1])]
        graph = helper.make_graph(self._nodes, "pair-model", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def published_names(state: dict[str, torch.Tensor]) -> dict[str, Floats]:
    """The weights under the names that the published model gives them."""
    floats = {name: value.float().numpy() for name, value in state.items()}
    weights: dict[str, Floats] = {}
    for number in range(LAYERS):
        source, name = f"layers.{number}", f"encoder.layer.{number}"
        for kind in ("weight", "bias"):
            parts = np.split(floats[f"{source}.qkv.{kind}"], 3)
            for part, value in zip(("query", "key", "value"), parts, strict=True):
                weights[f"{name}.attention.self.{part}.{kind}"] = value
            weights[f"{name}.attention.output.dense.{kind}"] = floats[f"{source}.attended.{kind}"]
            weights[f"{name}.attention.output.LayerNorm.{kind}"] = floats[f"{source}.middle_norm.{kind}"]
            weights[f"{name}.intermediate.dense.{kind}"] = floats[f"{source}.inner.{kind}"]
            weights[f"{name}.output.dense.{kind}"] = floats[f"{source}.outer.{kind}"]
            weights[f"{name}.output.LayerNorm.{kind}"] = floats[f"{source}.norm.{kind}"]
    return weights


def embeddings(graph: Graph, floats: Weights) -> str:
    """Token, position and segment."""
    words = floats["word.weight"]
    scales = np.abs(words).max(axis=1, keepdims=True) / np.float32(127)
    scales[scales == 0] = 1
    graph.constant("word.table", np.rint(words / scales).astype(np.int8))
    graph.constant("word.scales", scales)
    graph.node("Gather", ["word.table", "input_ids"], "word.row", axis=0)
    graph.node("Cast", ["word.row"], "word.float", to=TensorProto.FLOAT)
    graph.node("Gather", ["word.scales", "input_ids"], "word.scale", axis=0)
    graph.node("Mul", ["word.float", "word.scale"], "word")
    graph.constant("position.table", floats["position.weight"])
    graph.constant("zero", np.zeros(1, np.int64))
    graph.node("Shape", ["input_ids"], "position.end", start=1, end=2)
    graph.node("Slice", ["position.table", "zero", "position.end", "zero"], "position")
    graph.constant("segment.table", floats["segment.weight"])
    graph.node("Gather", ["segment.table", "segments"], "segment", axis=0)
    graph.node("Add", ["word", "position"], "placed")
    graph.node("Add", ["placed", "segment"], "input")
    scale = graph.constant("input.scale", floats["input_norm.weight"])
    bias = graph.constant("input.bias", floats["input_norm.bias"])
    return graph.node("LayerNormalization", ["input", scale, bias], "layer0", axis=-1, epsilon=EPSILON)


def build(state: dict[str, torch.Tensor]) -> bytes:
    graph = PairGraph()
    floats: dict[str, Floats] = {name: value.float().numpy() for name, value in state.items()}
    value, weights = embeddings(graph, floats), published_names(state)
    for number in range(LAYERS):
        value = layer(graph, weights, number, value)
    graph.constant("one", np.ones(1, np.int64))
    graph.node("Slice", [value, "zero", "one", "one"], "first")
    graph.node("Squeeze", ["first", "one"], "opening")
    graph.node("ReduceMean", [value, "one"], "mean", keepdims=0)
    graph.node("Concat", ["opening", "mean"], "read", axis=1)
    weight = graph.constant("judge.weight", floats["judge.weight"])
    bias = graph.constant("judge.bias", floats["judge.bias"])
    graph.node("Gemm", ["read", weight, bias], "logit", transB=1)
    graph.node("Sigmoid", ["logit"], "probability")
    model = graph.model()
    onnx.checker.check_model(model)
    built: bytes = model.SerializeToString(deterministic=True)
    return built


def main(source: str) -> None:
    built = build(torch.load(source, map_location="cpu", weights_only=True))
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "model.onnx").write_bytes(built)
    sys.stdout.write(f"{hashlib.sha256(built).hexdigest()}  {len(built)} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1])
