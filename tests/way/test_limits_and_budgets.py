"""Limits and budgets on the way of a request: what is refused, what is told, and what costs nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from synthlang_router.config import load
from synthlang_router.main import open_gateway
from tests.doubles.answers import completion
from tests.doubles.asgi import ASGIClient, Reply
from tests.doubles.upstream import ScriptedUpstream
from tests.way.conftest import KEY, OTHER_TENANT, OpenHouse, Questions

PRICES = 'prices: {"upstream/gpt-4o-mini": {input: 1, output: 1000}}\n'
"""A completion token costs a thousandth of a dollar, so that small budgets are soon spent."""
TOKENS = "limits: {requests_per_minute: null, tokens_per_minute: 3000}\n"
RATE_HEADERS = [
    f"x-ratelimit-{what}-{unit}"
    for unit in ("requests", "tokens")
    for what in ("limit", "remaining", "reset")
]


def told(reply: Reply) -> list[str]:
    error = reply.json()["error"]
    return [str(reply.status), error["type"], str(error["code"])]


async def test_all_six_headers_say_where_a_key_stands(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]], more="limits: {tokens_per_minute: 3000}\n")

    reply = await house.client.chat("Why?", max_tokens=100)

    assert [name for name in RATE_HEADERS if name not in reply.headers] == []
    assert reply.headers["x-ratelimit-limit-tokens"] == "3000"
    assert int(reply.headers["x-ratelimit-remaining-tokens"]) in range(2880, 3000)
    assert reply.headers["x-ratelimit-remaining-requests"] == "599"


async def test_without_a_token_limit_no_header_speaks_of_tokens(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]])

    reply = await house.client.chat("Why?")

    assert "x-ratelimit-limit-requests" in reply.headers
    assert "x-ratelimit-limit-tokens" not in reply.headers


async def test_tokens_set_aside_come_back_when_the_truth_is_known(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]], more=TOKENS)

    replies = [await house.client.chat(f"Why {number}?", max_tokens=2_000) for number in range(20)]

    assert {reply.status for reply in replies} == {200}


async def test_over_the_tokens_it_is_429_with_an_estimate_of_the_wait(open_house: OpenHouse) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4_000, "total_tokens": 4_009}
    house = await open_house([[completion(usage=usage)]], more=TOKENS)
    await house.client.chat("Why?")

    refused = await house.client.chat("And then?", max_tokens=500)

    assert told(refused) == ["429", "tokens", "rate_limit_exceeded"]
    assert int(refused.headers["retry-after"]) in range(1, 61)
    assert "x-should-retry" not in refused.headers
    assert len(house.asked) == 1


async def test_a_request_larger_than_the_bucket_passes_when_it_is_full_and_leaves_a_debt(
    open_house: OpenHouse,
) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 9_000, "total_tokens": 9_009}
    house = await open_house([[completion(usage=usage)]], more=TOKENS)

    large = await house.client.chat("word " * 3_000, max_tokens=5_000)
    small = await house.client.chat("Hi", max_tokens=1)

    assert (large.status, small.status) == (200, 429)
    assert int(small.headers["retry-after"]) > 35


async def test_hits_lists_and_counts_spend_no_tokens_and_are_never_refused_for_them(
    open_house: OpenHouse,
) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2_991, "total_tokens": 3_000}
    house = await open_house([[completion(usage=usage)]], more=TOKENS)
    await house.client.chat("Why?")

    hit = await house.client.chat("Why?")
    models = await house.client.get("/v1/models")
    counted = await house.client.post(
        "/v1/messages/count_tokens",
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]},
    )

    assert (hit.status, hit.headers["x-cache"]) == (200, "HIT")
    assert (models.status, counted.status) == (200, 200)
    assert int(hit.headers["x-ratelimit-remaining-tokens"]) < 2_500


async def test_a_thousand_at_once_never_pass_more_than_burst_and_rate(open_house: OpenHouse) -> None:
    house = await open_house(
        [[completion()]], more="limits: {requests_per_minute: 300, burst: 40, concurrency: null}\n"
    )

    started = time.monotonic()
    replies = await asyncio.gather(
        *(house.client.chat(f"Question {number}", temperature=1) for number in range(1_000))
    )
    seconds = time.monotonic() - started

    passed = [reply for reply in replies if reply.status != 429]  # also what a busy machine made fail later
    assert 40 <= len(passed) <= 40 + 5 * seconds + 1
    assert 200 in {reply.status for reply in passed}


async def test_limits_of_a_tenant_hold_for_its_keys_and_of_a_model_for_everybody(
    open_house: OpenHouse,
) -> None:
    house = await open_house(
        [[completion()]],
        more="limits: {tenants: {globex: {requests_per_minute: 1}}, models: {alias: {requests_per_minute: 1}}}\n",
    )
    other = house.as_key(OTHER_TENANT)

    globex = [(await other.chat(f"Why {number}?")).status for number in range(2)]
    acme = [(await house.client.chat(f"Why {number}?")).status for number in range(2)]
    alias = [(await house.client.chat(f"How {number}?", model="alias")).status for number in range(2)]

    assert (globex, acme, alias) == ([200, 429], [200, 200], [200, 429])


async def test_a_spent_budget_is_429_insufficient_quota_and_says_not_to_retry(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]], more=PRICES + "budgets: {key: {usd: 0.0031, per: day}}\n")
    await house.client.chat("Why?", max_tokens=3)

    refused = await house.client.chat("And then?", max_tokens=3)

    assert told(refused) == ["429", "insufficient_quota", "insufficient_quota"]
    assert refused.headers["x-should-retry"] == "false"
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert len(house.asked) == 1


async def test_a_hundred_at_the_last_cent_overspend_nothing(open_house: OpenHouse) -> None:
    house = await open_house(
        [[completion()]],
        more=PRICES + "budgets: {tenants: {acme: {usd: 0.01}}}\nlimits: {requests_per_minute: null}\n",
    )

    replies = await asyncio.gather(
        *(house.client.chat(f"Question {number}", temperature=1, max_tokens=3) for number in range(100))
    )

    spent = sum(row["cost"] for row in await house.rows())
    assert {reply.status for reply in replies} == {200, 429}
    assert 0.003 <= spent <= 0.01


@pytest.mark.parametrize(
    ("scope", "headers"),
    [
        ("tags: {feature=poems: {usd: 0.0031}}", {"x-synthlang-tags": "feature=poems"}),
        ("tenants: {acme: {usd: 0.0031}}", {}),
        ("key: {usd: 0.0031, per: total}", {}),
        ("key: {usd: 0.0031, per: week, rolling: true}", {}),
    ],
)
async def test_tags_tenants_and_keys_have_budgets_of_their_own(
    open_house: OpenHouse, scope: str, headers: dict[str, str]
) -> None:
    house = await open_house([[completion()]], more=f"{PRICES}budgets: {{{scope}}}\n")

    first = await house.client.chat("Why?", max_tokens=3, headers=headers)
    second = await house.client.chat("And then?", max_tokens=3, headers=headers)
    stranger = await house.as_key(OTHER_TENANT).chat("Why?", max_tokens=3)

    assert (first.status, second.status, stranger.status) == (200, 429, 200)


async def test_a_budget_that_only_warns_refuses_nothing(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]], more=PRICES + "budgets: {key: {usd: 0.001, on_spent: warn}}\n")

    replies = [await house.client.chat(f"Why {number}?", max_tokens=3) for number in range(5)]

    assert {reply.status for reply in replies} == {200}


async def test_a_hit_is_served_when_the_budget_is_spent(open_house: OpenHouse) -> None:
    house = await open_house([[completion()]], more=PRICES + "budgets: {key: {usd: 0.0031}}\n")
    await house.client.chat("Why?", max_tokens=3)

    hit = await house.client.chat("Why?", max_tokens=3)

    assert (hit.status, hit.headers["x-cache"]) == (200, "HIT")


async def test_under_a_budget_an_unknown_price_is_refused_where_the_file_says_so(
    open_house: OpenHouse,
) -> None:
    house = await open_house([[completion()]], more="budgets: {unpriced: refuse, key: {usd: 5}}\n")

    reply = await house.client.chat("Why?")

    assert reply.status == 429
    assert "not known" in reply.json()["error"]["message"]


async def test_a_reload_changes_the_bounds_and_forgets_no_spending(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    house = await open_house([[completion()]], more=PRICES + "budgets: {key: {usd: 0.0031}}\n")
    await house.client.chat("Why?", max_tokens=3)
    path = tmp_path / "gateway.yaml"

    statuses: list[int] = []
    for usd in ("0.0062", "0.0062", "0.0061", "0.02"):
        path.write_text(path.read_text().replace("usd: 0.0031", f"usd: {usd}"))
        await house.gateway.reload(load(path, {}, tmp_path))
        statuses.append((await house.client.chat(f"And then {len(statuses)}?", max_tokens=3)).status)
        path.write_text(path.read_text().replace(f"usd: {usd}", "usd: 0.0031"))

    assert statuses == [200, 429, 429, 200]


async def test_spending_outlives_a_restart_and_begins_with_what_the_record_has(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    config = "\n".join(
        [
            'providers: {{upstream: {{base_url: "{url}"}}}}',
            "models: [{{name: m, targets: [{{provider: upstream, model: gpt-4o-mini}}]}}]",
            "keys: [{{name: way, key: {key}, tenant: acme, project: web}}]",
            "data_dir: {data}",
            PRICES.replace("{", "{{").replace("}", "}}"),
        ]
    )

    async def ask(url: str, budgets: str, text: str) -> int:
        path.write_text(config.format(url=url, key=KEY, data=tmp_path / "data") + budgets)
        async with open_gateway(load(path, {}, tmp_path)) as gateway:
            return (await ASGIClient(gateway.app, KEY).chat(text, model="m", max_tokens=3)).status

    async with ScriptedUpstream(Questions([[completion()]])) as upstream:
        before = await ask(upstream.url, "", "Why?")
        statuses = [
            await ask(upstream.url, budgets, f"{number}?")
            for number, budgets in enumerate(
                (
                    "budgets: {tenants: {acme: {usd: 0.0062}}}",
                    "budgets: {tenants: {acme: {usd: 0.0062}}}",
                    "budgets: {projects: {acme/web: {usd: 0.0062, per: total}}}",
                    "budgets: {tenants: {acme: {usd: 1}}}",
                )
            )
        ]

    assert before == 200
    assert statuses == [200, 429, 429, 200]
