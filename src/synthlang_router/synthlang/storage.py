"""How a request's body is kept: with its messages in their stored form, which gives back every byte."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from synthlang_router.models import ChatRequest, CompressionLevel
from synthlang_router.synthlang.frames import BrokenFrame
from synthlang_router.synthlang.messages import decode_messages
from synthlang_router.synthlang.prompt import compress_prompt

_VERSION: Final = b"synthlang-body/1"


class StoredBody(NamedTuple):
    """`tokens_less` is what the messages in this form would have saved, had a model seen them so."""

    stored: bytes
    tokens_less: int


def shorten_body(body: bytes, level: CompressionLevel, model: str) -> StoredBody | None:
    """A body with its `messages` in the stored form; None where nothing gets shorter, or there are none."""
    try:
        messages = bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])["messages"])
    except (msgspec.DecodeError, KeyError):
        return None
    request = ChatRequest({"messages": msgspec.Raw(messages)}, model=model, stream=False)
    prompt = compress_prompt(request, mode="transparent", level=level)
    if not prompt.stored:
        return None
    start = body.index(messages)
    head = b"%s %d %d\n" % (_VERSION, start, len(prompt.stored))
    stored = b"".join((head, body[:start], prompt.stored, body[start + len(messages) :]))
    return StoredBody(stored, prompt.tokens_less or 0)


def restore_body(stored: bytes) -> bytes:
    """The body that was kept.

    Raises BrokenFrame where this is not one of our forms.
    """
    head, _, body = stored.partition(b"\n")
    version, *numbers = head.split(b" ")
    if version != _VERSION or len(numbers) != 2 or not all(map(bytes.isdigit, numbers)):
        raise BrokenFrame
    start, size = map(int, numbers)
    return b"".join((body[:start], decode_messages(body[start : start + size]), body[start + size :]))
