"""Moderations, pictures and sounds: passed on unread by an explicit list of paths, with all that chat has around it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import openai
import pytest
import pytest_asyncio

from tests.doubles.answers import SSE_HEAD, chunk, error, event, head, http
from tests.doubles.processes import KEY, GatewayProcess
from tests.doubles.upstream import CLOSE, STALL, Script, ScriptedUpstream, SeenRequest
from tests.e2e.clients import Wire, error_in
from tests.e2e.clients import head as asking

LIMITED: Final = "sk-e2e-limited-0123456789abcd"
CONFIG: Final = """\
providers:
  main: {{base_url: "{origin}/main/v1", api_key: sk-provider-secret}}
  other: {{base_url: "{origin}/other/v1", api_key: sk-other-secret}}
  claude: {{dialect: anthropic, base_url: "{origin}/claude"}}
models:
  - {{name: scribe, targets: [{{provider: main, model: whisper-1}}], fallbacks: [other/whisper-large]}}
  - {{name: painter, targets: [{{provider: main, model: gpt-image-1}}]}}
keys:
  - {{name: e2e, key: {key}, requests_per_minute: 1000000, concurrency: 1000}}
  - {{name: limited, key: {limited}, models: [scribe]}}
server: {{max_body_bytes: 6000000, client_timeout: 20}}
"""
PATHS: Final = (
    "/moderations",
    "/images/generations",
    "/images/edits",
    "/images/variations",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
)
SOUND: Final = bytes(range(256)) * 40
FORM: Final = "content-type: multipart/form-data; boundary=xyz"


def part(disposition: str, content: bytes) -> bytes:
    return f"--xyz\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


MODEL: Final = part('name="model"', b"scribe")
FILE: Final = part('name="file"; filename="a.wav"', SOUND)
END: Final = b"--xyz--\r\n"


@dataclass
class Passing:
    """A running gateway; what a provider does can be exchanged at any time."""

    gateway: GatewayProcess
    upstream: ScriptedUpstream
    plays: list[Callable[[SeenRequest], Script]] = field(default_factory=list)

    def play(self, *script: Any) -> None:
        self.plays[:] = [lambda request: script]

    @property
    def asked(self) -> list[SeenRequest]:
        return [seen for seen in self.upstream.requests if seen.method == "POST"]

    async def send(
        self, path: str, body: bytes, *lines: str, key: str = KEY
    ) -> tuple[int, dict[str, str], bytes]:
        request = (
            asking(f"content-length: {len(body)}", "connection: close", *lines, path=path, key=key) + body
        )
        async with Wire(self.gateway.url) as wire:
            await wire.send(request)
            return parted(await wire.rest())

    async def row(self, request_id: str) -> dict[str, Any]:
        await asyncio.sleep(1.0)  # rows are visible within a second
        rows = await asyncio.to_thread(self.gateway.rows, 20)
        return next(row for row in rows if row["request_id"] == request_id)


def parted(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    first, _, rest = raw.partition(b"\r\n\r\n")
    pairs = [line.partition(": ")[::2] for line in first.decode("latin-1").split("\r\n")[1:]]
    return int(first.split()[1]), dict(pairs), rest


def unchunked(data: bytes) -> bytes:
    """The body of a chunked answer; it must have its end."""
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
        if int(size, 16) == 0:
            return body
    raise AssertionError("the answer has no end")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Passing]:
    plays: list[Callable[[SeenRequest], Script]] = []

    def script(request: SeenRequest) -> Script:
        if request.method == "GET":
            return [error("404 Not Found")]
        return plays[0](request) if plays else [http(b'{"ok":true}')]

    async with ScriptedUpstream(script) as upstream:
        config = CONFIG.format(origin=upstream.origin, key=KEY, limited=LIMITED)
        gateway = GatewayProcess(tmp_path_factory.mktemp("passages"), config)
        await asyncio.to_thread(gateway.start)
        try:
            yield Passing(gateway, upstream, plays)
        finally:
            gateway.end()


@pytest.fixture(autouse=True)
def as_usual(passing: Passing) -> None:
    passing.plays.clear()
    passing.upstream.requests.clear()
    passing.upstream.bodies = True


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize("path", PATHS)
async def test_json_goes_through_as_it_is_to_the_same_path(passing: Passing, path: str, prefix: str) -> None:
    body = b'{"model": "main/m",\n "input": "x", "n": 1.50, "new": {"a": []}}'

    status, headers, answer = await passing.send(prefix + path, body, "content-type: application/json")

    (seen,) = passing.asked
    assert (status, unchunked(answer), headers["content-type"]) == (200, b'{"ok":true}', "application/json")
    assert seen.target == "/main/v1" + path
    assert seen.json() == {**json.loads(body), "model": "m"}
    assert b'"n":1.50' in seen.body
    assert seen.header("authorization") == "Bearer sk-provider-secret"
    assert headers["x-synthlang-provider"] == "main"


async def test_a_form_goes_through_with_nothing_changed_but_its_model(passing: Passing) -> None:
    body = part('name="language"', b"en") + MODEL + FILE + END

    status, _, _ = await passing.send("/v1/audio/transcriptions", body, FORM)

    (seen,) = passing.asked
    assert status == 200
    assert seen.body == body.replace(b"scribe", b"whisper-1")
    assert seen.header("content-type") == "multipart/form-data; boundary=xyz"
    assert seen.header("content-length") == str(len(seen.body))


async def test_a_model_is_found_behind_the_file(passing: Passing) -> None:
    await passing.send("/v1/audio/transcriptions", FILE + MODEL + END, FORM)

    assert passing.asked[0].body == FILE + MODEL.replace(b"scribe", b"whisper-1") + END


async def test_what_names_no_model_goes_to_the_first_provider_of_the_dialect(passing: Passing) -> None:
    await passing.send("/v1/moderations", b'{"input": "x"}')
    await passing.send("/v1/images/variations", FILE + END, FORM)

    assert [seen.target for seen in passing.asked] == ["/main/v1/moderations", "/main/v1/images/variations"]
    assert passing.asked[0].body == b'{"input": "x"}'


async def test_any_bytes_come_back_as_they_are(passing: Passing) -> None:
    passing.play(http(SOUND, kind="audio/mpeg"))

    status, headers, answer = await passing.send("/v1/audio/speech", b'{"model":"main/tts","input":"x"}')

    assert (status, headers["content-type"], unchunked(answer)) == (200, "audio/mpeg", SOUND)
    assert "set-cookie" not in headers


async def test_a_stream_of_events_comes_back_as_it_is(passing: Passing) -> None:
    frames = event(b'{"type":"transcript.text.delta","delta":"He"}') + event(
        b'{"type":"transcript.text.done","usage":{"input_tokens":14,"output_tokens":5}}'
    )
    passing.play(SSE_HEAD + chunk(frames) + chunk(b""))

    _, headers, answer = await passing.send(
        "/v1/audio/transcriptions", MODEL + FILE + END, FORM, "x-request-id: sse-1"
    )

    assert (headers["content-type"], unchunked(answer)) == ("text/event-stream", frames)
    row = await passing.row("sse-1")
    assert (row["kind"], row["asked_model"], row["model"], row["status"]) == (
        "transcriptions",
        "scribe",
        "whisper-1",
        200,
    )
    assert (row["tokens"]["prompt"], row["tokens"]["completion"]) == (14, 5)


async def test_a_failure_goes_over_to_a_fallback_as_long_as_the_form_can_be_sent_again(
    passing: Passing,
) -> None:
    passing.plays[:] = [
        lambda request: [error("500 Oops")] if request.target.startswith("/main") else [http(b"{}")]
    ]

    status, headers, _ = await passing.send("/v1/audio/transcriptions", MODEL + FILE + END, FORM)

    assert (status, headers["x-synthlang-provider"], headers["x-synthlang-attempts"]) == (200, "other", "2")
    assert b"whisper-large" in passing.asked[1].body


LARGE: Final = part('name="file"; filename="a.wav"', b"x" * 3_000_000)


async def test_a_form_that_went_by_is_not_sent_again(passing: Passing) -> None:
    passing.play(error("500 Oops"))

    status, headers, _ = await passing.send("/v1/audio/transcriptions", MODEL + LARGE + END, FORM)

    assert (status, headers["x-synthlang-attempts"]) == (502, "1")
    assert passing.asked[0].body == MODEL.replace(b"scribe", b"whisper-1") + LARGE + END


async def test_a_form_is_on_its_way_while_the_client_still_sends_and_little_of_it_is_held(
    passing: Passing,
) -> None:
    passing.upstream.bodies = False
    passing.play(STALL)
    whole = MODEL + LARGE + END
    async with Wire(passing.gateway.url) as wire:
        await wire.send(asking(f"content-length: {len(whole)}", FORM, path="/v1/audio/transcriptions"))
        await wire.send(whole[:2_500_000])
        await passing.upstream.seen(1)
        held = (await asyncio.to_thread(passing.gateway.gauges))["synthlang_bytes_in_flight"]

        assert held < 1_200_000
        connection = passing.upstream.connections[-1]

    await connection.left()


async def test_a_client_that_leaves_while_it_sends_ends_the_upload_and_has_its_row(passing: Passing) -> None:
    passing.upstream.bodies = False
    passing.play(STALL)
    lines = ("content-length: 3000000", FORM, "x-request-id: left-1")
    async with Wire(passing.gateway.url) as wire:
        await wire.send(asking(*lines, path="/v1/audio/transcriptions") + MODEL + LARGE[:2_000_000])
        await passing.upstream.seen(1)

    await passing.upstream.connections[-1].left()
    row = await passing.row("left-1")
    assert (row["outcome"], row["status"], row["provider"]) == ("abandoned", 499, "main")


async def test_a_client_that_leaves_while_it_waits_ends_the_call(passing: Passing) -> None:
    passing.play(STALL)
    body = b'{"model":"main/tts","input":"x"}'
    async with Wire(passing.gateway.url) as wire:
        await wire.send(asking(f"content-length: {len(body)}", path="/v1/audio/speech") + body)
        await passing.upstream.seen(1)

    await passing.upstream.connections[-1].left()


async def test_an_answer_that_is_cut_has_no_end(passing: Passing) -> None:
    passing.play(head("content-type: audio/mpeg", "content-length: 100") + b"abc", CLOSE)

    status, _, answer = await passing.send(
        "/v1/audio/speech", b'{"model":"main/tts","input":"x"}', "x-request-id: cut-1"
    )

    assert status == 200
    with pytest.raises((AssertionError, ValueError)):
        unchunked(answer)
    assert (await passing.row("cut-1"))["outcome"] == "failed"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (error("400 Bad Request", message="Too loud.", code="bad_audio", param="file"), 400, "bad_audio"),
        (error("401 Unauthorized", code="invalid_api_key"), 502, "upstream_auth"),
        (http(b"<html>", kind="text/html"), 502, "provider_protocol_error"),
        (http(b""), 502, "provider_protocol_error"),
    ],
)
async def test_a_failure_before_the_first_byte_is_an_error_as_everywhere(
    passing: Passing, answer: bytes, status: int, code: str
) -> None:
    passing.play(answer)

    got, headers, body = await passing.send("/v1/audio/speech", b'{"model":"main/tts","input":"x"}')

    assert (got, error_in(body)["code"]) == (status, code)
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "body", "lines", "key", "status"),
    [
        ("/v1/audio/speech", b'{"model":"m"}', (), "sk-nobody-0123456789", 401),
        ("/v1/audio/transcriptions", MODEL + FILE + END, (FORM,), "sk-nobody-0123456789", 401),
        ("/v1/audio/speech", b'{"model":"painter"}', (), LIMITED, 403),
        ("/v1/images/variations", FILE + END, (FORM,), LIMITED, 403),
        ("/v1/moderations", b'{"input":"x"}', (), LIMITED, 403),
        ("/v1/audio/speech", b'{"model":"nobody-serves-this"}', (), KEY, 404),
        ("/v1/audio/speech", b'{"model":"claude/x"}', (), KEY, 400),
        ("/v1/audio/speech", b'{"model":7}', (), KEY, 400),
        ("/v1/audio/speech", b"not json", (), KEY, 400),
        ("/v1/audio/speech", MODEL + END, (FORM,), KEY, 400),
        ("/v1/audio/transcriptions", MODEL + MODEL + END, (FORM,), KEY, 400),
        ("/v1/audio/transcriptions", MODEL + END, ("content-type: multipart/form-data",), KEY, 400),
        ("/v1/audio/transcriptions", MODEL + END, (FORM, "content-encoding: gzip"), KEY, 415),
        ("/v1/audio/transcriptions", b"x" * 6_000_001, (FORM,), KEY, 413),
    ],
)
async def test_what_is_refused_never_reaches_a_provider(
    passing: Passing, path: str, body: bytes, lines: tuple[str, ...], key: str, status: int
) -> None:
    got, _, answer = await passing.send(path, body, *lines, key=key)

    assert got == status
    assert error_in(answer)["message"]
    assert passing.asked == []


async def test_a_second_model_behind_a_large_file_ends_the_upload(passing: Passing) -> None:
    passing.upstream.bodies = False
    passing.play(STALL)

    status, _, answer = await passing.send(
        "/v1/audio/transcriptions", MODEL + LARGE + part('name="model"', b"gpt-5") + END, FORM
    )

    assert (status, error_in(answer)["param"]) == (400, "model")
    await passing.upstream.connections[-1].left()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/images/generations/", 404),
        ("/v1/images//generations", 400),
        ("/v1/images/../images/generations", 400),
        ("/v1/images%2fgenerations", 400),
        ("/v1/images/generations#@host", 400),
        ("/v1/images/generations@host", 404),
        ("http://host/v1/images/generations", 400),
        ("/v1/images", 404),
        ("/v1/audio/Speech", 404),
        ("/v1/audio/voices", 404),
    ],
)
async def test_no_other_path_is_passed_on(passing: Passing, path: str, status: int) -> None:
    got, _, _ = await passing.send(path, b'{"model":"main/m"}')

    assert got == status
    assert passing.asked == []


async def test_the_official_client_finds_what_it_expects(passing: Passing) -> None:
    async with openai.AsyncOpenAI(base_url=f"{passing.gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        passing.play(http(b'{"id":"modr-1","model":"omni","results":[{"flagged":true,"categories":{}}]}'))
        flagged = (await client.moderations.create(input="x")).results[0].flagged
        passing.play(
            http(b'{"created":1,"data":[{"b64_json":"QUJD"}],"usage":{"input_tokens":3,"output_tokens":9}}')
        )
        image = (await client.images.generate(model="painter", prompt="a cat")).data
        passing.play(http(SOUND, kind="audio/mpeg"))
        speech = (await client.audio.speech.create(model="main/tts-1", voice="alloy", input="Hi")).content
        passing.play(http(b'{"text":"Hello."}'))
        text = (await client.audio.transcriptions.create(model="scribe", file=io.BytesIO(SOUND))).text

    assert (flagged, image and image[0].b64_json, speech, text) == (True, "QUJD", SOUND, "Hello.")
    assert passing.asked[-1].body.count(b"whisper-1") == 1
