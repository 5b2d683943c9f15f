"""`erase tenant|user|row`, `interactions list --text` and filtered exports, through the real composition root."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from synthlang_router.cli import erase as erase_module
from synthlang_router.cli.audit import app as audit_app
from synthlang_router.cli.erase import app as erase_app
from synthlang_router.interactions import Content
from synthlang_router.interactions.content import keep
from synthlang_router.interactions.rollups import UsageQuery
from synthlang_router.main.recording import LOG_FILE, TENANT_KEYS_FILE
from tests.interactions.records import row
from tests.interactions.test_command import NOW, Installation

SECRET = Content(keep(b"the plan is zebra", 100), keep(b"zebra it is", 100))


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Two tenants; one has two users."""
    monkeypatch.setattr(erase_module, "SETTLE_SECONDS", 0.0)
    made = Installation(tmp_path)
    made.write(row("a1", user="ann", arrived=NOW), row("a2", user="bob", arrived=NOW + 1), content=SECRET)
    made.write(row("g1", tenant="globex", arrived=NOW + 2), content=SECRET)
    yield made
    made.log.close()


def erased(installation: Installation, *arguments: str) -> Any:
    given = [*arguments, "--json", "--config", str(installation.config)]
    result = CliRunner().invoke(erase_app, given)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def ids(installation: Installation, *arguments: str) -> list[str]:
    return [one["id"] for one in json.loads(installation.run("list", "--json", *arguments).stdout)]


def test_an_erased_tenant_has_no_row_no_key_and_no_sum(installation: Installation) -> None:
    assert erased(installation, "tenant", "acme", "--yes") == {"rows": 2, "keys": 1}

    assert ids(installation) == ["g1"]
    sums = installation.log.usage(UsageQuery(NOW - 7200, NOW + 7200, every=None, by=("tenant",)))
    assert [one.by for one in sums] == [("globex",)]
    with closing(sqlite3.connect(installation.settings.data_dir / TENANT_KEYS_FILE)) as connection:
        assert connection.execute("SELECT DISTINCT tenant FROM tenant_keys").fetchall() == [("globex",)]


def test_an_erased_user_is_gone_and_others_stay(installation: Installation) -> None:
    assert erased(installation, "user", "acme", "ann", "--yes") == {"rows": 1, "keys": 0}

    assert ids(installation) == ["g1", "a2"]
    assert "zebra" in installation.run("show", "a2").stdout


def test_what_is_erased_is_overwritten_in_the_file_and_its_write_ahead_log(
    installation: Installation,
) -> None:
    folder = installation.settings.data_dir
    sealed = installation.log.content("a1")
    assert sealed is not None
    assert sealed.prompt is not None

    def stands_in_a_file() -> bool:
        files = [path.read_bytes() for path in folder.glob(LOG_FILE + "*")]
        return any(sealed.prompt in content for content in files if sealed.prompt is not None)

    assert stands_in_a_file()
    assert erased(installation, "row", "a1") == {"rows": 1, "keys": 0}
    assert not stands_in_a_file()


def test_an_erasure_asks_first_and_is_in_the_audit_log(installation: Installation) -> None:
    refused = CliRunner().invoke(
        erase_app, ["tenant", "acme", "--config", str(installation.config)], input="n\n"
    )
    erased(installation, "user", "acme", "bob", "--yes")
    missing = CliRunner().invoke(erase_app, ["row", "nothing", "--config", str(installation.config)])

    listed = CliRunner().invoke(audit_app, ["list", "--json", "--config", str(installation.config)])
    deeds = [(deed["action"], deed["about"], deed["outcome"]) for deed in json.loads(listed.stdout)]
    assert (refused.exit_code, missing.exit_code) == (1, 1)
    assert list(reversed(deeds)) == [
        ("erase", "acme/bob", "begun"),
        ("erase", "acme/bob", "done"),
        ("erase", "nothing", "begun"),
        ("erase", "nothing", "refused"),
    ]


def test_list_finds_a_text_within_a_tenant(installation: Installation) -> None:
    assert ids(installation, "--text", "ZEBRA", "--tenant", "acme") == ["a2", "a1"]
    assert ids(installation, "--text", "giraffe", "--tenant", "acme") == []
    assert installation.run("list", "--text", "zebra").exit_code == 1


def test_an_export_is_of_what_was_asked_for(installation: Installation, tmp_path: Path) -> None:
    target = tmp_path / "rows.jsonl"

    installation.run("export", "--output", str(target), "--user", "ann", "--content")

    [line] = target.read_text().splitlines()
    assert json.loads(line)["prompt"] == "the plan is zebra"
    assert installation.run("export", "--format", "xml").exit_code == 1
