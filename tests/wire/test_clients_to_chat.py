"""Messages and responses requests on their way to a provider of chats."""

from __future__ import annotations

import json

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from tests.wire.put import Plain, check_by_sdk, put, refused

BLOCKS: list[Plain] = [
    {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
    {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "text", "text": "Calling."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": [{"type": "text", "text": "no"}, {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}}]},
        {"type": "text", "text": "Hm?"},
    ]},
]  # fmt: skip


def test_anthropics_turns_become_a_chat() -> None:
    sent, dropped = put("messages", "openai", messages=BLOCKS, system=[{"type": "text", "text": "Be brief."}])

    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"role": "assistant", "content": "Calling.", "tool_calls": [
            {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        ]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: no"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}, {"type": "text", "text": "Hm?"}]},
    ]  # fmt: skip
    assert dropped == ("messages.thinking",)


@pytest.mark.parametrize(
    ("fields", "sent", "named"),
    [
        ({"stop_sequences": ["x"], "temperature": 0}, {"stop": ["x"], "temperature": 0}, ()),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}, ()),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}, ()),
        ({"top_k": 5, "service_tier": "standard_only"}, {}, ("top_k", "service_tier")),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {}, ("thinking",)),
        ({"thinking": {"type": "disabled"}}, {}, ()),
        ({"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}, {}, ("cache_control",)),
        ({"tools": [{"name": "f", "input_schema": {"type": "object"}}]}, {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}, ()),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {}, ("tools.web_search_20250305",)),
        ({"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}, {"tool_choice": "required", "parallel_tool_calls": False}, ()),
        ({"tool_choice": {"type": "tool", "name": "f"}}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}, ()),
        ({"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}}, {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}, "strict": True}}}, ("output_config.effort",)),
    ],
    ids=lambda value: json.dumps(value)[:60],
)  # fmt: skip
def test_anthropics_parameters_are_translated_or_dropped_by_name(
    fields: Plain, sent: Plain, named: tuple[str, ...]
) -> None:
    made, dropped = put("messages", "openai", **fields)

    assert {name: made[name] for name in sent} == sent
    assert made.keys() - sent.keys() <= {"model", "messages", "max_completion_tokens"}
    assert dropped == named


def test_a_block_that_a_chat_cannot_hold_is_refused_by_its_place() -> None:
    error = refused(
        "messages", "openai", messages=[{"role": "user", "content": [{"type": "container_upload"}]}]
    )

    assert error.param == "messages.0.content.0"


def test_anthropics_request_reaches_gemini_over_the_chat_between() -> None:
    sent, dropped = put("messages", "gemini", messages=BLOCKS, top_k=5)

    assert [content["role"] for content in sent["contents"]] == ["user", "model", "user"]
    assert sent["generationConfig"] == {"maxOutputTokens": 9}
    assert set(dropped) == {"messages.thinking", "top_k"}


ITEMS: list[Plain] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": "https://a.example/x.png", "detail": "low"}]},
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"role": "assistant", "content": [{"type": "output_text", "text": "Calling."}]},
    {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
    {"type": "function_call", "call_id": "call_2", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "one"},
    {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "two"}]},
]  # fmt: skip


def test_a_responses_request_becomes_a_chat() -> None:
    sent, dropped = put("responses", "openai", input=ITEMS, instructions="Be brief.", max_output_tokens=5)

    call: Plain = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "https://a.example/x.png", "detail": "low"}}]},
        {"role": "assistant", "content": "Calling.", "tool_calls": [{"id": "call_1", **call}, {"id": "call_2", **call}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
        {"role": "tool", "tool_call_id": "call_2", "content": "two"},
    ]  # fmt: skip
    assert sent["max_completion_tokens"] == 5
    assert dropped == ("input.reasoning",)


@pytest.mark.parametrize(
    ("fields", "sent", "named"),
    [
        ({"text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"}}, {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}, "verbosity": "low"}, ()),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}, ("reasoning.summary",)),
        ({"include": ["reasoning.encrypted_content", "message.output_text.logprobs"]}, {"logprobs": True}, ("include.reasoning.encrypted_content",)),
        ({"store": True, "truncation": "auto", "max_tool_calls": 3}, {}, ("store", "truncation", "max_tool_calls")),
        ({"store": False, "truncation": "disabled"}, {}, ()),
        ({"tools": [{"type": "function", "name": "f", "parameters": {}, "strict": None}]}, {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, ()),
        ({"tool_choice": {"type": "function", "name": "f"}}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}, ()),
        ({"metadata": {"a": "b"}, "user": "u"}, {"metadata": {"a": "b"}, "user": "u"}, ()),
    ],
    ids=lambda value: json.dumps(value)[:60],
)  # fmt: skip
def test_parameters_of_responses_are_translated_or_dropped_by_name(
    fields: Plain, sent: Plain, named: tuple[str, ...]
) -> None:
    made, dropped = put("responses", "openai", input="Hi", **fields)

    assert {name: made[name] for name in sent} == sent
    assert made.keys() - sent.keys() <= {"model", "messages"}
    assert dropped == named


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"instructions": [{"type": "message"}]}, "instructions"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        ({"input": [{"type": "computer_call_output"}]}, "input[0]"),
        ({"input": ["text"]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}, "input[0].content[0]"),
        ({"input": None}, "input"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_chat_cannot_do_is_refused(fields: Plain, param: str) -> None:
    assert refused("responses", "openai", **{"input": "Hi", **fields}).param == param


def test_the_openai_sdks_types_know_what_we_send() -> None:
    tools = [{"name": "f", "input_schema": {}}]

    sent, _ = put("messages", "openai", messages=BLOCKS, tools=tools, stop_sequences=["x"])

    check_by_sdk(CompletionCreateParamsNonStreaming, sent)
