"""The journal is carried into the log, whatever the log does."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthlang_router.interactions import ContentSealer, Interactions, RecordPolicy
from synthlang_router.interactions.drain import MAX_LATE_BYTES
from synthlang_router.interactions.filing import Filing
from synthlang_router.interactions.upkeep import Upkeep
from synthlang_router.telemetry import counters
from synthlang_router.vault import MasterKey, Vault
from tests.interactions.records import (
    CALLER,
    Clock,
    MemoryLog,
    MemoryTenantKeys,
    answered,
    facts,
    request,
    row,
    vault,
)

DAY = 86_400.0
PICTURE = base64.b64encode(bytes(range(256)) * 10).decode()


class Bench:
    """A record whose log and clocks are the test's."""

    def __init__(self, folder: Path, policy: RecordPolicy) -> None:
        self.log = MemoryLog()
        self.keys = MemoryTenantKeys()
        self.now, self.monotonic = Clock(), Clock(1000.0)
        self.folder = folder
        self.policy = policy
        self.vault = vault(self.keys)
        self.interactions = self.another()

    def another(self) -> Interactions:
        return Interactions.recording(
            self.policy,
            log=self.log,
            vault=self.vault,
            folder=self.folder,
            now=self.now,
            monotonic=self.monotonic,
            estimate=lambda lost: 0.25,
            space=self.log,
        )

    def save(self, row_id: str) -> None:
        self.interactions.save_interaction(CALLER, request(), facts(row_id), answered())

    def come_round(self) -> bool:
        assert self.interactions.drain is not None
        return self.interactions.drain.round()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "journal", RecordPolicy())
    yield bench
    bench.log.down = False
    bench.interactions.close()


def test_rows_wait_in_the_journal_while_the_log_is_down_and_none_is_lost(bench: Bench) -> None:
    bench.log.down = True
    for number in range(1200):
        bench.save(f"r{number}")
        if number % 400 == 0:
            assert not bench.come_round()
    assert bench.interactions.backlog > 0

    bench.log.down = False

    assert bench.come_round()
    assert len(bench.log.rows) == 1200
    assert bench.interactions.backlog == 0


def test_a_row_that_the_log_refuses_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.log.refuses = lambda refused: refused.id == "r3"
    for number in range(10):
        bench.save(f"r{number}")

    assert bench.come_round()

    assert sorted(bench.log.rows) == [f"r{n}" for n in range(10) if n != 3]
    assert bench.interactions.backlog == 0


def test_a_row_whose_tenant_key_cannot_be_unwrapped_is_kept_without_its_content(bench: Bench) -> None:
    Vault(MasterKey(b"x" * 32), bench.keys, now=Clock()).seal(b"", tenant="acme", purpose="p", row="r")

    bench.save("r")

    assert bench.come_round()
    assert list(bench.log.rows) == ["r"]
    assert bench.log.contents == {}


