"""`make_cache_key`: which requests may share an answer. Pure. [hot]

The rule: everything a request says belongs to its scope, a digest that must be equal, unless it is known to change
no answer; what nobody here has heard of therefore counts. Only the text of the last message, if it is the user's,
stays outside as the question: equal for the exact layer, nearly equal for the semantic one.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any, Final, Literal

import msgspec

from synthlang_router.cache.bypass import bypass_reason, has_audio, has_choices
from synthlang_router.models import Caller, ChatRequest, Dialect, Route, Wishes

Widening = Literal["keys", "end_users"]
"""What an operator may leave out of the scope on purpose: the key's user; the end user named in the body."""

MAX_KEY_BYTES: Final = 1_000_000
"""Larger messages are not cached: digesting them would hold the event loop for milliseconds."""

_FORMAT: Final = 1
"""Part of every digest; raised whenever digests of an older version must not be found any more."""

_TREATED_APART: Final = frozenset({"messages", "model", "metadata"})
_CHANGE_NOTHING: Final = frozenset({"stream", "stream_options"})
_END_USER: Final = frozenset({"user", "safety_identifier"})
_DEFAULTS: Final[dict[str, frozenset[bytes]]] = {
    "n": frozenset({b"1", b"null"}),
    "store": frozenset({b"false", b"null"}),
    "top_p": frozenset({b"1", b"1.0", b"null"}),
    "frequency_penalty": frozenset({b"0", b"0.0", b"null"}),
    "presence_penalty": frozenset({b"0", b"0.0", b"null"}),
    "logprobs": frozenset({b"false", b"null"}),
    "parallel_tool_calls": frozenset({b"true", b"null"}),
    "tool_choice": frozenset({b'"auto"', b"null"}),
    "response_format": frozenset({b'{"type":"text"}', b'{"type": "text"}', b"null"}),
    "modalities": frozenset({b'["text"]', b"null"}),
    "service_tier": frozenset({b'"auto"', b"null"}),
    "background": frozenset({b"false", b"null"}),
    "logit_bias": frozenset({b"{}", b"null"}),
}
"""Spellings of OpenAI's documented defaults: as good as absent. Other spellings of them only cost a hit."""
_NULL_IS_ABSENT: Final = frozenset(
    {
        "audio",
        "function_call",
        "functions",
        "max_completion_tokens",
        "max_tokens",
        "prediction",
        "previous_response_id",
        "reasoning_effort",
        "safety_identifier",
        "seed",
        "stop",
        "temperature",
        "tools",
        "top_logprobs",
        "user",
        "verbosity",
        "web_search_options",
    }
)
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.decode


class Form(msgspec.Struct, frozen=True, gc=False):
    """How the answer is to come: requests of one form can share one call upstream, frame by frame."""

    stream: bool = False
    usage: bool = False
    timeout: float | None = None
    dialect: Dialect = "openai"


class CacheKey(msgspec.Struct, frozen=True, gc=False):
    """What the cache needs to know of a request. `bypass` names why it is not cached at all, empty where it is.

    `question` is None where everything is scope; `exact` digests scope and question together. `may_read`,
    `may_store` and `max_age` (seconds) are what the client allows. `semantic` says whether a near question may be
    answered too.
    """

    bypass: str = ""
    tenant: str = ""
    scope: bytes = b""
    exact: bytes = b""
    question: str | None = None
    semantic: bool = False
    may_read: bool = True
    may_store: bool = True
    only_if_cached: bool = False
    max_age: float | None = None
    form: Form = Form()
    tags: tuple[tuple[str, str], ...] = ()


def make_cache_key(
    caller: Caller,
    route: Route,
    request: ChatRequest,
    wishes: Wishes,
    *,
    version: str = "",
    widen: frozenset[Widening] = frozenset(),
) -> CacheKey:
    """`version` identifies the embedder; `widen` what the operator leaves out of the scope."""
    reason = bypass_reason(route, request, wishes)
    if not reason and _size(request) > MAX_KEY_BYTES:
        reason = "size"
    if not reason and has_audio(request.messages):
        reason = "audio"
    if reason:
        return CacheKey(bypass=reason, only_if_cached=wishes.only_if_cached)
    question, parts = scope_parts(caller, route, request, wishes, version=version, widen=widen)
    scope = hashlib.sha256(_encode([*parts.values()])).digest()
    return CacheKey(
        tenant=caller.tenant_id,
        scope=scope,
        exact=_exact(scope, question),
        question=question,
        semantic=wishes.cache == "semantic" and question is not None and not has_choices(request),
        may_read=not wishes.no_cache,
        may_store=not wishes.no_store,
        only_if_cached=wishes.only_if_cached,
        max_age=wishes.max_age,
        form=_form(request, wishes),
        tags=caller.tags + wishes.tags,
    )


