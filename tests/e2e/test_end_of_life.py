"""kill -9, SIGTERM and revocation, on a real process."""

from __future__ import annotations

import asyncio
import json
import signal
import time
import uuid
from itertools import islice
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.doubles.processes import KEY, GatewayProcess, UpstreamProcess, config_for
from tests.doubles.waiting import eventually


def client_of(gateway: GatewayProcess, key: str = KEY) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)


async def ask(client: openai.AsyncOpenAI, text: str) -> str | None:
    """The request id of a finished answer, None where none came whole."""
    request_id = uuid.uuid4().hex
    try:
        await client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": f"{text} {request_id}"}],
            extra_headers={"x-request-id": request_id},
        )
    except openai.APIError:
        return None
    return request_id


async def test_after_kill_9_every_finished_answer_has_its_row_and_no_row_is_double(tmp_path: Path) -> None:
    with UpstreamProcess() as upstream:
        gateway = GatewayProcess(tmp_path, config_for(upstream.url))
        finished: list[str] = []
        for _ in range(2):
            gateway.start()
            async with client_of(gateway) as client:
                waits = [0] * 30 + [60_000] * 30 + [5 * number for number in range(40)]
                asking = [asyncio.create_task(ask(client, f"[[wait={wait}]]")) for wait in waits]
                for done in islice(asyncio.as_completed(asking), 30):
                    await done
                gateway.end(signal.SIGKILL)
                finished += [done for done in await asyncio.gather(*asking) if done is not None]

        with gateway:
            rows = await eventually(
                gateway.rows, lambda rows: set(finished) <= ids_of(rows) and "lost" in outcomes_of(rows)
            )

    assert len(finished) >= 60
    assert set(finished) <= ids_of(rows)
    assert len(rows) == len(ids_of(rows))
    assert outcomes_of(rows) == {"complete", "lost"}


def ids_of(rows: list[dict[str, Any]]) -> set[str]:
    return {row["request_id"] for row in rows}


def outcomes_of(rows: list[dict[str, Any]]) -> set[str]:
    return {row["outcome"] for row in rows}


async def test_on_sigterm_open_streams_end_whole_and_the_exit_is_clean(tmp_path: Path) -> None:
    with UpstreamProcess() as upstream, GatewayProcess(tmp_path, config_for(upstream.url)) as gateway:
        async with client_of(gateway) as client:
            streams = [
                await client.chat.completions.create(
                    model="gpt-4o-mini",
                    messages=[{"role": "user", "content": f"[[chunks=20 delay=50]] {number}"}],
                    stream=True,
                )
                for number in range(5)
            ]
            ending = asyncio.create_task(asyncio.to_thread(gateway.end, signal.SIGTERM))
            finishes = [[chunk.choices[0].finish_reason async for chunk in stream][-1] for stream in streams]
            code = await ending

    assert finishes == ["stop"] * 5
    assert code == 0


async def test_what_outlives_the_drain_is_told_so_and_not_cut_silently(tmp_path: Path) -> None:
    config = config_for("@", server="{drain_seconds: 0.3}")
    with UpstreamProcess() as upstream:
        with GatewayProcess(tmp_path, config.replace("@", upstream.url)) as gateway:
            async with client_of(gateway) as client:
                stream = await client.chat.completions.create(
                    model="gpt-4o-mini",
                    messages=[{"role": "user", "content": "[[chunks=400 delay=100]]"}],
                    stream=True,
                )
                ending = asyncio.create_task(asyncio.to_thread(gateway.end, signal.SIGTERM))
                with pytest.raises(openai.APIError) as caught:
                    async for _ in stream:
                        pass
                code = await ending

    assert "shutting down" in str(caught.value)
    assert code == 0


async def test_a_revoked_key_is_soon_refused_and_stays_so_after_a_restart(tmp_path: Path) -> None:
    with UpstreamProcess() as upstream:
        gateway = GatewayProcess(tmp_path, config_for(upstream.url))
        with gateway:
            keys: list[dict[str, Any]] = json.loads(
                await asyncio.to_thread(gateway.command, "keys", "list", "--json")
            )
            (key_id,) = [key["id"] for key in keys if key["name"] == "e2e"]
            async with client_of(gateway) as client:
                assert await ask(client, "before") is not None
                await asyncio.to_thread(gateway.command, "keys", "revoke", key_id)
                async with asyncio.timeout(20):
                    while await ask(client, "after") is not None:
                        await asyncio.sleep(0.1)
            gateway.end()
        with gateway:
            async with client_of(gateway) as client:
                assert await ask(client, "after a restart") is None


async def test_a_changed_file_is_taken_over_and_a_bad_one_refused(tmp_path: Path) -> None:
    with UpstreamProcess() as upstream, GatewayProcess(tmp_path, config_for(upstream.url)) as gateway:
        good = gateway.path.read_text()
        async with client_of(gateway) as client:
            gateway.path.write_text(good.replace("name: alias", "name: renamed"))
            await until(lambda: names(client), "renamed")
            gateway.path.write_text("providers: [oops")
            await asyncio.sleep(1.5)

            assert "renamed" in await names(client)


async def names(client: openai.AsyncOpenAI) -> list[str]:
    return [model.id async for model in client.models.list()]


async def until(read: Any, name: str) -> None:
    """Wait until a name is listed; the bound is for a gateway that never reloads."""
    deadline = time.monotonic() + 20
    while name not in await read():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
