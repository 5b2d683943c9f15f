"""The values that travel: who asks, what for, what was wished, what became of it.

Hot values are `msgspec.Struct`; all are frozen but `Facts`, the one notebook per request that the steps fill and
from which response headers, the row, metrics and explanations are rendered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Protocol

import msgspec

Dialect = Literal["openai", "anthropic", "gemini"]
Role = Literal["admin", "operator", "user", "read-only"]
CacheMode = Literal["off", "exact", "semantic"]
CompressionMode = Literal["off", "transparent", "native"]
CompressionLevel = Literal["exact", "readable", "session", "lossy"]
OutcomeKind = Literal["complete", "failed", "abandoned", "lost"]


class CacheStatus(StrEnum):
    """What `x-cache` says."""

    HIT = "HIT"
    SEMANTIC_HIT = "SEMANTIC-HIT"
    COALESCED = "COALESCED"
    MISS = "MISS"
    BYPASS = "BYPASS"


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What a key may do per time. None is no limit. `burst` None is `requests_per_minute`."""

    requests_per_minute: float | None = None
    burst: float | None = None
    concurrency: int | None = None
    tokens_per_minute: float | None = None


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who asks: made from an API key, never from anything else the request says."""

    tenant_id: str
    user_id: str
    key_id: str
    name: str
    role: Role = "user"
    models: tuple[str, ...] = ("*",)
    limits: Limits = Limits()
    tags: tuple[tuple[str, str], ...] = ()
    may_widen: bool = False


class Wishes(msgspec.Struct, frozen=True, gc=False):
    """What the request headers ask, parsed once and narrowed by the key.

    `max_age` and `timeout` are seconds. `relay` holds the headers that go upstream and belong to the cache scope
    (`anthropic-version`, `anthropic-beta`, `openai-beta`, and `?query`), lower-case names in sorted order.
    """

    cache: CacheMode = "semantic"
    reuse: Literal["unsampled", "deterministic", "any"] = "unsampled"
    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    compression: CompressionMode = "transparent"
    level: CompressionLevel = "exact"
    timeout: float | None = None
    strict: bool = False
    cost_in_body: bool = False
    session: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    client_retry: int = 0
    relay: tuple[tuple[str, str], ...] = ()


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of a tool call; `arguments` is a fragment of JSON text."""

    index: int = 0
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens as the provider counted them. Cached and reasoning tokens are part of the totals, not beside them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_prompt_tokens: int = 0
    audio_completion_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class ChatChunk(msgspec.Struct, frozen=True, gc=False):
    """One frame of a stream. `raw` is its JSON payload in the answer's dialect, sent on as it came.

    `data` says whether it carries something a user could see or a caller could act on (a role-only frame or a
    ping does not): before the first such chunk retry and fallback are legal. `hidden` marks what only our own
    asking for usage added: it is recorded and not shown. `event` is the SSE event name where the dialect has one.
    """

    raw: bytes
    index: int = 0
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    data: bool = True
    hidden: bool = False
    event: str | None = None


class ChatCompletion(msgspec.Struct, frozen=True, gc=False):
    """A whole answer. `raw` is its JSON body in `dialect`; the rest is read from it once."""

    raw: bytes
    dialect: Dialect = "openai"
    model: str = ""
    content: str | None = None
    finish_reasons: tuple[str | None, ...] = ()
    usage: Usage | None = None
    has_tool_calls: bool = False
    refusal: str | None = None


class ChatRequest:
    """A parsed body. `fields` keeps every top-level value's bytes; known fields are read from it.

    `body` is what came (after inflation). A request is changed by `with_fields`, which re-encodes the top level
    only: white space and key order may change there, values never. `kind` is the resource: chat, completions,
    messages, responses, embeddings.
    """

    __slots__ = ("__dict__", "_body", "dialect", "fields", "kind", "model", "stream")

    def __init__(
        self,
        fields: dict[str, msgspec.Raw],
        *,
        model: str,
        stream: bool,
        body: bytes | None = None,
        dialect: Dialect = "openai",
        kind: str = "chat",
    ) -> None:
        self.fields = fields
        self.model = model
        self.stream = stream
        self.dialect = dialect
        self.kind = kind
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
        )


class Target(msgspec.Struct, frozen=True, gc=False):
    """One way to be served: a configured provider and the name of the model there."""

    provider: str
    model: str
    weight: float = 1.0


class Route(msgspec.Struct, frozen=True, gc=False):
    """Which target answers, and why. `alternatives` in the order in which they would be tried.

    `policy` identifies the alias and the rules that led here (part of the cache scope); `dropped` names the
    parameters that the router's own change of model made impossible, `renamed` those (asked, taken) that the model
    takes under another name. The first `peers` alternatives share the load with the target itself, which has
    `weight` among them; the rest only stand in. `hedge` lets a second target start when the first is slow.
    """

    provider: str
    model: str
    reason: str
    policy: str
    alternatives: tuple[Target, ...] = ()
    dropped: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    weight: float = 1.0
    peers: int = 0
    hedge: bool = False


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One call upstream. Times in seconds since the request's arrival."""

    provider: str
    model: str
    started: float
    ended: float
    status: int
    error: str | None = None


class RateState(msgspec.Struct, frozen=True, gc=False):
    """What the `x-ratelimit-*` headers say; `reset` is seconds until the bucket is full again."""

    limit_requests: float
    remaining_requests: float
    reset_requests: float
    limit_tokens: float | None = None
    remaining_tokens: float | None = None
    reset_tokens: float | None = None


@dataclass(slots=True)
class Facts:
    """What is known of one request so far. One per request, filled by the steps, rendered by the edges.

    `arrived` is wall-clock seconds since the epoch, `started` and all spans are monotonic seconds.
    """

    request_id: str
    row_id: str
    arrived: float
    started: float
    path: str = ""
    status: int = 0
    model: str = ""
    served_model: str = ""
    provider: str = ""
    route: Route | None = None
    route_reason: str = ""
    simulated: bool = False
    rate: RateState | None = None
    cache: CacheStatus | None = None
    cache_entry: str | None = None
    why: str = ""
    age: float | None = None
    similarity: float | None = None
    confidence: float | None = None
    cache_ms: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    dropped: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    tokens_saved: int | None = None
    tokens_would_save: int | None = None
    usage: Usage | None = None
    usage_source: str = ""
    cost: float | None = None
    finish_reason: str | None = None
    upstream_sent: float | None = None
    first_data: float | None = None
    upstream_headers: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    delivered: bool = True


class Transcript(Protocol):
    """An answer as far as it came. `completion()` folds it when somebody wants it; None where nothing came."""

    def completion(self) -> ChatCompletion | None: ...


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How a request ended: what the debts of its `Ending` are told.

    `error` is the code the client was told, `status` its HTTP status (499: the client left).
    """

    kind: OutcomeKind
    transcript: Transcript | None = None
    error: str | None = None
    status: int = 200
