"""`Manner`: what sets the hot paths apart: whose dialect is spoken, how a stream is framed, what ids look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from synthlang_router.api.headers import Headers
from synthlang_router.api.stream import KEEP_ALIVE, PING, DataFrames, EventFrames, Frames
from synthlang_router.models import Dialect, Facts
from synthlang_router.wire.passage import PASSAGES


@dataclass(frozen=True, slots=True)
class Manner:
    """One kind of request. `path` is where it is served; `ids` begin the ids of replayed answers.

    `frames` gives the writer of one stream; `keep_alive` is what a client sees while there is no data.
    """

    path: str
    ids: str
    dialect: Dialect = "openai"
    frames: Callable[[], Frames] = EventFrames
    keep_alive: bytes = KEEP_ALIVE
    streams: bool = True


_DATA: Final = DataFrames()


def _data() -> Frames:
    return _DATA


MANNERS: Final[Mapping[str, Manner]] = {
    "chat": Manner("/v1/chat/completions", "chatcmpl-", frames=_data),
    "completions": Manner("/v1/completions", "cmpl-", frames=_data),
    "embeddings": Manner("/v1/embeddings", "", frames=_data, streams=False),
    "responses": Manner("/v1/responses", "resp_"),
    "messages": Manner("/v1/messages", "msg_", "anthropic", keep_alive=PING),
    "count_tokens": Manner("/v1/messages/count_tokens", "", "anthropic", streams=False),
    **{kind: Manner(f"/v1{path}", "", frames=_data) for kind, path in PASSAGES.items()},
}


def dialect_at(path: str) -> Dialect:
    """Whose words a client expects at a path, whatever becomes of its request."""
    under = path.removeprefix("/v1")
    return "anthropic" if under == "/messages" or under.startswith("/messages/") else "openai"


def spoken_headers(manner: Manner, facts: Facts) -> Headers:
    """What only one dialect's clients look for: the request's id under Anthropic's name, the mark of an estimate."""
    if manner.dialect != "anthropic":
        return []
    headers: Headers = [(b"request-id", facts.request_id.encode())]
    if manner.path.endswith("count_tokens") and facts.usage_source == "estimated":
        headers.append((b"x-synthlang-estimate", b"upper"))
    return headers
