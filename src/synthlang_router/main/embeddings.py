"""`RecordedEmbeddings`: what the semantic cache asks of a provider, on rows of the gateway's own.

No tenant asked for these calls and no budget pays for them, but the provider bills them. Their texts are prompts of
tenants and are not kept.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from synthlang_router.ending import Ending
from synthlang_router.interactions import Interactions
from synthlang_router.interactions.costs import Costs
from synthlang_router.llm_provider import LLMProvider
from synthlang_router.main.notebooks import new_facts
from synthlang_router.models import Caller, ChatRequest, Outcome, Target

GATEWAY: Final = Caller("-gateway", "semantic-cache", "-gateway", "semantic-cache")
"""Whose rows these are: no tenant and no key can have this name."""


class RecordedEmbeddings:
    """`get_embedding` of the provider, each call with its row."""

    def __init__(self, llm_provider: LLMProvider, interactions: Interactions, costs: Costs) -> None:
        self._llm_provider = llm_provider
        self._interactions = interactions
        self._costs = costs

    async def get_embedding(self, text: str, *, target: Target) -> list[float]:
        """The vector of one text."""
        name = msgspec.Raw(msgspec.json.encode(target.model))
        asked = ChatRequest({"model": name}, model=target.model, stream=False, kind="embeddings")
        facts = new_facts(None, "cache")
        with Ending(facts) as ending:
            ending.owes(partial(self._interactions.save_interaction, GATEWAY, asked))
            ending.owes(partial(self._costs.settle, asked))
            masked = self._interactions.privacy.mask_text(text)
            vector = await self._llm_provider.get_embedding(masked, target=target, facts=facts)
            ending.pay(Outcome("complete"))
            return vector
