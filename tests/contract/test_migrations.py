"""A database made by any earlier version is brought up to date at the first use: its rows stay, its schema is today's."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from synthlang_router.backends import sqlite as package
from synthlang_router.backends.sqlite.interaction_schema import MIGRATIONS as INTERACTIONS
from synthlang_router.backends.sqlite.interactions import SqliteInteractionLog
from synthlang_router.backends.sqlite.wal import Migrations, WalFile
from synthlang_router.errors import BackendError
from synthlang_router.interactions import Query
from synthlang_router.interactions.rollups import UsageQuery
from tests.interactions.records import row


def schemas() -> dict[str, Migrations]:
    """Every module of the backend that has tables, by its name."""
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    owners = [module for module in modules if "MIGRATIONS" in vars(module)]
    return {module.__name__.rpartition(".")[2]: module.MIGRATIONS for module in owners}


EARLIER = [
    (name, version) for name, migrations in schemas().items() for version in range(len(migrations) + 1)
]


def made(path: Path, migrations: Migrations) -> None:
    with closing(WalFile(path, "concern", migrations)) as file:
        file.open()


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Columns of every table, and the names of the indices and triggers."""
    with closing(sqlite3.connect(path)) as connection:
        objects = connection.execute("SELECT type, name FROM sqlite_schema ORDER BY name").fetchall()
        found: dict[str, list[tuple[Any, ...]]] = {"": [pair for pair in objects if pair[0] != "table"]}
        for kind, name in objects:
            if kind == "table":
                found[name] = [column[1:] for column in connection.execute(f"PRAGMA table_info({name})")]
    return found


@pytest.mark.parametrize(("name", "version"), EARLIER)
def test_a_database_of_every_earlier_version_gets_todays_schema(
    tmp_path: Path, name: str, version: int
) -> None:
    migrations = schemas()[name]
    made(tmp_path / "new.db", migrations)
    made(tmp_path / "old.db", migrations[:version])

    made(tmp_path / "old.db", migrations)
    made(tmp_path / "old.db", migrations)

    assert tables(tmp_path / "old.db") == tables(tmp_path / "new.db")


@pytest.mark.parametrize(("name", "version"), EARLIER)
def test_a_step_that_fails_leaves_the_earlier_version_as_it_was(
    tmp_path: Path, name: str, version: int
) -> None:
    migrations = schemas()[name][:version]
    made(tmp_path / "old.db", migrations)
    before = tables(tmp_path / "old.db")

    broken = ("CREATE TABLE halfway (x INTEGER)", "CREATE TABLE halfway (x INTEGER)")
    with pytest.raises(BackendError):
        made(tmp_path / "old.db", [*migrations, broken])

    assert tables(tmp_path / "old.db") == before


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    return [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]


@pytest.mark.parametrize("version", range(1, len(INTERACTIONS) + 1))
def test_rows_of_every_earlier_version_are_found_and_counted(tmp_path: Path, version: int) -> None:
    path = tmp_path / "interactions.db"
    with closing(WalFile(path, "interactions", INTERACTIONS[:version])) as file:
        file.open()
    old = row("old", arrived=1_700_000_000.0, cost=0.25, provider="openai", model="gpt-4o")
    with (
        closing(SqliteInteractionLog(tmp_path / "other.db")) as log,
        closing(sqlite3.connect(path)) as connection,
    ):
        values = dict(zip(NAMES, log._values(old), strict=True))
        names = [name for name in columns_of(connection, "interactions") if name in values]
        marks = ", ".join("?" * len(names))
        connection.execute(
            f"INSERT INTO interactions ({', '.join(names)}) VALUES ({marks})",
            [values[name] for name in names],
        )
        connection.commit()

    with closing(SqliteInteractionLog(path)) as log:
        log.open()
        if version > 1:  # rows of a version with sums were added to them when they were written
            log.rebuild()
        found: Sequence[Any] = log.page(Query(key="old")).rows
        [sums] = log.usage(UsageQuery(1_699_990_000.0, 1_700_010_000.0, every=None))

    assert [(one.id, one.cost, one.provider) for one in found] == [("old", 0.25, "openai")]
    assert (sums.sums.requests, sums.sums.cost_nano) == (1, 250_000_000)


NAMES = (
    "id", "request_id", "arrived", "tenant", "user", "key_id", "asked_model", "model", "provider", "cache",
    "outcome", "status", "cost", "tags", "delivered", "record", "project",
)  # fmt: skip


def test_there_are_schemas_to_upgrade() -> None:
    assert {"keys", "tenant_keys", "interaction_schema", "audit", "budgets"} <= set(schemas())
    assert max(len(migrations) for migrations in schemas().values()) > 1
