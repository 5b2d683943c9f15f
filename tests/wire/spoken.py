"""Recorded answers as another caller would hear them, and as the chat that all of them must agree with."""

from __future__ import annotations

import json
from typing import Any, Final

from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from synthlang_router.models import ChatChunk, ChatCompletion, ChatRequest, Dialect
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.bridges import Interpreter, interpret
from tests.wire.recorded import OPENAI, Codec, Recorded, read, recorded

RESPONSES: Final[TypeAdapter[Any]] = TypeAdapter(ResponseStreamEvent)
Plain = dict[str, Any]


def voice(kind: str, provider: Dialect, *, serves_responses: bool = False, **fields: Any) -> Interpreter:
    dialect = "anthropic" if kind == "messages" else "openai"
    required: Plain = (
        {"input": "Hi"} if kind == "responses" else {"messages": [{"role": "user", "content": "Hi"}]}
    )
    if kind == "messages":
        required["max_tokens"] = 9
    body = json.dumps({"model": "m", **required, **fields}).encode()
    request: ChatRequest = DIALECTS[dialect].read_request(body, kind)
    return interpret(request, provider, created=1_700_000_000, serves_responses=serves_responses)


def stream(
    kind: str, case: Recorded, blocks: list[bytes] | None = None
) -> tuple[list[ChatChunk], Exception | None]:
    reader = voice(kind, case.codec.provider).read_stream(**case.expect.get("options", {}))
    return read(reader, [case.body] if blocks is None else blocks)


def whole_cases(*codecs: Codec) -> list[Recorded]:
    return [case for case in recorded("streams", *codecs) if not case.fails]


def name(case: Recorded) -> str:
    return f"{case.codec.provider}-{case.name}"


PROVIDERS: Final = (OPENAI, Codec("openai", "anthropic"), Codec("openai", "gemini"))
WHOLE: Final = whole_cases(*PROVIDERS)
BROKEN: Final = [case for case in recorded("streams", *PROVIDERS) if case.fails]
CHATS: Final = [case for case in WHOLE if case.codec.provider != "openai"]
MESSAGES: Final = [case for case in WHOLE if case.name != "text_completion"]


def folded(case: Recorded) -> ChatCompletion:
    """The same stream as a chat: what every other shape of it must agree with."""
    return case.wire.fold(read(case.stream(), [case.body])[0])


def first_text(case: Recorded) -> str:
    answer = folded(case)
    return (answer.content or "") + (answer.refusal or "")


def calls_of(case: Recorded) -> list[tuple[Any, Any, Any]]:
    message = json.loads(folded(case).raw)["choices"][0]["message"]
    calls = message.get("tool_calls") or []
    return [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls
    ]


def case_of(provider: Dialect, wanted: str) -> Recorded:
    return next(case for case in WHOLE if case.codec.provider == provider and case.name == wanted)
