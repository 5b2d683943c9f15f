"""Ten thousand requests drawn from OpenAI's own description: never a 5xx, and every answer is as it describes it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from tests.doubles.processes import KEY, GatewayProcess
from tests.e2e.faults.raw import Reply, post
from tests.fuzz.openapi.drawing import Drawing

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(3600)]

CASES: Final = 10_000
AT_ONCE: Final = 8
DAMAGED: Final = 0.3
"""The share of requests that are damaged somewhere."""
MODEL: Final = "gpt-4o-mini"
DOCUMENT: Final[dict[str, Any]] = json.loads(
    gzip.decompress((Path(__file__).parent / "openapi" / "openai-gateway.json.gz").read_bytes())
)
PATHS: Final = (
    "/chat/completions",
    "/chat/completions",
    "/chat/completions",
    "/responses",
    "/completions",
    "/embeddings",
)
UNDESCRIBED_STREAMS: Final = ("/completions",)
"""They are asked for by the same description that is silent about their form."""
CONFIG: Final = f"""\
providers: {{simulator: {{dialect: simulator}}}}
keys: [{{name: fuzz, key: {KEY}, requests_per_minute: 1000000, concurrency: 1000}}]
cache: {{semantic: {{enabled: false}}}}
"""


class Judge:
    """Validators of the answers of every path, by status and content type."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, str], Any] = {}

    def faults(self, path: str, status: int, kind: str, value: Any) -> list[str]:
        """What the description forbids of an answer; an undescribed status is one such thing."""
        key = (path, status, kind)
        if key not in self._known:
            described = DOCUMENT["paths"][path]["post"]["responses"].get(str(status), {})
            media = described.get("content", {}).get(kind)
            schema = None if media is None else {**media["schema"], "components": DOCUMENT["components"]}
            self._known[key] = (
                None if schema is None else jsonschema_rs.validator_for(_without_formats(schema))
            )
        validator = self._known[key]
        if validator is None:
            return [f"{status} {kind} is not described"]
        return [
            f"{list(error.instance_path)}: {error.message[:200]}" for error in validator.iter_errors(value)
        ]


def _without_formats(schema: Any) -> Any:
    """OpenAPI's word `nullable` in the language of JSON Schema; formats are notes there."""
    if isinstance(schema, list):
        return [_without_formats(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {
        name: _without_formats(part)
        for name, part in schema.items()
        if name != "format" or not isinstance(part, str)
    }
    if changed.pop("nullable", None) is True:
        return {"anyOf": [changed, {"type": "null"}]}
    return changed


def is_packed(body: bytes) -> bool:
    """Whether embeddings were asked for in base64, which the description of the answer knows nothing of."""
    return b'"encoding_format": "base64"' in body


def drawn() -> Iterator[tuple[str, bytes]]:
    """Bodies for every path in turn, most of them for a model that is there."""
    drawing = Drawing(DOCUMENT, 20)
    schemas = {
        path: DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        for path in PATHS
    }
    for path in cycle(PATHS):
        body = drawing.body(schemas[path], damaged=DAMAGED)
        if isinstance(body, dict) and drawing.chance(0.95):
            body["model"] = MODEL
        yield path, json.dumps(body, ensure_ascii=drawing.chance(0.5)).encode("utf-8", "surrogatepass")


def wrong(judge: Judge, path: str, reply: Reply) -> list[str]:
    """What is wrong with an answer."""
    if reply.status >= 500:
        return [f"{reply.status}: {reply.body[:300]!r}"]
    kind = reply.headers["content-type"].partition(";")[0]
    if kind != "text/event-stream":
        return judge.faults(path, reply.status, kind, json.loads(reply.body))
    lines = reply.body.split(b"\n")
    events = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
    if path in UNDESCRIBED_STREAMS:
        return [
            f"an event that is none: {event!r}" for event in events if not event.startswith((b"{", b"[DONE]"))
        ]
    return [
        fault
        for event in events
        if event != b"[DONE]"
        for fault in judge.faults(path, reply.status, kind, json.loads(event))
    ]


async def test_ten_thousand_drawn_requests_have_no_5xx_and_no_answer_that_is_not_described(
    tmp_path: Path,
) -> None:
    judge, bodies = Judge(), drawn()
    statuses: Counter[str] = Counter()
    found: dict[str, bytes] = {}

    async def some(url: str) -> None:
        for _ in range(CASES // AT_ONCE):
            path, body = next(bodies)
            headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
            reply = await post(url, body, headers, path=f"/v1{path}", patience=120)
            statuses[f"{path} {reply.status}"] += 1
            if reply.status == 200 and is_packed(body):
                continue
            for fault in wrong(judge, path, reply):
                found.setdefault(f"{path} {fault}"[:160], body)

    with GatewayProcess(tmp_path, CONFIG) as gateway:
        await asyncio.gather(*(some(gateway.url) for _ in range(AT_ONCE)))
        errors = gateway.errors()

    print(dict(sorted(statuses.items())))
    for fault, body in found.items():
        print(fault, "\n   ", body[:600])
    assert "unforeseen" not in errors
    assert found == {}
    assert sum(statuses.values()) == CASES
    assert all(statuses[f"{path} 200"] > CASES / 100 for path in PATHS)
