"""Settings that contradict one another, which no single section can see."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from synthlang_router.config.document import Path
from synthlang_router.config.faults import Fault, did_you_mean
from synthlang_router.config.keys import KeySettings
from synthlang_router.config.money import BudgetSettings
from synthlang_router.config.providers import is_dated_azure
from synthlang_router.config.settings import Settings
from synthlang_router.config.urls import same_place
from synthlang_router.config.vendors import KEY_VARIABLES, belongs_to

MAX_KEY_BYTES: Final = 1024
WEAK_BITS: Final = 80
"""Under this many bits, counted as length x log2(different characters), a key counts as guessable."""


def contradictions(settings: Settings) -> Iterator[Fault]:
    """Everything that is wrong between sections."""
    yield from _server(settings)
    yield from _providers(settings)
    yield from _models(settings)
    yield from _rules(settings)
    yield from _embedding_model(settings)
    yield from _keys(settings)
    yield from _money(settings)


def _server(settings: Settings) -> Iterator[Fault]:
    server = settings.server
    if server.max_bytes_in_flight < server.max_body_bytes:
        yield Fault(("server", "max_bytes_in_flight"), "must be at least server.max_body_bytes")


def _providers(settings: Settings) -> Iterator[Fault]:
    for name, provider in settings.providers.items():
        here: Path = ("providers", name)
        if provider.vendor is not None and provider.dialect != "openai":
            yield Fault((*here, "vendor"), "is for providers that copy OpenAI; the dialect says it all here")
        if provider.api_version is not None and not is_dated_azure(name, provider):
            yield Fault(
                (*here, "api_version"), "is Azure OpenAI's alone; `vendor: azure` says that it is one"
            )
        if provider.dialect == "simulator":
            for setting in ("base_url", "api_key", "proxy", "ca_file"):
                if getattr(provider, setting) is not None:
                    yield Fault((*here, setting), "the simulator has no use for it")
        elif provider.base_url is not None and same_place(
            provider.base_url, settings.server.host, settings.server.port
        ):
            yield Fault((*here, "base_url"), "is this gateway itself; requests would go round for ever")


def _models(settings: Settings) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, model in enumerate(settings.models):
        here: Path = ("models", index)
        if first.setdefault(model.name, index) != index:
            yield Fault((*here, "name"), f"{model.name!r} is configured twice")
        if not any(target.weight > 0 for target in model.targets):
            yield Fault((*here, "targets"), "at least one weight must be above 0")
        for number, target in enumerate(model.targets):
            if target.provider not in settings.providers:
                near = did_you_mean(target.provider, settings.providers)
                yield Fault((*here, "targets", number, "provider"), f"no such provider{near}")
        if model.hedge and len(model.targets) == 1 and not model.fallbacks:
            yield Fault((*here, "hedge"), "needs a second target or a fallback")
        if model.name in model.fallbacks:
            yield Fault((*here, "fallbacks"), "a model cannot be its own fallback")


def _rules(settings: Settings) -> Iterator[Fault]:
    for index, rule in enumerate(settings.routing.rules or ()):
        least, most = rule.when.min_prompt_bytes, rule.when.max_prompt_bytes
        if least is not None and most is not None and least > most:
            yield Fault(("routing", "rules", index, "when"), "min_prompt_bytes is above max_prompt_bytes")


def _money(settings: Settings) -> Iterator[Fault]:
    for name in settings.prices:
        provider = name.partition("/")[0]
        if provider not in settings.providers:
            near = did_you_mean(provider, settings.providers)
            yield Fault(("prices", name), f"no such provider{near}")
    budgets = settings.budgets
    named: list[tuple[Path, BudgetSettings | None]] = [(("budgets", "key"), budgets.key)]
    for scope, given in (
        ("tenants", budgets.tenants),
        ("projects", budgets.projects),
        ("tags", budgets.tags),
    ):
        named += [(("budgets", scope, name), budget) for name, budget in given.items()]
    named += [(("keys", index, "budget"), key.budget) for index, key in enumerate(settings.keys)]
    for path, budget in named:
        if budget is not None and budget.rolling and budget.per == "total":
            yield Fault((*path, "rolling"), "a total has no window that could roll")
    for index, key in enumerate(settings.keys):
        if key.role == "admin" and key.budget is not None:
            yield Fault(("keys", index, "budget"), "an admin key cannot call models")


def _embedding_model(settings: Settings) -> Iterator[Fault]:
    semantic = settings.cache.semantic
    here: Path = ("cache", "semantic", "embedding_model")
    if semantic.embedder == "local":
        if semantic.embedding_model is not None:
            yield Fault(here, "has an effect with `embedder: provider` only")
    elif semantic.embedding_model is None:
        yield Fault(here, "is required with `embedder: provider`")
    elif (
        semantic.embedding_model.partition("/")[0] not in settings.providers
        or not (semantic.embedding_model.partition("/")[2])
    ):
        yield Fault(here, "must be `provider/model` with a configured provider")


def _keys(settings: Settings) -> Iterator[Fault]:
    names: dict[str, int] = {}
    secrets: dict[str, int] = {}
    for index, key in enumerate(settings.keys):
        here: Path = ("keys", index)
        secret = key.key.get_secret_value()
        if names.setdefault(key.name, index) != index:
            yield Fault((*here, "name"), "is taken by another key")
        if (
            not secret.isprintable()
            or secret != secret.strip()
            or not 0 < len(secret.encode()) <= MAX_KEY_BYTES
        ):
            yield Fault(
                (*here, "key"),
                f"must be printable, without outer white space, and have 1 to {MAX_KEY_BYTES} bytes",
            )
        elif secrets.setdefault(secret, index) != index:
            yield Fault((*here, "key"), f"is the same as that of keys[{secrets[secret]}]")
        elif key.role == "admin" and is_weak(secret):
            yield Fault((*here, "key"), f"too weak for an admin: {_STRENGTH}")
        if key.role == "admin" and "models" in key.model_fields_set:
            yield Fault((*here, "models"), "an admin key cannot call models")


_STRENGTH: Final = "use 24 random characters or more, or make it with `keys create`"


def is_weak(secret: str) -> bool:
    """Easy to guess: short, or made of few different characters."""
    return len(secret) * math.log2(max(2, len(set(secret)))) < WEAK_BITS


def weaknesses(settings: Settings) -> Iterator[Fault]:
    """What is allowed and deserves a warning."""
    for index, key in enumerate(settings.keys):
        if _warns(key):
            yield Fault(("keys", index, "key"), f"weak key: {_STRENGTH}")
    for index, rule in enumerate((settings.routing.rules or ())[:-1]):
        if not rule.when.model_fields_set:
            yield Fault(("routing", "rules", index), "always matches; the rules after it are never reached")
            return


def _warns(key: KeySettings) -> bool:
    return key.role != "admin" and is_weak(key.key.get_secret_value())


def ambient_misuse(
    settings: Settings, used: Iterable[tuple[Path, str]], environ: Mapping[str, str]
) -> Iterator[Fault]:
    """Vendors' keys that a file nobody named would send elsewhere: to another host, by a proxy, past TLS.

    Whoever gets a file into a directory must not thereby get the keys of whoever starts a gateway in it.
    """
    for path, variable in used:
        vendor = KEY_VARIABLES.get(variable)
        if vendor is None:
            continue
        provider = settings.providers.get(str(path[1])) if len(path) > 2 and path[0] == "providers" else None
        safe = (
            provider is not None
            and path[2] in ("api_key", "headers")
            and provider.base_url is not None
            and provider.proxy is None
            and provider.ca_file is None
            and belongs_to(vendor, provider.base_url, environ)
        )
        if not safe:
            yield Fault(
                path,
                f"{variable} may go to {' or '.join(vendor.hosts)} only, over TLS and without proxy or ca_file, "
                "because this file was found and not named; --config names it",
            )
