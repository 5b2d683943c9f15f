"""`FormUpload`: a form with files on its way from a client to a provider; only its beginning is ever held.

The beginning is read until the form's `model` is known; then it goes on block by block, as the provider takes them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from synthlang_router.api.exchange import Exchange
from synthlang_router.api.headers import Headers
from synthlang_router.api.intake import HungUp, Intake
from synthlang_router.errors import RequestTooLarge, UnsupportedEncoding
from synthlang_router.telemetry import count
from synthlang_router.wire.form import FormReader, boundary_of

MODEL_WITHIN: Final = 1_048_576
"""Bytes of a form in which its model must stand to be known; a form that names it later goes to the first provider."""


class FormUpload:
    """An `Upload`. `held` are the bytes that wait here; `model` is what the form names, None where it does not in time."""

    def __init__(self, exchange: Exchange, media: str, declared: int | None, most: int) -> None:
        self.media = media
        self.begun = False
        self._exchange = exchange
        self._declared = declared
        self._most = most
        self._form = FormReader(boundary_of(media), "model")
        self._beginning = b""
        self._size = 0
        self._more = True

    @property
    def model(self) -> str | None:
        return self._form.value

    @property
    def held(self) -> int:
        return len(self._beginning)

    async def begin(self, intake: Intake) -> None:
        """Read until the model is known, or as far as it is waited for; `intake` counts what is held."""
        blocks: list[bytes] = []
        held = 0
        try:
            while self._more and self._form.value is None and held <= MODEL_WITHIN:
                block = await self._next()
                intake.hold(len(block))
                held += len(block)
                blocks.append(block)
        except BaseException:
            intake.bytes -= held
            raise
        self._beginning = b"".join(blocks)

    def length(self, model: str) -> int | None:
        if self._declared is None:
            return None
        return self._declared + len(self._spliced(model)) - len(self._beginning)

    async def blocks(self, model: str) -> AsyncIterator[bytes]:
        self.begun = self._more  # a form that is here as a whole can be sent again
        yield self._spliced(model)
        while self._more:
            block = await self._next()
            if block:
                yield block

    def _spliced(self, model: str) -> bytes:
        span = self._form.span
        if span is None or not model or model == self._form.value:
            return self._beginning
        return self._beginning[: span[0]] + model.encode() + self._beginning[span[1] :]

    async def _next(self) -> bytes:
        message = await self._exchange.receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        block: bytes = message.get("body", b"")
        self._more = bool(message.get("more_body"))
        self._size += len(block)
        if self._size > self._most:
            raise too_large(self._most)
        self._form.feed(block)
        return block


def open_upload(exchange: Exchange, media: str, most: int) -> FormUpload:
    """Raises RequestTooLarge for what says so itself, and UnsupportedEncoding: a form is not inflated on its way."""
    if exchange.head.encoding not in ("", "identity"):
        raise UnsupportedEncoding("A form is taken as it is, without Content-Encoding.")
    declared = declared_length(exchange.head.headers)
    if declared is not None and declared > most:
        raise too_large(most)
    return FormUpload(exchange, media, declared, most)


def declared_length(headers: Headers) -> int | None:
    return next((int(value) for name, value in headers if name == b"content-length"), None)


def media_of(headers: Headers) -> str:
    """The content type as it was sent."""
    return next((value.decode("latin-1") for name, value in headers if name == b"content-type"), "")


def too_large(most: int) -> RequestTooLarge:
    count("refused", "body_too_large")
    return RequestTooLarge(f"The request body is over {most} bytes.")
