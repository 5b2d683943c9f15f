"""kill -9 of a gateway that answers: no finished answer without its row, none twice, whatever moment it was."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doubles.processes import KEY, GatewayProcess, UpstreamProcess, config_for
from tests.doubles.waiting import eventually

WORKERS = 20


class Load:
    """Requests at a rate over kept connections, each with a text of its own; `finished` are answers that came whole."""

    def __init__(self, url: str, name: str, rate: float) -> None:
        self.finished: list[str] = []
        self._place = urlsplit(url)
        self._name = name
        self._pause = WORKERS / rate

    async def run(self, seconds: float) -> None:
        """Until then, or until the gateway is gone."""
        ends = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(self._work(number, ends))

    async def has_finished(self, answers: int) -> None:
        async with asyncio.timeout(60):
            while len(self.finished) < answers:
                await asyncio.sleep(0.002)

    async def _work(self, number: int, ends: float) -> None:
        loop = asyncio.get_running_loop()
        serial = 0
        reader, writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        try:
            while loop.time() < ends:
                due = loop.time() + self._pause
                name = f"{self._name}-{number}-{serial}"
                serial += 1
                writer.write(request(name, stream=serial % 2 == 0))
                if await whole(reader):
                    self.finished.append(name)
                await asyncio.sleep(max(0.0, due - loop.time()))
        except (OSError, asyncio.IncompleteReadError):
            return  # killed
        finally:
            writer.close()


def request(name: str, *, stream: bool) -> bytes:
    body = json.dumps(
        {"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": name}]}
    ).encode()
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %s\r\nx-request-id: %s\r\ncontent-length: %d\r\n\r\n%s"
        % (KEY.encode(), name.encode(), len(body), body)
    )


async def whole(reader: asyncio.StreamReader) -> bool:
    """Read one answer to its last byte."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length:" in head:
        size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
        return head.startswith(b"http/1.1 200")
    body = b""
    while True:
        size = int((await reader.readline()).strip() or b"0", 16)
        part = await reader.readexactly(size + 2)
        if size == 0:
            return head.startswith(b"http/1.1 200") and b"data: [DONE]" in body
        body += part


def rows_of(folder: Path) -> dict[str, list[str]]:
    """Outcomes of the rows by request id."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(f"file:{folder}/data/interactions.db?mode=ro", uri=True)) as connection:
        for request_id, outcome in connection.execute("SELECT request_id, outcome FROM interactions"):
            found.setdefault(request_id, []).append(outcome)
    return found


async def killed_again_and_again(folder: Path, upstream: str, kills: int, rate: float) -> tuple[int, float]:
    """How many answers were finished, and the longest time from a start until the gateway listened."""
    finished: set[str] = set()
    slowest = 0.0
    gateway = GatewayProcess(folder, config_for(upstream))
    for kill in range(kills):
        started = time.monotonic()
        await asyncio.to_thread(gateway.start)
        slowest = max(slowest, time.monotonic() - started)
        load = Load(gateway.url, f"k{kill}", rate)
        working = asyncio.create_task(load.run(60))
        await load.has_finished(3 + kill * 37 % 150)
        gateway.end(signal.SIGKILL)
        await working
        finished |= set(load.finished)
    with gateway:
        rows = await eventually(lambda: rows_of(folder), lambda rows: finished <= rows.keys())
    assert finished - rows.keys() == set()
    assert [name for name in finished if rows[name].count("complete") != 1] == []
    assert {name: outcomes for name, outcomes in rows.items() if len(outcomes) > 1} == {}
    return len(finished), slowest


async def test_a_gateway_killed_while_it_answers_has_a_row_for_every_finished_answer(tmp_path: Path) -> None:
    with UpstreamProcess() as upstream:
        finished, _ = await killed_again_and_again(tmp_path, upstream.url, kills=2, rate=200)

    assert finished > 0


@pytest.mark.soak
@pytest.mark.timeout(5400)
async def test_a_hundred_kills_at_two_hundred_requests_a_second_lose_and_double_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with UpstreamProcess() as upstream:
        finished, slowest = await killed_again_and_again(tmp_path, upstream.url, kills=100, rate=200)

    with capsys.disabled():
        print(f"{finished} finished answers, slowest start {slowest:.2f} s")
    assert finished > 1_000
