"""A file that was found, not named, and settings without a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synthlang_router.config import FILE_NAME, load
from synthlang_router.errors import ConfigurationError
from tests.config.files import PROVIDER

NOWHERE = Path("/nonexistent")
OPENAI = "providers: {openai: {api_key: '${OPENAI_API_KEY}'}}\n"


def found(folder: Path, text: str, **environ: str) -> list[str]:
    (folder / FILE_NAME).write_text(text)
    try:
        assert load(None, environ, folder).source.kind == "found file"
    except ConfigurationError as error:
        return error.message.splitlines()
    return []


def test_a_file_in_the_working_directory_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, OPENAI, OPENAI_API_KEY="sk-1") == []


def test_a_found_file_that_everyone_may_write_is_refused_unless_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(PROVIDER)
    (tmp_path / FILE_NAME).chmod(0o666)

    with pytest.raises(ConfigurationError, match="writable by everyone"):
        load(None, {}, tmp_path)
    assert load(tmp_path / FILE_NAME, {}, tmp_path).source.kind == "named file"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_found_file_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(PROVIDER)
    os.chown(tmp_path / FILE_NAME, 12_345, -1)

    with pytest.raises(ConfigurationError, match="belongs to another user"):
        load(None, {}, tmp_path)


@pytest.mark.parametrize(
    "provider",
    [
        "{base_url: 'https://evil.example/v1', api_key: '${OPENAI_API_KEY}'}",
        "{base_url: 'https://api.openai.com.evil.example/v1', api_key: '${OPENAI_API_KEY}'}",
        "{base_url: 'https://evilopenai.com/v1', api_key: '${OPENAI_API_KEY}'}",
        "{base_url: 'http://api.openai.com/v1', api_key: '${OPENAI_API_KEY}'}",
        "{base_url: 'https://evil.example/${OPENAI_API_KEY}'}",
        "{base_url: 'https://api.groq.com/v1', headers: {k: '${OPENAI_API_KEY}'}}",
        "{api_key: '${OPENAI_API_KEY}', proxy: 'http://evil.example:3128'}",
        "{api_key: '${OPENAI_API_KEY}', ca_file: evil.pem}",
        "{api_key: x, proxy: 'http://${OPENAI_API_KEY}@evil.example'}",
    ],
)
def test_a_found_file_sends_a_vendors_key_nowhere_else(tmp_path: Path, provider: str) -> None:
    (line,) = found(tmp_path, f"providers: {{openai: {provider}}}\n", OPENAI_API_KEY="sk-1")

    assert "OPENAI_API_KEY may go to openai.com only" in line
    assert "sk-1" not in line
    named = load(tmp_path / FILE_NAME, {"OPENAI_API_KEY": "sk-1"}, tmp_path)
    assert named.source.kind == "named file"


def test_a_found_file_may_send_a_vendors_key_where_the_environment_points(tmp_path: Path) -> None:
    text = "providers: {openai: {base_url: '${OPENAI_BASE_URL}', api_key: '${OPENAI_API_KEY}'}}\n"

    assert found(tmp_path, text, OPENAI_API_KEY="sk-1", OPENAI_BASE_URL="http://10.0.0.1/v1/") == []


def test_without_a_file_the_environments_keys_name_the_providers() -> None:
    environ = {
        "OPENAI_API_KEY": "sk-1",
        "OPENAI_BASE_URL": "http://h/v1/",
        "GROQ_API_KEY": "sk-2",
        "XAI_API_KEY": "",
    }

    got = load(None, environ, NOWHERE)

    assert got.source.kind == "environment"
    assert got.source.is_zero_configuration
    assert {name: provider.base_url for name, provider in got.settings.providers.items()} == {
        "openai": "http://h/v1",
        "groq": "https://api.groq.com/openai/v1",
    }


def test_a_key_of_the_environment_is_not_expanded() -> None:
    key = load(None, {"OPENAI_API_KEY": "a${HOME}"}, NOWHERE).settings.providers["openai"].api_key

    assert key is not None
    assert key.get_secret_value() == "a${HOME}"


def test_an_unusable_key_of_the_environment_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(None, {"OPENAI_API_KEY": "sk\n1"}, NOWHERE)

    assert caught.value.message.startswith("environment: providers.openai.api_key: ")
    assert "sk" not in caught.value.message


def test_without_keys_a_model_server_here_answers_and_else_the_simulator() -> None:
    local = load(None, {}, NOWHERE, discover=lambda: {"ollama": "http://127.0.0.1:11434/v1"})
    nothing = load(None, {}, NOWHERE, discover=dict)

    assert local.source.kind == "local server"
    assert local.settings.providers["ollama"].base_url == "http://127.0.0.1:11434/v1"
    assert nothing.source.kind == "simulator"
    assert [provider.dialect for provider in nothing.settings.providers.values()] == ["simulator"]


def test_servers_are_not_looked_for_where_there_is_a_key() -> None:
    def discover() -> dict[str, str]:
        raise AssertionError("asked")

    assert load(None, {"OPENAI_API_KEY": "sk-1"}, NOWHERE, discover=discover).source.kind == "environment"


def test_every_vendor_whose_key_is_there_is_a_provider_in_its_own_dialect() -> None:
    got = load(None, {"ANTHROPIC_API_KEY": "sk-1", "GEMINI_API_KEY": "g"}, NOWHERE)

    assert {name: given.dialect for name, given in got.settings.providers.items()} == {
        "anthropic": "anthropic",
        "gemini": "gemini",
    }
