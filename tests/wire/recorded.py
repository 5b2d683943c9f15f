"""Bodies as providers send them, awkward ones first, each with what must come of it: `bodies/<provider>/*.json`.

A `Codec` is one way to read them: a dialect as it is, or as OpenAI's chat through a bridge.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from synthlang_router.models import ChatChunk, Dialect
from synthlang_router.wire import DIALECTS, ChatStream, WireFormat
from synthlang_router.wire.bridges import Interpreter, interpret

BODIES: Final = Path(__file__).with_name("bodies")
REQUESTS: Final = {
    "openai": ("chat", b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}'),
    "anthropic": (
        "messages",
        b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"stream":true}',
    ),
}


@dataclass(frozen=True, slots=True)
class Codec:
    """Reads what `provider` sends for a caller who speaks `caller`."""

    caller: Dialect
    provider: Dialect

    @property
    def voice(self) -> Interpreter:
        kind, body = REQUESTS[self.caller]
        return interpret(DIALECTS[self.caller].read_request(body, kind), self.provider, created=1_700_000_000)

    @property
    def wire(self) -> WireFormat:
        """The dialect of the answers."""
        return DIALECTS[self.caller]

    def __str__(self) -> str:
        return self.caller if self.caller == self.provider else f"{self.provider}-as-{self.caller}"


OPENAI: Final = Codec("openai", "openai")
CODECS: Final = (
    OPENAI,
    Codec("anthropic", "anthropic"),
    Codec("openai", "anthropic"),
    Codec("openai", "gemini"),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One body and its expectations by name."""

    codec: Codec
    name: str
    body: bytes
    expect: dict[str, Any]

    @property
    def wire(self) -> WireFormat:
        return self.codec.wire

    @property
    def fails(self) -> bool:
        return "error" in self.expect

    def stream(self) -> ChatStream:
        return self.codec.voice.read_stream(**self.expect.get("options", {}))


def recorded(kind: str, *codecs: Codec) -> Iterator[Recorded]:
    """The cases of `streams`, `completions` or `errors` for these codecs, by default for all."""
    for codec in codecs or CODECS:
        for name, expect in _manifest(codec.provider, kind).items():
            body = (BODIES / codec.provider / expect["file"]).read_bytes()
            yield Recorded(codec, name, body, expect)


@cache
def _manifest(provider: str, kind: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((BODIES / provider / f"{kind}.json").read_text())
    return manifest


def read(stream: ChatStream, blocks: list[bytes]) -> tuple[list[ChatChunk], Exception | None]:
    """Everything a stream gave, and the error it ended in, if any."""
    chunks: list[ChatChunk] = []
    try:
        for block in blocks:
            chunks += stream.feed(block)
        chunks += stream.end()
    except Exception as error:  # noqa: BLE001 - handed to the assertion
        return chunks, error
    return chunks, None
