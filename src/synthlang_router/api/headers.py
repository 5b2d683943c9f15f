"""Headers <-> values: what a request wishes, and what is told of it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from msgspec import structs

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import CacheStatus, Caller, Facts, RateState, Wishes

Headers = list[tuple[bytes, bytes]]

_READ: Final = frozenset(
    {
        b"cache-control",
        b"x-synthlang-cache",
        b"x-synthlang-compression",
        b"x-synthlang-timeout",
        b"x-synthlang-tags",
        b"x-synthlang-session",
        b"x-synthlang-strict",
        b"x-synthlang-cost",
        b"x-stainless-retry-count",
        b"anthropic-version",
        b"anthropic-beta",
        b"openai-beta",
    }
)
_RELAYED: Final = (b"anthropic-beta", b"anthropic-version", b"openai-beta")
_CACHE: Final = {status: (b"x-cache", status.value.encode()) for status in CacheStatus}
_CACHE_RANK: Final = {"off": 0, "exact": 1, "semantic": 2}
_COMPRESSIONS: Final = ("off", "transparent", "native")
_LEVELS: Final = ("exact", "readable", "session")
_MAX_TAGS: Final = 16
_MAX_TAG_BYTES: Final = 128
_MAX_SESSION_BYTES: Final = 256
_MAX_REQUEST_ID: Final = 128


def read_request_id(headers: Headers) -> str | None:
    """The client's own `x-request-id` if it is printable and short enough, else None."""
    for name, value in headers:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            return (
                text if text.isascii() and text.isprintable() and 0 < len(text) <= _MAX_REQUEST_ID else None
            )
    return None


def encoding_of(headers: Headers) -> str:
    """The Content-Encoding, empty where the body is plain; several lines of it are one list (RFC 9110 section 5.2)."""
    codings = [
        value.decode("latin-1").strip().lower() for name, value in headers if name == b"content-encoding"
    ]
    return ",".join(codings)


def read_wishes(headers: Headers, query: bytes, caller: Caller, defaults: Wishes) -> Wishes:
    """The wishes of one request: the configured defaults, narrowed by what the headers ask.

    Raises InvalidRequest for a value of ours that cannot be read; a foreign header is never an error.
    """
    asked: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ:
            asked[name] = asked[name] + b"," + value if name in asked else value
    if caller.compression is not None or caller.level is not None:
        defaults = structs.replace(
            defaults,
            compression=defaults.compression if caller.compression is None else caller.compression,
            level=defaults.level if caller.level is None else caller.level,
        )
    if not asked and not query:
        return defaults
    relay = [(name.decode(), asked[name].decode("latin-1")) for name in _RELAYED if name in asked]
    if query:
        relay.insert(0, ("?query", query.decode("latin-1")))
    wishes = structs.replace(defaults, relay=tuple(relay))
    for name, value in asked.items():
        reader = _READERS.get(name)
        if reader is not None:
            wishes = reader(value.decode("latin-1").strip(), wishes, caller)
    return wishes


