"""What an operator says of targets in the file holds in a running gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.doubles.answers import (
    DONE,
    LAST_CHUNK,
    SSE_HEAD,
    chunk,
    completion,
    error,
    event,
    frame_json,
    stream,
)
from tests.doubles.anthropic import MESSAGE
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import RESET, STALL, Script, ScriptedUpstream, SeenRequest, Sleep
from tests.e2e.clients import Wire, head

CONFIG: Final = """\
providers:
  east: {{base_url: "{origin}/east/v1", api_key: sk-east-secret}}
  west: {{base_url: "{origin}/west/v1", api_key: sk-west-secret}}
  azure: {{base_url: "{origin}/azure", api_key: sk-azure-secret, api_version: 2025-04-01-preview}}
  claude: {{dialect: anthropic, base_url: "{origin}/claude", api_key: sk-claude-secret}}
  corp: {{base_url: "{origin}/corp/v1", vendor: mistral}}
  silent: {{base_url: "{origin}/silent/v1", stream_usage: never, finish: optional}}
  telling: {{base_url: "{origin}/telling/v1", stream_usage: always}}
models:
  - {{name: shared, targets: [{{provider: east, model: m, weight: 3}}, {{provider: west, model: m, weight: 1}}]}}
  - {{name: backed, targets: [{{provider: east, model: m}}], fallbacks: [claude/claude-x]}}
  - {{name: hasty, targets: [{{provider: east, model: slow}}], timeouts: {{first_token: 0.3}}}}
  - {{name: patient, targets: [{{provider: east, model: slow}}]}}
  - {{name: hedged, hedge: true, targets: [{{provider: east, model: h}}, {{provider: west, model: h, weight: 0}}]}}
  - name: mixed
    targets: [{{provider: east, model: small, weight: 1000, context_tokens: 500, lacks: [tools, images, json]}}]
    fallbacks: [west/large]
