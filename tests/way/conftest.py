"""The whole house in this process, over a scripted provider: real objects, real SQLite, real sockets upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from synthlang_router.config import load
from synthlang_router.interactions import Query
from synthlang_router.main import Gateway, open_gateway
from tests.doubles.answers import error
from tests.doubles.asgi import ASGIClient
from tests.doubles.upstream import Script, ScriptedUpstream, SeenRequest

KEY = "sk-way-0123456789abcdef"
OTHER_TENANT = "sk-other-0123456789abcdef"
LIMITED = "sk-limited-0123456789abcdef"
ADMIN = "sk-admin-0123456789abcdef0123456789abcdef"

CONFIG = """\
providers: {{upstream: {{dialect: openai, base_url: "{url}", api_key: sk-provider-secret, timeouts: {{connect: 2}}}}}}
models:
  - {{name: gpt-4o-mini, targets: [{{provider: upstream, model: gpt-4o-mini}}]}}
  - {{name: alias, targets: [{{provider: upstream, model: real-name}}]}}
{models}keys:
  - {{name: way, key: {key}, tenant: acme, user: alice}}
  - {{name: other, key: {other}, tenant: globex}}
  - {{name: limited, key: {limited}, tenant: acme, requests_per_minute: 2, concurrency: 1}}
  - {{name: boss, key: {admin}, tenant: acme, role: admin}}
data_dir: {data}
{more}
"""


@dataclass(slots=True)
class House:
    """An open gateway, its provider, and a client with a good key."""

    gateway: Gateway
    upstream: ScriptedUpstream
    client: ASGIClient

    @property
    def asked(self) -> list[SeenRequest]:
        """What the provider was asked, the lists of models left out."""
        return [request for request in self.upstream.requests if request.method == "POST"]

    async def seen(self, count: int) -> None:
        """Wait until so many questions have reached the provider."""
        async with asyncio.timeout(20):
            while len(self.asked) < count:
                await asyncio.sleep(0.01)

    def as_key(self, key: str | None) -> ASGIClient:
        return ASGIClient(self.gateway.app, key)

    async def rows(self) -> list[Any]:
        """The record, newest first, once everything journaled has reached the database."""
        async with asyncio.timeout(20):
            while self.gateway.interactions.backlog:
                await asyncio.sleep(0.02)
        return [structs.asdict(row) for row in self.gateway.log.page(Query(limit=100)).rows]


class Questions:
    """Scripts for questions, one after the other, the last one repeated; a list of models is 404."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = scripts
        self.number = 0

    def __call__(self, request: SeenRequest) -> Script:
        if request.method == "GET":
            return [error("404 Not Found")]
        self.number += 1
        return self.scripts[min(self.number, len(self.scripts)) - 1]


OpenHouse = Callable[..., Any]


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """`await open_house(scripts, more="cache: ...")`: a house for this test, closed after it."""
    async with AsyncExitStack() as stack:

        async def opened(scripts: Sequence[Script], *, more: str = "", models: str = "") -> House:
            upstream = await stack.enter_async_context(ScriptedUpstream(Questions(scripts)))
            path = tmp_path / "gateway.yaml"
            path.write_text(
                CONFIG.format(
                    url=upstream.url,
                    key=KEY,
                    other=OTHER_TENANT,
                    limited=LIMITED,
                    admin=ADMIN,
                    data=tmp_path / "data",
                    more=more,
                    models=models,
                )
            )
            loaded = load(path, {}, tmp_path)
            gateway = await stack.enter_async_context(open_gateway(loaded))
            return House(gateway, upstream, ASGIClient(gateway.app, KEY))

        yield opened
