"""Say the same with fewer tokens: token counts, and a notation for data that decodes byte for byte."""

from synthlang_router.synthlang.frames import BrokenFrame
from synthlang_router.synthlang.holdout import held_out
from synthlang_router.synthlang.messages import decode_messages
from synthlang_router.synthlang.prompt import Prompt, compress_prompt, decompress_prompt, measure
from synthlang_router.synthlang.report import Line, Price, report, request_of
from synthlang_router.synthlang.step import SynthLang
from synthlang_router.synthlang.storage import restore_body, shorten_body
from synthlang_router.synthlang.tokens import ENCODINGS, TokenCount, count_prompt, count_tokens, encoding_for

__all__ = [
    "ENCODINGS",
    "BrokenFrame",
    "Line",
    "Price",
    "Prompt",
    "SynthLang",
    "TokenCount",
    "compress_prompt",
    "count_prompt",
    "count_tokens",
    "decode_messages",
    "decompress_prompt",
    "encoding_for",
    "held_out",
    "measure",
    "report",
    "request_of",
    "restore_body",
    "shorten_body",
]