def _cache_control(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    """RFC 9111 section 5.2.1; unknown directives are ignored, as it asks."""
    for part in value.lower().split(","):
        name, _, argument = part.strip().partition("=")
        if name == "no-cache":
            wishes = structs.replace(wishes, no_cache=True)
        elif name == "no-store":
            wishes = structs.replace(wishes, no_store=True)
        elif name == "only-if-cached":
            wishes = structs.replace(wishes, only_if_cached=True)
        elif name == "max-age" and argument.strip('"').isdigit():
            wishes = structs.replace(wishes, max_age=float(argument.strip('"')[:12]))
    return wishes


def _cache(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    mode = value.lower()
    if mode not in _CACHE_RANK:
        raise InvalidRequest("x-synthlang-cache is one of off, exact, semantic.", param="x-synthlang-cache")
    if _CACHE_RANK[mode] > _CACHE_RANK[wishes.cache] and not caller.may_widen:
        mode = wishes.cache
    return structs.replace(wishes, cache=mode, reuse="any" if mode != "off" else wishes.reuse)


def _compression(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    mode, _, rest = value.lower().replace(" ", "").partition(";")
    _, _, level = rest.partition("level=")
    if mode not in _COMPRESSIONS or (rest and level not in _LEVELS):
        raise InvalidRequest(
            "x-synthlang-compression is off, transparent or native, with ;level=exact|readable|session.",
            param="x-synthlang-compression",
        )
    if wishes.compression == "off" and not caller.may_widen:
        mode = "off"
    return structs.replace(wishes, compression=mode, level=level or wishes.level)


def _timeout(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InvalidRequest(
            "x-synthlang-timeout is a positive number of seconds.", param="x-synthlang-timeout"
        )
    return structs.replace(wishes, timeout=seconds)


def _tags(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    pairs = []
    for part in value.split(","):
        name, separator, tag = part.strip().partition("=")
        if not separator or not name or len(part) > _MAX_TAG_BYTES:
            raise InvalidRequest("x-synthlang-tags is a=b,c=d with short names.", param="x-synthlang-tags")
        pairs.append((name.strip(), tag.strip()))
    if len(pairs) > _MAX_TAGS:
        raise InvalidRequest(f"x-synthlang-tags holds at most {_MAX_TAGS} tags.", param="x-synthlang-tags")
    return structs.replace(wishes, tags=tuple(pairs))


def _session(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    if len(value) > _MAX_SESSION_BYTES:
        raise InvalidRequest("x-synthlang-session is too long.", param="x-synthlang-session")
    return structs.replace(wishes, session=value)


def _strict(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    return structs.replace(wishes, strict=value.lower() in ("true", "1", "yes", "on"))


def _cost(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    return structs.replace(wishes, cost_in_body=value.lower() == "body")


def _retries(value: str, wishes: Wishes, caller: Caller) -> Wishes:
    return structs.replace(wishes, client_retry=min(int(value), 1000)) if value.isdigit() else wishes


_READERS: Final = {
    b"cache-control": _cache_control,
    b"x-synthlang-cache": _cache,
    b"x-synthlang-compression": _compression,
    b"x-synthlang-timeout": _timeout,
    b"x-synthlang-tags": _tags,
    b"x-synthlang-session": _session,
    b"x-synthlang-strict": _strict,
    b"x-synthlang-cost": _cost,
    b"x-stainless-retry-count": _retries,
}


def render_duration(seconds: float) -> str:
    """A duration in OpenAI's form: `12ms`, `1.5s`, `6m0s`, `1h2m3s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{math.ceil(seconds * 1000) / 1000:g}s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest}s"
    return f"{minutes // 60}h{minutes % 60}m{rest}s"


def render_facts(facts: Facts, now: float) -> Headers:
    """Response headers from what is known; `now` is the monotonic clock."""
    headers: Headers = [(b"x-request-id", facts.request_id.encode())]
    if facts.rate is not None:
        _add_rate(headers, facts.rate)
    if facts.cache is not None:
        headers.append(_CACHE[facts.cache])
        if facts.age is not None:
            headers.append((b"age", str(max(0, int(facts.age))).encode()))
        if facts.cache is CacheStatus.SEMANTIC_HIT:
            _add_number(headers, b"x-cache-similarity", facts.similarity)
            _add_number(headers, b"x-cache-confidence", facts.confidence)
    headers += _service(facts.served_model, facts.provider, facts.route_reason, facts.dropped)
    if facts.attempts:
        headers.append((b"x-synthlang-attempts", b"%d" % len(facts.attempts)))
    if facts.simulated:
        headers.append((b"x-synthlang-simulated", b"true"))
    _add_savings(headers, facts)
    for name, value in facts.upstream_headers:
        headers.append((name.encode("latin-1"), value.encode("latin-1")))
    _add_timing(headers, facts, now)
    return headers


def _add_rate(headers: Headers, rate: RateState) -> None:
    if rate.limit_requests is not None:
        headers.append((b"x-ratelimit-limit-requests", b"%d" % rate.limit_requests))
        headers.append((b"x-ratelimit-remaining-requests", b"%d" % (rate.remaining_requests or 0)))
        headers.append((b"x-ratelimit-reset-requests", render_duration(rate.reset_requests or 0).encode()))
    if rate.limit_tokens is not None:
        headers.append((b"x-ratelimit-limit-tokens", b"%d" % rate.limit_tokens))
        headers.append((b"x-ratelimit-remaining-tokens", b"%d" % (rate.remaining_tokens or 0)))
        headers.append((b"x-ratelimit-reset-tokens", render_duration(rate.reset_tokens or 0).encode()))


def _add_number(headers: Headers, name: bytes, value: float | None) -> None:
    if value is not None:
        headers.append((name, b"%.4f" % value))


@lru_cache(256)
def _service(model: str, provider: str, reason: str, dropped: tuple[str, ...]) -> Headers:
    """Who served it and why: the same for most requests."""
    headers: Headers = []
    for name, text in (
        (b"x-synthlang-model", model),
        (b"x-synthlang-provider", provider),
        (b"x-synthlang-route", reason),
        (b"x-synthlang-dropped-params", ",".join(dropped)),
    ):
        if text:
            plain = text.isascii() and text.isprintable()
            headers.append((name, text.encode("ascii" if plain else "unicode_escape")))
    return headers


def _add_savings(headers: Headers, facts: Facts) -> None:
    if facts.tokens_saved is not None:
        headers.append((b"x-synthlang-tokens-saved", b"%d" % facts.tokens_saved))
    if facts.tokens_would_save is not None:
        headers.append((b"x-synthlang-tokens-would-save", b"%d" % facts.tokens_would_save))
    if facts.cost is not None:
        headers.append((b"x-synthlang-cost", b"%.8f" % facts.cost))


def _add_timing(headers: Headers, facts: Facts, now: float) -> None:
    total = (now - facts.started) * 1000
    upstream = 0.0
    if facts.upstream_sent is not None and facts.first_data is not None:
        upstream = (facts.first_data - facts.upstream_sent) * 1000
    headers.append((b"openai-processing-ms", b"%d" % total))
    headers.append(
        (
            b"server-timing",
            b"cache;dur=%.2f, upstream;dur=%.2f, own;dur=%.2f"
            % (facts.cache_ms, upstream, max(0.0, total - upstream - facts.cache_ms)),
        )
    )
