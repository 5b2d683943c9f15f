"""Which requests may share an answer: the rule, case by case and part by part."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from synthlang_router.cache import CacheKey
from synthlang_router.cache.key import MAX_KEY_BYTES
from synthlang_router.errors import InvalidRequest
from synthlang_router.models import Caller, Route, Wishes
from tests.cache.requests import ANN, PLAIN, ROUTE, asked, key_of, request_of

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "scope_cases.jsonl").read_text(encoding="utf-8").splitlines()
]
ANY = Wishes(reuse="any")


def case_key(side: dict[str, Any], wishes: Wishes) -> CacheKey:
    body = side["request"]
    caller = Caller(side["tenant"], "u", "k", "n")
    return key_of(body, caller=caller, route=Route("p", body["model"], "asked", ""), wishes=wishes)


def share(one: CacheKey, other: CacheKey) -> bool:
    return not one.bypass and not other.bypass and one.scope == other.scope


@pytest.mark.parametrize("wishes", [Wishes(), ANY], ids=["unsampled", "any"])
@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case['why']}" for n, case in enumerate(CASES)])
def test_the_scope_cases_hold(case: dict[str, Any], wishes: Wishes) -> None:
    assert share(case_key(case["a"], wishes), case_key(case["b"], wishes)) == bool(case["may_share"])


RICH: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "You are brief.", "name": "sys"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "u"}}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {
            "role": "user",
            "name": "ann",
            "content": [{"type": "text", "text": "context"}, {"type": "text", "text": "Why?"}],
        },
    ],
    "temperature": 0,
    "max_tokens": 100,
    "stop": ["\n"],
    "seed": 7,
    "user": "u1",
    "safety_identifier": "s1",
    "metadata": {"user_id": "m1", "trace": "t"},
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}},
        }
    ],
    "tool_choice": "required",
    "logit_bias": {"50256": -100},
    "reasoning_effort": "low",
    "x_unknown": {"deep": [1, 2, {"a": None}]},
    "stream": True,
    "stream_options": {"include_usage": True},
}
FREE = {("messages", 4, "content", 1, "text"), ("metadata", "trace"), ("stream",), ("stream_options",)}
"""Parts that change no scope: the question, tracing, the form of the answer."""


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here] if here else []
    if isinstance(value, dict):
        return found + [path for name, inner in value.items() for path in paths(inner, (*here, name))]
    if isinstance(value, list):
        return found + [path for index, inner in enumerate(value) for path in paths(inner, (*here, index))]
    return found


def is_free(path: tuple[Any, ...]) -> bool:
    return any(path[: len(free)] == free for free in FREE)


def at(body: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


def changed(path: tuple[Any, ...], how: Callable[[Any], Any]) -> dict[str, Any]:
    body = copy.deepcopy(RICH)
    holder = at(body, path[:-1])
    holder[path[-1]] = how(holder[path[-1]])
    return body


def other_value(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [*value, "more"]
    return {"other": 1} if value is None else {**value, "more": 1}


def without(path: tuple[Any, ...]) -> dict[str, Any]:
    body = copy.deepcopy(RICH)
    del at(body, path[:-1])[path[-1]]
    return body


def accepted(body: dict[str, Any]) -> bool:
    try:
        request_of(body)
    except InvalidRequest:
        return False
    return True


PARTS = [path for path in paths(RICH) if not is_free(path) and path[-1] not in ("role", "type")]
DIFFERENT = [path for path in PARTS if path != ("metadata",) and accepted(changed(path, other_value))]
MISSING = [path for path in PARTS if isinstance(path[-1], str) and accepted(without(path))]


@pytest.mark.parametrize("path", DIFFERENT, ids=str)
def test_any_one_part_that_differs_is_another_scope(path: tuple[Any, ...]) -> None:
    assert not share(key_of(RICH, wishes=ANY), key_of(changed(path, other_value), wishes=ANY))


@pytest.mark.parametrize("path", MISSING, ids=str)
def test_any_part_that_is_missing_is_another_scope(path: tuple[Any, ...]) -> None:
    assert not share(key_of(RICH, wishes=ANY), key_of(without(path), wishes=ANY))


@pytest.mark.parametrize("path", sorted(FREE, key=str), ids=str)
def test_what_changes_no_answer_changes_no_scope(path: tuple[Any, ...]) -> None:
    body = copy.deepcopy(RICH)
    holder = at(body, path[:-1])
    if path[-1] in ("stream_options", "trace"):
        del holder[path[-1]]
    else:
        holder[path[-1]] = False if path[-1] == "stream" else "Why not?"

    assert share(key_of(RICH, wishes=ANY), key_of(body, wishes=ANY))


def test_messages_that_change_place_are_another_scope() -> None:
    body = copy.deepcopy(RICH)
    body["messages"][0], body["messages"][1] = body["messages"][1], body["messages"][0]

    assert not share(key_of(RICH, wishes=ANY), key_of(body, wishes=ANY))


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-2, 2), st.text(max_size=4))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
NAMES = st.sampled_from(
    ["stop", "x", "thinking", "logit_bias", "prediction", "reasoning_effort", "user_data"]
)


def canonical(value: Any) -> str:
    """Plain and slow: what two values have in common if they mean the same to any JSON reader."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


