"""The door: `compress_prompt` and `decompress_prompt`.

Any failure, and any text that would not get shorter, means the original. In transparent mode the model sees the
original and the figure is what would have been saved; in native mode it sees the compressed form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from synthlang_router.models import ChatRequest, CompressionLevel, CompressionMode
from synthlang_router.synthlang.messages import compress_messages, decode_messages, hold_data
from synthlang_router.synthlang.tokens import Encoding, encoding_for


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request and what became of it.

    `sent` is what the provider gets; `compressed` the shorter form, the very object `original` where nothing was
    gained. `held_out` says that native mode sent the original to measure by. `stored` is the messages in the form `decompress_prompt` reads (empty where nothing was gained).
    The token figures are of the texts that changed (zero where none did), None while not measured yet.
    """

    original: ChatRequest
    sent: ChatRequest
    compressed: ChatRequest
    mode: CompressionMode
    level: CompressionLevel
    model: str
    encoding: Encoding
    exact: bool
    stored: bytes = b""
    tokens_before: int | None = 0
    tokens_after: int | None = 0
    held_out: bool = False

    @property
    def tokens_less(self) -> int | None:
        """What native mode saves, or transparent mode would; None while not measured."""
        if self.tokens_before is None or self.tokens_after is None:
            return None
        return self.tokens_before - self.tokens_after


def compress_prompt(
    request: ChatRequest, *, mode: CompressionMode, level: CompressionLevel, model: str | None = None
) -> Prompt:
    """The prompt in its shortest form at this level. `model` is the one that will be asked."""
    prompt = untouched(request, mode=mode, level=level, model=request.model if model is None else model)
    raw = request.fields.get("messages")
    if mode == "off" or raw is None:
        return prompt
    try:
        found = compress_messages(bytes(raw), level, prompt.encoding, exact=prompt.exact)
    except Exception:  # noqa: BLE001  a request must not fail by a defect of what was only to make it shorter
        return prompt
    if found is None:
        return prompt
    compressed = request.with_fields({"messages": found.sent})
    return replace(
        prompt,
        compressed=compressed,
        sent=compressed if mode == "native" else request,
        stored=found.stored,
        tokens_before=found.tokens_before,
        tokens_after=found.tokens_after,
    )


def may_change(request: ChatRequest, level: CompressionLevel) -> bool:
    """Whether there is anything to compress: a look at the texts, for which nothing is counted."""
    raw = request.fields.get("messages")
    try:
        return raw is not None and hold_data(bytes(raw), level)
    except Exception:  # noqa: BLE001  a request must not fail by a defect of what was only to make it shorter
        return False


def untouched(request: ChatRequest, *, mode: CompressionMode, level: CompressionLevel, model: str) -> Prompt:
    """The prompt as it is, with nothing to gain."""
    return _untouched(request, mode, level, model, measured=True)


def put_off(request: ChatRequest, *, mode: CompressionMode, level: CompressionLevel, model: str) -> Prompt:
    """The prompt as it is, to be measured later."""
    return _untouched(request, mode, level, model, measured=False)


def measure(prompt: Prompt) -> Prompt:
    """The same prompt with its figures and its stored form, where they were put off. Belongs off the loop."""
    if prompt.tokens_before is not None:
        return prompt
    done = compress_prompt(prompt.original, mode=prompt.mode, level=prompt.level, model=prompt.model)
    return replace(done, sent=prompt.sent)


def decompress_prompt(prompt: Prompt) -> ChatRequest:
    """The original request, byte for byte, made from the stored form."""
    if not prompt.stored:
        return prompt.original
    return prompt.compressed.with_fields({"messages": decode_messages(prompt.stored)})


def _untouched(
    request: ChatRequest, mode: CompressionMode, level: CompressionLevel, model: str, *, measured: bool
) -> Prompt:
    encoding, exact = encoding_for(model)
    figure = 0 if measured else None
    return Prompt(request, request, request, mode, level, model, encoding, exact, b"", figure, figure)