def test_large_bodies_under_way_are_bounded(bench: Bench) -> None:
    counters.clear()
    big = request("x" * (MAX_LATE_BYTES // 3))

    for number in range(5):
        bench.interactions.save_interaction(CALLER, big, facts(f"r{number}"), answered())
    bench.come_round()
    bench.interactions.save_interaction(CALLER, big, facts("later"), answered())
    bench.come_round()

    assert len(bench.log.rows) == 6
    assert sorted(bench.log.contents) == ["later", "r0", "r1"]
    assert counters["record", "content_left_out"] == 3


def test_rows_older_than_the_retention_are_deleted_in_small_batches(bench: Bench) -> None:
    old = bench.now.now - 31 * DAY
    bench.log.rows = {f"old{n}": row(f"old{n}", arrived=old + n) for n in range(1200)} | {"new": row("new")}

    bench.come_round()

    assert list(bench.log.rows) == ["new"]


def test_a_log_that_has_outgrown_its_bound_loses_the_oldest_content_and_keeps_the_rows(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "journal", RecordPolicy(max_log_bytes=20_000))
    for number in range(450):
        bench.save(f"r{number}")

    bench.come_round()

    assert len(bench.log.rows) == 450
    kept = len(bench.log.contents)
    assert 0 < kept < 100
    assert list(bench.log.contents) == [f"r{number}" for number in range(450 - kept, 450)]
    assert bench.log.used_bytes() <= 20_000
    bench.interactions.close()


def test_secrets_are_never_kept_and_personal_data_where_it_may_be(tmp_path: Path) -> None:
    asked = request("I am jane@doe.example with sk-abcdefghijklmnop1234 and a picture " + PICTURE)

    kept: dict[str, tuple[bytes, bytes]] = {}
    for mask in ("off", "record"):
        bench = Bench(tmp_path / mask, RecordPolicy(mask=mask))
        bench.interactions.save_interaction(CALLER, asked, facts("r"), answered("Hello jane@doe.example!"))
        bench.interactions.save_interaction(
            CALLER, request("x" * 70_000 + " sk-abcdefghijklmnop1234"), facts("late"), answered()
        )
        bench.come_round()
        content = ContentSealer(bench.vault).open(bench.log.contents["r"], tenant="acme")
        late = ContentSealer(bench.vault).open(bench.log.contents["late"], tenant="acme")
        assert content.prompt is not None
        assert content.answer is not None
        assert late.prompt is not None
        assert b"sk-abc" not in content.prompt.head + late.prompt.head
        assert b"[base64, 2560 bytes, sha256 " in content.prompt.head
        kept[mask] = content.prompt.head, content.answer.head
        bench.interactions.close()

    assert b"jane@doe.example" in kept["off"][0]
    assert b"I am [EMAIL_1] with [SECRET_1] and" in kept["record"][0]
    assert b"Hello [EMAIL_1]!" in kept["record"][1]


@pytest.mark.parametrize("jump", [400 * DAY, -400 * DAY])
def test_a_clock_that_jumps_deletes_nothing(bench: Bench, jump: float) -> None:
    bench.log.rows = {"new": row("new", arrived=bench.now.now)}
    bench.come_round()

    bench.now.now += jump
    bench.monotonic.now += 31.0
    bench.come_round()

    assert list(bench.log.rows) == ["new"]


def test_a_clock_that_was_put_right_is_believed_after_a_day(tmp_path: Path) -> None:
    log, now, monotonic = MemoryLog(), Clock(), Clock(1000.0)
    log.rows = {"old": row("old", arrived=now.now)}
    upkeep = Upkeep(
        tmp_path,
        log,
        vault(),
        Filing(log, vault()),
        retention_days=30.0,
        space=None,
        max_log_bytes=None,
        now=now,
        monotonic=monotonic,
        estimate=lambda r: None,
    )
    now.now += 400 * DAY
    upkeep()
    assert list(log.rows) == ["old"]

    now.now += DAY + 1
    monotonic.now += DAY + 1
    upkeep()

    assert log.rows == {}


def test_a_dead_process_journal_is_adopted_and_what_was_under_way_is_lost_with_an_estimate(
    bench: Bench,
) -> None:
    dead = bench.another()
    dead.open(CALLER, request(), facts("done"))
    dead.save_interaction(CALLER, request(), facts("done"), answered())
    dead.open(CALLER, request(), facts("cut"))
    bench.log.down = True
    dead.close()
    bench.log.down = False

    bench.come_round()

    assert bench.log.rows["done"].outcome == "complete"
    lost = bench.log.rows["cut"]
    assert (lost.outcome, lost.status, lost.cost, lost.delivered) == ("lost", 0, 0.25, False)
    assert ContentSealer(bench.vault).open(bench.log.contents["done"], tenant="acme").prompt is not None


def test_an_adoption_that_is_broken_off_is_taken_up_again(bench: Bench) -> None:
    dead = bench.another()
    for number in range(3):
        dead.open(CALLER, request(), facts(f"r{number}"))
    bench.log.down = True
    dead.close()

    assert not bench.come_round()
    bench.log.down = False
    bench.monotonic.now += 31.0
    bench.come_round()

    assert sorted(bench.log.rows) == ["r0", "r1", "r2"]
    assert len(list(bench.folder.iterdir())) == 1


def test_a_journal_of_an_unknown_master_key_stays_and_holds_nobody_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal", RecordPolicy())
    foreign = Bench(tmp_path / "journal", RecordPolicy())
    foreign.vault = Vault(MasterKey(b"x" * 32), MemoryTenantKeys(), now=Clock())
    foreign.interactions.close()
    foreign.interactions = foreign.another()
    foreign.save("foreign")
    foreign.log.down = True
    foreign.interactions.close()

    bench.save("mine")
    assert bench.come_round()

    assert list(bench.log.rows) == ["mine"]
    assert len(list(bench.folder.iterdir())) == 2
    bench.interactions.close()


def test_a_damaged_journal_gives_what_is_whole(bench: Bench) -> None:
    dead = bench.another()
    bench.log.down = True
    for number in range(20):
        dead.save_interaction(CALLER, request(), facts(f"r{number}"), answered())
    dead.close()
    bench.log.down = False
    (segment,) = (path for path in bench.folder.glob("*/*.seg") if path.stat().st_size > 2000)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(bytes(data[:-5]))
    (segment.parent / "00000009.seg").write_bytes(b"")
    (segment.parent / "00000010.seg").write_bytes(b"no segment")

    bench.come_round()

    assert len(bench.log.rows) == 18
    assert "r19" not in bench.log.rows
    assert len(list(bench.folder.iterdir())) == 1
