"""`WireFormat`: what a dialect must be able to read and write. Bytes <-> values, no I/O.

A dialect is a module whose functions fit this Protocol; `wire.DIALECTS` names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synthlang_router.errors import RouterError
from synthlang_router.models import ChatChunk, ChatCompletion, ChatRequest


class ChatStream(Protocol):
    """Reads one upstream stream. Not reusable.

    `feed` may return chunks and raise on the next call: what was whole before a fault is never lost, and `failed`
    says that there is nothing to wait for. `done` is true once the answer is whole and nothing that may still come
    belongs to it. `end` is called when the connection closes and raises where the answer is not whole.
    """

    @property
    def done(self) -> bool: ...

    @property
    def failed(self) -> bool: ...

    def feed(self, block: bytes) -> list[ChatChunk]: ...

    def end(self) -> list[ChatChunk]: ...


class RequestFormat(Protocol):
    """The caller's side."""

    def read_request(self, body: bytes, kind: str) -> ChatRequest:
        """A body that passed `body.read_object`; raises InvalidRequest naming the field."""
        ...

    def ask_for_usage(self, request: ChatRequest) -> ChatRequest | None:
        """The streamed request with usage asked for; None where the caller asked already."""
        ...

    def error_body(self, error: RouterError) -> bytes: ...

    def error_event(self, error: RouterError) -> bytes:
        """The SSE frame, blank line included, that ends a stream which fails after its headers."""
        ...


class AnswerFormat(Protocol):
    """The provider's side. `secrets` are strings that no message to a client may hold."""

    def read_completion(self, raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
        """A whole answer; raises ProviderError children for anything else, an error inside a 200 included."""
        ...

    def read_embedding(self, raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
        """An embeddings answer: `raw`, model and usage."""
        ...

    def read_stream(
        self, *, finish_optional: bool = False, hide_usage: bool = False, secrets: Sequence[str] = ()
    ) -> ChatStream:
        """`finish_optional`: the provider never sends a finish_reason. `hide_usage`: we asked for it, not the caller."""
        ...

    def read_error(
        self, status: int, body: bytes, *, secrets: Sequence[str] = (), retry_after: float | None = None
    ) -> RouterError:
        """What an answer with a status other than 2xx means. 401 and 403 come as ProviderRejected like any 4xx."""
        ...


class ReplayFormat(Protocol):
    """Between streamed and whole. `new_id` is the fresh id itself, `created` seconds since the epoch."""

    def fold(self, chunks: Sequence[ChatChunk]) -> ChatCompletion:
        """The whole answer that these chunks make."""
        ...

    def unfold(
        self, completion: ChatCompletion, *, new_id: str, created: int, include_usage: bool
    ) -> list[ChatChunk]:
        """The frames of a live answer that would have made this completion."""
        ...

    def refresh(self, completion: ChatCompletion, *, new_id: str, created: int) -> bytes:
        """The body with a fresh id and time, every other byte as it was."""
        ...


class WireFormat(RequestFormat, AnswerFormat, ReplayFormat, Protocol):
    """One dialect."""
