"""save_interaction, from the pipeline's call to the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from synthlang_router.errors import Overloaded
from synthlang_router.interactions import Interactions, RecordPolicy
from synthlang_router.interactions.writer import LATE_BYTES
from synthlang_router.models import Outcome
from synthlang_router.telemetry import counters
from tests.interactions.records import (
    CALLER,
    BrokenTranscript,
    Clock,
    MemoryLog,
    Record,
    answered,
    facts,
    request,
    vault,
)

MakeRecord = Callable[..., Record]


def test_a_saved_interaction_is_in_the_log_with_its_prompt_and_answer(make_record: MakeRecord) -> None:
    record = make_record()
    asked = request("What is a vault?")

    record.interactions.open(CALLER, asked, facts("r"))
    record.interactions.save_interaction(CALLER, asked, facts("r"), answered("A safe place."))
    record.flush()

    row = record.rows()["r"]
    prompt, answer = record.texts("r")
    assert (row.outcome, row.tenant, row.delivered) == ("complete", "acme", True)
    assert prompt == asked.body
    assert answer is not None
    assert b"A safe place." in answer


def test_it_is_in_the_journal_before_the_call_returns(make_record: MakeRecord) -> None:
    record = make_record()

    record.interactions.save_interaction(CALLER, request(), facts("r"), answered())

    assert record.interactions.backlog > 0
    assert record.rows() == {}


def test_no_text_of_a_request_is_plain_on_the_disk(make_record: MakeRecord, tmp_path: Path) -> None:
    record = make_record()
    asked = request("canary-prompt")
    for number in range(5):
        record.interactions.open(CALLER, asked, facts(f"r{number}"))
        record.interactions.save_interaction(CALLER, asked, facts(f"r{number}"), answered("canary-answer"))
    journalled = b"".join(path.read_bytes() for path in tmp_path.rglob("*.seg"))
    record.flush()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert len(journalled) > 1000
    for canary in (b"canary", b"bob", CALLER.key_id.encode()):
        assert canary not in journalled
    assert b"canary" not in stored


def test_without_content_the_metadata_is_kept(make_record: MakeRecord) -> None:
    record = make_record(store_content=False)

    record.interactions.save_interaction(CALLER, request(), facts("r"), answered())
    record.flush()

    assert record.rows()["r"].tokens.prompt == 12
    assert record.log.content("r") is None


def test_large_bodies_follow_their_row_and_are_cut_to_the_bound(make_record: MakeRecord) -> None:
    record = make_record(max_content_bytes=1000)
    asked = request("x" * LATE_BYTES)

    record.interactions.save_interaction(CALLER, asked, facts("r"), answered("short"))
    row_alone = record.interactions.backlog
    record.flush()

    prompt, answer = record.texts("r")
    assert row_alone < 2000
    assert prompt == asked.body[:750]
    assert answer is not None
    assert b"short" in answer


def test_an_answer_that_cannot_be_put_together_costs_the_answer_only(make_record: MakeRecord) -> None:
    record = make_record()

    record.interactions.save_interaction(
        CALLER, request(), facts("r"), Outcome("complete", BrokenTranscript())
    )
    record.flush()

    prompt, answer = record.texts("r")
    assert prompt == request().body
    assert answer is None


def test_a_last_byte_that_did_not_arrive_is_noted_after_the_row(make_record: MakeRecord) -> None:
    record = make_record()
    known = facts("r")

    record.interactions.save_interaction(CALLER, request(), known, answered())
    record.interactions.undelivered(known)
    record.flush()

    row = record.rows()["r"]
    assert (row.outcome, row.delivered) == ("complete", False)
    assert not known.delivered


def test_rows_are_visible_while_the_gateway_runs(make_record: MakeRecord) -> None:
    record = make_record()
    record.interactions.start()

    record.interactions.save_interaction(CALLER, request(), facts("r"), answered())
    while "r" not in record.rows():  # bounded by the test's own time limit
        pass

    assert record.interactions.backlog == 0


def test_recording_that_is_off_does_nothing(tmp_path: Path) -> None:
    log = MemoryLog()
    interactions = Interactions.recording(
        RecordPolicy(enabled=False),
        log=log,
        vault=vault(),
        folder=tmp_path / "journal",
        now=Clock(),
        monotonic=Clock(),
        estimate=lambda row: None,
    )
    interactions.start()
    interactions.admit()
    interactions.open(CALLER, request(), facts())
    interactions.save_interaction(CALLER, request(), facts(), answered())
    interactions.undelivered(facts())
    interactions.close()

    assert log.writes == 0
    assert list(tmp_path.iterdir()) == []


def test_under_serve_a_full_journal_refuses_nobody(make_record: MakeRecord) -> None:
    record = make_record(max_journal_bytes=2000)
    counters.clear()

    for _ in range(50):
        known = facts()
        record.interactions.admit()
        record.interactions.open(CALLER, request(), known)
        record.interactions.save_interaction(CALLER, request(), known, answered())

    assert record.interactions.backlog < 4000
    assert counters["journal", "full"] > 50


def test_under_refuse_a_full_journal_lets_nobody_in_and_those_inside_end_with_a_row(
    make_record: MakeRecord,
) -> None:
    record = make_record(max_journal_bytes=5000, on_record_failure="refuse")
    inside = facts("inside")
    record.interactions.open(CALLER, request(), inside)
    with pytest.raises(Overloaded) as refused:
        for _ in range(50):
            record.interactions.open(CALLER, request(), facts())

    with pytest.raises(Overloaded):
        record.interactions.admit()
    record.interactions.save_interaction(CALLER, request(), inside, answered())
    record.flush()

    assert refused.value.http_status == 503
    assert record.rows()["inside"].outcome == "complete"


def test_after_a_full_journal_was_drained_requests_are_let_in_again(make_record: MakeRecord) -> None:
    record = make_record(max_journal_bytes=5000, on_record_failure="refuse")
    with pytest.raises(Overloaded):
        for _ in range(50):
            known = facts()
            record.interactions.open(CALLER, request(), known)
            record.interactions.save_interaction(CALLER, request(), known, answered())

    record.interactions.start()
    while record.interactions.backlog:  # bounded by the test's own time limit
        pass

    record.interactions.admit()
    record.interactions.open(CALLER, request(), facts())


async def test_settled_returns_at_once_unless_every_row_is_synced(make_record: MakeRecord) -> None:
    record = make_record()
    record.interactions.save_interaction(CALLER, request(), facts(), answered())

    await record.interactions.settled()