keys: [{{name: e2e, key: {key}, requests_per_minute: 1000000, concurrency: 1000}}]
cache: {{semantic: {{enabled: false}}, exact: {{enabled: false}}}}
"""


@dataclass
class Targets:
    """A running gateway; what each provider does, by its name, can be exchanged at any time."""

    gateway: GatewayProcess
    upstream: ScriptedUpstream
    plays: dict[str, Callable[[SeenRequest], Script]] = field(default_factory=dict)

    def play(self, name: str, *script: Any) -> None:
        self.plays[name] = lambda request: script

    async def ask(self, model: str, *lines: str, **fields: Any) -> tuple[int, dict[str, str], bytes]:
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}
        data = json.dumps(body).encode()
        async with Wire(self.gateway.url) as wire:
            await wire.send(head(f"content-length: {len(data)}", "connection: close", *lines) + data)
            raw = await wire.rest()
        first, _, rest = raw.partition(b"\r\n\r\n")
        pairs = [line.partition(": ")[::2] for line in first.decode("latin-1").split("\r\n")[1:]]
        return int(first.split()[1]), dict(pairs), rest

    def asked(self, name: str) -> list[SeenRequest]:
        """The requests that one provider got, but for those for its list of models."""
        return [
            seen
            for seen in self.upstream.requests
            if seen.target.startswith(f"/{name}/") and seen.method == "POST"
        ]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def targets(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Targets]:
    plays: dict[str, Callable[[SeenRequest], Script]] = {}

    def script(request: SeenRequest) -> Script:
        name = request.target.split("/")[1]
        if request.method == "GET":
            return [error("404 Not Found")]
        return plays[name](request) if name in plays else [completion(f"from {name}")]

    async with ScriptedUpstream(script) as upstream:
        folder = tmp_path_factory.mktemp("targets")
        gateway = GatewayProcess(folder, CONFIG.format(origin=upstream.origin, key=KEY))
        await asyncio.to_thread(gateway.start)
        try:
            yield Targets(gateway, upstream, plays)
        finally:
            gateway.end()


@pytest.fixture(autouse=True)
def as_usual(targets: Targets) -> None:
    """Every provider answers, and nothing was asked yet."""
    targets.plays.clear()
    targets.upstream.requests.clear()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_weights_share_new_conversations(targets: Targets) -> None:
    for number in range(120):
        await targets.ask("shared", messages=[{"role": "user", "content": f"new {number}"}])

    east, west = len(targets.asked("east")), len(targets.asked("west"))
    assert east + west == 120
    assert east > west > 5


async def test_turns_of_a_conversation_and_a_named_session_stay_where_they_are(targets: Targets) -> None:
    for number in range(20):
        await targets.ask(
            "shared",
            f"x-synthlang-session: s{number % 4}",
            messages=[{"role": "user", "content": f"{number}"}],
        )
    places: dict[str, set[str]] = {}
    for seen in targets.upstream.requests:
        content = int(seen.json()["messages"][0]["content"])
        places.setdefault(str(content % 4), set()).add(seen.target.split("/")[1])

    assert {len(found) for found in places.values()} == {1}


async def test_a_fallback_of_another_dialect_answers_in_the_callers(targets: Targets) -> None:
    targets.play("east", error("500 Oops"))
    targets.play("claude", MESSAGE)

    status, headers, body = await targets.ask("backed", seed=1)

    assert (status, headers["x-synthlang-provider"], headers["x-synthlang-attempts"]) == (200, "claude", "2")
    assert headers["x-synthlang-dropped-params"] == "seed"
    assert json.loads(body)["choices"][0]["message"]["content"] == "Bonjour."


async def test_a_models_own_time_limit_holds_and_that_of_its_provider_elsewhere(targets: Targets) -> None:
    targets.play("east", Sleep(0.6), completion("late"))

    status, _, body = await targets.ask("hasty")
    patient, _, _ = await targets.ask("patient")

    assert (status, json.loads(body)["error"]["code"]) == (504, "provider_timeout")
    assert "first_token, 0.3 s" in json.loads(body)["error"]["message"]
    assert patient == 200


async def test_a_request_may_shorten_its_own_time(targets: Targets) -> None:
    targets.play("east", STALL)

    status, _, body = await targets.ask("patient", "x-synthlang-timeout: 0.2")

    assert (status, json.loads(body)["error"]["code"]) == (504, "provider_timeout")
    assert "total" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "user", "content": "word " * 500}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}],
                }
            ]
        },
    ],
)
async def test_what_a_target_cannot_do_goes_to_one_that_can(targets: Targets, fields: dict[str, Any]) -> None:
    plain = (await targets.ask("mixed"))[1]
    able = (await targets.ask("mixed", **fields))[1]

    assert (plain["x-synthlang-model"], able["x-synthlang-model"]) == ("small", "large")


async def test_hedging_starts_a_second_call_and_the_loser_has_its_line_in_the_record(
    targets: Targets,
) -> None:
    targets.play("east", error("400 Bad Request"))
    for _ in range(25):  # enough paid in for one second call
        await targets.ask("hedged")
    targets.play("east", completion())
    for _ in range(25):  # the first one's usual time
        await targets.ask("east/h")
    targets.play("east", STALL)

    status, headers, _ = await targets.ask("hedged", "x-request-id: hedged-1")

    assert (status, headers["x-synthlang-provider"], headers["x-synthlang-attempts"]) == (200, "west", "2")
    await asyncio.sleep(1.0)  # rows are visible within a second
    rows = await asyncio.to_thread(targets.gateway.rows, 5)
    attempts = next(row for row in rows if row["request_id"] == "hedged-1")["attempts"]
    assert [(one["provider"], one.get("error")) for one in attempts] == [("east", "hedged"), ("west", None)]
    assert attempts[0]["usage"]["prompt_tokens"] > 0


async def test_azure_is_asked_at_the_deployment_with_its_version_and_key(targets: Targets) -> None:
    status, _, _ = await targets.ask("azure/my-deployment")

    (seen,) = targets.asked("azure")
    assert status == 200
    assert seen.target == (
        "/azure/openai/deployments/my-deployment/chat/completions?api-version=2025-04-01-preview"
    )
    assert (seen.header("api-key"), seen.header("authorization")) == ("sk-azure-secret", None)


async def test_a_vendor_that_was_named_is_spoken_to_in_its_own_spelling(targets: Targets) -> None:
    await targets.ask("corp/m", max_completion_tokens=7)

    (seen,) = targets.asked("corp")
    assert seen.json()["max_tokens"] == 7
    assert "max_completion_tokens" not in seen.json()


UNFINISHED: Final = SSE_HEAD + chunk(event(frame_json({"content": "all of it"}))) + chunk(DONE) + LAST_CHUNK


async def test_usage_is_asked_for_as_the_file_says_and_learned_off_where_it_is_refused(
    targets: Targets,
) -> None:
    for name in ("silent", "telling", "west"):
        targets.play(name, stream("Hi"))
        await targets.ask(f"{name}/m", stream=True)

    def picky(request: SeenRequest) -> Script:
        if "stream_options" in request.json():
            return [
                error("400 Bad Request", message="Unknown parameter: stream_options", param="stream_options")
            ]
        return [stream("Hi")]

    targets.plays["east"] = picky
    statuses = [(await targets.ask("east/m", stream=True))[0] for _ in range(3)]

    assert ["stream_options" in targets.asked(name)[0].json() for name in ("silent", "telling", "west")] == [
        False,
        True,
        True,
    ]
    assert statuses == [200, 200, 200]
    assert ["stream_options" in seen.json() for seen in targets.asked("east")] == [True, False, False, False]


async def test_a_stream_without_a_finish_reason_is_whole_only_where_the_file_says_so(
    targets: Targets,
) -> None:
    targets.play("silent", UNFINISHED)
    targets.play("west", UNFINISHED)

    good = (await targets.ask("silent/m", stream=True))[2]
    broken = (await targets.ask("west/m", stream=True))[2]

    assert b"data: [DONE]" in good
    assert b'"error"' in broken
    assert b"data: [DONE]" not in broken


async def test_two_targets_one_of_which_dies_show_no_error_to_anybody(targets: Targets) -> None:
    statuses: list[int] = []

    async def caller(number: int) -> None:
        for turn in range(10):
            status, _, body = await targets.ask(
                "shared", messages=[{"role": "user", "content": f"{number} {turn}"}], stream=turn % 2 == 0
            )
            statuses.append(status)
            assert b'"error"' not in body
            if len(statuses) == 60:
                targets.play("east", RESET)

    targets.plays["west"] = targets.plays["east"] = lambda request: [
        stream("Hi") if request.json().get("stream") else completion()
    ]
    await asyncio.gather(*(caller(number) for number in range(20)))

    assert statuses == [200] * 200
