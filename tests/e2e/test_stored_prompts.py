"""What is kept of a prompt is short, and `interactions show` gives the very bytes that the client sent."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.processes import KEY, PATIENCE, GatewayProcess, UpstreamProcess, config_for

USERS = [
    {"id": n * 977, "url": f"https://api.example.org/u/{n * 977}", "page": f"https://example.org/{n * 977}"}
    for n in range(60)
]
LOG = "\n".join(
    f"2031-01-02 10:{n // 60:02}:{n % 60:02} INFO worker-{n % 5} stored order {n}" for n in range(200)
)
MODEL = "gpt-4o-mini"
MODES = ("off", "transparent;level=exact", "transparent;level=readable", "native;level=session")


def body(text: str) -> bytes:
    messages = [{"role": "user", "content": f"Summarise this, \u2192 please:\n\n{text}"}]
    return json.dumps({"model": MODEL, "messages": messages, "temperature": 0.7}, indent=1).encode()


def post(gateway: GatewayProcess, content: bytes, mode: str) -> str:
    """The request's id."""
    headers = {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "x-synthlang-compression": mode,
        "cache-control": "no-cache",
    }
    request = urllib.request.Request(f"{gateway.url}/v1/chat/completions", content, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        answer.read()
        return str(answer.headers["x-request-id"])


def shown(gateway: GatewayProcess, request_id: str) -> dict[str, Any]:
    """The row with its content, as soon as it is filed."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(row["request_id"] == request_id for row in gateway.rows()):
            (row,) = json.loads(gateway.command("interactions", "show", request_id, "--json"))
            if "prompt" in row:
                return dict(row)
        time.sleep(0.1)
    raise AssertionError(f"{request_id} is not in the record")


@pytest.mark.parametrize("text", [json.dumps(USERS, indent=2), LOG], ids=["json", "log"])
@pytest.mark.parametrize("mode", MODES)
def test_show_gives_the_bytes_that_were_sent(gateway: GatewayProcess, mode: str, text: str) -> None:
    content = body(text)

    row = shown(gateway, post(gateway, content, mode))

    assert row["prompt"].encode() == content


def test_a_prompt_is_kept_in_less_room_where_it_may_be_compressed(
    upstream: UpstreamProcess, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path, config_for(upstream.url)) as gateway:
        sizes = {}
        for mode in ("off", "transparent;level=readable"):
            row = shown(gateway, post(gateway, body(json.dumps(USERS, indent=2)), mode))
            sizes[mode] = stored_bytes(tmp_path / "data" / "interactions.db", row["id"])

    assert sizes["transparent;level=readable"] < 0.9 * sizes["off"]


def test_what_a_large_prompt_would_save_is_in_its_row_although_nobody_waited_for_it(
    gateway: GatewayProcess,
) -> None:
    row = shown(gateway, post(gateway, body(LOG), "transparent;level=readable"))

    assert row["compression"] == "transparent" and row["level"] == "readable"
    assert row["tokens_would_save"] > 1000


def test_a_large_native_prompt_reaches_the_provider_compressed(
    gateway: GatewayProcess, upstream: UpstreamProcess
) -> None:
    content = body(json.dumps(USERS * 20, indent=2))

    row = shown(gateway, post(gateway, content, "native;level=readable"))

    seen = str(upstream.calls()[-1])
    assert "【1ji2" in seen
    assert len(content) > 65_536 > len(seen)
    assert row["compression"] == "native" and row["tokens_saved"] > 10_000


def stored_bytes(database: Path, row_id: str) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    with connection:
        (size,) = connection.execute(
            "SELECT length(prompt) FROM contents JOIN interactions USING (seq) WHERE id = ?", (row_id,)
        ).fetchone()
    connection.close()
    return int(size)
