"""Chat and embeddings requests on their way to Anthropic and Gemini."""

from __future__ import annotations

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from synthlang_router.models import Dialect
from synthlang_router.wire.bridges import interpret
from tests.wire.put import USER, Plain, ask, check_by_sdk, put, refused

FUNCTION: Plain = {
    "type": "function",
    "function": {"name": "f", "description": "d", "parameters": {"type": "object"}},
}
CALL: Plain = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.50}'}}
TURNS: list[Plain] = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]},
    {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
    {"role": "assistant", "content": "Calling.", "tool_calls": [CALL, {**CALL, "id": "call_2"}]},
    {"role": "tool", "tool_call_id": "call_1", "content": "one"},
    {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": '{"two": 2}'}]},
    {"role": "user", "content": "Thanks"},
]  # fmt: skip


def test_a_chat_with_tools_becomes_anthropics_turns() -> None:
    sent, dropped = put("chat", "anthropic", messages=TURNS)

    assert sent["system"] == [
        {"type": "text", "text": "Be brief."},
        {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}},
    ]
    assert sent["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "Calling."},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1.5}},
            {"type": "tool_use", "id": "call_2", "name": "f", "input": {"a": 1.5}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "one"}]},
            {"type": "tool_result", "tool_use_id": "call_2", "content": [{"type": "text", "text": '{"two": 2}'}]},
            {"type": "text", "text": "Thanks"},
        ]},
    ]  # fmt: skip
    assert dropped == ()


def test_a_calls_arguments_keep_their_bytes() -> None:
    voice = interpret(ask("chat", {"model": "m", "messages": TURNS}), "anthropic", created=1)

    assert b'{"a": 1.50}' in voice.request.body


def test_a_chat_with_tools_becomes_geminis_contents() -> None:
    sent, dropped = put("chat", "gemini", messages=TURNS)

    assert sent["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert sent["contents"] == [
        {"role": "user", "parts": [{"text": "Look"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
        {"role": "model", "parts": [{"text": "Calling."}, *[{"functionCall": {"name": "f", "args": {"a": 1.5}}}] * 2]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"result": "one"}}},
            {"functionResponse": {"name": "f", "response": {"two": 2}}},
            {"text": "Thanks"},
        ]},
    ]  # fmt: skip
    assert dropped == ()


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {"max_tokens": 8192}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 6, "max_tokens": 5}, {"max_tokens": 6}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"top_p": 0.5, "top_k": 3}, {"top_p": 0.5, "top_k": 3}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"metadata": {"user_id": "u"}}, {"metadata": {"user_id": "u"}}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        (
            {"tools": [FUNCTION]},
            {"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]},
        ),
        ({"tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        ({"tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "tool", "name": "f"}},
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "object"}},
                }
            },
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_parameters_that_anthropic_knows_are_translated(fields: Plain, sent: Plain) -> None:
    made, dropped = put("chat", "anthropic", **fields)

    assert {name: made[name] for name in sent} == sent
    assert made.keys() - sent.keys() <= {"model", "messages", "max_tokens"}
    assert dropped == ()


def test_one_call_at_a_time_is_anthropics_flag_on_the_choice() -> None:
    made, _ = put("chat", "anthropic", tools=[FUNCTION], parallel_tool_calls=False)

    assert made["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 1.5}, "temperature"),
        ({"seed": 7}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"store": True}, "store"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.custom"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"something_new": 1}, "something_new"),
        ({"messages": [{"role": "user", "name": "Ann", "content": "Hi"}]}, "messages.name"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_parameters_that_anthropic_does_not_know_are_dropped_and_named(fields: Plain, named: str) -> None:
    made, dropped = put("chat", "anthropic", **fields)

    assert dropped == (named,)
    assert made.keys() <= {"model", "messages", "max_tokens"}


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
@pytest.mark.parametrize(
    "idle",
    [
        {"n": 1}, {"presence_penalty": 0}, {"frequency_penalty": 0.0}, {"logprobs": False}, {"logit_bias": {}},
        {"store": False}, {"modalities": ["text"]}, {"service_tier": "auto"}, {"seed": None}, {"metadata": {}},
        {"parallel_tool_calls": True}, {"response_format": {"type": "text"}}, {"tools": []}, {"reasoning_effort": "none"},
    ],
    ids=str,
)  # fmt: skip
def test_a_parameter_that_asks_for_nothing_is_not_told_as_dropped(provider: Dialect, idle: Plain) -> None:
    assert put("chat", provider, **idle) == put("chat", provider)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"temperature": 1.5, "top_p": 0.5}, {"generationConfig": {"temperature": 1.5, "topP": 0.5}}),
        ({"n": 2, "seed": 7}, {"generationConfig": {"candidateCount": 2, "seed": 7}}),
        ({"max_completion_tokens": 5}, {"generationConfig": {"maxOutputTokens": 5}}),
        ({"stop": "x"}, {"generationConfig": {"stopSequences": ["x"]}}),
        (
            {"response_format": {"type": "json_object"}},
            {"generationConfig": {"responseMimeType": "application/json"}},
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}},
            {
                "generationConfig": {
                    "responseMimeType": "application/json",
                    "responseJsonSchema": {"type": "object"},
                }
            },
        ),
        (
            {"tools": [FUNCTION]},
            {
                "tools": [
                    {
                        "functionDeclarations": [
                            {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}}
                        ]
                    }
                ]
            },
        ),
        ({"tool_choice": "required"}, {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}},
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_parameters_that_gemini_knows_are_translated(fields: Plain, sent: Plain) -> None:
    made, dropped = put("chat", "gemini", **fields)

    assert {name: made[name] for name in sent} == sent
    assert made.keys() == {"contents"} | sent.keys()
    assert dropped == ()


