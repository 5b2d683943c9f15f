"""OpenAI's response objects and streams of their events, relayed as they came.

A stream is whole once `response.completed` or `response.incomplete` is here; `response.failed` is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from synthlang_router.errors import ProviderProtocolError
from synthlang_router.models import ChatChunk, ChatCompletion, ToolCallDelta, Usage
from synthlang_router.wire.openai.answers import raise_error
from synthlang_router.wire.openai.errors import rejected
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain
from synthlang_router.wire.sse import Event
from synthlang_router.wire.stream import StreamReader, read_payload, what_it_is

_REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}
_ENDS: Final = frozenset({"response.completed", "response.incomplete"})
_TEXTS: Final = {
    "response.output_text.delta": "content",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
}
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def parse_response(raw: bytes, secrets: Sequence[str] = ()) -> ChatCompletion:
    """A whole response. Raises ProviderRejected for a failed one, ProviderProtocolError for anything else."""
    try:
        raw.decode()
        plain = _OBJECT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderProtocolError(what_it_is(raw)) from None
    raise_error(plain.get("error"), secrets)
    output = plain.get("output")
    if type(output) is not list:
        raise ProviderProtocolError("The provider sent a response without output.")
    items = [item for item in output if type(item) is dict]
    model = plain.get("model")
    return ChatCompletion(
        raw=raw,
        model=model if type(model) is str else "",
        content=_said(items, "output_text", "text"),
        finish_reasons=(finish_of(plain),),
        usage=read_usage(plain.get("usage")),
        has_tool_calls=_calls(items),
        refusal=_said(items, "refusal", "refusal"),
    )


def _said(items: list[Plain], kind: str, name: str) -> str | None:
    contents = [item.get("content") for item in items if item.get("type") == "message"]
    parts = [part for content in contents if type(content) is list for part in content if type(part) is dict]
    texts = [part.get(name) for part in parts if part.get("type") == kind]
    spoken = [text for text in texts if type(text) is str]
    return "".join(spoken) if spoken else None


def _calls(items: list[Plain]) -> bool:
    return any(str(item.get("type")).endswith("_call") for item in items)


def finish_of(response: Plain) -> str | None:
    """The finish_reason that a chat would have had; None where the response is not at its end."""
    if response.get("status") == "incomplete":
        details = response.get("incomplete_details")
        reason = details.get("reason") if type(details) is dict else None
        return _REASONS.get(str(reason), str(reason))
    if response.get("status") != "completed":
        return None
    output = response.get("output")
    items = [item for item in output if type(item) is dict] if type(output) is list else []
    return "tool_calls" if _calls(items) else "stop"


def read_usage(usage: Any) -> Usage | None:
    """Tokens as counted."""
    if type(usage) is not dict:
        return None

    def count(plain: Any, name: str) -> int:
        value = plain.get(name) if type(plain) is dict else None
        return value if type(value) is int and value > 0 else 0

    before, after = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    return Usage(
        prompt_tokens=count(usage, "input_tokens"),
        completion_tokens=count(usage, "output_tokens"),
        cached_tokens=count(before, "cached_tokens"),
        cache_write_tokens=count(before, "cache_write_tokens"),
        reasoning_tokens=count(after, "reasoning_tokens"),
    )


class ResponsesStream(StreamReader):
    """Reads one stream of response events."""

    __slots__ = ()

    def _is_whole(self) -> bool:
        return self._done

    def _read_whole(self, raw: bytes, chunks: list[ChatChunk]) -> None:
        from_whole = unfold_response(parse_response(raw, self._secrets))
        self._read_events([Event(chunk.raw, chunk.event) for chunk in from_whole], chunks)

    def _read_event(self, event: Event, chunks: list[ChatChunk]) -> None:
        payload = read_payload(event, _OBJECT)
        if payload is None and str(event.name).startswith("response."):
            raise ProviderProtocolError("The provider sent a chunk that is not one.")
        if payload is None:
            return
        plain, raw = payload
        kind = plain.get("type")
        if kind == "error" or plain.get("error"):
            raise_error(plain.get("error"), self._secrets)
            raise rejected(plain, secrets=self._secrets)
        response = plain.get("response")
        if kind == "response.failed":
            raise_error(response.get("error") if type(response) is dict else None, self._secrets)
            raise rejected({}, secrets=self._secrets)
        chunks.append(chunk_of_event(str(kind), plain, raw))
        if kind in _ENDS:
            self._done = True


def chunk_of_event(kind: str, plain: Plain, raw: bytes) -> ChatChunk:
    """The chunk of one event: texts, pieces of calls, and at the end finish_reason and usage."""
    delta = plain.get("delta")
    if type(delta) is str and kind in _TEXTS:
        name = _TEXTS[kind]
        return ChatChunk(
            raw=raw,
            content=delta if name == "content" else None,
            refusal=delta if name == "refusal" else None,
            reasoning=delta if name == "reasoning" else None,
            event=kind,
        )
    if type(delta) is str and kind == "response.function_call_arguments.delta":
        order = plain.get("output_index")
        call = ToolCallDelta(order if type(order) is int else 0, arguments=delta)
        return ChatChunk(raw=raw, tool_calls=(call,), event=kind)
    response = plain.get("response")
    if kind in _ENDS and type(response) is dict:
        usage = read_usage(response.get("usage"))
        return ChatChunk(raw=raw, finish_reason=finish_of(response), usage=usage, event=kind)
    item = plain.get("item")
    opens_call = kind == "response.output_item.added" and type(item) is dict and _calls([item])
    return ChatChunk(raw=raw, data=opens_call or delta is not None, event=kind)


def fold_response(chunks: Sequence[ChatChunk]) -> ChatCompletion:
    """The response at its end; of a cut stream the response as it began, with the items that were whole."""
    response: Plain = {"object": "response", "status": "in_progress"}
    items: list[Any] = []
    for chunk in chunks:
        if chunk.event == "response.output_item.done":
            items.append(_member(chunk.raw, "item"))
        elif chunk.event in _ENDS or chunk.event == "response.created":
            found = _member(chunk.raw, "response")
            response = found if type(found) is dict else response
    if response.get("status") == "in_progress":
        response["output"] = [item for item in items if type(item) is dict]
    if type(response.get("output")) is not list:
        response["output"] = []
    return parse_response(encode_plain(response))


def _member(raw: bytes, name: str) -> Any:
    try:
        return decode_plain(raw).get(name)
    except ProviderProtocolError:
        return None


def unfold_response(
    completion: ChatCompletion, *, new_id: str | None = None, created: int = 0
) -> list[ChatChunk]:
    """The events of a live answer, each item's text in one piece; with `new_id` as a fresh response."""
    response = decode_plain(completion.raw)
    if new_id is not None:
        response |= {"id": new_id, "created_at": created}
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    events: list[Plain] = [
        {"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")
    ]
    for order, item in enumerate(response["output"]):
        events += _item_events(order, item)
    events.append({"type": f"response.{response.get('status')}", "response": response})
    return [
        chunk_of_event(event["type"], event, encode_plain({**event, "sequence_number": number}))
        for number, event in enumerate(events)
    ]


