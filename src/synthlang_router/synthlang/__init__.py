"""Say the same with fewer tokens: token counts, and a notation for data that decodes byte for byte."""

from synthlang_router.synthlang.codec import BrokenFrame
from synthlang_router.synthlang.prompt import (
    Prompt,
    SynthLang,
    compress_prompt,
    decode_messages,
    decompress_prompt,
    measure,
)
from synthlang_router.synthlang.tokens import ENCODINGS, TokenCount, count_prompt, count_tokens, encoding_for

__all__ = [
    "ENCODINGS",
    "BrokenFrame",
    "Prompt",
    "SynthLang",
    "TokenCount",
    "compress_prompt",
    "count_prompt",
    "count_tokens",
    "decode_messages",
    "decompress_prompt",
    "encoding_for",
    "measure",
]
