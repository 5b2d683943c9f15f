"""Routers and requests as tests put them together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from synthlang_router.errors import ProviderUnavailable
from synthlang_router.models import Caller, ChatRequest, Facts, Target, Wishes
from synthlang_router.routing import ApplyTo, Catalog, Model, Router, Rule

ANYBODY = Caller(tenant_id="t", user_id="u", key_id="k", name="n")


def request(model: str, kind: str = "chat", **fields: Any) -> ChatRequest:
    """A request whose body has these fields."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in body.items()}
    return ChatRequest(raw, model=model, stream=bool(fields.get("stream")), kind=kind)


def new_facts() -> Facts:
    return Facts(request_id="r", row_id="w", arrived=0.0, started=0.0)


def caller(*models: str, tags: tuple[tuple[str, str], ...] = ()) -> Caller:
    return msgspec.structs.replace(ANYBODY, models=models or ("*",), tags=tags)


@dataclass
class Providers:
    """Providers that list models, or refuse to. Counts how often each was asked."""

    lists: dict[str, list[str] | None]
    asked: dict[str, int] = field(default_factory=dict)

    async def fetch(self, provider: str) -> list[str]:
        self.asked[provider] = self.asked.get(provider, 0) + 1
        names = self.lists[provider]
        if names is None:
            raise ProviderUnavailable("no list")
        return names


@dataclass
class MemoryStore:
    """What would be on disk."""

    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    writes: int = 0

    def read(self) -> Mapping[str, tuple[str, ...]]:
        return self.lists

    def write(self, lists: Mapping[str, tuple[str, ...]]) -> None:
        self.lists = lists
        self.writes += 1


def router(
    models: Sequence[Model] = (),
    lists: Mapping[str, list[str] | None] | None = None,
    rules: Sequence[Rule] | None = None,
    apply_to: ApplyTo = "unknown",
    at: float = 0.0,
) -> Router:
    """A router over providers with these lists (None: no list), already fetched. Its random point is always `at`."""
    providers = Providers(dict({"openai": None} if lists is None else lists))
    catalog = Catalog(providers.lists, providers.fetch, MemoryStore())
    asyncio.run(catalog.refresh())
    return Router(
        models=models,
        providers=tuple(providers.lists),
        rules=rules,
        apply_to=apply_to,
        catalog=catalog,
        random=lambda: at,
    )


def served(by: Router, model: str, who: Caller = ANYBODY, wishes: Wishes | None = None, **fields: Any) -> str:
    """`provider/model (reason)` for a chat that asks for `model`."""
    route = by.choose_model(request(model, **fields), who, wishes or Wishes(), new_facts())
    return f"{route.provider}/{route.model} ({route.reason})"


def model(name: str, *targets: str | tuple[str, float], fallbacks: tuple[str, ...] = ()) -> Model:
    """A public name over targets `provider/model`, with weights where given."""
    parsed = []
    for target in targets:
        text, weight = (target, 1.0) if isinstance(target, str) else target
        provider, _, at = text.partition("/")
        parsed.append(Target(provider, at, weight))
    return Model(name, tuple(parsed), fallbacks)
