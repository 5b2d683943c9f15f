"""Where settings come from, and how everything that is wrong is said at once."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from synthlang_router.config import LimitSettings, load
from synthlang_router.errors import ConfigurationError
from tests.config.files import PROVIDER, loaded, refusal, settings


def test_the_contracts_example_is_understood(tmp_path: Path) -> None:
    text = """\
server:    {host: 127.0.0.1, port: 8080, workers: 1, max_body_bytes: 64000000, commit_after: 10, drain_seconds: 300}
state:     embedded
data_dir:  ./data
providers:
  openai:    {dialect: openai, base_url: "https://api.openai.com/v1", api_key: "${OPENAI_API_KEY}"}
  local:     {dialect: openai, base_url: "http://127.0.0.1:11434/v1", timeouts: {connect: 10, first_token: 600, idle: 300, total: 3600}}
models:
  - name: fast
    targets: [{provider: openai, model: gpt-4o-mini, weight: 3}, {provider: local, model: llama3, weight: 1}]
    fallbacks: [gpt-4o]
routing:
  rules:
    - {when: {model: "*gpt-4o*"}, use: gpt-4o-search-preview}
    - {use: o3-mini}
  apply_to: unknown
synthlang: {mode: transparent, level: exact}
cache:
  reuse:    unsampled
  exact:    {enabled: true, ttl: 3600, max_entries: 100000, max_bytes: 500000000}
  semantic: {enabled: true, max_error_rate: 0.01, embedder: local, ttl: 3600}
limits:    {requests_per_minute: 600, concurrency: 100}
keys:
  - {name: dev, key: "${DEV_KEY}", role: user, tenant: acme, requests_per_minute: 600, models: ["*"]}
interactions: {enabled: true, store_content: auto, max_content_bytes: 256000, retention_days: 30, encryption_key: "${ENCRYPTION_KEY:-}"}
"""
    got = loaded(tmp_path, text, {"OPENAI_API_KEY": "sk-o", "DEV_KEY": "sk-slr-0123456789abcdefghij"})

    assert got.warnings == ()
    assert got.source.kind == "named file"
    assert not got.source.is_zero_configuration
    assert got.settings.models[0].targets[0].weight == 3
    assert got.settings.interactions.encryption_key is None
    assert got.settings.data_dir == tmp_path / "data"
    assert got.settings.routing.rules is not None


def test_an_unknown_setting_is_named_with_file_line_and_the_nearest_one(tmp_path: Path) -> None:
    text = PROVIDER + "cache:\n  exact:\n    tll: 3\n"

    assert refusal(tmp_path, text) == "f:4: cache.exact.tll: unknown setting (did you mean ttl?)"


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
server: {port: 80800}
providers:
  openai: {api_key: x, timeouts: {conect: 3}}
  "bad name": {}
cache: {reuse: of, exact: {ttl: abc, enabled: maybe}}
keys:
  - {name: a, key: "${NOPE}"}
  - {nam: a}
routing: {rules: [{whn: {}}]}
state: embeded
cach: 3
"""
    assert refusal(tmp_path, text).splitlines() == [
        "f:1: server.port: must be less than or equal to 65535",
        "f:3: providers.openai.timeouts.conect: unknown setting (did you mean connect?)",
        "f:4: providers.bad name: is not a valid name",
        "f:5: cache.reuse: must be 'unsampled', 'deterministic' or 'any'",
        "f:5: cache.exact.enabled: must be true or false",
        "f:5: cache.exact.ttl: must be a number",
        "f:7: keys[0].key: the environment variable NOPE is not set",
        "f:8: keys[1].name: is required",
        "f:8: keys[1].key: is required",
        "f:8: keys[1].nam: unknown setting (did you mean name?)",
        "f:9: routing.rules[0].use: is required",
        "f:9: routing.rules[0].whn: unknown setting (did you mean when?)",
        "f:10: state: must be 'embedded' or a mapping",
        "f:11: cach: unknown setting (did you mean cache?)",
    ]


def test_unreadable_yaml_is_said_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a: 1\na: 2\n") == "f:2: a: written twice (first in line 1)"


def test_a_file_without_providers_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "data_dir: x\n") == "f: providers: is required"
    assert "at least 1 item" in refusal(tmp_path, "providers: {}\n")


@pytest.mark.parametrize("word", ["off", "no", "False", "'off'"])
def test_yaml_booleans_and_words_mean_what_the_setting_means(tmp_path: Path, word: str) -> None:
    got = settings(tmp_path, f"synthlang: {{mode: off}}\ncache: {{exact: {{enabled: {word}}}}}\n")

    assert got.synthlang.mode == "off"
    assert got.cache.exact.enabled is False


