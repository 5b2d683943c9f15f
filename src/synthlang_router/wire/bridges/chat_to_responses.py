"""OpenAI chat answers -> responses: completions as response objects, frames as events.

Every item is opened, filled and closed in its own events; `sequence_number` counts them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from synthlang_router.models import ChatChunk, ChatCompletion, ChatRequest, ToolCallDelta, Usage
from synthlang_router.wire.bridges import response_object as made
from synthlang_router.wire.bridges.call_order import CallOrder
from synthlang_router.wire.bridges.translated import objects, part, text_in
from synthlang_router.wire.format import ChatStream
from synthlang_router.wire.openai.responses import chunk_of_event, parse_response
from synthlang_router.wire.plain import Plain, decode_plain, encode_plain


def response_of(completion: ChatCompletion, request: ChatRequest) -> ChatCompletion:
    """A whole chat completion as a response; of several choices the first (n is not of responses)."""
    plain = decode_plain(completion.raw)
    choice: Plain = plain["choices"][0]
    answer_id, created = text_in(plain.get("id")), plain.get("created") or 0
    response = made.response_object(request, answer_id, created, completion.model)
    status = "incomplete" if completion.finish_reasons[0] == "length" else "completed"
    output = list(_items(choice, completion, response["id"], status))
    whole = made.completed(response, output, completion.finish_reasons[0], completion.usage)
    return parse_response(encode_plain(whole))


def _items(choice: Plain, completion: ChatCompletion, response_id: str, status: str) -> Iterator[Plain]:
    message = part(choice, "message")
    thought = text_in(message.get("reasoning_content")) or text_in(message.get("reasoning"))
    if thought:
        yield made.reasoning_item(f"rs_{response_id}", thought, "completed")
    content: list[Plain] = []
    if completion.content:
        content.append(made.text_part(completion.content, objects(part(choice, "logprobs").get("content"))))
    if completion.refusal:
        content.append(made.refusal_part(completion.refusal))
    if content:
        yield made.message_item(f"msg_{response_id}", content, status)
    for index, call in enumerate(objects(message.get("tool_calls"))):
        function = part(call, "function")
        name, arguments = text_in(function.get("name")), text_in(function.get("arguments"))
        yield made.call_item(f"fc_{response_id}_{index}", text_in(call.get("id")), name, arguments, status)


class _Item:
    """An output item under way: where it stands, and what was said so far."""

    __slots__ = ("call_id", "kind", "logprobs", "name", "order", "texts", "uid")

    def __init__(self, kind: str, order: int, uid: str) -> None:
        self.kind = kind
        self.order = order
        self.uid = uid
        self.texts: list[str] = []
        self.logprobs: list[Any] = []
        self.call_id = ""
        self.name = ""

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def content(self) -> Plain:
        """The one part of a message or of a thought."""
        if self.kind == "reasoning":
            return {"type": "reasoning_text", "text": self.text}
        return (
            made.refusal_part(self.text)
            if self.kind == "refusal"
            else made.text_part(self.text, self.logprobs)
        )

    def item(self, status: str) -> Plain:
        started = status == "in_progress"
        if self.kind == "call":
            return made.call_item(self.uid, self.call_id, self.name, "" if started else self.text, status)
        if self.kind == "reasoning":
            return made.reasoning_item(self.uid, None if started else self.text, status)
        return made.message_item(self.uid, [] if started else [self.content()], status)


class ChatAsResponses:
    """A `ChatStream` that reads chat frames from `source` and hands out the events of a response."""

    def __init__(self, source: ChatStream, request: ChatRequest) -> None:
        self._source = source
        self._request = request
        self._response: Plain = {}
        self._number = 0
        self._items: list[_Item] = []
        self._current: _Item | None = None  # the message or thought under way
        self._order = CallOrder()
        self._calls: dict[int, _Item] = {}
        self._usage: Usage | None = None
        self._finish: str | None = None
        self._closed = False

    @property
    def done(self) -> bool:
        return self._closed

    @property
    def failed(self) -> bool:
        return self._source.failed

    def feed(self, block: bytes) -> list[ChatChunk]:
        return self._translate(self._source.feed(block))

    def end(self) -> list[ChatChunk]:
        return self._translate(self._source.end())

    def _translate(self, chunks: list[ChatChunk]) -> list[ChatChunk]:
        events: list[ChatChunk] = []
        for chunk in chunks:
            if not self._response:
                self._begin(chunk, events)
            if chunk.index == 0:
                self._add(chunk, events)
            if chunk.usage is not None:
                self._usage = chunk.usage
        if self._source.done and not self._closed:
            self._end(events)
        return events

    def _emit(self, events: list[ChatChunk], kind: str, **fields: Any) -> None:
        plain = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        events.append(chunk_of_event(kind, plain, encode_plain(plain)))

    def _begin(self, chunk: ChatChunk, events: list[ChatChunk]) -> None:
        plain = decode_plain(chunk.raw)
        model, created = text_in(plain.get("model")), plain.get("created") or 0
        self._response = made.response_object(self._request, text_in(plain.get("id")), created, model)
        for name in ("created", "in_progress"):
            self._emit(events, f"response.{name}", response=self._response)

    def _add(self, chunk: ChatChunk, events: list[ChatChunk]) -> None:
        if chunk.reasoning:
            self._say("reasoning", chunk.reasoning, [], events)
        if chunk.content:
            self._say("text", chunk.content, _logprobs(chunk), events)
        if chunk.refusal:
            self._say("refusal", chunk.refusal, [], events)
        for call in chunk.tool_calls:
            self._add_call(self._order.placed(call), events)
        if chunk.finish_reason is not None:
            self._finish = chunk.finish_reason

    def _say(self, kind: str, text: str, logprobs: list[Any], events: list[ChatChunk]) -> None:
        item = self._current
        if item is None or item.kind != kind:
            self._close_current(events)
            item = self._current = self._open(kind, _UID[kind], events)
            where = {"item_id": item.uid, "output_index": item.order, "content_index": 0}
            self._emit(events, "response.content_part.added", **where, part=item.content())
        item.texts.append(text)
        item.logprobs += logprobs
        where = {"item_id": item.uid, "output_index": item.order, "content_index": 0}
        extra = {"logprobs": logprobs} if kind == "text" else {}
        self._emit(events, f"{_EVENT[kind]}.delta", **where, delta=text, **extra)

    def _open(
        self, kind: str, prefix: str, events: list[ChatChunk], call: ToolCallDelta | None = None
    ) -> _Item:
        order = len(self._items)
        item = _Item(kind, order, f"{prefix}_{self._response['id']}_{order}")
        if call is not None:
            item.call_id, item.name = call.id or item.uid, call.name or ""
        self._items.append(item)
        self._emit(events, "response.output_item.added", output_index=order, item=item.item("in_progress"))
        return item

    def _add_call(self, call: ToolCallDelta, events: list[ChatChunk]) -> None:
        item = self._calls.get(call.index)
        if item is None:
            self._close_current(events)
            item = self._calls[call.index] = self._open("call", "fc", events, call)
        if call.arguments:
            item.texts.append(call.arguments)
            where = {"item_id": item.uid, "output_index": item.order}
            self._emit(events, "response.function_call_arguments.delta", **where, delta=call.arguments)

    def _close_current(self, events: list[ChatChunk], status: str = "completed") -> None:
        item, self._current = self._current, None
        if item is not None:
            where = {"item_id": item.uid, "output_index": item.order, "content_index": 0}
            name = "refusal" if item.kind == "refusal" else "text"
            extra = {"logprobs": item.logprobs} if item.kind == "text" else {}
            self._emit(events, f"{_EVENT[item.kind]}.done", **where, **{name: item.text}, **extra)
            self._emit(events, "response.content_part.done", **where, part=item.content())
            self._emit(events, "response.output_item.done", output_index=item.order, item=item.item(status))

    def _end(self, events: list[ChatChunk]) -> None:
        self._closed = True
        status = "incomplete" if self._finish == "length" else "completed"
        self._close_current(events, status)
        for item in self._calls.values():
            where = {"item_id": item.uid, "output_index": item.order}
            done = {"name": item.name, "arguments": item.text}
            self._emit(events, "response.function_call_arguments.done", **where, **done)
            self._emit(events, "response.output_item.done", output_index=item.order, item=item.item(status))
        output = [item.item(self._status(item, status)) for item in self._items]
        whole = made.completed(self._response, output, self._finish, self._usage)
        self._emit(events, f"response.{whole['status']}", response=whole)

    def _status(self, item: _Item, status: str) -> str:
        """Only what was open when a limit cut the answer is incomplete."""
        return status if item.kind == "call" or item is self._items[-1] else "completed"


def _logprobs(chunk: ChatChunk) -> list[Any]:
    if b'"logprobs":null' in chunk.raw or b'"logprobs"' not in chunk.raw:
        return []
    choices = objects(decode_plain(chunk.raw).get("choices"))
    return objects(part(choices[0] if choices else None, "logprobs").get("content"))


_UID: Final = {"reasoning": "rs", "text": "msg", "refusal": "msg"}
_EVENT: Final = {
    "reasoning": "response.reasoning_text",
    "text": "response.output_text",
    "refusal": "response.refusal",
}
