"""A body is kept with its messages in the stored form, and every byte of it comes back."""

from __future__ import annotations

import json
import random

import pytest

from synthlang_router.synthlang import BrokenFrame, restore_body, shorten_body
from tests.synthlang.generated import case

USERS = [{"id": n * 977, "url": f"https://api.example.org/u/{n * 977}", "active": True} for n in range(60)]


def body(text: str, *, indent: int | None = None, **more: object) -> bytes:
    messages = [{"role": "tool", "tool_call_id": "c", "content": text}]
    return json.dumps({"model": "m", "messages": messages, **more}, indent=indent).encode()


TABLE = body(json.dumps(USERS, indent=2), temperature=0.5)


def test_a_body_is_written_shorter_and_comes_back_byte_for_byte() -> None:
    found = shorten_body(TABLE, "readable", "gpt-4o")

    assert found is not None
    assert len(found.stored) < len(TABLE) / 2 and found.tokens_less > 1000
    assert restore_body(found.stored) == TABLE


@pytest.mark.parametrize("block", range(10))
def test_any_body_comes_back(block: int) -> None:
    for seed in range(block * 30, block * 30 + 30):
        given = case(seed)
        raw = body(given.text, indent=random.Random(seed).choice((None, 2)), tools=[{"x": given.text}])

        found = shorten_body(raw, given.level, "gpt-4o")

        assert found is None or restore_body(found.stored) == raw


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"messages": 5}', b'{"messages": []}', b"{cut", body("Hello, how are you?")]
)
def test_what_gets_no_shorter_is_left_as_it_is(raw: bytes) -> None:
    assert shorten_body(raw, "readable", "gpt-4o") is None


@pytest.mark.parametrize(
    "stored",
    [b"", b"{}", b"synthlang-body/2 0 1\nx", b"synthlang-body/1 a b\nx", b"synthlang-body/1 0 3\n[{}"],
)
def test_what_was_not_stored_so_is_refused(stored: bytes) -> None:
    with pytest.raises(BrokenFrame):
        restore_body(stored)
