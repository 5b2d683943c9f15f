"""Texts are found in the raw messages, and only their literals change."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.literals import escapes_of, literal, splice, text_of, text_slots

RAW = (
    b'[ {"role":"system","content":"be kind"},\n\t{"content" : [{"type":"text","text":"caf\\u00e9"},'
    b'{"type":"image_url","image_url":{"url":"x"}}], "role":"user"}, {"role":"assistant","content":"mine",'
    b'"tool_calls":[{"function":{"arguments":"{\\"role\\":1}"}}]},{"role":"tool","content":"[1]","tool_call_id":"t"} ]'
)


def test_texts_of_all_messages_are_found_in_order_and_the_models_own_may_not_change() -> None:
    slots = text_slots(RAW)

    assert [(slot.role, slot.message, text_of(RAW, slot)) for slot in slots] == [
        ("system", 0, "be kind"),
        ("user", 1, "café"),
        ("assistant", 2, "mine"),
        ("tool", 3, "[1]"),
    ]
    assert [slot.changeable for slot in slots] == [True, True, False, True]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}},
        {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": None},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
        {"role": 7, "content": "x"},
        {"content": "x"},
        "text",
        [],
    ],
)
def test_what_must_not_change_is_not_changeable(message: object) -> None:
    assert not any(slot.changeable for slot in text_slots(json.dumps([message]).encode()))


def test_a_message_with_an_ambiguous_key_is_left_alone() -> None:
    assert text_slots(b'[{"role":"user","content":"a","content":"b"}]') == []
    assert text_slots(b'[{"role":"user","role":"tool","content":"a"}]') == []


def test_the_result_of_a_tool_is_found_inside_a_message_of_parts() -> None:
    part = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "out"}]}
    raw = json.dumps(
        [{"role": "user", "content": [part, {"type": "tool_result", "content": "plain"}]}]
    ).encode()

    assert [(slot.role, text_of(raw, slot)) for slot in text_slots(raw)] == [
        ("tool", "out"),
        ("tool", "plain"),
    ]


def test_replacing_a_text_leaves_every_other_byte() -> None:
    slots = text_slots(RAW)

    changed = splice(RAW, {1: b'"tea"'}, slots)

    assert changed == RAW.replace(b'"caf\\u00e9"', b'"tea"')


@settings(deadline=None)
@given(st.text(), st.sampled_from(["r", "u", "g"]))
def test_a_literal_is_recognised_by_a_habit_that_writes_it_again(text: str, habit: str) -> None:
    written = literal(text, habit)  # type: ignore[arg-type]  # drawn from the three

    found = escapes_of(written, text)

    assert found is not None
    assert literal(text, found) == written
    assert json.loads(written) == text


def test_a_literal_written_by_no_known_habit_is_not_recognised() -> None:
    assert escapes_of(b'"a\\/b"', "a/b") is None
