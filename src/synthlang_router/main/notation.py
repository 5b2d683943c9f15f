"""The notation's HTTP face over the feature."""

from __future__ import annotations

import msgspec

from synthlang_router.api.notation import Compressed, Notation
from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest, CompressionLevel
from synthlang_router.synthlang import BrokenFrame, compress_prompt, decode_messages


def make_notation() -> Notation:
    """The resource; nothing is recorded, since nothing leaves the gateway."""
    return Notation(compress=_compress, decompress=_decompress)


def _compress(messages: bytes, model: str, level: CompressionLevel) -> Compressed:
    request = ChatRequest({"messages": msgspec.Raw(messages)}, model=model, stream=False)
    prompt = compress_prompt(request, mode="native", level=level)
    return Compressed(
        messages=prompt.compressed.fields["messages"],
        stored=(prompt.stored or messages).decode(),
        tokens_before=prompt.tokens_before or 0,
        tokens_after=prompt.tokens_after or 0,
        exact=prompt.exact,
    )


def _decompress(stored: str) -> bytes:
    content = stored.encode()
    if not content.startswith(b"synthlang/"):
        return content
    try:
        return decode_messages(content)
    except BrokenFrame:
        raise InvalidRequest(
            "This is not a stored form of SynthLang, or it is damaged.", param="stored"
        ) from None
