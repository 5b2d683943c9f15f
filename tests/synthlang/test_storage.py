"""What is stored is the shortest form, and gives back every byte."""

from __future__ import annotations

import json
import random

import msgspec
import pytest
import zstandard

from synthlang_router.models import ChatRequest
from synthlang_router.synthlang import BrokenFrame, compress_prompt, pack, unpack

USERS = [
    {
        "id": n * 977,
        "url": f"https://api.example.org/u/{n * 977}",
        "page": f"https://example.org/{n * 977}.html",
    }
    for n in range(60)
]
RAW = json.dumps([{"role": "user", "content": json.dumps(USERS, indent=2)}]).encode()


def stored_form(raw: bytes) -> bytes:
    request = ChatRequest({"messages": msgspec.Raw(raw)}, model="gpt-4o", stream=False)
    return compress_prompt(request, mode="transparent", level="readable").stored


def test_messages_come_back_in_every_form() -> None:
    noise = random.Random(7).randbytes(300)

    for raw in (b"[]", RAW, noise):
        assert unpack(pack(raw)) == raw
    assert unpack(pack(RAW, stored_form(RAW))) == RAW


def test_the_notation_is_used_where_it_is_shorter() -> None:
    with_form, without = pack(RAW, stored_form(RAW)), pack(RAW)

    assert len(with_form) < len(without) < len(RAW) / 2
    assert with_form[:1] == b"\x02"


def test_what_does_not_get_shorter_is_kept_as_it_is() -> None:
    assert pack(b"[]") == b"\x00[]"
    assert pack(random.Random(7).randbytes(300))[:1] == b"\x00"


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x03x",
        b"\x01not zstd",
        b"\x02" + zstandard.compress(b"not ours"),
        b"\x01" + zstandard.compress(b"x" * 999)[:-4],
    ],
)
def test_what_was_not_packed_is_refused(packed: bytes) -> None:
    with pytest.raises(BrokenFrame):
        unpack(packed)
