"""`ChatRequest`: a parsed body that keeps its bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any, Protocol

import msgspec

from synthlang_router.models.words import Dialect


class Upload(Protocol):
    """A body that is still on its way from the caller, and can be sent on once."""

    @property
    def media(self) -> str:
        """Its content type."""
        ...

    @property
    def begun(self) -> bool:
        """Whether some of it was sent on: then it cannot be sent anywhere else."""
        ...

    def length(self, model: str) -> int | None:
        """Bytes with this model's name in it; None where the caller does not say."""
        ...

    def blocks(self, model: str) -> AsyncIterator[bytes]:
        """What to send, with this model's name in the place of the asked one. Raises what the caller does to it."""
        ...


class ChatRequest:
    """A parsed body. `fields` keeps every top-level value's bytes; known fields are read from it.

    `body` is what came (after inflation). A request is changed by `with_fields`, which re-encodes the top level
    only: white space and key order may change there, values never. `kind` is the resource: chat, completions,
    messages, responses, embeddings, and those of `wire.passage`. With an `upload` the body is that, and `fields` only
    hold what was read of it.
    """

    __slots__ = ("__dict__", "_body", "dialect", "fields", "kind", "model", "stream", "upload")

    def __init__(
        self,
        fields: dict[str, msgspec.Raw],
        *,
        model: str,
        stream: bool,
        body: bytes | None = None,
        dialect: Dialect = "openai",
        kind: str = "chat",
        upload: Upload | None = None,
    ) -> None:
        self.fields = fields
        self.model = model
        self.stream = stream
        self.dialect = dialect
        self.kind = kind
        self.upload = upload
        self._body = body

    @property
    def body(self) -> bytes:
        """The bytes to send: as they came while nothing was changed."""
        if self._body is None:
            self._body = msgspec.json.encode(self.fields)
        return self._body

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as plain data, decoded on first use only (cache key, compression, rules)."""
        raw = self.fields.get("messages")
        return [] if raw is None else msgspec.json.decode(raw)

    def value(self, name: str) -> Any:
        """A top-level field as plain data, None where it is absent or null."""
        raw = self.fields.get(name)
        return None if raw is None else msgspec.json.decode(raw)

    @property
    def service_tier(self) -> str | None:
        """The service tier that was asked for, where it may have a price of its own."""
        raw = self.fields.get("service_tier")
        if raw is None:
            return None
        tier = bytes(raw).strip(b'"').decode("ascii", "replace")
        return None if tier in ("auto", "default", "null", "standard_only") else tier

    def with_fields(self, changed: Mapping[str, bytes], dropped: tuple[str, ...] = ()) -> ChatRequest:
        """The same request with some top-level fields replaced (JSON bytes) or left out."""
        fields = {name: raw for name, raw in self.fields.items() if name not in dropped}
        fields.update((name, msgspec.Raw(raw)) for name, raw in changed.items())
        model = msgspec.json.decode(changed["model"], type=str) if "model" in changed else self.model
        stream = fields.get("stream")
        return ChatRequest(
            fields,
            model=model,
            stream=stream is not None and bytes(stream) == b"true",
            dialect=self.dialect,
            kind=self.kind,
            upload=self.upload,
        )
