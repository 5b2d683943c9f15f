"""Token counts, offline: what a text costs a model, and whether that is exact or an estimate.

The tables are inside the splintr wheel and load at the first count (about 30 MB for o200k_base). Special-token
strings such as `<|endoftext|>` are counted as the text they are, as tiktoken does with `disallowed_special=()`.
The cost is linear in the text (about 0.2 ms per 1,000 tokens); above 64 kB of text it belongs off the event loop.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final, Literal

import msgspec
from splintr import AnyTokenizer, Tokenizer

from synthlang_router.models import ChatRequest

Encoding = Literal["o200k_base", "cl100k_base", "llama3", "qwen3", "deepseek_v3", "mistral_v3"]

ENCODINGS: Final[tuple[Encoding, ...]] = (
    "o200k_base",
    "cl100k_base",
    "llama3",
    "qwen3",
    "deepseek_v3",
    "mistral_v3",
)
"""All that are counted here. Where a model's tokenizer is not public, no one of them may get longer."""

_BY_PREFIX: Final[tuple[tuple[str, Encoding, bool], ...]] = (
    ("gpt-4o", "o200k_base", True),
    ("chatgpt-4o", "o200k_base", True),
    ("gpt-4.1", "o200k_base", True),
    ("gpt-4.5", "o200k_base", True),
    ("gpt-5", "o200k_base", True),
    ("gpt-oss", "o200k_base", True),
    ("o1", "o200k_base", True),
    ("o3", "o200k_base", True),
    ("o4", "o200k_base", True),
    ("gpt-4", "cl100k_base", True),
    ("gpt-3.5", "cl100k_base", True),
    ("gpt-35", "cl100k_base", True),
    ("text-embedding-3", "cl100k_base", True),
    ("text-embedding-ada-002", "cl100k_base", True),
    ("llama3", "llama3", True),
    ("llama-3", "llama3", True),
    ("meta-llama-3", "llama3", True),
    ("qwen3.5", "qwen3", False),
    ("qwen2", "qwen3", True),
    ("qwen3", "qwen3", True),
    ("qwen", "qwen3", False),
    ("deepseek-v3", "deepseek_v3", True),
    ("deepseek-r1", "deepseek_v3", True),
    ("deepseek", "deepseek_v3", False),
    ("mistral-nemo", "mistral_v3", True),
    ("mistral", "mistral_v3", False),
    ("ministral", "mistral_v3", False),
    ("pixtral", "mistral_v3", False),
    ("codestral", "mistral_v3", False),
    ("llama", "llama3", False),
)
"""First match wins. `exact` says that this is the model's own tokenizer (OpenAI's model list in tiktoken; the
tokenizer files the open models are published with)."""

_OPENAI_CHAT: Final = ("o200k_base", "cl100k_base")
_PER_MESSAGE: Final = (
    3  # OpenAI cookbook, "How to count tokens with tiktoken": <|start|>role<|message|>...<|end|>
)
_PER_NAME: Final = 1
_REPLY_PRIMER: Final = 3  # every reply is primed with <|start|>assistant<|message|>


class TokenCount(msgspec.Struct, frozen=True, gc=False):
    """`exact` False marks an estimate: another model's tokenizer, or parts whose cost is not public."""

    tokens: int
    encoding: Encoding
    exact: bool


@cache
def _table(encoding: Encoding) -> AnyTokenizer:
    return Tokenizer.from_pretrained(encoding)


def tables_loaded() -> bool:
    """Whether counting can begin at once in any encoding."""
    return _table.cache_info().currsize == len(ENCODINGS)


def load_tables() -> None:
    """About a second of CPU, without the interpreter's lock, and 140 MB."""
    for encoding in ENCODINGS:
        _table(encoding)


def token_ids(text: str, encoding: Encoding) -> list[int]:
    """The token ids, equal to the reference tokenizer's."""
    return _table(encoding).encode_ordinary(text)


def count_tokens(text: str, encoding: Encoding) -> int:
    return len(_table(encoding).encode_ordinary(text))


@lru_cache(512)
def encoding_for(model: str) -> tuple[Encoding, bool]:
    """The encoding to count with, and whether it is the model's own.

    A provider before the name (`openai/gpt-4o`) and a fine-tuned model's `ft:` are looked through. A model whose
    tokenizer is not public (Claude, Gemini) is estimated with o200k_base.
    """
    name = model.rsplit("/", 1)[-1].removeprefix("ft:").lower()
    for prefix, encoding, exact in _BY_PREFIX:
        if name.startswith(prefix):
            return encoding, exact
    return "o200k_base", False


def count_prompt(request: ChatRequest, model: str | None = None) -> TokenCount:
    """The prompt's tokens as the provider will count them: texts, and OpenAI's documented overhead per message.

    Exact for OpenAI's chat models and messages of text; tools, tool calls, images, audio and response formats are
    added by a form that is not documented, so with them the figure is an estimate.
    """
    encoding, known = encoding_for(request.model if model is None else model)
    exact = known and encoding in _OPENAI_CHAT and request.kind == "chat" and request.dialect == "openai"
    total = _REPLY_PRIMER
    for message in request.messages:
        tokens, text_only = _count_message(message, encoding)
        total += tokens + _PER_MESSAGE
        exact = exact and text_only
    for name in ("tools", "functions", "response_format", "system"):
        value = request.value(name)
        if value is not None:
            total += _count_value(value, encoding)
            exact = False
    return TokenCount(total, encoding, exact)


def _count_message(message: dict[str, Any], encoding: Encoding) -> tuple[int, bool]:
    total, text_only = 0, True
    for key, value in message.items():
        if isinstance(value, str):
            total += count_tokens(value, encoding) + (_PER_NAME if key == "name" else 0)
        elif key == "content" and isinstance(value, list):
            tokens, texts = _count_parts(value, encoding)
            total += tokens
            text_only = text_only and texts
        elif value is not None:
            total += _count_value(value, encoding)
            text_only = False
    return total, text_only


def _count_parts(parts: list[Any], encoding: Encoding) -> tuple[int, bool]:
    total, texts = 0, True
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            total += count_tokens(text, encoding)
        else:
            texts = False
            total += _OTHER_PART
    return total, texts


_OTHER_PART: Final = 85
"""An image at low detail, OpenAI's published base price for one; the part's bytes (base64) are no text."""


def _count_value(value: Any, encoding: Encoding) -> int:
    return count_tokens(msgspec.json.encode(value).decode(), encoding)