@pytest.mark.parametrize("name", ["logprobs", "user", "logit_bias", "something_new"])
def test_parameters_that_gemini_does_not_know_are_dropped_and_named(name: str) -> None:
    value = {"logprobs": True, "user": "u", "logit_bias": {"1": 2}, "something_new": 1}[name]

    assert put("chat", "gemini", **{name: value})[1] == (name,)


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
@pytest.mark.parametrize("url", ["https://a.example/x.png?y=1", "http://169.254.169.254/latest/meta-data"])
def test_an_image_url_is_handed_on_and_never_fetched(provider: Dialect, url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]

    sent, _ = put("chat", provider, messages=[{"role": "user", "content": content}])

    assert url in json.dumps(sent)


@pytest.mark.parametrize(
    ("provider", "message", "param"),
    [
        ("anthropic", {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "messages[0].content[0]"),
        ("anthropic", {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}, "messages[0].content[0].file"),
        ("anthropic", {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}, "messages[0].content[0].image_url.url"),
        ("anthropic", {"role": "critic", "content": "x"}, "messages[0].role"),
        ("anthropic", {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {}}]}, "messages[0].tool_calls[0]"),
        ("anthropic", {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{"}}]}, "messages[0].tool_calls[0].function.arguments"),
        ("gemini", {"role": "user", "content": [{"type": "video", "video": {}}]}, "messages[0].content[0]"),
        ("gemini", {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}, "messages[0].content[0]"),
        ("gemini", {"role": "tool", "tool_call_id": "nowhere", "content": "x"}, "messages[0].tool_call_id"),
    ],
)  # fmt: skip
def test_content_that_the_provider_cannot_take_is_refused_by_its_place(
    provider: Dialect, message: Plain, param: str
) -> None:
    assert refused("chat", provider, messages=[message]).param == param


def test_signed_thoughts_go_back_to_their_signer() -> None:
    details = [
        {"type": "reasoning.text", "text": "Hm.", "signature": "sig", "index": 0},
        {"type": "reasoning.text", "text": "unsigned", "index": 1},
        {"type": "reasoning.encrypted", "data": "xyz", "index": 2},
    ]
    calls = [{**CALL, "extra_content": {"google": {"thought_signature": "gsig"}}}]
    message = {"role": "assistant", "content": "42", "reasoning_details": details, "tool_calls": calls}

    anthropic, _ = put("chat", "anthropic", messages=[*USER, message])
    gemini, _ = put("chat", "gemini", messages=[*USER, message])

    assert anthropic["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
    ]
    assert gemini["contents"][1]["parts"][1]["thoughtSignature"] == "gsig"


def test_calls_of_the_old_kind_find_their_results() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}

    sent, _ = put(
        "chat", "anthropic", messages=[*USER, call, {"role": "function", "name": "f", "content": "1"}]
    )

    use, result = sent["messages"][1]["content"][0], sent["messages"][2]["content"][0]
    assert use["id"] == result["tool_use_id"]
    assert use["input"] == {}


def test_the_anthropic_sdks_types_know_what_we_send() -> None:
    sent, _ = put(
        "chat", "anthropic", messages=TURNS, tools=[FUNCTION], tool_choice="auto", stop="x", user="u"
    )

    check_by_sdk(MessageCreateParamsNonStreaming, sent)
