"""The dry run: what compression would save on given texts or requests, by kind of data and in money. Nothing is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from synthlang_router.models import ChatRequest, CompressionLevel
from synthlang_router.synthlang.literals import text_of, text_slots
from synthlang_router.synthlang.prompt import compress_prompt
from synthlang_router.synthlang.segments import find_data
from synthlang_router.synthlang.tokens import count_tokens, encoding_for


class Line(msgspec.Struct, frozen=True, gc=False):
    """The requests of one class. Money in USD; None where no price was given."""

    name: str
    requests: int
    tokens_before: int
    tokens_after: int
    money_before: float | None
    money_after: float | None

    @property
    def share_saved(self) -> float:
        return 1 - self.tokens_after / self.tokens_before if self.tokens_before else 0.0


class Price(msgspec.Struct, frozen=True, gc=False):
    """USD per million tokens of input, fresh and read from the provider's cache."""

    fresh: float
    cached: float


def request_of(content: bytes, model: str) -> ChatRequest:
    """A file as a request: a body or `messages` in JSON as they are, anything else as one message of a user."""
    try:
        value = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        messages = bytes(value["messages"])
    except (msgspec.DecodeError, KeyError):
        messages = content if _are_messages(content) else _one_message(content)
    return ChatRequest({"messages": msgspec.Raw(messages)}, model=model, stream=False)


def _are_messages(content: bytes) -> bool:
    try:
        messages = msgspec.json.decode(content, type=list[dict[str, msgspec.Raw]])
    except msgspec.DecodeError:
        return False
    return bool(messages) and all("role" in message for message in messages)


def _one_message(content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return msgspec.json.encode([{"role": "user", "content": text}])


def report(
    requests: Iterable[ChatRequest],
    level: CompressionLevel,
    *,
    price: Price | None = None,
    cached_share: float = 0.0,
) -> list[Line]:
    """One line per class (the kind of data that makes up most of a request) and one for all of them.

    `cached_share` (0 to 1) is the part of the prompt tokens that the provider read from its cache; since a
    conversation is written the same in every turn, the same part of the shorter prompt is.
    """
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for request in requests:
        prompt = compress_prompt(request, mode="native", level=level)
        tokens = _tokens(request)
        for name in (_class_of(request), "all"):
            count[name] += 1
            before[name] += tokens
            after[name] += tokens - (prompt.tokens_less or 0)
    return [
        Line(
            name,
            count[name],
            before[name],
            after[name],
            _money(before[name], price, cached_share),
            _money(after[name], price, cached_share),
        )
        for name in sorted(count, key=lambda name: (name == "all", name))
    ]


def _money(tokens: int, price: Price | None, cached_share: float) -> float | None:
    if price is None:
        return None
    return tokens * (price.fresh * (1 - cached_share) + price.cached * cached_share) / 1_000_000


def _tokens(request: ChatRequest) -> int:
    encoding, _ = encoding_for(request.model)
    raw = bytes(request.fields["messages"])
    return sum(count_tokens(text_of(raw, slot), encoding) for slot in text_slots(raw))


def _class_of(request: ChatRequest) -> str:
    raw = bytes(request.fields["messages"])
    sizes: Counter[str] = Counter(prose=0)
    for slot in text_slots(raw):
        text = text_of(raw, slot)
        sizes["prose"] += len(text)
        for segment in find_data(text, slot.role):
            sizes[segment.kind] += segment.end - segment.start
            sizes["prose"] -= segment.end - segment.start
    return sizes.most_common(1)[0][0]
