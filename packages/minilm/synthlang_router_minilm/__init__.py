"""Where the files of the local embedding model lie, and the digests they must have."""

from pathlib import Path

MODEL_PATH = Path(__file__).with_name("model.onnx")
MODEL_SHA256 = "93c4e7dff6a99f77f8d5aa63344aa482254f6ca033b12051877dac4c908ce7f9"

VOCAB_PATH = Path(__file__).with_name("vocab.txt")
VOCAB_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"

__all__ = ["MODEL_PATH", "MODEL_SHA256", "VOCAB_PATH", "VOCAB_SHA256"]
