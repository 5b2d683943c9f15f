"""What every `InteractionLog` and every `TenantKeys` in the registry does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from synthlang_router.backends import REGISTRY, connect
from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions import Batch, Interaction, InteractionLog, Query, SealedContent
from synthlang_router.interactions.record import MAX_PAGE, ContentSpace
from synthlang_router.vault import TenantKeys, WrappedKey
from tests.interactions.records import row

URLS = {"sqlite": "sqlite:///{folder}/record.db"}


@pytest.fixture(params=sorted(REGISTRY["interactions"]))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InteractionLog]:
    opened = connect("interactions", URLS[request.param].format(folder=tmp_path))
    yield opened
    opened.close()


@pytest.fixture(params=sorted(REGISTRY["tenant_keys"]))
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TenantKeys]:
    opened = connect("tenant_keys", URLS[request.param].format(folder=tmp_path))
    yield opened
    opened.close()


class Space(InteractionLog, ContentSpace, Protocol):
    """Both ports."""


def ids(log: InteractionLog, **query: object) -> list[str]:
    return [found.id for found in log.page(msgspec.convert(query, Query)).rows]


def content(row_id: str) -> SealedContent:
    return SealedContent(row_id, b"sealed prompt", b"sealed answer")


RICH = row(
    "rich",
    arrived=1_700_000_123.456789,
    model="gpt-4o-2024",
    provider="openai",
    stream=True,
    route_reason="rule 1",
    error=None,
    finish_reason="stop",
    cache="SEMANTIC-HIT",
    cache_reason="variant",
    similarity=0.97,
    tokens={"prompt": 1, "completion": 2, "cached": 1},
    usage_source="provider",
    tokens_saved=0,
    cost=0.000123,
    attempts=[{"provider": "openai", "model": "m", "started": 0.1, "ended": 0.2, "status": 200}],
    timings={"queue": 1.0, "first_token": 2.0, "total": 3.0},
    dropped=["top_p"],
    tags=[["a", "b"], ["ü", "x=y"]],
    simulated=True,
)


def test_a_row_comes_back_as_it_was_written(log: InteractionLog) -> None:
    assert log.write(Batch([RICH, row("plain")])) == 2

    assert {found.id: found for found in log.page(Query()).rows} == {"rich": RICH, "plain": row("plain")}


def test_a_row_that_is_there_already_stays_and_is_not_counted(log: InteractionLog) -> None:
    log.write(Batch([row("a")], [content("a")]))

    assert log.write(Batch([row("a", outcome="lost"), row("b")], [SealedContent("a", b"other", None)])) == 1

    assert [found.outcome for found in log.page(Query(key="a")).rows] == ["complete"]
    assert log.content("a") == content("a")


def test_content_may_come_with_its_row_or_later(log: InteractionLog) -> None:
    log.write(Batch([row("a"), row("b"), row("c")], [content("a")]))
    log.write(Batch(contents=[content("b")]))

    assert log.content("a") == content("a")
    assert log.content("b") == content("b")
    assert log.content("c") is None


def test_content_without_a_row_is_not_kept(log: InteractionLog) -> None:
    log.write(Batch(contents=[content("deleted")]))
    log.write(Batch([row("deleted")]))

    assert log.content("deleted") is None


def test_an_undelivered_row_says_so(log: InteractionLog) -> None:
    log.write(Batch([row("a"), row("b")], undelivered=["a"]))
    log.write(Batch(undelivered=["b", "unknown"]))

    assert [found.delivered for found in log.page(Query()).rows] == [False, False]


def test_a_batch_goes_in_whole_or_not_at_all(log: InteractionLog) -> None:
    with pytest.raises(Exception):  # noqa: B017 - each store has its own word for it
        log.write(Batch([row("good"), row("bad", status=2**70)]))

    assert ids(log) == []
    assert log.write(Batch([row("good")])) == 1


def test_pages_follow_one_another_newest_first_without_gap_or_repetition(log: InteractionLog) -> None:
    rows = [row(f"{n:03}", arrived=1_700_000_000.0 + n // 3) for n in range(100)]
    log.write(Batch(rows))

    found: list[Interaction] = []
    before = None
    while True:
        page = log.page(Query(limit=7, before=before))
        found += page.rows
        before = page.next
        if before is None:
            break
        log.write(Batch([row(f"newer-{len(found)}", arrived=1_700_001_000.0)]))

    assert len(found) == 100
    assert {one.id for one in found} == {one.id for one in rows}
    assert [one.arrived for one in found] == sorted((one.arrived for one in rows), reverse=True)


def test_a_page_is_bounded(log: InteractionLog) -> None:
    log.write(Batch([row(str(n)) for n in range(MAX_PAGE + 5)]))

    assert len(ids(log, limit=10**6)) == MAX_PAGE
    assert len(ids(log, limit=0)) == 1


@pytest.mark.parametrize(
    "cursor", ["", "x", "1_2_3", "nan", "0x1p9999999_1", "'; DROP TABLE interactions; --"]
)
def test_a_cursor_that_is_none_is_the_callers_fault(log: InteractionLog, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        log.page(Query(before=cursor))


@pytest.mark.parametrize(
    "query",
    [
        {"tenant": "other"},
        {"user": "eve"},
        {"key_id": "key-2"},
        {"model": "o3"},
        {"model": "o3-served"},
        {"provider": "local"},
        {"cache": "HIT"},
        {"outcome": "failed"},
        {"status": 500},
        {"min_cost": 2.0},
        {"tag": ["team", "red"]},
        {"since": 1_700_000_500.0},
        {"key": "wanted"},
        {"key": "req-wanted"},
    ],
    ids=str,
)
def test_each_filter_finds_its_row_and_no_other(log: InteractionLog, query: dict[str, object]) -> None:
    wanted = row(
        "wanted",
        tenant="other",
        user="eve",
        key_id="key-2",
        asked_model="o3",
        model="o3-served",
        provider="local",
        cache="HIT",
        outcome="failed",
        status=500,
        cost=2.0,
        tags=[["x", "y"], ["team", "red"]],
        arrived=1_700_000_500.0,
    )
    log.write(Batch([row("before", cost=1.999, tags=[["team", "redder"], ["steam", "red"]]), wanted]))

    assert ids(log, **query) == ["wanted"]
    assert ids(log, **{**query, "until": 1_700_000_500.0}) == []


@pytest.mark.parametrize(
    "query", [{"status": 2**70}, {"user": "\ud800"}], ids=["a number too large", "half a pair"]
)
def test_a_value_that_no_row_can_have_is_the_callers_fault(
    log: InteractionLog, query: dict[str, object]
) -> None:
    with pytest.raises(InvalidRequest):
        ids(log, **query)


def test_a_request_id_may_belong_to_several_rows(log: InteractionLog) -> None:
    log.write(Batch([row("a", request_id="same"), row("b", request_id="same"), row("c")]))

    assert sorted(ids(log, key="same")) == ["a", "b"]


def test_deletion_takes_the_oldest_first_with_their_content_and_a_bounded_number(log: InteractionLog) -> None:
    rows = [row(str(n), arrived=1000.0 + n) for n in range(10)]
    log.write(Batch(rows, [content(one.id) for one in rows]))

    assert log.delete(before=1008.0, limit=5) == 5
    assert ids(log) == ["9", "8", "7", "6", "5"]
    assert log.delete(before=1008.0, limit=5) == 3
    assert log.delete(before=1008.0, limit=5) == 0

    assert ids(log) == ["9", "8"]
    assert log.content("0") is None
    assert log.content("9") == content("9")


def test_a_tenants_rows_are_deleted_and_nobody_elses(log: InteractionLog) -> None:
    log.write(Batch([row("a", tenant="one"), row("b", tenant="two")]))

    assert log.delete(tenant="one") == 1

    assert ids(log) == ["b"]


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE interactions; --", "\0", "é\U0001f600", "", "a" * 10_000, "\x1f=%_"]
)
def test_hostile_text_is_only_text(log: InteractionLog, text: str) -> None:
    log.write(Batch([row("a", user=text, request_id=text, tags=[[text, text]]), row("b")]))

    assert ids(log, user=text) == ["a"]
    assert ids(log, key=text) == ["a"]
    assert ids(log, key=text + "x") == []


def test_readers_and_a_writer_do_not_disturb_one_another(log: InteractionLog) -> None:
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(len(log.page(Query(limit=1000)).rows))

    reader = threading.Thread(target=read)
    reader.start()
    for start in range(0, 500, 10):
        log.write(Batch([row(str(start + n)) for n in range(10)]))
    done.set()
    reader.join()

    assert all(number % 10 == 0 for number in seen)
    assert seen == sorted(seen)


def test_tenant_keys_are_found_by_tenant_the_newest_and_by_id(keys: TenantKeys) -> None:
    first, second, other = (
        WrappedKey(name, tenant, "m1", b"wrapped", 1.0)
        for name, tenant in ((b"1", "a"), (b"2", "a"), (b"3", "b"))
    )
    for key in (first, second, other):
        keys.put(key)

    assert keys.find("a") == second
    assert keys.find("a", b"1") == first
    assert keys.find("b", b"1") is None
    assert keys.find("c") is None


def test_a_rewrapped_key_replaces_itself_and_stays_where_it_was(keys: TenantKeys) -> None:
    keys.put(WrappedKey(b"1", "a", "m1", b"wrapped", 1.0))
    keys.put(WrappedKey(b"2", "a", "m1", b"wrapped", 2.0))

    keys.put(WrappedKey(b"1", "a", "m2", b"rewrapped", 1.0))

    assert keys.find("a", b"1") == WrappedKey(b"1", "a", "m2", b"rewrapped", 1.0)
    assert keys.find("a") == WrappedKey(b"2", "a", "m1", b"wrapped", 2.0)
    assert {key.master_id for key in keys.every()} == {"m1", "m2"}


def test_a_key_that_was_erased_is_not_brought_back_by_wrapping_it_anew(keys: TenantKeys) -> None:
    keys.put(WrappedKey(b"1", "a", "m1", b"wrapped", 1.0))
    keys.erase("a")

    keys.put(WrappedKey(b"1", "a", "m2", b"rewrapped", 1.0), again=True)

    assert keys.find("a") is None


def test_an_erased_tenant_has_no_key_left(keys: TenantKeys) -> None:
    keys.put(WrappedKey(b"1", "a", "m1", b"wrapped", 1.0))
    keys.put(WrappedKey(b"2", "a", "m1", b"wrapped", 1.0))
    keys.put(WrappedKey(b"3", "b", "m1", b"wrapped", 1.0))

    assert keys.erase("a") == 2
    assert keys.erase("a") == 0

    assert keys.find("a") is None
    assert keys.find("b") is not None