def scope_parts(
    caller: Caller,
    route: Route,
    request: ChatRequest,
    wishes: Wishes,
    *,
    version: str,
    widen: frozenset[Widening],
) -> tuple[str | None, dict[str, object]]:
    """The question, and by name everything else, which must be equal."""
    messages, question = _split(request.messages)
    return question, {
        "format": _FORMAT,
        "embedder": version,
        "dialect": request.dialect,
        "kind": request.kind,
        "tenant": caller.tenant_id,
        "user": None if "keys" in widen else caller.user_id,
        "model": request.model,
        "served by": route.policy or f"{route.provider}/{route.model}",
        "headers": _relayed(wishes),
        "compression": wishes.level if wishes.compression == "native" else None,
        "parameters": _rest(request, "end_users" in widen),
        "messages": messages,
    }


def _relayed(wishes: Wishes) -> list[object]:
    """A strict request is apart: a lenient one's answer may have come without a parameter that was dropped."""
    return [*wishes.relay, "strict"] if wishes.strict else [*wishes.relay]


def _exact(scope: bytes, question: str | None) -> bytes:
    """NFC and outer white space are all that is forgiven: "You did it." is not "You did it?"."""
    if question is None:
        return hashlib.sha256(scope + b"-").digest()
    return hashlib.sha256(scope + b"+" + unicodedata.normalize("NFC", question.strip()).encode()).digest()


def _size(request: ChatRequest) -> int:
    return sum([len(memoryview(raw)) for raw in request.fields.values()])


def _rest(request: ChatRequest, ignore_end_user: bool) -> dict[str, Any]:
    """All other parameters as plain data, without those that change nothing and those that say the default."""
    rest: dict[str, Any] = {}
    for name, raw in request.fields.items():
        if name in _TREATED_APART or name in _CHANGE_NOTHING:
            continue
        spelled = bytes(raw)
        if spelled in _DEFAULTS.get(name, ()) or (spelled == b"null" and name in _NULL_IS_ABSENT):
            continue
        if ignore_end_user and name in _END_USER:
            continue
        value = _decode(raw)
        rest[name] = int(value) if type(value) is float and value.is_integer() else value
    metadata = request.fields.get("metadata")
    if metadata is not None and not ignore_end_user:
        persons = _persons(_decode(metadata))
        if persons:
            rest["metadata"] = persons
    return rest


def _persons(metadata: Any) -> dict[str, Any]:
    """Of the client's metadata only who the end user is (`user_id` and what is called like it)."""
    if type(metadata) is not dict:
        return {} if metadata is None else {"": metadata}
    return {name: value for name, value in metadata.items() if "user" in name.lower()}


def _split(messages: list[dict[str, Any]]) -> tuple[list[Any], str | None]:
    """All messages with the question cut out of the last one, and the question."""
    if not messages:
        return [], None
    scope: list[Any] = [_plain(message) for message in messages]
    last = scope[-1]
    if last.get("role") != "user":
        return scope, None
    content = last.get("content")
    if type(content) is str:
        scope[-1] = [{**last, "content": 0}]
        return scope, content
    if type(content) is not list:
        return scope, None
    for index in range(len(content) - 1, -1, -1):
        part = content[index]
        if type(part) is dict and part.get("type") == "text" and type(part.get("text")) is str:
            cut = [*content[:index], [{**part, "text": 0}], *content[index + 1 :]]
            scope[-1] = [{**last, "content": cut}]
            return scope, part["text"]
    return scope, None


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """A message whose content is one bare text part equals one whose content is that text."""
    content = message.get("content")
    if type(content) is list and len(content) == 1:
        part = content[0]
        if type(part) is dict and part.keys() == _TEXT_PART and part["type"] == "text":
            return {**message, "content": part["text"]}
    return message


_TEXT_PART: Final = {"type", "text"}


def _form(request: ChatRequest, wishes: Wishes) -> Form:
    if not request.stream:
        return Form(timeout=wishes.timeout, dialect=request.dialect)
    options = request.value("stream_options")
    usage = type(options) is dict and options.get("include_usage") is True
    return Form(stream=True, usage=usage, timeout=wishes.timeout, dialect=request.dialect)