@given(NAMES, JSON, JSON)
def test_unknown_fields_share_only_if_they_are_equal(name: str, one: Any, other: Any) -> None:
    shared = share(key_of(PLAIN | {name: one}, wishes=ANY), key_of(PLAIN | {name: other}, wishes=ANY))

    if shared and canonical(one) != canonical(other):
        assert {canonical(one), canonical(other)} == {"null", "{}"}
    if canonical(one) == canonical(other):
        assert shared


@given(
    st.lists(
        st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text(max_size=6)),
        min_size=1,
        max_size=4,
    ),
    st.data(),
)
def test_texts_cannot_be_moved_between_messages_without_changing_the_scope(
    turns: list[tuple[str, str]], data: st.DataObject
) -> None:
    other = data.draw(
        st.lists(
            st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text(max_size=6)),
            min_size=1,
            max_size=4,
        )
    )

    def key(messages: list[tuple[str, str]]) -> CacheKey:
        return key_of(
            {"model": "m", "messages": [{"role": role, "content": text} for role, text in messages]}
        )

    def outside_the_question(messages: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [*messages[:-1], ("user", "?")] if messages[-1][0] == "user" else messages

    assert share(key(turns), key(other)) == (outside_the_question(turns) == outside_the_question(other))


def test_white_space_escapes_and_key_order_of_the_body_do_not_count() -> None:
    one = '{"model":"m","messages":[{"role":"user","content":"\\u0048i"}],"stop":["a"],"x":{"a":1,"b":2}}'
    other = '{ "x" : {"b":2, "a": 1}, "stop" : [ "a" ], "messages":[ {"content":"Hi","role":"user"} ], "model":"m"}'

    assert key_of(one).exact == key_of(other).exact


@pytest.mark.parametrize(
    "default",
    [
        {"n": 1},
        {"top_p": 1},
        {"top_p": 1.0},
        {"stream": False},
        {"stream_options": None},
        {"frequency_penalty": 0},
        {"presence_penalty": 0.0},
        {"logprobs": False},
        {"store": False},
        {"tool_choice": "auto"},
        {"parallel_tool_calls": True},
        {"response_format": {"type": "text"}},
        {"stop": None},
        {"seed": None},
        {"temperature": None},
        {"user": None},
        {"metadata": None},
        {"metadata": {"trace": "x"}},
        {"service_tier": "auto"},
    ],
    ids=str,
)
def test_a_default_said_aloud_equals_one_left_out(default: dict[str, Any]) -> None:
    assert key_of(PLAIN | default).exact == key_of(PLAIN).exact


def test_zero_is_no_default_temperature() -> None:
    assert not share(key_of(PLAIN), key_of(PLAIN | {"temperature": 0}))
    assert share(key_of(PLAIN | {"temperature": 0.0}), key_of(PLAIN | {"temperature": 0}))


@pytest.mark.parametrize("role", ["system", "user"])
def test_a_single_text_part_equals_the_text(role: str) -> None:
    def body(content: Any) -> dict[str, Any]:
        return {
            "model": "m",
            "messages": [{"role": role, "content": content}, {"role": "user", "content": "?"}],
        }

    assert key_of(body("Hi")).exact == key_of(body([{"type": "text", "text": "Hi"}])).exact
    assert (
        key_of(body("Hi")).exact
        != key_of(body([{"type": "text", "text": "H"}, {"type": "text", "text": "i"}])).exact
    )


def test_the_exact_layer_forgives_unicode_form_and_outer_white_space_only() -> None:
    base = key_of(asked("Où est le café ?"))

    assert key_of(asked("Ou\u0300 est le cafe\u0301 ?\n ")).exact == base.exact
    for other in ("où est le café ?", "Où est  le café ?", "Où est le café", "Où est le cafe ?"):
        assert key_of(asked(other)).exact != base.exact
        assert key_of(asked(other)).scope == base.scope


def test_you_did_it_is_not_did_you_do_it() -> None:
    assert key_of(asked("You did it.")).exact != key_of(asked("You did it?")).exact


def test_only_a_last_user_message_with_text_has_a_question() -> None:
    user = {"role": "user", "content": "Hi"}

    assert key_of({"model": "m", "messages": [user]}).question == "Hi"
    assert (
        key_of({"model": "m", "messages": [user, {"role": "assistant", "content": "Yes"}]}).question is None
    )
    assert (
        key_of(
            {"model": "m", "messages": [user, {"role": "tool", "content": "x", "tool_call_id": "1"}]}
        ).question
        is None
    )
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}
    key = key_of({"model": "m", "messages": [picture]})
    assert key.question is None
    assert not key.semantic


