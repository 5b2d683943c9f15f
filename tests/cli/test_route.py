"""`route explain` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthlang_router.cli.route import app

CONFIG = """\
providers:
  openai: {{base_url: "https://api.openai.com/v1", api_key: sk-x}}
  claude: {{dialect: anthropic, base_url: "https://api.anthropic.com", api_key: sk-y}}
models:
  - name: fast
    hedge: true
    timeouts: {{first_token: 20}}
    targets: [{{provider: openai, model: gpt-4o-mini}}]
    fallbacks: [claude/claude-haiku-4-5, openai/o3-mini]
data_dir: {folder}/data
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return str(path)


def explained(config: str, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["explain", *arguments, "--config", config])
    assert done.exit_code == 0, done.output
    return done.output


def test_people_are_told_who_would_be_asked_and_what_would_be_lost(config: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(
        json.dumps({"messages": [{"role": "user", "content": "Hi"}], "seed": 1, "temperature": 0.5})
    )

    said = explained(config, "fast", "--body", str(body))

    assert "fast: configured" in said
    assert "1. openai/gpt-4o-mini (openai)" in said
    assert "2. claude/claude-haiku-4-5 (anthropic): without seed" in said
    assert "3. openai/o3-mini (openai): without temperature" in said
    assert "first_token: 20 s" in said


def test_scripts_are_told_the_same_as_json(config: str) -> None:
    found = json.loads(explained(config, "fast", "--json", "--models", "fast", "--models", "openai/*"))

    assert [way["model"] for way in found["targets"]] == ["gpt-4o-mini", "o3-mini"]
    assert (found["hedge"], found["timeouts"]) == (True, {"first_token": 20.0})


def test_a_name_from_the_price_table_is_found_where_no_list_was_ever_fetched(config: str) -> None:
    found = json.loads(explained(config, "gpt-4o-2024-11-20", "--json"))

    assert (found["targets"][0]["provider"], found["reason"]) == ("openai", "known")


def test_a_name_that_nobody_serves_is_an_error(config: str) -> None:
    done = CliRunner().invoke(app, ["explain", "gpt-nobody", "--config", config])

    assert done.exit_code == 1
    assert "does not exist" in done.output
