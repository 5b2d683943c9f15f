"""What is refused because two settings contradict one another, or because it is not built."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthlang_router.config import NOT_BUILT_YET
from tests.config.files import PROVIDER, loaded, refusal

STRONG = "sk-0123456789-abcdefghijk"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "server: {max_bytes_in_flight: 10}",
            "server.max_bytes_in_flight: must be at least server.max_body_bytes",
        ),
        (
            "models: [{name: a, targets: [{provider: upp, model: m}]}]",
            "models[0].targets[0].provider: no such provider (did you mean up?)",
        ),
        (
            "models: [{name: a, targets: [{provider: up, model: m, weight: 0}]}]",
            "models[0].targets: at least one weight must be above 0",
        ),
        (
            "models: [{name: a, targets: [{provider: up, model: m}], fallbacks: [a]}]",
            "models[0].fallbacks: a model cannot be its own fallback",
        ),
        ("models: [{name: a, targets: []}]", "models[0].targets: "),
        (
            "routing: {rules: [{when: {min_prompt_bytes: 2, max_prompt_bytes: 1}, use: a}]}",
            "routing.rules[0].when: min_prompt_bytes is above",
        ),
        ("routing: {rules: [{when: {moon: full}, use: a}]}", "routing.rules[0].when.moon: unknown setting"),
        ("cache: {semantic: {embedding_model: up/e}}", "cache.semantic.embedding_model: has an effect with"),
        ("cache: {semantic: {embedder: provider}}", "cache.semantic.embedding_model: is required"),
        (
            "cache: {semantic: {embedder: provider, embedding_model: other/e}}",
            "cache.semantic.embedding_model: must be `provider/model`",
        ),
        (
            "cache: {semantic: {embedder: provider, embedding_model: up/}}",
            "cache.semantic.embedding_model: must be `provider/model`",
        ),
        ("keys: [{name: a, key: weak, role: admin}]", "keys[0].key: too weak for an admin"),
        ("keys: [{name: a, key: ' outer'}]", "keys[0].key: must be printable"),
        ("keys: [{name: a, key: ''}]", "keys[0].key: must be printable"),
        (
            f"keys: [{{name: a, key: {STRONG}, role: admin, models: [x]}}]",
            "keys[0].models: an admin key cannot call models",
        ),
        (
            f"keys: [{{name: a, key: {STRONG}, role: admin, budget: {{usd: 5}}}}]",
            "keys[0].budget: an admin key cannot call models",
        ),
        ("budgets: {key: {usd: 0}}", "budgets.key.usd: "),
        ("budgets: {tenants: {acme: {usd: 5, per: year}}}", "budgets.tenants.acme.per: "),
        (
            "budgets: {tags: {a=b: {usd: 5, per: total, rolling: true}}}",
            "budgets.tags.a=b.rolling: a total has no window that could roll",
        ),
        ("budgets: {webhook: {url: 'http://h', secret: short}}", "budgets.webhook.secret: "),
        (
            "budgets: {webhook: {url: 'http://h', secret: 'whsec_not base64 at all'}}",
            "budgets.webhook.secret: ",
        ),
        (
            "budgets: {webhook: {url: 'http://169.254.169.254/x', secret: 0123456789abcdef}}",
            "budgets.webhook.url: ",
        ),
        ("prices: {upp/m: {input: 1}}", "prices.upp/m: no such provider (did you mean up?)"),
        ("prices: {up/m: {input: -1}}", "prices.up/m.input: "),
        ("keys: [{name: a, key: x}, {name: b, key: x}]", "keys[1].key: is the same as that of keys[0]"),
        ("keys: [{name: a, key: x}, {name: a, key: y}]", "keys[1].name: is taken"),
    ],
)
def test_contradictions_are_refused_where_they_are_written(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, PROVIDER + text).startswith(f"f:2: {said}")


def test_a_model_configured_twice_is_refused(tmp_path: Path) -> None:
    model = "{name: a, targets: [{provider: up, model: m}]}"

    assert (
        refusal(tmp_path, PROVIDER + f"models: [{model}, {model}]")
        == "f:2: models[1].name: 'a' is configured twice"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/v1",
        "http://LOCALHOST:8080",
        "http://[::1]:8080",
        "http://127.9.9.9:8080/x",
        "http://[::ffff:127.0.0.1]:8080",
        "http://a.localhost:8080",
        "http://127.1:8080",
        "http://0x7f000001:8080",
        "http://localhost.:8080",
    ],
)
def test_a_provider_that_is_this_gateway_is_refused(tmp_path: Path, url: str) -> None:
    assert "this gateway itself" in refusal(tmp_path, f"providers: {{up: {{base_url: '{url}'}}}}")
    assert "this gateway itself" in refusal(
        tmp_path, f"providers: {{up: {{base_url: '{url}'}}}}\nserver: {{host: 0.0.0.0}}"
    )


def test_another_port_or_host_is_not_this_gateway(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:8081", "http://10.0.0.1:8080", "http://127.0.0.1", "https://localhost/v1"):
        assert loaded(tmp_path, f"providers: {{up: {{base_url: '{url}'}}}}").settings.providers


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h",
        "http://",
        "//h/v1",
        "h/v1",
        "http://u@h",
        "http://u:p@h",
        "http://h/?a=1",
        "http://h/#x",
        "http://h?",
        "http://h:99999",
        "http://h:0",
        "http://h:x",
        "http://h/ä",
        "http://h/a b",
        "http://h\\\\@evil",
        "http://[::1",
        "file:///etc/passwd",
        "http://h/\\n",
        "",
    ],
)
def test_a_base_url_that_is_not_one_is_refused(tmp_path: Path, url: str) -> None:
    assert "f:1: providers.up.base_url: " in refusal(tmp_path, f'providers: {{up: {{base_url: "{url}"}}}}')


@pytest.mark.parametrize(
    "headers",
    [
        '{"a b": x}',
        "{host: x}",
        "{Content-Length: 1}",
        '{x: "a\\nb"}',
        '{x: "ä"}',
        "{X-A: 1, x-a: 2}",
        "{cookie: x}",
    ],
)
def test_headers_that_would_break_the_call_are_refused(tmp_path: Path, headers: str) -> None:
    assert "providers.up.headers: " in refusal(
        tmp_path, f"providers: {{up: {{base_url: 'http://h', headers: {headers}}}}}"
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("state: {database: 'postgresql://h/d'}", "state"),
        ("server: {workers: 2}", "server.workers"),
    ],
)
def test_what_is_not_built_is_refused_and_not_ignored(tmp_path: Path, text: str, where: str) -> None:
    written = text if text.startswith("providers") else PROVIDER + text

    said = refusal(tmp_path, written)

    assert f": {where}: not built yet (" in said
    assert len(said.splitlines()) == 1


def test_every_entry_of_the_table_names_a_setting() -> None:
    from synthlang_router.config.faults import valid_keys

    for entry in NOT_BUILT_YET:
        *above, last = entry.where.split(".")
        assert last in valid_keys(
            tuple(
                ("up" if entry.where.startswith("providers") else 0) if part == "*" else part
                for part in above
            )
        ), entry.where


def test_a_weak_key_and_an_unreachable_rule_are_warned_of(tmp_path: Path) -> None:
    text = (
        PROVIDER
        + f"routing: {{rules: [{{use: a}}, {{use: b}}]}}\nkeys: [{{name: a, key: sk-x}}, {{name: b, key: {STRONG}}}]\n"
    )

    first, second = loaded(tmp_path, text).warnings

    assert "routing.rules[0]: always matches" in first
    assert "keys[0].key: weak key" in second


def test_a_simulator_takes_nothing_that_it_would_not_use(tmp_path: Path) -> None:
    assert loaded(tmp_path, "providers: {s: {dialect: simulator}}").settings.providers["s"].base_url is None
    assert "no use for it" in refusal(tmp_path, "providers: {s: {dialect: simulator, api_key: x}}")


def test_a_provider_without_a_base_url_is_at_its_vendor(tmp_path: Path) -> None:
    got = loaded(tmp_path, "providers: {groq: {}, mine: {dialect: openai}}").settings.providers

    assert got["groq"].base_url == "https://api.groq.com/openai/v1"
    assert got["mine"].base_url == "https://api.openai.com/v1"
