"""The reference page and the examples say what is true."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synthlang_router.config import load, schema

HOUSE = Path(__file__).parent.parent.parent
KEYS = ("OPENAI_API_KEY", "GROQ_API_KEY", "WEBSITE_KEY", "BATCH_KEY", "OPS_KEY", "ENCRYPTION_KEY")
ENVIRON = {name: f"{name.lower()}-0123456789-abcdefghijklm" for name in KEYS}
EXAMPLES = sorted((HOUSE / "examples").glob("*.yaml"))


def test_the_reference_page_is_current() -> None:
    script = HOUSE / "scripts" / "configuration_reference.py"

    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_examples_and_the_page_names_them() -> None:
    page = (HOUSE / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert len(EXAMPLES) >= 3
    assert all(f"`{example.name}`" in page for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_accepted_without_a_warning(example: Path) -> None:
    loaded = load(example, ENVIRON, HOUSE)

    assert loaded.settings.providers
    assert loaded.warnings == ()


def properties(of: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from of["properties"].items()
    for section in of["$defs"].values():
        yield from section["properties"].items()


def test_every_setting_says_what_it_means() -> None:
    missing = [name for name, setting in properties(schema()) if not setting.get("description")]

    assert missing == []


def test_the_schema_holds_no_secret_of_this_machine() -> None:
    assert str(Path.home()) not in json.dumps(schema())