def _item_events(order: int, item: Plain) -> list[Plain]:
    where = {"item_id": item.get("id"), "output_index": order}
    begun = {**item, "status": "in_progress"}
    events: list[Plain] = []
    if item.get("type") == "message" and type(item.get("content")) is list:
        begun["content"] = []
        for index, part in enumerate(item["content"]):
            events += _part_events({**where, "content_index": index}, part)
    elif item.get("type") == "function_call":
        begun["arguments"] = ""
        said = {**where, "delta": item.get("arguments")}
        events.append({"type": "response.function_call_arguments.delta", **said})
        done = {**where, "name": item.get("name"), "arguments": item.get("arguments")}
        events.append({"type": "response.function_call_arguments.done", **done})
    added = {"type": "response.output_item.added", "output_index": order, "item": begun}
    return [added, *events, {"type": "response.output_item.done", "output_index": order, "item": item}]


def _part_events(where: Plain, part: Plain) -> list[Plain]:
    name = "refusal" if part.get("type") == "refusal" else "text"
    kind = "refusal" if name == "refusal" else "output_text"
    text = part.get(name) or ""
    extra = {"logprobs": part.get("logprobs") or []} if name == "text" else {}
    return [
        {"type": "response.content_part.added", **where, "part": {**part, name: ""}},
        {"type": f"response.{kind}.delta", **where, "delta": text, **extra},
        {"type": f"response.{kind}.done", **where, name: text, **extra},
        {"type": "response.content_part.done", **where, "part": part},
    ]
