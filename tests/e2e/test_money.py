"""Limits and budgets of a real process: under a burst, at the last cent, after kill -9, and told to a webhook."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.doubles.answers import http
from tests.doubles.processes import KEY, GatewayProcess, UpstreamProcess
from tests.doubles.upstream import ScriptedUpstream
from tests.e2e.clients import Wire, request

SECRET = "a secret that signs alerts"
CONFIG = """\
providers: {{upstream: {{dialect: openai, base_url: "{url}"}}}}
models: [{{name: m, targets: [{{provider: upstream, model: m}}]}}]
prices: {{"upstream/m": {{input: 1, output: 1000}}}}
cache: {{semantic: {{enabled: false}}, exact: {{enabled: false}}}}
keys: [{{name: e2e, key: {key}, tenant: acme, requests_per_minute: null, concurrency: null}}]
{more}
"""
COST = 0.005011
"""Of one answer: 11 tokens of prompt, 5 of completion."""


def config(upstream: UpstreamProcess, more: str) -> str:
    return CONFIG.format(url=upstream.url, key=KEY, more=more)


def asked(text: str, **fields: object) -> bytes:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": text}], **fields}
    return request(json.dumps(body).encode())


async def status_of(url: str, text: str) -> int:
    """0 where the gateway died before it answered."""
    try:
        async with Wire(url) as wire:
            await wire.send(asked(text))
            return (await wire.reply())[0]
    except (ConnectionError, asyncio.IncompleteReadError):
        return 0


def spent(gateway: GatewayProcess, account: str) -> float:
    """USD, as the ledger has them on the disk."""
    with closing(sqlite3.connect(gateway.folder / "data" / "budgets.db")) as ledger:
        found = ledger.execute(
            "SELECT sum(nano), sum(held) FROM budget_spending WHERE account = ?", (account,)
        ).fetchone()
    assert found[1] == 0
    return float(found[0]) / 1e9


async def test_a_thousand_at_once_pass_no_more_than_burst_and_rate(
    upstream: UpstreamProcess, tmp_path: Path
) -> None:
    more = "limits: {tenants: {acme: {requests_per_minute: 300, burst: 40}}}"
    with GatewayProcess(tmp_path, config(upstream, more)) as gateway:
        started = time.monotonic()
        statuses = await asyncio.gather(*(status_of(gateway.url, f"Why {n}?") for n in range(1_000)))
        seconds = time.monotonic() - started

    passed = 1_000 - statuses.count(429)
    assert 40 <= passed <= 40 + 5 * seconds + 1
    assert statuses.count(200) == passed


async def test_a_hundred_at_the_last_cent_overspend_nothing(
    upstream: UpstreamProcess, tmp_path: Path
) -> None:
    more = "budgets: {tenants: {acme: {usd: 0.025}}}"
    with GatewayProcess(tmp_path, config(upstream, more)) as gateway:
        statuses = await asyncio.gather(
            *(status_of(gateway.url, f"Why {n}? [[wait=50]]") for n in range(100))
        )
        gateway.end()

        assert set(statuses) == {200, 429}
        assert spent(gateway, "tenant:acme") == pytest.approx(COST * statuses.count(200))
        assert spent(gateway, "tenant:acme") <= 0.025


def test_openais_sdk_does_not_try_a_spent_budget_again(upstream: UpstreamProcess, tmp_path: Path) -> None:
    more = "budgets: {key: {usd: 0.006}}"
    with (
        GatewayProcess(tmp_path, config(upstream, more)) as gateway,
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=3) as client,
    ):

        def ask(text: str) -> str | None:
            messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": text}]
            return client.chat.completions.create(model="m", max_tokens=5, messages=messages).model

        assert ask("Why?") == "m"
        with pytest.raises(openai.RateLimitError) as refusal:
            ask("And then?")
        gateway.end()
        statuses = [row["status"] for row in gateway.rows()]

    assert refusal.value.code == "insufficient_quota"
    assert sorted(statuses) == [200, 429]


async def test_the_ledger_is_true_after_kill_9(upstream: UpstreamProcess, tmp_path: Path) -> None:
    more = "budgets: {tenants: {acme: {usd: 50}}, key: {usd: 50, per: total}}"
    with GatewayProcess(tmp_path, config(upstream, more)) as gateway:
        for round_ in range(3):
            under_way = [
                asyncio.create_task(status_of(gateway.url, f"Slow {round_}.{n} [[wait=20000]]"))
                for n in range(5)
            ]
            quick = [await status_of(gateway.url, f"Quick {round_}.{n}") for n in range(10)]
            await reached(upstream, f"Slow {round_}.", 5)
            gateway.end(signal.SIGKILL)
            assert set(quick) == {200}
            assert set(await asyncio.gather(*under_way)) == {0}
            gateway.start()
        last = await status_of(gateway.url, "Still there?")
        gateway.end()

        rows = gateway.rows()
        costs = [row["cost"] for row in rows]
        assert last == 200
        assert sorted(row["outcome"] for row in rows) == ["complete"] * 31 + ["lost"] * 15
        assert spent(gateway, "tenant:acme") == pytest.approx(sum(costs), abs=1e-7)
        assert spent(gateway, f"key:{rows[0]['key_id']}") == pytest.approx(sum(costs), abs=1e-7)


async def test_a_shared_call_that_is_killed_is_one_lost_call(
    upstream: UpstreamProcess, tmp_path: Path
) -> None:
    shared = config(upstream, "").replace("exact: {enabled: false}", "exact: {enabled: true}")
    with GatewayProcess(tmp_path, shared) as gateway:
        asking = [asyncio.create_task(status_of(gateway.url, "Shared [[wait=20000]]")) for _ in range(4)]
        await reached(upstream, "Shared", 1)
        await asyncio.sleep(0.5)
        gateway.end(signal.SIGKILL)
        await asyncio.gather(*asking)
        gateway.start()
        async with asyncio.timeout(30):
            while not (rows := await asyncio.to_thread(gateway.rows)):
                await asyncio.sleep(0.2)

    assert [row["outcome"] for row in rows] == ["lost"]
    assert rows[0]["cost"] > 0


async def reached(upstream: UpstreamProcess, text: str, count: int) -> None:
    """Wait until so many questions with this text are at the provider."""
    async with asyncio.timeout(30):
        while sum(text in json.dumps(call["body"]) for call in upstream.calls()) < count:
            await asyncio.sleep(0.05)


async def test_alerts_reach_the_webhook_once_each_and_signed(
    upstream: UpstreamProcess, tmp_path: Path
) -> None:
    async with ScriptedUpstream([[http(status="500 No")], [http(status="204 No Content")]]) as receiver:
        more = (
            "budgets: {key: {usd: 0.02, alerts: [0.5, 1], on_spent: warn}, "
            f"webhook: {{url: '{receiver.origin}/hook', secret: '{SECRET}'}}}}"
        )
        with GatewayProcess(tmp_path, config(upstream, more)) as gateway:
            statuses = [await status_of(gateway.url, f"Why {n}?") for n in range(6)]
            await receiver.seen(3)

    assert statuses == [200] * 6
    first, again, second = receiver.requests
    assert first.body == again.body
    assert [message.json()["data"]["share"] for message in (again, second)] == [0.5, 1.0]
    for message in receiver.requests:
        signed = (
            f"{message.header('webhook-id')}.{message.header('webhook-timestamp')}.".encode() + message.body
        )
        digest = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
        assert message.header("webhook-signature") == f"v1,{digest}"
