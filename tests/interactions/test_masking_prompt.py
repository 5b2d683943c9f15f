"""A provider sees placeholders where people wrote something personal, and everything else as it was."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from synthlang_router.interactions.masking_prompt import mask_prompt
from synthlang_router.models import ChatRequest
from synthlang_router.wire import DIALECTS

MAIL, OTHER_MAIL = "ann@example.org", "bob@example.org"
CARD = "4111 1111 1111 1111"
SECRET = "sk-proj-abcdefghijklmnop0123456789"


def request(**fields: Any) -> ChatRequest:
    body = json.dumps({"model": "m", **fields}).encode()
    return DIALECTS["openai"].read_request(body, "chat")


def said(*texts: str, **more: Any) -> ChatRequest:
    return request(messages=[{"role": "user", "content": text} for text in texts], **more)


def texts(sent: ChatRequest) -> list[Any]:
    return [message["content"] for message in sent.messages]


def test_a_value_has_one_name_in_the_whole_conversation() -> None:
    sent, names = mask_prompt(said(f"I am {MAIL}.", f"Write to {OTHER_MAIL} and {MAIL}; card {CARD}."))

    assert texts(sent) == ["I am [EMAIL_1].", "Write to [EMAIL_2] and [EMAIL_1]; card [CARD_1]."]
    assert names.originals == {"[EMAIL_1]": MAIL, "[EMAIL_2]": OTHER_MAIL, "[CARD_1]": CARD}


def test_names_stay_from_turn_to_turn() -> None:
    first, _ = mask_prompt(said(f"{MAIL} and {CARD}"))
    second, _ = mask_prompt(said(f"{MAIL} and {CARD}", f"{OTHER_MAIL} and {MAIL}"))

    assert texts(second)[0] == texts(first)[0]
    assert texts(second)[1] == "[EMAIL_2] and [EMAIL_1]"


def test_a_request_without_anything_personal_is_the_same_object() -> None:
    asked = said("What is 2 + 2?")

    sent, names = mask_prompt(asked)

    assert sent is asked
    assert names.originals == {}


def test_schemas_formats_and_structure_are_never_touched() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": f"mail {MAIL}", "parameters": {}}}]
    asked = request(
        tools=tools,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"const": MAIL}}},
        messages=[
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": f"https://x/?m={MAIL}"}}],
            },
            {"role": "tool", "tool_call_id": MAIL, "content": f"found {MAIL}"},
        ],
    )

    sent, _ = mask_prompt(asked)

    for name in ("tools", "response_format"):
        assert bytes(sent.fields[name]) == bytes(asked.fields[name])
    assert sent.messages[0] == asked.messages[0]
    assert sent.messages[1] == {"role": "tool", "tool_call_id": MAIL, "content": "found [EMAIL_1]"}


def test_code_is_left_as_it_is_but_for_secrets() -> None:
    sent, _ = mask_prompt(said(f"I am {MAIL}. ```py\nmail = '{MAIL}'\nkey = '{SECRET}'\n``` and `{MAIL}`"))

    assert texts(sent) == [f"I am [EMAIL_1]. ```py\nmail = '{MAIL}'\nkey = '[SECRET_1]'\n``` and `{MAIL}`"]


def test_tool_arguments_are_masked_inside_their_own_json() -> None:
    arguments = json.dumps({"to": MAIL, "n": 41111111, "text": 'say "hi"'})
    call = {"id": "c1", "type": "function", "function": {"name": "send", "arguments": arguments}}

    sent, _ = mask_prompt(request(messages=[{"role": "assistant", "tool_calls": [call]}]))

    masked = json.loads(sent.messages[0]["tool_calls"][0]["function"]["arguments"])
    assert masked == {"to": "[EMAIL_1]", "n": 41111111, "text": 'say "hi"'}


def test_a_name_that_the_conversation_uses_is_not_given() -> None:
    sent, names = mask_prompt(said(f"What does [EMAIL_1] mean? I am {MAIL}."))

    assert texts(sent) == ["What does [EMAIL_1] mean? I am [EMAIL_2]."]
    assert names.originals == {"[EMAIL_2]": MAIL}


def test_every_dialects_words_are_masked() -> None:
    asked = request(
        system=f"You serve {MAIL}.",
        instructions=f"Serve {MAIL}.",
        input=[{"role": "user", "content": [{"type": "input_text", "text": MAIL}]}],
        prompt=[MAIL],
        metadata={"user_id": MAIL},
        user=MAIL,
        messages=[
            {"role": "assistant", "content": [{"type": "thinking", "thinking": MAIL, "signature": "s"}]},
            {"role": "user", "content": [{"type": "text", "text": MAIL}]},
        ],
    )

    sent, _ = mask_prompt(asked)

    assert sent.body.decode().count(MAIL) == 1  # the thinking block is signed as it is
    assert sent.messages[0] == asked.messages[0]


@pytest.mark.parametrize(
    "piece", ['"a",', "`", "```", "[EMAIL_1]", "@", "1 ", '{"a":', "\\\\", "[[", "a@b.de ", '\\"']
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        asked = said(piece * (size // len(piece)))
        started = time.process_time()
        mask_prompt(asked)
        return time.process_time() - started

    small = max(0.005, min(seconds(100_000) for _ in range(3)))

    assert min(seconds(400_000) for _ in range(3)) < small * 16
