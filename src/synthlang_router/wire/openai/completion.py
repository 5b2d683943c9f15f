"""`read_completion`: a whole OpenAI answer, however it came."""

from __future__ import annotations

from collections.abc import Sequence

from synthlang_router.models import ChatCompletion
from synthlang_router.wire.openai.answers import parse_completion
from synthlang_router.wire.openai.chunks import OpenAIStream
from synthlang_router.wire.openai.fold import fold


def read_completion(raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
    """A whole answer; one that came as a stream though none was asked for is folded, if it is whole."""
    if not raw.lstrip().startswith((b"data:", b"event:", b":")):
        return parse_completion(raw, secrets)
    stream = OpenAIStream(secrets=secrets)
    chunks = stream.feed(raw)
    return fold(chunks + stream.end())
