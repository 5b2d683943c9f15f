"""`LLMProvider`: the specification's verbs over whatever provider a route names."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from synthlang_router.answer import Answer, Batch, Gathered, Tap
from synthlang_router.errors import ProviderProtocolError
from synthlang_router.llm_provider.explaining import Way
from synthlang_router.llm_provider.lane import TargetHealth
from synthlang_router.llm_provider.provider import Provider, prepare
from synthlang_router.llm_provider.resilience import Resilience
from synthlang_router.llm_provider.standing import KeyHealth
from synthlang_router.models import ChatCompletion, ChatRequest, Facts, Route, Target, Wishes


class _Vector(msgspec.Struct, frozen=True):
    embedding: list[float]


class _Vectors(msgspec.Struct, frozen=True):
    data: list[_Vector]


_VECTORS: Final = msgspec.json.Decoder(_Vectors)


class LLMProvider:
    """Talks to models. `clock` is monotonic seconds, `draw` gives points of [0, 1)."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        clock: Callable[[], float],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._resilience = Resilience(clock, draw)
        self.use(providers)

    def use(self, providers: Mapping[str, Provider]) -> None:
        """Take these providers from now on; calls under way keep theirs, and what is known of targets stays."""
        self._resilience.use({name: prepare(provider) for name, provider in providers.items()})
        self._counting = frozenset(name for name, given in providers.items() if given.dialect == "anthropic")

    def health(self) -> list[TargetHealth]:
        """How the targets are that were asked so far."""
        return self._resilience.health()

    def keys(self) -> list[KeyHealth]:
        """How the keys of the configured providers are."""
        return self._resilience.keys()

    def explain(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> list[Way]:
        """Whom a request would ask now, and what each would make of it; nothing is sent."""
        return self._resilience.explain(route, request, wishes, facts)

    def chat(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        """An answer that begins to be fetched when it is first read."""
        if request.stream:
            tap = Tap()
            source = self.stream_chat(route, request, wishes, facts, tap)
            return Answer(source, facts, dialect=request.dialect, tap=tap)
        return self._whole(route, request, wishes, facts)

    def embed(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        """The embeddings answer, as a stream of one."""
        return self._whole(route, request, wishes, facts)

    def relay(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        """The answer to a passage, block by block and unread; nobody keeps it."""
        return Answer(self.stream_chat(route, request, wishes, facts), facts, kept=False)

    def count_tokens(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer | None:
        """The provider's own count of a prompt; None where it has nothing of the kind."""
        if route.provider not in self._counting:
            return None
        alone = msgspec.structs.replace(route, alternatives=(), peers=0)
        return self._whole(alone, request, wishes, facts)

    async def complete_chat(
        self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts
    ) -> ChatCompletion:
        """The whole answer; one that came as a stream is folded."""
        trial, batch = await self._resilience.begin(route, request, wishes, facts)
        try:
            facts.first_data = self._clock()
            if len(batch) == 1 and isinstance(batch[0], ChatCompletion):
                await trial.next()
                return batch[0]
            gathered = Gathered(request.dialect)
            following: Batch | None = batch
            while following is not None:
                for item in following:
                    gathered.add(item, facts)
                following = await trial.next()
        finally:
            trial.close()
        completion = None if gathered.cut else gathered.completion()
        if completion is None:
            raise ProviderProtocolError("The provider's answer was empty or too large.")
        return completion

    async def stream_chat(
        self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts, tap: Tap | None = None
    ) -> AsyncGenerator[Batch]:
        """What came together stays together. Nothing is yielded before the first data.

        Where somebody stands at the `tap`, what comes goes there at once, and is yielded only where that cannot be.
        """
        trial, batch = await self._resilience.begin(route, request, wishes, facts)
        try:
            facts.first_data = self._clock()
            following: Batch | None = batch
            while following is not None:
                if following:
                    yield following
                if tap is not None and tap.deliver is not None:
                    await trial.relay(tap.deliver)
                following = await trial.next()
        finally:
            trial.close()

    async def get_embedding(self, text: str, *, target: Target, facts: Facts) -> list[float]:
        """The vector of one text, by a provider's embeddings endpoint."""
        fields = {"model": msgspec.json.encode(target.model), "input": msgspec.json.encode(text)}
        request = ChatRequest(
            {name: msgspec.Raw(raw) for name, raw in fields.items()},
            model=target.model,
            stream=False,
            kind="embeddings",
        )
        route = Route(provider=target.provider, model=target.model, reason="embedding", policy="")
        completion = await self.complete_chat(route, request, Wishes(), facts)
        if completion.usage is not None:
            facts.usage, facts.usage_source = completion.usage, "provider"
        try:
            return _VECTORS.decode(completion.raw).data[0].embedding
        except (msgspec.DecodeError, IndexError):
            raise ProviderProtocolError("The provider sent an embeddings answer without a vector.") from None

    def _whole(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        fetch = partial(self.complete_chat, route, request, wishes, facts)
        return Answer.once(fetch, facts, dialect=request.dialect)
