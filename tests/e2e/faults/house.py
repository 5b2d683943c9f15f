"""A gateway process in front of a scripted provider, and what became of every case on all sides."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import openai

from tests.doubles.answers import error
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import Script, ScriptedUpstream, SeenConnection, SeenRequest
from tests.doubles.waiting import eventually
from tests.e2e.canary import Canary
from tests.e2e.faults.case import Case
from tests.e2e.faults.cases_statuses import CANARY
from tests.e2e.faults.raw import PATIENCE, Reply, post

AT_ONCE: Final = 12
"""Cases under way together: most of them wait for their next try."""

CONFIG: Final = """\
providers:
  patient: {{base_url: "{url}", api_key: sk-provider-secret, stream_usage: never, timeouts: {{connect: 5, first_token: 15, idle: 15}}}}
  hasty: {{base_url: "{url}", api_key: sk-provider-secret, stream_usage: never, timeouts: {{connect: 5, first_token: 0.5, idle: 0.5}}}}
  closed: {{base_url: "http://127.0.0.1:{closed}/v1", timeouts: {{connect: 5}}}}
  full: {{base_url: "http://127.0.0.1:{full}/v1", timeouts: {{connect: 0.3}}}}
keys: [{{name: e2e, key: {key}, requests_per_minute: 1000000, concurrency: 1000}}]
cache: {{semantic: {{enabled: false}}}}
"""


@dataclass(slots=True)
class Told:
    """What the openai SDK made of a case: the text until `error`, None for a clean end."""

    text: str = ""
    finishes: list[str] = field(default_factory=list)
    error: openai.APIError | None = None


class Provider:
    """Chooses the script of a request by its model's name, which is that of a case and its client."""

    def __init__(self, cases: Iterable[Case], canary: int) -> None:
        self._cases = {slug(case, who): case for case in cases for who in ("raw", "sdk")}
        self._canary = f"http://127.0.0.1:{canary}".encode()
        self._tries: Counter[str] = Counter()
        self.seen: dict[str, list[int]] = {}

    def __call__(self, request: SeenRequest) -> Script:
        if request.method == "GET":
            return [error("404 Not Found")]
        model = request.json()["model"]
        case = self._cases[model]
        number = self._tries[model]
        self._tries[model] += 1
        self.seen.setdefault(model, []).append(request.connection)
        script = case.scripts[min(number, len(case.scripts) - 1)]
        return [self._pointed(step) if isinstance(step, bytes) else step for step in script]

    def _pointed(self, data: bytes) -> bytes:
        return data.replace(CANARY.encode(), self._canary)


class House:
    """Everything that runs for the suite."""

    def __init__(
        self, gateway: GatewayProcess, upstream: ScriptedUpstream, provider: Provider, canary: Canary
    ) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.provider = provider
        self.canary = canary
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._rows: asyncio.Future[dict[str, dict[str, Any]]] | None = None
        self._sdk = openai.AsyncOpenAI(
            base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE
        )

    def start(self, cases: Iterable[Case]) -> None:
        """Run every case, a few at once; the tests wait for theirs."""
        for case in cases:
            self._tasks[case.id, "raw"] = asyncio.ensure_future(self._in_turn(self._ask(case)))
            self._tasks[case.id, "sdk"] = asyncio.ensure_future(self._in_turn(self._ask_by_sdk(case)))

    async def reply(self, case: Case) -> Reply:
        """What a client of bytes got."""
        reply: Reply = await self._tasks[case.id, "raw"]
        return reply

    async def told(self, case: Case) -> Told:
        """What the openai SDK said."""
        told: Told = await self._tasks[case.id, "sdk"]
        return told

    def calls(self, case: Case, who: str) -> list[SeenConnection]:
        """The connection of every request that reached the provider."""
        return [self.upstream.connections[number] for number in self.provider.seen.get(slug(case, who), [])]

    async def row(self, case: Case, who: str) -> dict[str, Any]:
        """The record of a case."""
        if self._rows is None:
            self._rows = asyncio.ensure_future(self._read_rows())
        return (await self._rows)[slug(case, who)]

    async def finished(self) -> None:
        """Wait until every case is over, however it went."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _read_rows(self) -> dict[str, dict[str, Any]]:
        await self.finished()
        rows = await eventually(self.gateway.rows, lambda rows: len(rows) >= len(self._tasks))
        found = {row["request_id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self.finished()
        await self._sdk.close()

    async def _in_turn(self, work: Any) -> Any:
        async with self._gate:
            return await work

    async def _ask(self, case: Case) -> Reply:
        headers = {
            "authorization": f"Bearer {KEY}",
            "content-type": "application/json",
            "x-request-id": slug(case, "raw"),
        }
        return await post(self.gateway.url, json.dumps(_question(case, "raw")).encode(), headers)

    async def _ask_by_sdk(self, case: Case) -> Told:
        told = Told()
        headers = {"x-request-id": slug(case, "sdk"), "x-synthlang-cache": "off"}
        try:
            answer = await self._sdk.chat.completions.create(**_question(case, "sdk"), extra_headers=headers)
            if case.stream:
                async for chunk in answer:
                    _hear(told, [(choice.delta, choice) for choice in chunk.choices])
            else:
                _hear(told, [(choice.message, choice) for choice in answer.choices])
        except openai.APIError as failure:
            told.error = failure
        return told


def _hear(told: Told, choices: Sequence[tuple[Any, Any]]) -> None:
    for message, choice in choices:
        if message is not None:
            told.text += message.content or ""
        if choice.finish_reason is not None:
            told.finishes.append(choice.finish_reason)


def slug(case: Case, who: str) -> str:
    """The model, and the request id, of a case asked by one of the two clients."""
    return re.sub(r"[^a-z0-9.]+", "-", case.id.lower()) + f"-{who}"


def _question(case: Case, who: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"What of this? {case.id}"}]
    model = f"{case.provider}/{slug(case, who)}"
    return {"model": model, "messages": messages, "stream": case.stream, **case.fields}


class Closed:
    """A port that nobody listens on, held so that nobody else gets it in the meantime."""

    def __init__(self) -> None:
        self._holder = socket.socket()
        self._holder.bind(("127.0.0.1", 0))
        self.port: int = self._holder.getsockname()[1]

    def close(self) -> None:
        self._holder.close()


class Full:
    """A port whose queue of connections is full: whoever knocks hears nothing."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._guests: list[socket.socket] = []
        for _ in range(4):
            guest = socket.socket()
            guest.setblocking(False)
            guest.connect_ex(("127.0.0.1", self.port))
            self._guests.append(guest)

    def close(self) -> None:
        for one in (*self._guests, self._listener):
            one.close()


@asynccontextmanager
async def open_house(folder: Path, cases: Sequence[Case]) -> AsyncIterator[House]:
    """A running suite."""
    async with Canary().listening() as canary:
        provider = Provider(cases, canary.port)
        async with ScriptedUpstream(provider) as upstream:
            with closing(Full()) as full, closing(Closed()) as closed:
                config = CONFIG.format(url=upstream.url, closed=closed.port, full=full.port, key=KEY)
                gateway = GatewayProcess(folder, config)
                await asyncio.to_thread(gateway.start)
                house = House(gateway, upstream, provider, canary)
                try:
                    house.start(cases)
                    yield house
                finally:
                    await house.close()
                    gateway.end(signal.SIGKILL)
