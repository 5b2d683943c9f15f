"""Requests made at random, and the same with one thing changed: one that must part them, or one that must not."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from synthlang_router.cache import CacheKey, make_cache_key
from synthlang_router.models import Caller, Route, Wishes
from tests.cache.requests import request_of

WORDS = (
    "tide",
    "cup",
    "Ωmega",
    "7",
    "",
    " ",
    "a\nb",
    "don't",
    "don’t",
    "NULL",
    "0",
    "null",
    "\u0301e",
    "日本",
)
Side = tuple[Caller, Route, dict[str, Any], Wishes]


def made(seed: int) -> tuple[Side, Side, bool]:
    """Two requests, and whether they may share."""
    source = random.Random(seed)
    one = _side(source)
    other = copy.deepcopy(one)
    if source.random() < 0.25:
        return one, _same(other, source), True
    return one, _parted(other, source), False


def key(side: Side) -> CacheKey:
    caller, route, body, wishes = side
    return make_cache_key(caller, route, request_of(json.dumps(body)), wishes)


def _word(source: random.Random) -> str:
    return source.choice(WORDS) + source.choice(WORDS)


def _side(source: random.Random) -> Side:
    messages = [_message(source) for _ in range(source.randint(0, 4))]
    body: dict[str, Any] = {"model": "m", "messages": [*messages, {"role": "user", "content": _word(source)}]}
    for name, value in (
        ("temperature", 0),
        ("max_tokens", source.randint(1, 99)),
        ("stop", [_word(source)]),
        ("user", _word(source)),
        ("metadata", {"user_id": _word(source), "trace": _word(source)}),
        ("tools", [{"type": "function", "function": {"name": "f", "description": _word(source)}}]),
        ("response_format", {"type": "json_object"}),
        ("x_own", {"deep": [1, {"a": _word(source)}]}),
    ):
        if source.random() < 0.5:
            body[name] = value
    if source.random() < 0.3:
        body["messages"][-1]["content"] = [
            {"type": "image_url", "image_url": {"url": _word(source)}},
            {"type": "text", "text": _word(source)},
        ]
    caller = Caller(f"t{source.randint(0, 9)}", f"u{source.randint(0, 9)}", "k", "n")
    return caller, Route("p", "m", "asked", source.choice(["", "policy"])), body, Wishes(reuse="any")


def _message(source: random.Random) -> dict[str, Any]:
    if source.random() < 0.3:
        return {
            "role": "user",
            "content": [{"type": "text", "text": _word(source)}, {"type": "text", "text": "b"}],
        }
    return {"role": source.choice(["system", "user", "assistant"]), "content": _word(source)}


def _same(side: Side, source: random.Random) -> Side:
    """A change that must lose no share: of form, of tracing, of spelling, of who holds the key."""
    caller, route, body, wishes = side
    choice = source.randrange(5)
    if choice == 0:
        body = dict(reversed(body.items()))
    elif choice == 1:
        body = {**body, "stream": True, "stream_options": {"include_usage": True}}
    elif choice == 2:
        body = {**body, "n": 1, "presence_penalty": 0.0, "tool_choice": "auto", "seed": None}
    elif choice == 3:
        body = {**body, "metadata": {**body.get("metadata", {}), "trace": _word(source) + "other"}}
    else:
        caller = Caller(caller.tenant_id, caller.user_id, "k2", "another name")
    return caller, route, body, wishes


def _parted(side: Side, source: random.Random) -> Side:
    """A change in exactly one part that counts."""
    caller, route, body, wishes = side
    choice = source.randrange(8)
    if choice == 0:
        caller = Caller(caller.tenant_id + "x", caller.user_id, "k", "n")
    elif choice == 1:
        caller = Caller(caller.tenant_id, caller.user_id + "x", "k", "n")
    elif choice == 2:
        route = Route("p", "m", "asked", route.policy + "x")
    elif choice == 3:
        wishes = Wishes(reuse="any", relay=(("openai-beta", _word(source)),))
    else:
        body = _other_body(body, choice, source)
    return caller, route, body, wishes


def _other_body(body: dict[str, Any], choice: int, source: random.Random) -> dict[str, Any]:
    messages = body["messages"]
    if choice == 4:
        name, value = source.choice([("model", "m2"), ("safety_identifier", _word(source) + "x")])
        return {**body, name: value}
    if choice == 5:
        place = source.randint(0, len(messages) - 1)
        return {
            **body,
            "messages": [*messages[:place], {"role": "system", "content": "!"}, *messages[place:]],
        }
    if choice == 6:
        return {**body, f"y_{source.randrange(10**9)}": source.choice([0, 1, "a", None, False, [], {}])}
    return {**body, "messages": [*messages[:-1], {**messages[-1], "name": "x"}]}
