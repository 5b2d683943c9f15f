"""Six secrets go through everything the gateway does, and are found nowhere they must not be.

Keys of client and provider, prompt, answer, system prompt and cached text: not in logs at DEBUG, database files,
write-ahead logs, journal, metrics, response headers or the words of errors.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.answers import completion, error, stream
from tests.doubles.asgi import Reply
from tests.way.conftest import ADMIN, KEY, House, OpenHouse

PROVIDER_KEY = "sk-provider-secret"  # of the house's configuration
PROMPT, SYSTEM, ANSWER, CACHED = (
    f"canary-{word}-7f3a9c51e2" for word in ("prompt", "system", "answer", "cached")
)
CANARIES = (KEY, PROVIDER_KEY, PROMPT, SYSTEM, ANSWER, CACHED)
SCRIPTS = [
    [completion(ANSWER)],
    [completion(CACHED)],
    [stream(ANSWER, " and more")],
    [error("400 Bad Request", message=f"Incorrect API key {PROVIDER_KEY}")],
    [error("500 Internal Server Error", message=PROVIDER_KEY)],
    [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{garbage}"],
    [completion(ANSWER)],
]


async def asked_everything(house: House) -> list[Reply]:
    """What clients do, well and badly."""
    system = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
    client, replies = house.client, []
    replies.append(await client.chat(PROMPT))
    for _ in range(2):
        replies.append(await client.chat(f"{PROMPT} to be cached", messages=system))
    for _ in range(5):
        replies.append(await client.chat(PROMPT, messages=system, temperature=1, stream=True))
    replies.append(await client.post("/v1/chat/completions", f'{{"model": "{PROMPT}"'.encode()))
    replies.append(await client.post("/v1/chat/completions", {"model": 5, "messages": [PROMPT]}))
    replies.append(await client.post("/v1/embeddings", {"model": "gpt-4o-mini", "input": PROMPT}))
    replies.append(
        await client.post("/v1/messages", {"model": "gpt-4o-mini", "messages": system, "max_tokens": 9})
    )
    replies.append(await house.as_key(KEY + "x").chat(PROMPT))
    replies.append(await client.chat(PROMPT, headers={"x-synthlang-timeout": "never"}))
    return replies


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()


def found_in(where: str, content: bytes) -> list[str]:
    return [f"{canary} in {where}" for canary in CANARIES if canary.encode() in content]


async def test_no_canary_is_anywhere_it_must_not_be(
    open_house: OpenHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house = await open_house(SCRIPTS, more="interactions: {store_content: true}")

    replies = await asked_everything(house)
    early = list(written(tmp_path / "data"))  # with frames still in the journal
    await house.rows()
    admin = house.as_key(ADMIN)
    await admin.get("/admin/v1/interactions?limit=100")
    await admin.get(f"/admin/v1/interactions/search?tenant=acme&text={PROMPT}")
    metrics = await house.client.get("/metrics")
    await asyncio.sleep(0.3)
    late = list(written(tmp_path / "data"))

    assert any(name.endswith("-wal") for name, _ in late)
    assert any(name.endswith(".seg") for name, _ in early)
    found = [line for name, content in early + late for line in found_in(name, content)]
    found += found_in("metrics", metrics.body)
    found += found_in("log", caplog.text.encode())
    for number, reply in enumerate(replies):
        found += found_in(f"headers {number}", repr(reply.headers).encode())
        if reply.status >= 400:
            found += found_in(f"error {number}", reply.body)
    assert found == []
    assert [reply.status for reply in replies[:4]] == [200] * 4
    assert {reply.status for reply in replies} >= {200, 400, 401}


async def test_the_search_for_canaries_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "leak.db").write_bytes(b"x" * 100 + PROMPT.encode() + b"\x00")

    assert [line for name, content in written(tmp_path) for line in found_in(name, content)] == [
        f"{PROMPT} in leak.db"
    ]
