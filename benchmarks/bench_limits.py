"""Microseconds of CPU for a key check, an admission, a reservation and the pure rule, beside a bare dict look-up as the measure."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from synthlang_router.auth import (
    ApiKey,
    Budget,
    BudgetScopes,
    Gate,
    KeyPlan,
    Keyring,
    KeySnapshot,
    LimitScopes,
    Rate,
    Reserver,
    generate_key,
    next_arrival,
)
from synthlang_router.auth.limits import IDLE
from synthlang_router.backends.memory.budgets import MemoryBudgetLedger
from synthlang_router.backends.memory.limits import MemoryRateLimiter
from synthlang_router.interactions.costs import Costs, Tariffs
from synthlang_router.interactions.prices import PriceTable
from synthlang_router.models import Attempt, Caller, Facts, Limits, Outcome, Route, Usage
from synthlang_router.wire import DIALECTS

PEPPER: Final = os.urandom(32)
ROUNDS: Final = 100_000
KEYS: Final = 1_000


class Keys:
    """A store that never changes."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self.keys = keys

    async def snapshot(self, since: int | None = None) -> KeySnapshot | None:
        return KeySnapshot(1, self.keys)

    async def put(self, keys: Sequence[ApiKey], *, since: int | None = None) -> bool:
        raise NotImplementedError

    async def revoke(self, key_id: str, now: float) -> bool:
        raise NotImplementedError

    async def touch(self, used: Mapping[str, float]) -> None:
        raise NotImplementedError


def per_call(work: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(ROUNDS):
        work()
    return (time.process_time() - started) / ROUNDS * 1e6


async def measure_reserving(caller: Caller) -> float:
    """A token limit and a budget, set aside and settled, price look-ups included."""
    limiter = MemoryRateLimiter(time.monotonic_ns)
    costs = Costs(PriceTable.built_in(), Tariffs({"openai": "openai"}), now=time.time)
    reserver = Reserver(
        limiter,
        MemoryBudgetLedger(),
        tariff=costs,
        budget_of=lambda key_id: Budget(1e6),
        clock=time.time,
        alert=lambda alert: None,
    )
    reserver.use(LimitScopes(key=Limits(tokens_per_minute=1e12)), BudgetScopes())
    request = DIALECTS["openai"].read_request(
        b'{"model":"gpt-4o","max_tokens":300,"messages":[{"role":"system","content":"You are brief."},'
        b'{"role":"user","content":"Why is the sky blue, and since when do we know?"}]}',
        "chat",
    )
    facts = Facts(request_id="r", row_id="r", arrived=0.0, started=0.0)
    facts.attempts.append(Attempt("openai", "gpt-4o", 0.0, 1.0, 200))
    facts.provider, facts.usage, facts.served_model = "openai", Usage(20, 200), "gpt-4o"
    route, done = Route("openai", "gpt-4o", "asked", "p"), Outcome("complete")
    started = time.process_time()
    for _ in range(ROUNDS // 4):
        (await reserver.reserve(caller, route, request, facts)).settle(facts, done)
    return (time.process_time() - started) / (ROUNDS // 4) * 1e6


async def measure_nothing_set(caller: Caller) -> float:
    """The same path where there is neither a token limit nor a budget."""
    reserver = Reserver(
        MemoryRateLimiter(time.monotonic_ns),
        MemoryBudgetLedger(),
        tariff=Costs(PriceTable.built_in(), Tariffs({"openai": "openai"}), now=time.time),
        budget_of=lambda key_id: None,
        clock=time.time,
        alert=lambda alert: None,
    )
    reserver.use(LimitScopes(key=Limits(requests_per_minute=600, concurrency=100)), BudgetScopes())
    request = DIALECTS["openai"].read_request(
        b'{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}', "chat"
    )
    facts = Facts(request_id="r", row_id="r", arrived=0.0, started=0.0)
    route, done = Route("openai", "gpt-4o", "asked", "p"), Outcome("complete")
    started = time.process_time()
    for _ in range(ROUNDS):
        (await reserver.reserve(caller, route, request, facts)).settle(facts, done)
    return (time.process_time() - started) / ROUNDS * 1e6


async def measure() -> dict[str, float]:
    made = [generate_key(KeyPlan(f"k{n}"), pepper=PEPPER, now=1.0, random=os.urandom) for n in range(KEYS)]
    ring = Keyring(Keys(tuple(key for _, key in made)), pepper=PEPPER, clock=time.time)
    await ring.refresh()
    defaults = Limits(requests_per_minute=1e8, concurrency=100)
    gate = Gate(ring, MemoryRateLimiter(time.monotonic_ns), defaults=defaults, clock=time.monotonic)
    secret = made[0][0].encode()
    headers = [
        (b"host", b"127.0.0.1:8080"),
        (b"accept", b"application/json"),
        (b"content-type", b"application/json"),
        (b"user-agent", b"OpenAI/Python"),
        (b"x-stainless-lang", b"python"),
        (b"x-stainless-retry-count", b"0"),
        (b"authorization", b"Bearer " + secret),
        (b"content-length", b"300"),
    ]
    caller = gate.verify_api_key(headers)
    facts = Facts(request_id="r", row_id="r", arrived=0.0, started=0.0)
    done = Outcome("complete")
    started = time.process_time()
    for _ in range(ROUNDS):
        (await gate.allow_request(caller, facts)).release(facts, done)
    admission = (time.process_time() - started) / ROUNDS * 1e6
    reserving = await measure_reserving(caller)
    rate = Rate.per_minute(600)
    table = {secret: caller}
    return {
        "verify_api_key_us": per_call(lambda: gate.verify_api_key(headers)),
        "allow_request_and_release_us": admission,
        "reserve_and_settle_us": reserving,
        "reserve_and_settle_nothing_set_us": await measure_nothing_set(caller),
        "next_arrival_us": per_call(lambda: next_arrival(IDLE, 10**15, rate, 1)),
        "dict_get_us": per_call(lambda: table.get(secret)),
    }


if __name__ == "__main__":
    print(json.dumps({name: round(value, 3) for name, value in asyncio.run(measure()).items()}))
