"""Microseconds of CPU that recording costs a request: on the event loop, and in the whole process.

The measure beside it is one bare os.write of the same bytes. `python benchmarks/bench_journal.py [BODY_BYTES]`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.backends import connect
from synthlang_router.interactions import Batch, Interactions, RecordPolicy
from synthlang_router.interactions.entry import closed_row
from synthlang_router.models import (
    Attempt,
    CacheStatus,
    Caller,
    ChatCompletion,
    ChatRequest,
    Facts,
    Outcome,
    Route,
    Usage,
)
from synthlang_router.telemetry import wall_clock
from synthlang_router.vault import MasterKey, Vault

USAGE: Final = Usage(310, 120, cached_tokens=128)
ROUNDS: Final = 10_000
CALLER: Final = Caller("acme", "bob", "key-1", "bench")


class Whole:
    """An answer that is there."""

    def __init__(self, raw: bytes) -> None:
        self.answer = ChatCompletion(raw)

    def completion(self) -> ChatCompletion:
        return self.answer


def facts(number: int) -> Facts:
    made = Facts(request_id=f"req_{number:016x}", row_id=f"{number:032x}", arrived=wall_clock(), started=0.0)
    made.route = Route("openai", "gpt-4o-2024-08-06", "rule 1: *gpt-4o*", "default")
    made.provider, made.model, made.route_reason = "openai", "gpt-4o-2024-08-06", "rule 1: *gpt-4o*"
    made.cache, made.cache_ms, made.status, made.cost = CacheStatus.MISS, 0.4, 200, 0.000123
    made.attempts.append(
        Attempt("openai", "gpt-4o-2024-08-06", 0.001, 0.93, 200, None, USAGE, 0.000123, "provider")
    )
    made.usage, made.usage_source = USAGE, "provider"
    made.upstream_sent, made.first_data = 0.001, 0.4
    return made


def cpu(work: Callable[[int], object], clock: Callable[[], float], start: int) -> float:
    """Microseconds a call."""
    began = clock()
    for number in range(start, start + ROUNDS):
        work(number)
    return (clock() - began) / ROUNDS * 1e6


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    text = (Path(__file__).read_text() * (1 + size // 1000))[:size]
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).encode()
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    request = ChatRequest(fields, model="gpt-4o", stream=False, body=body)
    outcome = Outcome(
        "complete", Whole(json.dumps({"choices": [{"message": {"content": text}}]}).encode()), status=200
    )

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = connect("tenant_keys", f"sqlite:///{folder}/keys.db")
        log = connect("interactions", f"sqlite:///{folder}/log.db")
        vault = Vault(MasterKey.create(folder / "data.key"), keys, now=wall_clock)
        interactions = Interactions.recording(
            RecordPolicy(retention_days=None),
            log=log,
            vault=vault,
            folder=folder / "journal",
            now=wall_clock,
            monotonic=time.monotonic,
            estimate=lambda row: None,
        )
        made = [facts(number) for number in range(3 * ROUNDS)]

        def record(number: int) -> None:
            interactions.open(CALLER, request, made[number])
            interactions.save_interaction(CALLER, request, made[number], outcome)

        record_only = cpu(record, time.thread_time, 0)
        interactions.start()
        began = time.process_time()
        cpu(record, time.process_time, ROUNDS)
        while interactions.backlog:
            time.sleep(0.05)
        whole = (
            (time.process_time() - began) / ROUNDS * 1e6 / 2
        )  # the first round's rows were carried as well
        seal = cpu(lambda n: vault.seal(body, tenant="acme", purpose="bench", row="r"), time.thread_time, 0)
        block = os.urandom(4096)
        seal_4k = cpu(
            lambda n: vault.seal(block, tenant="acme", purpose="bench", row="r"), time.thread_time, 0
        )
        descriptor = os.open(folder / "plain", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        write = cpu(lambda n: os.write(descriptor, body + body), time.thread_time, 0)
        os.close(descriptor)
        interactions.close()
        log.close()
        keys.close()
        stored = (folder / "log.db").stat().st_size / (2 * ROUNDS)
        bare = connect("interactions", f"sqlite:///{folder}/bare.db")
        for start in range(0, ROUNDS, 500):
            batch = made[start : start + 500]
            bare.write(Batch([closed_row(CALLER, request, one, outcome, 0.95) for one in batch]))
        bare.close()
        stored_bare = (folder / "bare.db").stat().st_size / ROUNDS
    print(f"bodies of {len(body)} bytes, {ROUNDS} requests a round")
    print(f"on the event loop       {record_only:7.1f} us/request")
    print(f"with the drain          {whole + record_only / 2:7.1f} us/request (event loop included)")
    print(f"seal one body           {seal:7.1f} us;  4 kB {seal_4k:.1f} us")
    print(f"a bare write of both    {write:7.1f} us")
    print(f"database                {stored:7.0f} bytes/row with content, {stored_bare:.0f} without")


if __name__ == "__main__":
    main()
