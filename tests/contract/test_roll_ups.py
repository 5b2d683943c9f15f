"""What every `RollUps` in the registry does: the interaction log is one."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from synthlang_router.backends import REGISTRY, connect
from synthlang_router.backends.sqlite.interaction_schema import MIGRATIONS
from synthlang_router.backends.sqlite.interactions import SqliteInteractionLog
from synthlang_router.interactions import Batch, Interaction, InteractionLog, Query
from synthlang_router.interactions.rollups import RollUps, Sums, UsageQuery, UsageRow, roll_up
from tests.interactions.records import row

URLS = {"sqlite": "sqlite:///{folder}/record.db"}
DAY = 86_400.0
START = 19_700 * DAY


class Log(InteractionLog, RollUps, Protocol):
    """Both ports."""


@pytest.fixture(params=sorted(REGISTRY["interactions"]))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    opened = connect("interactions", URLS[request.param].format(folder=tmp_path))
    yield opened
    opened.close()


def rows(number: int, seed: int = 1) -> list[Interaction]:
    """Over ten days."""
    chosen = random.Random(seed)
    return [
        row(
            f"{seed}-{n}",
            arrived=START + chosen.uniform(0, 10 * DAY),
            tenant=chosen.choice(["a", "b"]),
            project=chosen.choice(["", "p"]),
            key_id=chosen.choice(["k1", "k2", "k3"]),
            model=chosen.choice(["m1", "m2"]),
            provider=chosen.choice(["openai", "local"]),
            status=chosen.choice([200, 200, 500]),
            cost=chosen.choice([None, 0.0, chosen.random()]),
            cache=chosen.choice(["HIT", "MISS"]),
            tokens={"prompt": chosen.randrange(1000), "completion": chosen.randrange(1000)},
            timings={"total": chosen.uniform(1, 60_000), "first_token": chosen.uniform(1, 900)},
        )
        for n in range(number)
    ]


def summed(found: list[Interaction]) -> Sums:
    whole = Sums()
    for sums in roll_up(found).values():
        whole.merge(sums)
    return whole


def usage(log: Log, **query: object) -> list[UsageRow]:
    return list(log.usage(msgspec.convert({"since": START, "until": START + 10 * DAY, **query}, UsageQuery)))


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"tenant": "a"},
        {"key_id": "k2"},
        {"model": "m1", "status": 500},
        {"project": "p"},
        {"provider": "local"},
    ],
    ids=str,
)
@pytest.mark.parametrize("every", ["hour", "day", None])
def test_sums_are_those_of_the_rows(log: Log, filters: dict[str, str | int], every: str | None) -> None:
    written = rows(300)
    log.write(Batch(written[:100]))
    log.write(Batch(written[100:]))
    fitting = [one for one in written if all(getattr(one, name) == value for name, value in filters.items())]

    found = usage(log, every=every, **filters)

    whole = Sums()
    for one in found:
        whole.merge(one.sums)
    assert whole == summed(fitting)
    assert [one.start for one in found] == sorted({one.start for one in found})
    seconds = {"hour": 3600, "day": 86_400}.get(every or "", 1)
    assert all(one.start % seconds == 0 for one in found)


def test_each_group_has_its_own_sums(log: Log) -> None:
    written = rows(300)
    log.write(Batch(written))

    found = usage(log, every=None, by=["tenant", "status"])

    assert {one.by: one.sums for one in found} == {
        (tenant, status): summed([one for one in written if (one.tenant, one.status) == (tenant, status)])
        for tenant in ("a", "b")
        for status in (200, 500)
    }


def test_without_sketches_the_rest_is_the_same(log: Log) -> None:
    log.write(Batch(rows(100)))

    (bare,) = usage(log, every=None, sketches=False)

    (whole,) = usage(log, every=None)
    assert bare.sums == msgspec.structs.replace(whole.sums, latency={}, first_token={})


def test_a_part_of_the_time_has_the_sums_of_that_part(log: Log) -> None:
    written = rows(300)
    log.write(Batch(written))
    since, until = START + 2.5 * DAY, START + 7 * DAY + 3600

    found = usage(log, since=since, until=until, every=None, by=["key_id"])

    assert sum(one.sums.requests for one in found) == sum(since <= one.arrived < until for one in written)


def test_a_row_that_comes_twice_is_summed_once(log: Log) -> None:
    written = rows(50)

    log.write(Batch(written))
    log.write(Batch([*written[10:], *rows(5, seed=2)]))

    assert usage(log, every=None)[0].sums == summed(written + rows(5, seed=2))


def test_no_rows_have_no_sums(log: Log) -> None:
    assert usage(log) == []
    assert usage(log, every=None) == []


def test_sums_made_anew_equal_those_that_grew(log: Log) -> None:
    written = rows(300)
    for start in range(0, 300, 7):
        log.write(Batch(written[start : start + 7]))
    queries: list[dict[str, object]] = [
        {"every": "hour"},
        {"every": "hour", "by": ["tenant"]},
        {"by": ["key_id", "model", "status"]},
    ]
    grown = [usage(log, **query) for query in queries]

    assert log.rebuild() == 300

    assert [usage(log, **query) for query in queries] == grown


def test_sums_survive_the_deletion_of_their_rows_and_are_not_made_anew_without_them(log: Log) -> None:
    log.write(Batch(rows(300)))
    grown = usage(log)

    while log.delete(before=START + 4.5 * DAY):
        pass
    log.rebuild()

    assert len(log.page(Query(limit=1000)).rows) < 300
    assert usage(log) == grown


def test_a_tenant_that_is_deleted_takes_its_sums_along(log: Log) -> None:
    log.write(Batch(rows(100)))

    while log.delete(tenant="a"):
        pass

    assert usage(log, tenant="a") == []
    assert {one.by for one in usage(log, every=None, by=["tenant"])} == {("b",)}
    assert {one.by for one in usage(log, every=None, by=["key_id", "tenant"])} <= {
        (key, "b") for key in ("k1", "k2", "k3")
    }


def test_sums_are_made_anew_while_rows_are_written(log: Log) -> None:
    log.write(Batch(rows(200)))
    writer = threading.Thread(target=lambda: [log.write(Batch([one])) for one in rows(100, seed=2)])

    writer.start()
    for _ in range(3):
        log.rebuild()
    writer.join()

    assert usage(log, every=None)[0].sums == summed(rows(200) + rows(100, seed=2))


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_database_of_an_earlier_version_is_brought_up_to_date_with_its_sums(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "record.db"
    written = rows(100)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE interactions_schema (version INTEGER NOT NULL) STRICT")
        for number, steps in enumerate(MIGRATIONS[:version], 1):
            for step in steps:
                connection.execute(step) if isinstance(step, str) else step(connection)
            connection.execute("INSERT INTO interactions_schema VALUES (?)", (number,))
        for one in written:
            connection.execute(
                "INSERT INTO interactions (id, request_id, arrived, tenant, user, key_id, asked_model, model, provider,"
                " cache, outcome, status, cost, tags, delivered, record)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 1, ?)",
                (
                    *(one.id, one.request_id, one.arrived, one.tenant, one.user, one.key_id, one.asked_model),
                    *(one.model, one.provider, one.cache, one.outcome, one.status, one.cost),
                    msgspec.msgpack.encode(one),
                ),
            )
            connection.execute(
                "INSERT INTO contents SELECT seq, x'01', NULL FROM interactions WHERE id = ?", (one.id,)
            )

    with closing(SqliteInteractionLog(path)) as log:
        assert {found.id: found for found in log.page(Query(limit=1000)).rows} == {
            one.id: one for one in written
        }
        content = log.content(written[0].id)
        assert content is not None
        assert content.prompt == b"\x01"
        assert usage(log, every=None)[0].sums == summed(written)
        log.write(Batch(rows(10, seed=2)))
        assert usage(log, every=None)[0].sums == summed(written + rows(10, seed=2))


def test_an_upgrade_that_breaks_off_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    with closing(SqliteInteractionLog(path)) as log:
        log.write(Batch(rows(10)))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            "DELETE FROM interactions_schema WHERE version = 2"
        )  # its tables are there: version 2 fails
        before = connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()

    broken = SqliteInteractionLog(path)
    with pytest.raises(Exception, match="not to be had"):
        broken.open()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall() == before
