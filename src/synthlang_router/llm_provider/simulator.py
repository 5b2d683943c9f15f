"""`Simulator`: a provider without network, in process, behind the `Transport` port: first run, demo, tests, benches.

It speaks OpenAI's dialect and is deterministic: the same body gets the same answer. Directives in the last message
steer it: `[[delay=50]]` (ms before each frame), `[[fail=503]]`, `[[cut=3]]` (the connection breaks after three
frames), `[[stall]]` (nothing comes any more).
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from synthlang_router import errors
from synthlang_router.llm_provider.transport import UpstreamRequest
from synthlang_router.models import ChatRequest
from synthlang_router.wire import DIALECTS
from synthlang_router.wire.specimen import specimen, specimen_embeddings
from synthlang_router.wire.sse import frame

MODELS: Final = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "o3-mini",
    "gpt-4o-search-preview",
    "text-embedding-ada-002",
    "text-embedding-3-small",
)
MAX_ANSWER: Final = 20_000
"""Characters of one answer."""

_DIRECTIVE: Final = re.compile(r"\[\[(delay|fail|cut|stall)(?:=(\d{1,6}))?\]\]")
_MAX_DELAY: Final = 60_000
_OFF_THE_LOOP: Final = 65_536
_MAX_CHOICES: Final = 128
_HEAD: Final = 1_000  # characters in which an instruction is looked for
_WORD: Final = re.compile(r"\w+")
_ECHO: Final = re.compile(r"(?is)^\s*(?:please\s+)?(?:echo|repeat|say)\b[\s:,]*(.*)$")
_SUMMARY: Final = re.compile(r"(?i)\b(?:summar\w*|tl;?dr)\b")
_COUNT: Final = re.compile(r"(?i)\b(?:count|how many)\b.*\bwords?\b")
_FAILURES: Final[Mapping[int, tuple[str, str | None]]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
_JSON: Final = {"content-type": "application/json"}
_SSE: Final = {"content-type": "text/event-stream; charset=utf-8"}
_WIRE: Final = DIALECTS["openai"]
Plain = dict[str, Any]


class Script(msgspec.Struct, frozen=True):
    """What the directives of a text ask: seconds between frames, a status, frames before a break."""

    delay: float = 0.0
    fail: int | None = None
    cut: int | None = None
    stall: bool = False


_QUIET: Final = Script()


def read_script(text: str) -> tuple[Script, str]:
    """The directives in `text`, and `text` without them."""
    asked = {match[1]: int(match[2] or 0) for match in _DIRECTIVE.finditer(text)}
    fail = asked.get("fail")
    script = Script(
        delay=min(asked.get("delay", 0), _MAX_DELAY) / 1000,
        fail=fail if fail is not None and 400 <= fail <= 599 else None,
        cut=asked.get("cut"),
        stall="stall" in asked,
    )
    return script, _DIRECTIVE.sub("", text).strip() if asked else text


class Simulator:
    """A `Transport`. `count` tells the tokens of a text, `clock` seconds since the epoch."""

    def __init__(self, *, count: Callable[[str], int], clock: Callable[[], float]) -> None:
        self._count = count
        self._clock = clock

    async def send(self, request: UpstreamRequest) -> SimulatedResponse:
        """An answer to anything; what a provider would refuse is refused in its words."""
        if len(request.body) > _OFF_THE_LOOP:
            return await asyncio.to_thread(self._respond, request)
        return self._respond(request)

    async def close(self) -> None:
        """There is nothing to close."""

    def _respond(self, request: UpstreamRequest) -> SimulatedResponse:
        try:
            return self._answer(request, urlsplit(request.url).path.rstrip("/"))
        except errors.RouterError as error:
            wait = {} if error.retry_after is None else {"retry-after": f"{error.retry_after:g}"}
            return SimulatedResponse(
                request, error.http_status, {**_JSON, **wait}, (_WIRE.error_body(error),)
            )

    def _answer(self, request: UpstreamRequest, path: str) -> SimulatedResponse:
        if request.method == "GET":
            return SimulatedResponse(request, 200, _JSON, (self._models(path),))
        if path.endswith("/embeddings"):
            vectors = specimen_embeddings(_WIRE.read_request(request.body, "embeddings"), self._count)
            return SimulatedResponse(request, 200, _JSON, (vectors,))
        kind = "chat" if path.endswith("/chat/completions") else "completions"
        if not path.endswith("/completions"):
            raise errors.NotFound("The simulator serves chat, completions, embeddings and models.")
        asked = _WIRE.read_request(request.body, kind)
        script, text = read_script(_last_text(asked))
        if script.fail is not None:
            raise _failure(script.fail)
        whole = msgspec.json.encode(self._complete(asked, text))
        if not asked.stream:
            return SimulatedResponse(request, 200, _JSON, (whole,), script)
        return SimulatedResponse(request, 200, _SSE, self._frames(asked, whole), script)

    def _frames(self, asked: ChatRequest, whole: bytes) -> tuple[bytes, ...]:
        plain, options = msgspec.json.decode(whole), asked.value("stream_options") or {}
        usage = options.get("include_usage") is True
        completion = _WIRE.read_completion(whole)
        chunks = _WIRE.unfold(completion, new_id=plain["id"], created=plain["created"], include_usage=usage)
        return (*[frame(chunk.raw) for chunk in chunks], frame(b"[DONE]"))

    def _complete(self, asked: ChatRequest, text: str) -> Plain:
        message, finish = _speak(asked, text)
        limit = asked.value("max_completion_tokens") or asked.value("max_tokens")
        content = message["content"]
        if content is not None and limit is not None and self._count(content) > limit:
            message["content"], finish = "".join(re.findall(r"\s*\S+", content)[:limit]), "length"
        copies = range(max(1, min(asked.value("n") or 1, _MAX_CHOICES)))
        spoken = self._count(message["content"] or msgspec.json.encode(message.get("tool_calls")).decode())
        spoken = (spoken if limit is None else min(limit, spoken)) * len(copies)
        prompt = self._prompt_tokens(asked)
        chat = asked.kind == "chat"
        return {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-sim{_digest(asked.body)}",
            "object": "chat.completion" if chat else "text_completion",
            "created": int(self._clock()),
            "model": asked.model,
            "choices": [_choice(chat, index, message, finish) for index in copies],
            "usage": {"prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken},
            "system_fingerprint": "fp_simulator",
        }

    def _prompt_tokens(self, asked: ChatRequest) -> int:
        """As OpenAI counts: three tokens around each message, three before the answer."""
        if asked.kind == "completions":
            return self._count(_text(asked.value("prompt")))
        return 3 + sum(4 + self._count(_text(message.get("content"))) for message in asked.messages)

    def _models(self, path: str) -> bytes:
        card = {"object": "model", "created": 1_700_000_000, "owned_by": "simulator"}
        name = path.rpartition("/models")[2].lstrip("/")
        if not name:
            return msgspec.json.encode({"object": "list", "data": [{"id": name, **card} for name in MODELS]})
        if name not in MODELS:
            raise errors.NotFound(f"The model {name!r} does not exist.", code="model_not_found")
        return msgspec.json.encode({"id": name, **card})


class SimulatedResponse:
    """An `UpstreamResponse`: blocks at the script's pace, within the request's timeouts."""

    def __init__(
        self,
        request: UpstreamRequest,
        status: int,
        headers: Mapping[str, str],
        blocks: tuple[bytes, ...],
        script: Script = _QUIET,
    ) -> None:
        self.status = status
        self.headers = headers
        self.closed = False
        self._request = request
        self._blocks = blocks
        self._script = script
        self._next = 0

    async def read(self) -> bytes:
        if self.closed or self._next == len(self._blocks):
            return b""
        script, whole = self._script, self.headers is not _SSE
        await self._wait(math.inf if script.stall and (whole or self._next) else script.delay)
        if script.cut is not None and (whole or self._next >= script.cut):
            raise errors.ProviderProtocolError("The provider closed the connection within its answer.")
        self._next += 1
        return self._blocks[self._next - 1]

    def close(self, *, whole: bool = False) -> None:
        self.closed = True

    async def _wait(self, seconds: float) -> None:
        timeouts = self._request.timeouts
        phase, allowed = ("idle", timeouts.idle) if self._next else ("first_token", timeouts.first_token)
        left = self._request.deadline - asyncio.get_running_loop().time()
        if left < allowed:
            phase, allowed = "total", max(0.0, left)
        await asyncio.sleep(min(seconds, allowed))
        if seconds > allowed:
            raise errors.ProviderTimeout(phase, timeouts.total if phase == "total" else allowed)


def _speak(asked: ChatRequest, text: str) -> tuple[Plain, str]:
    """The assistant's message and its finish_reason."""
    message: Plain = {"role": "assistant", "content": None, "refusal": None}
    last = asked.messages[-1] if asked.messages else {}
    call = None if last.get("role") == "tool" else _tool_for(asked, text)
    if call is not None:
        word = next(reversed(re.findall(r"\b[A-Z]\w+", text)), "text")
        arguments = msgspec.json.encode(specimen(call.get("parameters") or {"type": "object"}, word)).decode()
        function = {"name": call["name"], "arguments": arguments}
        name = f"call_{_digest(asked.body)}"
        message["tool_calls"] = [{"id": name, "type": "function", "function": function}]
        return message, "tool_calls"
    wanted = asked.value("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = _part(wanted, "json_schema").get("schema") or {"type": "object"}
        message["content"] = msgspec.json.encode(specimen(schema, text[:80] or "text")).decode()
    elif wanted.get("type") == "json_object":
        said = {"you_said": text[:MAX_ANSWER], "words": len(_WORD.findall(text))}
        message["content"] = msgspec.json.encode(said).decode()
    else:
        message["content"] = _prose(text, last.get("role") == "tool")[:MAX_ANSWER]
    return message, "stop"


def _tool_for(asked: ChatRequest, text: str) -> Plain | None:
    """The function to call: the one that is demanded, or one of whose name the text has a word."""
    choice = asked.value("tool_choice")
    tools = [_part(tool, "function") for tool in asked.value("tools") or () if isinstance(tool, dict)]
    functions = [function for function in tools if "name" in function]
    if choice == "none" or not functions:
        return None
    if isinstance(choice, dict):
        name = _part(choice, "function").get("name")
        functions = [function for function in functions if function["name"] == name]
    elif choice != "required":
        words = {word.lower() for word in _WORD.findall(text) if len(word) > 3}
        functions = [one for one in functions if words & set(re.split(r"[_\W]+", str(one["name"]).lower()))]
    return functions[0] if functions else None


def _prose(text: str, from_tool: bool) -> str:
    if from_tool:
        return f"The tool answered: {text}"
    echo = _ECHO.match(text)
    if echo is not None:
        return echo[1] or "(nothing)"
    if _COUNT.search(text[:_HEAD]):
        return f"Your message has {len(_WORD.findall(text))} words."
    if _SUMMARY.search(text[:_HEAD]):
        sentences = re.split(r"(?<=[.!?])\s+", text.partition(":")[2].strip() or text)
        return f"In short: {' '.join(max(sentences, key=len).split()[:24])}"
    return f"This is the simulator, not a model. You wrote {len(_WORD.findall(text))} words: {text}"


def _part(plain: Plain, name: str) -> Plain:
    value = plain.get(name)
    return value if isinstance(value, dict) else {}


def _choice(chat: bool, index: int, message: Plain, finish: str) -> Plain:
    said = {"message": message} if chat else {"text": message["content"] or ""}
    return {"index": index, **said, "logprobs": None, "finish_reason": finish}


def _last_text(asked: ChatRequest) -> str:
    return _text(asked.messages[-1].get("content") if asked.kind == "chat" else asked.value("prompt"))


def _text(content: Any) -> str:
    """The text of a message's content or of a prompt."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    return " ".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in content)


def _failure(status: int) -> errors.ProviderRejected:
    kind, code = _FAILURES.get(status, ("invalid_request_error" if status < 500 else "server_error", None))
    wait = 1.0 if status == 429 else None
    message = f"Simulated failure {status}."
    return errors.ProviderRejected(message, status=status, type=kind, code=code, retry_after=wait)


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=9).hexdigest()