def test_an_empty_section_is_its_defaults_and_null_is_no_limit(tmp_path: Path) -> None:
    got = settings(tmp_path, "cache:\nserver: {port: ~}\nlimits: {requests_per_minute: null}\n")

    assert got.cache.exact.enabled
    assert got.server.port == 8080
    assert got.limits.requests_per_minute is None
    assert got.limits.concurrency == 100


def test_a_key_has_its_own_limits_where_it_says_so(tmp_path: Path) -> None:
    text = (
        "keys: [{name: k, key: sk-0123456789-0123456789x, burst: 5, concurrency: ~, expires: 2031-01-02}]\n"
    )

    (key,) = settings(tmp_path, text).keys

    assert key.limits_over(LimitSettings(requests_per_minute=60)) == LimitSettings(
        requests_per_minute=60, burst=5, concurrency=None
    )
    assert key.expires == datetime(2031, 1, 2, tzinfo=UTC)


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    text = (
        "providers: {up: {base_url: 'http://h/v1', api_key: sk-secret-1, proxy: 'http://u:sk-secret-2@p:3128',"
        " headers: {x-k: sk-secret-3}}}\n"
        "keys: [{name: k, key: sk-secret-4}]\ninteractions: {encryption_key: sk-secret-5}\n"
    )

    got = loaded(tmp_path, text)

    assert "sk-secret" not in repr(got)
    assert "sk-secret" not in str(got.warnings)


def test_no_value_is_quoted_in_a_refusal(tmp_path: Path) -> None:
    text = (
        "providers: {up: {base_url: 'http://u:sk-secret@h/v1', api_key: \"sk-secret\\n\", proxy: 'sk-secret',"
        ' headers: {k: "sk-secret\\n"}, stream_usage: sk-secret, ca_file: [sk-secret]}}\n'
        "server: {port: sk-secret, host: [sk-secret]}\nkeys: [{name: 'sk secret', key: [sk-secret], budget: sk-secret}]\n"
    )

    assert "secret" not in refusal(tmp_path, text)


def test_settings_of_the_command_line_win_and_are_checked_with_the_rest(tmp_path: Path) -> None:
    got = loaded(
        tmp_path, PROVIDER + "server: {port: 1}\n", overrides={"server.port": "8081", "server.host": "::1"}
    )

    assert (got.settings.server.port, got.settings.server.host) == (8081, "::1")
    with pytest.raises(ConfigurationError, match="this gateway itself"):
        loaded(tmp_path, PROVIDER, overrides={"server.port": "9000"})


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.yaml").write_text("providers: {up: {ca_file: ca.pem}}\ndata_dir: d\n")

    got = load(Path("sub/c.yaml"), {}, tmp_path).settings

    assert got.data_dir == tmp_path / "sub" / "d"
    assert got.providers["up"].ca_file == tmp_path / "sub" / "ca.pem"


@pytest.mark.parametrize("make", ["missing", "folder", "fifo"])
def test_a_named_file_that_is_no_file_is_refused_without_waiting(tmp_path: Path, make: str) -> None:
    path = tmp_path / "x"
    if make == "folder":
        path.mkdir()
    elif make == "fifo":
        os.mkfifo(path)

    with pytest.raises(ConfigurationError, match=r"no such file|not a regular file|Is a directory"):
        load(path, {}, tmp_path)


WORDS = st.sampled_from(
    [
        "providers",
        "up",
        "base_url",
        "http://h/v1",
        "api_key",
        "keys",
        "name",
        "models",
        "targets",
        "state",
        "cache",
        "exact",
        "ttl",
        "on",
        "-1",
        "1e999",
        "nan",
        "${A}",
        "${A:-}",
        "routing",
        "rules",
        "when",
        "model",
        "*",
        "use",
    ]
)
TREES = st.recursive(
    st.none() | WORDS | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.dictionaries(WORDS, TREES, max_size=6))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_file_says_it_is_settings_or_a_refusal(tmp_path: Path, data: dict[str, object]) -> None:
    import json

    file = tmp_path / "f.yaml"
    file.write_text(json.dumps({"providers": {"up": {"base_url": "http://h/v1"}}, **data}))
    try:
        got = load(file, {"A": "1"}, tmp_path)
    except ConfigurationError as error:
        assert all(line.startswith(str(file)) for line in error.message.splitlines())
    else:
        assert got.settings.providers
