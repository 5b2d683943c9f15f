"""`synthlang-router config`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthlang_router.cli.config import app
from tests.config.files import PROVIDER


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(PROVIDER)
    return path


def test_a_good_file_exits_0_and_says_what_it_holds(file: Path) -> None:
    result = CliRunner().invoke(app, ["check", "--config", str(file)])

    assert result.exit_code == 0
    assert result.stdout == f"{file}: ok (providers: up; models: 0; keys: 0)\n"


def test_a_bad_file_exits_1_and_says_why(file: Path) -> None:
    file.write_text(PROVIDER + "cach: {}\n")

    result = CliRunner().invoke(app, ["check", "--config", str(file)])

    assert result.exit_code == 1
    assert result.stderr == f"{file}:2: cach: unknown setting (did you mean cache?)\n"


def test_a_warning_is_not_a_failure(file: Path) -> None:
    file.write_text(PROVIDER + "keys: [{name: a, key: sk-x}]\n")

    result = CliRunner().invoke(app, ["check", "--config", str(file)])

    assert result.exit_code == 0
    assert "weak key" in result.stderr


def test_a_wrong_option_exits_2() -> None:
    assert CliRunner().invoke(app, ["check", "--conf", "x"]).exit_code == 2
    assert CliRunner().invoke(app, ["chek"]).exit_code == 2


def test_the_schema_is_json_and_knows_every_section() -> None:
    result = CliRunner().invoke(app, ["schema"])

    schema = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {"server", "providers", "models", "routing", "cache", "keys", "interactions"} <= set(
        schema["properties"]
    )
    assert schema["additionalProperties"] is False
