"""The way of one request, in the specification's words. Streamed or not is no question here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial

from synthlang_router.answer import Answer, Batch
from synthlang_router.auth import Gate
from synthlang_router.cache import SemanticCache
from synthlang_router.ending import Ending
from synthlang_router.interactions import Interactions
from synthlang_router.interactions.costs import Costs
from synthlang_router.interactions.privacy import Guarded
from synthlang_router.llm_provider import LLMProvider
from synthlang_router.models import Caller, ChatCompletion, ChatRequest, Facts, Outcome, Route, Wishes
from synthlang_router.routing import Router
from synthlang_router.synthlang import SynthLang
from synthlang_router.wire.anthropic import count_body


class ChatPipeline:
    """One per process; holds no state of a request."""

    def __init__(
        self,
        *,
        auth: Gate,
        router: Router,
        synthlang: SynthLang,
        cache: SemanticCache,
        llm_provider: LLMProvider,
        interactions: Interactions,
        costs: Costs,
    ) -> None:
        self.auth = auth
        self.router = router
        self.synthlang = synthlang
        self.cache = cache
        self.llm_provider = llm_provider
        self.interactions = interactions
        self.costs = costs

    async def answer(self, caller: Caller, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        self.interactions.admit()
        with Ending(facts) as ending:  # whatever happens from here on, it is paid once
            ending.owes(partial(self.interactions.save_interaction, caller, request))
            ending.owes((await self.auth.allow_request(caller, facts)).release)
            route = self.router.choose_model(request, caller, wishes, facts)
            key = self.cache.make_cache_key(caller, route, request, wishes)
            answer = await self.cache.get_similar_response(key, facts)
            if answer is None:
                ending.owes((await self.auth.reserve(caller, route, request, facts)).settle)
                ending.owes(partial(self.costs.settle, request))  # paid first: the others settle by it
                prompt = await self.synthlang.compress_prompt(request, wishes, facts)
                guarded = await self.interactions.privacy.mask_prompt(prompt.sent)
                chat = partial(self._chat, route, guarded, wishes)
                journal = partial(self.interactions.open, caller, request)
                answer = await self.cache.share(key, facts, chat, journal)
                answer.on_complete(self.cache.storing(key))
            else:
                ending.owes(self.cache.credit)
                ending.owes(partial(self.costs.settle, request))  # nothing, and what that saved
                self.cache.audit(key, facts, partial(self.ask_again, caller, route, request, wishes))
            return ending.hand_over(answer)

    def _chat(self, route: Route, guarded: Guarded, wishes: Wishes, facts: Facts) -> Answer:
        """The call itself, once for all who share it."""
        return guarded.restored(self.llm_provider.chat(route, guarded.sent, wishes, facts))

    async def ask_again(
        self, caller: Caller, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts
    ) -> Answer:
        """What the cache answered, asked of the provider: recorded and priced, at nobody's limits."""
        with Ending(facts) as ending:
            ending.owes(partial(self.interactions.save_interaction, caller, request))
            ending.owes(partial(self.costs.settle, request))
            prompt = await self.synthlang.compress_prompt(request, wishes, facts)
            guarded = await self.interactions.privacy.mask_prompt(prompt.sent)
            self.interactions.open(caller, request, facts)
            return ending.hand_over(self._chat(route, guarded, wishes, facts))


class EmbeddingPipeline:
    """The same way for embeddings: no prompt to compress, nothing to cache."""

    def __init__(
        self,
        *,
        auth: Gate,
        router: Router,
        llm_provider: LLMProvider,
        interactions: Interactions,
        costs: Costs,
    ) -> None:
        self.auth = auth
        self.router = router
        self.llm_provider = llm_provider
        self.interactions = interactions
        self.costs = costs

    async def answer(self, caller: Caller, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        self.interactions.admit()
        with Ending(facts) as ending:
            ending.owes(partial(self.interactions.save_interaction, caller, request))
            ending.owes((await self.auth.allow_request(caller, facts)).release)
            route = self.router.choose_model(request, caller, wishes, facts)
            ending.owes((await self.auth.reserve(caller, route, request, facts)).settle)
            ending.owes(partial(self._settle, request))
            guarded = await self.interactions.privacy.mask_prompt(request)
            self.interactions.open(caller, request, facts)
            return ending.hand_over(self._fetch(route, guarded.sent, wishes, facts))

    def _settle(self, request: ChatRequest, facts: Facts, outcome: Outcome) -> None:
        self.costs.settle(request, facts, outcome)

    def _fetch(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        return self.llm_provider.embed(route, request, wishes, facts)


class PassagePipeline(EmbeddingPipeline):
    """The same way for what is passed on unread: pictures, sounds, moderations."""

    def _settle(self, request: ChatRequest, facts: Facts, outcome: Outcome) -> None:
        self.costs.settle_passage(request, facts, outcome)

    def _fetch(self, route: Route, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        return self.llm_provider.relay(route, request, wishes, facts)


class CountPipeline:
    """How many tokens a prompt has: the provider's word where it gives one, else `estimate`, which is never too low.

    It costs a request, no tokens and no money.
    """

    def __init__(
        self,
        *,
        auth: Gate,
        router: Router,
        llm_provider: LLMProvider,
        interactions: Interactions,
        estimate: Callable[[ChatRequest, str], int],
    ) -> None:
        self.auth = auth
        self.router = router
        self.llm_provider = llm_provider
        self.interactions = interactions
        self.estimate = estimate

    async def answer(self, caller: Caller, request: ChatRequest, wishes: Wishes, facts: Facts) -> Answer:
        self.interactions.admit()
        with Ending(facts) as ending:
            ending.owes(partial(self.interactions.save_interaction, caller, request))
            ending.owes((await self.auth.allow_request(caller, facts)).release)
            route = self.router.choose_model(request, caller, wishes, facts)
            guarded = await self.interactions.privacy.mask_prompt(request)
            answer = self.llm_provider.count_tokens(route, guarded.sent, wishes, facts)
            if answer is None:
                answer = Answer(self._estimated(request, route.model, facts), facts, dialect=request.dialect)
            return ending.hand_over(answer)

    async def _estimated(self, request: ChatRequest, model: str, facts: Facts) -> AsyncGenerator[Batch]:
        """In a thread: a long prompt takes milliseconds to count."""
        tokens = await asyncio.to_thread(self.estimate, request, model)
        facts.usage_source = "estimated"
        yield (ChatCompletion(raw=count_body(tokens), dialect=request.dialect),)
