"""Bodies are kept as far as the bound allows, and open for their row only."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.interactions.content import Content, ContentSealer, Kept, keep
from synthlang_router.interactions.record import SealedContent
from synthlang_router.vault import Unsealable
from tests.interactions.records import vault


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_body_over_the_bound_keeps_head_tail_size_and_digest(body: bytes, limit: int) -> None:
    kept = keep(body, limit)

    assert len(kept.head) + len(kept.tail) == min(limit, len(body))
    assert kept.size == len(body)
    assert body.startswith(kept.head)
    assert body.endswith(kept.tail)
    assert kept.cut == max(0, len(body) - limit)
    assert kept.sha256 == (hashlib.sha256(body).digest() if kept.cut else b"")


@given(st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=300))
def test_content_is_read_back_as_it_was_sealed(prompt: bytes | None, answer: bytes | None) -> None:
    sealer = ContentSealer(vault())
    content = Content(*(None if body is None else keep(body, 200) for body in (prompt, answer)))

    assert sealer.open(sealer.seal(content, tenant="acme", row="r"), tenant="acme") == content


def test_repetitive_bodies_take_less_room_than_they_have_bytes() -> None:
    sealed = ContentSealer(vault()).seal(Content(keep(b"word " * 2000, 100_000)), tenant="acme", row="r")

    assert sealed.prompt is not None
    assert len(sealed.prompt) < 500


def test_a_prompt_cannot_be_passed_off_as_an_answer_nor_as_another_rows() -> None:
    sealer = ContentSealer(vault())
    sealed = sealer.seal(Content(Kept(b"prompt", 6)), tenant="acme", row="r")

    for moved in (SealedContent("r", None, sealed.prompt), SealedContent("s", sealed.prompt, None)):
        with pytest.raises(Unsealable):
            sealer.open(moved, tenant="acme")
