"""The pair model: reads two questions together and says how likely the answer to one serves the other.

Synchronous, for a worker thread. Importing this file loads the inference runtime, making a `PairModel` reads the file:
import it in the worker, when the first pair has to be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import onnxruntime
from splintr import WordPieceTokenizer
from synthlang_router_minilm import VOCAB_PATH

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TOKENS: Final = 128
"""Of both texts together, [CLS] and two [SEP] included: the longest pair the model was trained with."""
MAX_CHARACTERS: Final = 2_000
_UNKNOWN, _BEGIN, _END = 100, 101, 102
_LONGEST_WORD: Final = 100


class PairModel:
    """Loaded once; a run takes a few milliseconds and no lock: the session may be used by several threads."""

    def __init__(self, model: Path, vocab: Path = VOCAB_PATH) -> None:
        """`model` is the MODEL_PATH of the distribution synthlang-router-pairmodel."""
        words = vocab.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        self._tokenizer = WordPieceTokenizer(words, _UNKNOWN, _LONGEST_WORD, do_lower_case=True)
        self._session = onnxruntime.InferenceSession(model, _options(), providers=["CPUExecutionProvider"])

    def probability(self, stored: str, asked: str) -> float | None:
        """The mean over both orders of the texts; None, at little cost, where they are too long to be read."""
        if len(stored) + len(asked) > MAX_CHARACTERS:
            return None
        one, other = (self._tokens(text) for text in (stored, asked))
        if len(one) + len(other) + 3 > MAX_TOKENS:
            return None
        return (self._read(one, other) + self._read(other, one)) / 2

    def _tokens(self, text: str) -> list[int]:
        """The tokenizer takes no lone surrogate; a question mark says as little."""
        found: list[int] = self._tokenizer.encode_raw(text.encode("utf-8", "replace").decode())
        return found

    def _read(self, a: Sequence[int], b: Sequence[int]) -> float:
        """Each token says whose it is and whether the other text has it too."""
        in_a, in_b = set(a), set(b)
        ids = [_BEGIN, *a, _END, *b, _END]
        segments = [0, *(0 if x in in_b else 1 for x in a), 0, *(2 if x in in_a else 3 for x in b), 2]
        feeds = {"input_ids": _row(ids), "segments": _row(segments)}
        (probability,) = self._session.run(["probability"], feeds)
        return float(probability[0, 0])


def _row(values: list[int]) -> NDArray[np.int64]:
    return np.array([values], dtype=np.int64)


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    return options
