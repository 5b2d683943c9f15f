"""The door: never more tokens, always the original back, and no failure that a caller could see."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.models import ChatRequest, Facts
from synthlang_router.synthlang import (
    ENCODINGS,
    BrokenFrame,
    compress_prompt,
    count_tokens,
    decode_messages,
    decompress_prompt,
)

TABLE = json.dumps([{"id": n, "name": f"user {n}", "active": n % 2 == 0} for n in range(20)], indent=2)


def chat(messages: object, model: str = "gpt-4o") -> ChatRequest:
    raw = messages if isinstance(messages, bytes) else json.dumps(messages).encode()
    return ChatRequest({"model": msgspec.Raw(json.dumps(model).encode()), "messages": msgspec.Raw(raw)}, model=model, stream=False)  # fmt: skip


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def raw_of(request: ChatRequest) -> bytes:
    return bytes(request.fields["messages"])


def facts() -> Facts:
    return Facts(request_id="r", row_id="i", arrived=0.0, started=0.0)


def test_native_sends_less_and_decodes_to_the_original() -> None:
    request = chat(user(f"Who is active?\n{TABLE}"))

    prompt = compress_prompt(request, mode="native", level="exact")

    assert prompt.sent is prompt.compressed is not request
    assert (
        prompt.sent.messages[0]["content"]
        == f"Who is active?\n{json.dumps(json.loads(TABLE), separators=(',', ':'))}"
    )
    assert raw_of(decompress_prompt(prompt)) == raw_of(request)
    assert prompt.tokens_less is not None and prompt.tokens_less > 100


def test_transparent_sends_the_original_and_says_what_would_be_saved() -> None:
    request = chat(user(TABLE))

    prompt = compress_prompt(request, mode="transparent", level="exact")

    assert prompt.sent is request
    assert prompt.tokens_less == count_tokens(TABLE, "o200k_base") - count_tokens(prompt.compressed.messages[0]["content"], "o200k_base")  # fmt: skip


def test_off_touches_and_counts_nothing() -> None:
    request = chat(user(TABLE))

    prompt = compress_prompt(request, mode="off", level="exact")

    assert prompt.sent is prompt.compressed is request
    assert prompt.tokens_less == 0


@pytest.mark.parametrize("role", ["system", "developer", "user", "tool"])
def test_json_in_every_role_but_the_models_own_is_made_smaller(role: str) -> None:
    prompt = compress_prompt(chat([{"role": role, "content": TABLE}]), mode="native", level="exact")

    assert prompt.tokens_less


def test_the_models_own_words_tool_calls_and_cached_messages_stay() -> None:
    messages = [
        {"role": "assistant", "content": TABLE, "tool_calls": [{"function": {"arguments": TABLE}}]},
        {
            "role": "user",
            "content": [{"type": "text", "text": TABLE, "cache_control": {"type": "ephemeral"}}],
        },
    ]
    request = chat(messages)

    assert compress_prompt(request, mode="native", level="exact").sent is request


@pytest.mark.parametrize("text", ["Hello", "a {b} [c] \"d\"", '{"a":1}', '{"a":[1,2,3],"b":"already as small as can be"}', ""])  # fmt: skip
def test_where_nothing_is_gained_the_very_same_request_is_sent(text: str) -> None:
    request = chat(user(text))

    prompt = compress_prompt(request, mode="native", level="exact")

    assert prompt.sent is prompt.compressed is decompress_prompt(prompt) is request


@pytest.mark.parametrize(
    "messages", [b"null", b"{}", b'"text"', b"[]", b"[[]]", b'[{"role":"user"}]', b'[{"content":"{"}]']
)
def test_messages_of_any_shape_go_through(messages: bytes) -> None:
    request = chat(messages)

    assert compress_prompt(request, mode="native", level="exact").sent is request


def test_the_way_a_client_escapes_is_kept() -> None:
    text = TABLE.replace("user", "Zoë 😀 <b>")
    for raw in (
        json.dumps(user(text)),
        json.dumps(user(text), ensure_ascii=False),
        json.dumps(user(text), indent=1),
    ):
        request = chat(raw.encode())

        prompt = compress_prompt(request, mode="native", level="exact")

        assert prompt.stored
        assert raw_of(decompress_prompt(prompt)) == raw.encode()


def test_a_text_that_brings_our_own_signs_along_comes_back() -> None:
    request = chat(user(f"【1j 【【1= 】 {TABLE} 【1ji2 {{}}"))

    prompt = compress_prompt(request, mode="native", level="exact")

    assert prompt.stored == b"" or raw_of(decompress_prompt(prompt)) == raw_of(request)


def test_for_a_model_without_a_public_tokenizer_no_encoding_gets_longer() -> None:
    prompt = compress_prompt(chat(user(TABLE), "claude-sonnet-4-5"), mode="native", level="exact")
    sent = prompt.sent.messages[0]["content"]

    assert not prompt.exact
    assert all(count_tokens(sent, name) < count_tokens(TABLE, name) for name in ENCODINGS)


@pytest.mark.parametrize(
    "stored",
    [b"", b"[]", b"synthlang/2 r 0\n[]", b"synthlang/1 x 0\n[]", b"synthlang/1 r 5\n[]", b"synthlang/1 r a\n[]", "synthlang/1 r 0\n[{\"role\":\"user\",\"content\":\"【9j \"}]".encode()],
)  # fmt: skip
def test_what_is_not_a_stored_form_is_refused(stored: bytes) -> None:
    with pytest.raises(BrokenFrame):
        decode_messages(stored)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6), max_leaves=40)  # fmt: skip
PIECES = st.one_of(
    st.text(max_size=30),
    st.builds(json.dumps, JSON, indent=st.sampled_from([None, 1, 2, 4])),
    st.sampled_from(["```json\n", "\n```\n", "Data:\n", "【", "】", "【1j", "\n\n", " = ", "<|endoftext|>"]),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["user", "tool", "assistant", "system"]), st.lists(PIECES, max_size=6).map("".join)), max_size=4), st.booleans())  # fmt: skip
def test_any_conversation_comes_back_and_never_gets_longer(
    talk: list[tuple[str, str]], ascii_only: bool
) -> None:
    messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in talk]
    request = chat(json.dumps(messages, ensure_ascii=ascii_only).encode())

    prompt = compress_prompt(request, mode="native", level="exact")

    assert raw_of(decompress_prompt(prompt)) == raw_of(request)
    for before, after in zip(messages, prompt.sent.messages, strict=True):
        assert count_tokens(after["content"], "o200k_base") <= count_tokens(before["content"], "o200k_base")
