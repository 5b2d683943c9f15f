"""all-MiniLM-L6-v2, the local model: text to tokens to a vector, synchronous, not for the event loop.

Importing this file loads the inference runtime (some 40 ms of CPU); `embedding_local` does so in its worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from splintr import WordPieceTokenizer
from synthlang_router_minilm import MODEL_PATH, VOCAB_PATH

MAX_TOKENS: Final = 256
"""[CLS] and [SEP] included: the length the model was trained with, and the rows of its position table."""

_UNKNOWN, _BEGIN, _END = 100, 101, 102  # [UNK], [CLS], [SEP]
_LONGEST_WORD = 100  # characters; BERT's rule: a longer word is one [UNK]


class MiniLM:
    """The loaded model. Texts are embedded one by one: no padding, so a vector does not depend on its company."""

    def __init__(self, model: Path = MODEL_PATH, vocab: Path = VOCAB_PATH) -> None:
        words = vocab.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        self._tokenizer = WordPieceTokenizer(words, _UNKNOWN, _LONGEST_WORD, do_lower_case=True)
        self._session = onnxruntime.InferenceSession(model, _options(), providers=["CPUExecutionProvider"])

    def tokens(self, text: str) -> list[int]:
        """BERT's uncased WordPiece. A "[SEP]" spelt out in the text is text, never a control token."""
        return [_BEGIN, *self._tokenizer.encode_raw(text), _END]

    def embed(self, text: str) -> NDArray[np.float32] | None:
        """A read-only vector of length 1; None, at no cost, for more than MAX_TOKENS."""
        tokens = self.tokens(text)
        if len(tokens) > MAX_TOKENS:
            return None
        (vectors,) = self._session.run(["embedding"], {"input_ids": np.array([tokens], dtype=np.int64)})
        vector: NDArray[np.float32] = vectors[0]
        vector.setflags(write=False)
        return vector


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; the runtime would write its warnings to stderr itself
    # The file is written with its operators fused: optimising finds nothing and costs 6 MB and 6 ms. A memory
    # plan for every text length and an arena that never shrinks cost more memory, and save no measurable time.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    return options
