"""What an operator does with keys, by function and by command."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from synthlang_router.auth import KeyPlan, Keyring, import_key, import_keys
from synthlang_router.auth.administration import (
    OpenedKeys,
    create_key,
    import_secret,
    list_keys,
    revoke_key,
    rotate_key,
)
from synthlang_router.auth.noting import OpenedAudit
from synthlang_router.backends.sqlite.audit import SqliteAuditLog
from synthlang_router.backends.sqlite.keys import SqliteKeyStore
from synthlang_router.cli.audit import app as audit_app
from synthlang_router.cli.keys import app
from synthlang_router.errors import AuthenticationError, ConfigurationError, NotFound
from tests.auth.stores import DictKeyStore

PEPPER = b"p" * 32
NOW = 1_700_000_000.0


@pytest.fixture
def opened() -> OpenedKeys:
    return OpenedKeys(DictKeyStore(), PEPPER, lambda: NOW, os.urandom)


async def verified(opened: OpenedKeys, secret: str, now: float = NOW) -> str:
    ring = Keyring(opened.store, pepper=PEPPER, clock=lambda: now)
    await ring.refresh()
    return ring.verify([(b"authorization", b"Bearer " + secret.encode())]).key_id


async def test_a_created_key_is_good_at_once(opened: OpenedKeys) -> None:
    secret, key = await create_key(opened, KeyPlan("dev"))

    assert await verified(opened, secret) == key.key_id


async def test_a_revoked_key_is_no_good_and_stays_in_the_list_of_all(opened: OpenedKeys) -> None:
    secret, key = await create_key(opened, KeyPlan("dev"))

    await revoke_key(opened, "dev")

    with pytest.raises(AuthenticationError):
        await verified(opened, secret)
    assert await list_keys(opened, every=False, limit=10) == []
    assert [shown.key_id for shown in await list_keys(opened, every=True, limit=10)] == [key.key_id]


async def test_both_secrets_of_a_rotated_key_hold_for_the_overlap_then_only_the_new(
    opened: OpenedKeys,
) -> None:
    old, first = await create_key(opened, KeyPlan("dev", role="operator", models=("gpt-*",)))

    new, second = await rotate_key(opened, first.key_id, overlap=60)

    assert await verified(opened, old, NOW + 59) == first.key_id
    assert await verified(opened, new, NOW + 61) == second.key_id
    with pytest.raises(AuthenticationError):
        await verified(opened, old, NOW + 60)
    assert (second.tenant, second.role, second.models) == (first.tenant, "operator", ("gpt-*",))


async def test_rotation_never_makes_a_key_live_longer(opened: OpenedKeys) -> None:
    old, _ = await create_key(opened, KeyPlan("dev", expires=NOW + 10))

    new, _ = await rotate_key(opened, "dev", overlap=60)

    for secret in (old, new):
        with pytest.raises(AuthenticationError):
            await verified(opened, secret, NOW + 10)


async def test_a_key_of_the_file_is_rotated_in_the_file(opened: OpenedKeys) -> None:
    await import_keys(
        opened.store, [import_key("some-long-key-0123456789", KeyPlan("f"), pepper=PEPPER, now=NOW)], now=NOW
    )

    with pytest.raises(ConfigurationError):
        await rotate_key(opened, "f", overlap=60)


async def test_an_ambiguous_or_unknown_name_is_refused(opened: OpenedKeys) -> None:
    await create_key(opened, KeyPlan("twin"))
    await create_key(opened, KeyPlan("twin"))

    with pytest.raises(ConfigurationError):
        await revoke_key(opened, "twin")
    with pytest.raises(NotFound):
        await revoke_key(opened, "nobody")


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    @asynccontextmanager
    async def open_keys(config: Path | None) -> AsyncIterator[OpenedKeys]:
        async with SqliteKeyStore(tmp_path / "keys.db") as store:
            yield OpenedKeys(store, PEPPER, lambda: NOW, os.urandom)

    @asynccontextmanager
    async def open_audit(config: Path | None) -> AsyncIterator[OpenedAudit]:
        async with SqliteAuditLog(tmp_path / "audit.db", key=PEPPER) as log:
            yield OpenedAudit(log, PEPPER, lambda: NOW, "command:me")

    main = ModuleType("synthlang_router.main")
    main.open_audit = open_audit  # type: ignore[attr-defined]
    main.open_keys = open_keys  # type: ignore[attr-defined] # a stand-in for the composition root
    monkeypatch.setitem(__import__("sys").modules, "synthlang_router.main", main)

    def run(*arguments: str) -> tuple[int, str]:
        group, given = (audit_app, arguments[1:]) if arguments[0] == "audit" else (app, arguments)
        result = CliRunner().invoke(group, list(given))
        return result.exit_code, result.output

    return run


def shown(output: str) -> Any:
    return json.loads(output)


def test_the_command_shows_a_secret_once_and_lists_without_it(command: Command) -> None:
    code, created = command("create", "dev", "--tenant", "acme", "--requests-per-minute", "5", "--json")
    secret = shown(created)["key"]

    code_of_list, listed = command("list", "--json")

    assert (code, code_of_list) == (0, 0)
    assert secret not in listed
    assert shown(listed)[0]["limits"] == {"requests_per_minute": 5.0}
    assert shown(listed)[0]["tenant"] == "acme"


def test_a_key_is_made_with_its_budget_and_token_limit(command: Command) -> None:
    given = ("--tokens-per-minute", "5000", "--budget", "10", "--budget-per", "day", "--project", "web")

    code, created = command("create", "dev", *given, "--json")
    wrong, _ = command("create", "dev2", "--budget", "10", "--budget-per", "year")
    nothing, _ = command("create", "dev3", "--budget", "0")

    key = shown(created)
    assert (code, wrong, nothing) == (0, 2, 1)
    assert (key["budget"]["usd"], key["budget"]["per"], key["project"]) == (10, "day", "web")
    assert key["limits"] == {"tokens_per_minute": 5000}


def test_revoke_and_rotate_by_command(command: Command) -> None:
    command("create", "dev")
    code, rotated = command("rotate", "dev", "--overlap", "0", "--json")
    revoked_code, revoked = command("revoke", shown(rotated)["id"], "--json")

    assert (code, revoked_code) == (0, 0)
    assert shown(revoked) == {"revoked": shown(rotated)["id"]}
    assert shown(command("list", "--json")[1]) == []
    assert {row["status"] for row in shown(command("list", "--all", "--json")[1])} == {"revoked", "expired"}


def test_a_failure_is_exit_code_1_and_wrong_usage_2(command: Command) -> None:
    assert command("revoke", "nobody")[0] == 1
    assert command("create", "dev", "--role", "king")[0] == 2
    assert command("create", "dev", "--tag", "x")[0] == 2


def test_a_table_for_people(command: Command) -> None:
    command("create", "dev", "--tag", "team=a", "--model", "gpt-*", "--expires-days", "1")

    code, table = command("list")

    assert code == 0
    assert table.splitlines()[0].split()[:3] == ["id", "name", "status"]
    assert "dev" in table.splitlines()[1]


def test_what_a_command_did_is_in_the_audit_log_and_the_log_verifies(command: Command) -> None:
    key = shown(command("create", "dev", "--json")[1])
    command("revoke", key["id"])
    command("revoke", "nobody")

    deeds = shown(command("audit", "list", "--json")[1])
    code, told = command("audit", "verify", "--json")

    assert [(deed["action"], deed["about"], deed["outcome"]) for deed in reversed(deeds)] == [
        ("keys.create", "dev", "begun"),
        ("keys.create", key["id"], "done"),
        ("keys.revoke", key["id"], "begun"),
        ("keys.revoke", key["id"], "done"),
        ("keys.revoke", "nobody", "begun"),
        ("keys.revoke", "nobody", "refused"),
    ]
    assert {deed["actor"] for deed in deeds} == {"command:me"}
    assert (code, shown(told)["entries"], shown(told)["broken_at"]) == (0, 6, None)
    assert key["key"] not in json.dumps(deeds)
    assert command("audit", "verify", "--head", shown(told)["head"])[0] == 0
    assert command("audit", "verify", "--head", "99:" + "0" * 64)[0] == 1


def test_a_key_of_ones_own_is_taken_over_once_and_never_shown(command: Command, tmp_path: Path) -> None:
    secret = "sk-of-another-gateway-0123456789abcdef"
    file = tmp_path / "key"
    file.write_text(secret + "\n")

    code, taken = command("create", "mine", "--import-from", str(file), "--json")
    again, _ = command("create", "twice", "--import-from", str(file))

    assert (code, again) == (0, 1)
    assert secret not in taken + command("list", "--json")[1] + command("audit", "list", "--json")[1]
    assert [row["name"] for row in shown(command("list", "--json")[1])] == ["mine"]


async def test_a_key_that_was_taken_over_is_good_and_a_weak_one_is_none_for_admins(
    opened: OpenedKeys,
) -> None:
    imported = await import_secret(opened, "sk-of-another-gateway-0123456789abcdef", KeyPlan("mine"))

    assert await verified(opened, "sk-of-another-gateway-0123456789abcdef") == imported.key.key_id
    assert (await import_secret(opened, "weak", KeyPlan("weak"))).warning is not None
    with pytest.raises(ConfigurationError):
        await import_secret(opened, "weak2", KeyPlan("boss", role="admin"))
