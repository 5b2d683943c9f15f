"""A provider over real sockets: `LLMProvider`, one transport, a scripted upstream."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from synthlang_router.answer import Answer
from synthlang_router.llm_provider import LLMProvider, Provider, Secret, StreamTransport, Timeouts, Transport
from synthlang_router.models import ChatChunk, ChatCompletion, ChatRequest, Facts, Route, Wishes
from synthlang_router.wire import DIALECTS
from tests.doubles.upstream import ScriptedUpstream

KEY = "sk-provider-0123456789"
ROUTE = Route(provider="main", model="gpt-4o-mini", reason="test", policy="test")
QUICK = Timeouts(connect=2.0, first_token=5.0, idle=5.0, total=30.0)


def new_facts() -> Facts:
    return Facts(request_id="req_1", row_id="1", arrived=time.time(), started=time.monotonic())


def chat_request(*, stream: bool = False, kind: str = "chat", **fields: Any) -> ChatRequest:
    body: dict[str, Any] = {"model": "gpt-4o-mini"}
    body |= {"input": "hi"} if kind == "embeddings" else {"messages": [{"role": "user", "content": "hi"}]}
    if stream:
        body["stream"] = True
    return DIALECTS["openai"].read_request(json.dumps(body | fields).encode(), kind)


@dataclass(slots=True)
class Told:
    """What a reader of an answer was told."""

    chunks: list[ChatChunk]
    completion: ChatCompletion | None

    @property
    def text(self) -> str:
        return "".join(chunk.content or "" for chunk in self.chunks)


async def told(answer: Answer) -> Told:
    """Read an answer as the edge does."""
    said = Told([], None)
    async with answer:
        await answer.open()
        async for batch in answer:
            for item in batch:
                if isinstance(item, ChatCompletion):
                    said.completion = item
                else:
                    said.chunks.append(item)
    return said


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = StreamTransport()
    yield made
    await made.close()


@dataclass(slots=True)
class House:
    """`ask` sends one chat request to the provider `main`."""

    transport: Transport

    def provider(self, upstream: ScriptedUpstream, **settings: Any) -> Provider:
        defaults: dict[str, Any] = {
            "name": "main",
            "base_url": upstream.url,
            "transport": self.transport,
            "api_key": Secret(KEY),
            "timeouts": QUICK,
        }
        return Provider(**(defaults | settings))

    def llm(self, upstream: ScriptedUpstream, **settings: Any) -> LLMProvider:
        provider = self.provider(upstream, **settings)
        return LLMProvider({provider.name: provider}, time.monotonic, lambda: 0.0)

    async def ask(
        self,
        upstream: ScriptedUpstream,
        request: ChatRequest,
        facts: Facts | None = None,
        wishes: Wishes | None = None,
        **settings: Any,
    ) -> Told:
        llm = self.llm(upstream, **settings)
        return await told(llm.chat(ROUTE, request, wishes or Wishes(), facts or new_facts()))


@pytest.fixture
def house(transport: Transport) -> House:
    return House(transport)