def test_a_question_that_looks_like_the_place_it_was_cut_from_is_no_other_scope_and_no_other_key() -> None:
    assert key_of(asked("0")).scope == key_of(asked("1")).scope
    assert key_of(asked("0")).exact != key_of(asked("1")).exact
    cut = {"model": "m", "messages": [{"role": "user", "content": None}]}
    assert key_of(cut).exact not in {key_of(asked("")).exact, key_of(asked("-")).exact}


@pytest.mark.parametrize(
    "caller",
    [structs.replace(ANN, tenant_id="other"), structs.replace(ANN, user_id="bob")],
    ids=["tenant", "user of the key"],
)
def test_who_asks_comes_from_the_key_and_counts(caller: Caller) -> None:
    assert not share(key_of(), key_of(caller=caller))


def test_two_keys_of_one_user_share() -> None:
    assert share(key_of(), key_of(caller=structs.replace(ANN, key_id="k2", name="laptop")))


def test_the_operator_may_widen_the_scope_to_the_tenant_and_across_end_users_and_no_further() -> None:
    bob, foreign = structs.replace(ANN, user_id="bob"), structs.replace(ANN, tenant_id="other")
    keys: frozenset[Literal["keys", "end_users"]] = frozenset({"keys"})
    ends: frozenset[Literal["keys", "end_users"]] = frozenset({"end_users"})
    one, two = asked("?", user="u1", metadata={"user_id": "1"}), asked("?", user="u2", safety_identifier="x")

    assert share(key_of(widen=keys), key_of(caller=bob, widen=keys))
    assert not share(key_of(widen=keys), key_of(caller=foreign, widen=keys))
    assert share(key_of(one, widen=ends), key_of(two, widen=ends))
    assert not share(key_of(one, widen=keys), key_of(two, widen=keys))


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(relay=(("openai-beta", "x=1"),)),
        Wishes(relay=(("?query", "api-version=2"),)),
        Wishes(compression="native"),
        Wishes(compression="native", level="readable"),
    ],
    ids=["beta header", "query", "native", "native readable"],
)
def test_headers_that_go_upstream_and_what_the_model_sees_count(wishes: Wishes) -> None:
    assert not share(key_of(), key_of(wishes=wishes))


def test_name_asked_and_policy_count_and_the_chosen_target_does_not() -> None:
    assert not share(key_of(), key_of(route=structs.replace(ROUTE, policy="p2")))
    assert not share(key_of(), key_of(PLAIN | {"model": "other"}))
    assert share(key_of(), key_of(route=structs.replace(ROUTE, provider="local", model="llama3")))


def test_without_a_policy_the_target_counts() -> None:
    bare = structs.replace(ROUTE, policy="")

    assert not share(key_of(route=bare), key_of(route=structs.replace(bare, model="llama3")))


