"""Passages: what is passed on to a provider of OpenAI's dialect without being read, by an explicit list.

Of the request only the model's name is looked at, of the answer only the usage, where its end holds one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synthlang_router.errors import InvalidRequest, ProviderProtocolError
from synthlang_router.models import ChatChunk, ChatRequest, Upload, Usage
from synthlang_router.wire.body import read_object

PASSAGES: Final[Mapping[str, str]] = {
    "moderations": "/moderations",
    "image_generations": "/images/generations",
    "image_edits": "/images/edits",
    "image_variations": "/images/variations",
    "speech": "/audio/speech",
    "transcriptions": "/audio/transcriptions",
    "translations": "/audio/translations",
}
"""Kind of request -> its path below `/v1`, here and at the provider. Nothing that is kept at a provider is in it."""
FORMS: Final = frozenset(("image_edits", "image_variations", "transcriptions", "translations"))
"""Those that take a form with files."""
TAIL: Final = 4_096
"""Bytes at the end of an answer in which its usage is looked for."""

_USAGE: Final = re.compile(r'"usage"\s*:\s*(?=\{)')
_JSON: Final = json.JSONDecoder()


def read_passage(body: bytes, kind: str) -> ChatRequest:
    """A JSON body; its model may be left out."""
    fields = read_object(body)
    raw = fields.get("model")
    model = "" if raw is None else msgspec.json.decode(raw)
    if model is None:
        model = ""
    return ChatRequest(fields, model=checked_model(model), stream=False, body=body, kind=kind)


def form_passage(upload: Upload, model: str | None, kind: str) -> ChatRequest:
    """A form that is on its way; `model` None: it names none, or not soon enough."""
    name = "" if model is None else checked_model(model)
    fields = {"model": msgspec.Raw(msgspec.json.encode(name))} if name else {}
    return ChatRequest(fields, model=name, stream=False, kind=kind, upload=upload)


def checked_model(model: object) -> str:
    if not isinstance(model, str) or not model.isprintable() or len(model) > 256:
        raise InvalidRequest(
            "Invalid 'model': expected a printable name of up to 256 characters.", param="model"
        )
    return model


class PassedStream:
    """A `ChatStream` whose chunks are the blocks as they come."""

    __slots__ = ("_any", "_tail")

    def __init__(self, media: str) -> None:
        if "html" in media:
            raise ProviderProtocolError("The provider answered with a page.")
        self._any = False
        self._tail: bytes | None = b"" if "json" in media or "event-stream" in media else None

    @property
    def done(self) -> bool:
        return False

    @property
    def failed(self) -> bool:
        return False

    def feed(self, block: bytes) -> list[ChatChunk]:
        self._any = True
        if self._tail is not None:
            self._tail = (self._tail + block)[-TAIL:]
        return [ChatChunk(raw=block)]

    def end(self) -> list[ChatChunk]:
        """The usage, in a chunk without bytes."""
        if not self._any:
            raise ProviderProtocolError("The provider's answer is empty.")
        usage = None if self._tail is None else usage_in(self._tail)
        return [] if usage is None else [ChatChunk(raw=b"", usage=usage, data=False, hidden=True)]


def usage_in(tail: bytes) -> Usage | None:
    """The tokens that the end of an answer tells; None where it tells none."""
    text = tail.decode("utf-8", "replace")
    found = [match.end() for match in _USAGE.finditer(text)]
    if not found:
        return None
    try:
        plain = _JSON.raw_decode(text, found[-1])[0]
    except ValueError:
        return None
    prompt, completion = _tokens(plain, "input_tokens"), _tokens(plain, "output_tokens")
    if prompt is None and completion is None:
        return None
    details = plain.get("input_tokens_details") or plain.get("input_token_details") or {}
    return Usage(
        prompt_tokens=prompt or 0,
        completion_tokens=completion or 0,
        cached_tokens=_tokens(details, "cached_tokens") or 0,
        audio_prompt_tokens=_tokens(details, "audio_tokens") or 0,
    )


def _tokens(plain: Any, name: str) -> int | None:
    value = plain.get(name) if isinstance(plain, dict) else None
    return value if type(value) is int and 0 <= value < 1 << 40 else None
