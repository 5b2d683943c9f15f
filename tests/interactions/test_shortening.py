"""Prompts are kept in the notation where that takes less room and time allows, and are shown as they were."""

from __future__ import annotations

import random

import pytest

from synthlang_router.interactions.content import Content, ContentSealer, keep
from synthlang_router.interactions.filing import with_figure
from synthlang_router.interactions.notation import Shortened
from synthlang_router.interactions.shortening import SHARE, Shortening
from synthlang_router.models import CompressionLevel
from synthlang_router.telemetry import counters
from synthlang_router.vault import Unsealable
from tests.interactions.records import row, vault

BODY = random.Random(5).randbytes(1000)  # zstd finds nothing in it but its repetition


class Halves:
    """A notation that keeps every other half: `shorten` works for `seconds` on the thread's clock."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.now = 0.0
        self.worked = 0.0
        self._seconds = seconds

    def shorten(self, body: bytes, level: CompressionLevel, model: str) -> Shortened | None:
        self.worked += self._seconds
        return Shortened(b"h" + body[: len(body) // 2], 7) if len(body) > 1 else None

    def restore(self, stored: bytes) -> bytes:
        if stored[:1] != b"h":
            raise ValueError
        return stored[1:] * 2

    def shortening(self) -> Shortening:
        return Shortening(self, monotonic=lambda: self.now, thread_time=lambda: self.worked)


def test_the_shorter_form_is_kept_and_the_original_shown() -> None:
    sealer = ContentSealer(vault(), Halves())
    content = Content(keep(b"ab" * 500, 10_000), keep(b"answer", 10_000))
    random_half = Content(keep(BODY * 2, 10_000))

    for given in (content, random_half):
        assert given.prompt is not None
        shortened = Halves().shorten(given.prompt.head, "readable", "m")
        assert shortened is not None
        sealed = sealer.seal(given, tenant="acme", row="r", shortened=shortened.stored)
        assert sealer.open(sealed, tenant="acme") == given


def test_a_form_that_takes_more_room_is_not_kept() -> None:
    sealer = ContentSealer(vault())
    plain = sealer.seal(Content(keep(b"a" * 500, 1000)), tenant="acme", row="r", shortened=BODY)

    opened = sealer.open(plain, tenant="acme")

    assert opened.prompt is not None and opened.prompt.head == b"a" * 500


def test_without_the_notation_such_content_cannot_be_read_and_says_so() -> None:
    safe = vault()
    sealed = ContentSealer(safe, Halves()).seal(
        Content(keep(random.Random(6).randbytes(3000), 10_000)), tenant="acme", row="r", shortened=b"h" + BODY
    )

    with pytest.raises(Unsealable):
        ContentSealer(safe).open(sealed, tenant="acme")


def test_no_level_or_a_prompt_that_was_cut_is_left_as_it_is() -> None:
    shortening = Halves().shortening()

    assert shortening.shorten(keep(BODY, 10_000), None, "m") is None
    assert shortening.shorten(keep(BODY, 100), "readable", "m") is None
    assert shortening.shorten(None, "readable", "m") is None
    assert shortening.shorten(keep(BODY, 10_000), "readable", "m") is not None


def test_writing_takes_its_share_of_a_core_and_what_is_left_out_is_counted() -> None:
    work = Halves(seconds=0.6)
    shortening, before = work.shortening(), counters["record", "prompt_not_shortened"]

    def written() -> bool:
        return shortening.shorten(keep(BODY, 10_000), "readable", "m") is not None

    assert [written(), written(), written()] == [True, True, False]  # a second was saved up
    assert counters["record", "prompt_not_shortened"] == before + 1
    work.now += 0.25 / SHARE
    assert written() and not written()


def test_what_a_prompt_would_save_is_noted_where_it_was_not_measured_on_the_way() -> None:
    assert with_figure(row(), 7).tokens_would_save == 7
    assert with_figure(row(tokens_would_save=0), 7).tokens_would_save == 0