def test_the_embedder_counts() -> None:
    assert not share(key_of(version="a"), key_of(version="b"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"store": True}, "store"),
        ({"previous_response_id": "r1"}, "previous response"),
        ({"background": True}, "background"),
        ({"conversation": "c1"}, "conversation"),
        ({"web_search_options": {}}, "web search"),
        ({"enable_search": True}, "web search"),
        ({"search_parameters": {"mode": "auto"}}, "web search"),
        ({"tools": [{"type": "web_search_preview"}]}, "hosted tool"),
        ({"tools": [{"type": {"of": "another kind"}}]}, "hosted tool"),
        (
            {"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "code_interpreter"}]},
            "hosted tool",
        ),
        ({"modalities": ["text", "audio"], "audio": {"voice": "a", "format": "wav"}}, "audio"),
        ({"audio": {"voice": "a"}}, "audio"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, "audio"),
        ({"model": "gpt-4o-search-preview"}, "search model"),
        ({"model": "o3-deep-research"}, "search model"),
        ({"model": "perplexity/sonar-pro"}, "search model"),
    ],
    ids=str,
)
def test_what_reaches_beyond_the_answer_is_not_cached_whatever_is_wished(
    more: dict[str, Any], reason: str
) -> None:
    assert key_of(PLAIN | more, wishes=ANY).bypass == reason


def test_a_name_that_leads_to_a_search_model_is_not_cached() -> None:
    assert key_of(route=structs.replace(ROUTE, model="gpt-4o-search-preview")).bypass == "search model"


@pytest.mark.parametrize(
    ("more", "unsampled", "deterministic"),
    [
        ({}, "", "not deterministic"),
        ({"temperature": 0}, "", ""),
        ({"temperature": 0.0, "top_p": 0.5}, "", ""),
        ({"temperature": 0, "seed": 3}, "", ""),
        ({"temperature": 0.7}, "sampled", "sampled"),
        ({"temperature": 1}, "sampled", "sampled"),
        ({"seed": 3}, "sampled", "sampled"),
        ({"seed": 0}, "sampled", "sampled"),
        ({"top_p": 0.5}, "sampled", "sampled"),
        ({"n": 2}, "sampled", "sampled"),
        ({"n": 2, "temperature": 0}, "sampled", "sampled"),
        ({"n": None, "temperature": None}, "", "not deterministic"),
    ],
    ids=str,
)
def test_who_asks_for_sampling_gets_samples_unless_reuse_is_any(
    more: dict[str, Any], unsampled: str, deterministic: str
) -> None:
    assert key_of(PLAIN | more).bypass == unsampled
    assert key_of(PLAIN | more, wishes=Wishes(reuse="deterministic")).bypass == deterministic
    assert key_of(PLAIN | more, wishes=ANY).bypass == ""


def test_several_choices_stay_in_the_exact_layer() -> None:
    assert not key_of(PLAIN | {"n": 2}, wishes=ANY).semantic
    assert key_of(PLAIN | {"temperature": 1}, wishes=ANY).semantic


def test_the_mode_bounds_the_layers() -> None:
    assert key_of(wishes=Wishes(cache="off")).bypass == "off"
    assert not key_of(wishes=Wishes(cache="exact")).semantic
    assert key_of(wishes=Wishes(cache="semantic")).semantic


def test_cache_control_is_carried() -> None:
    key = key_of(wishes=Wishes(no_cache=True, no_store=True, only_if_cached=True, max_age=5))

    assert (key.may_read, key.may_store, key.only_if_cached, key.max_age) == (False, False, True, 5)


def test_a_request_too_large_to_digest_in_time_is_not_cached() -> None:
    assert key_of(asked("x" * MAX_KEY_BYTES)).bypass == "size"
    assert key_of(asked("x" * (MAX_KEY_BYTES - 1000))).bypass == ""


def test_requests_of_different_form_are_equal_to_the_cache_and_different_to_a_flight() -> None:
    whole, stream = key_of(), key_of(PLAIN | {"stream": True})
    usage = key_of(PLAIN | {"stream": True, "stream_options": {"include_usage": True}})

    assert whole.exact == stream.exact == usage.exact
    assert len({whole.form, stream.form, usage.form, key_of(wishes=Wishes(timeout=3)).form}) == 4
