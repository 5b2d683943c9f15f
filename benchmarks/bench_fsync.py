"""What `interactions.fsync` costs: how long an answer waits until its row is on the disk, alone and among others.

`python benchmarks/bench_fsync.py [FOLDER]`: the folder's disk is what is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from bench_journal import CALLER, Whole, facts

from synthlang_router.backends import connect
from synthlang_router.interactions import Interactions, RecordPolicy
from synthlang_router.models import ChatRequest, Outcome
from synthlang_router.telemetry import wall_clock
from synthlang_router.vault import MasterKey, Vault

ROUNDS = 400


async def waits(interactions: Interactions, together: int) -> list[float]:
    """Milliseconds of each answer, so many at a time."""
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 1000}]}).encode()
    request = ChatRequest(
        msgspec.json.decode(body, type=dict[str, msgspec.Raw]), model="gpt-4o", stream=False, body=body
    )
    outcome = Outcome("complete", Whole(body), status=200)
    found: list[float] = []

    async def answer(number: int) -> None:
        began = time.perf_counter()
        interactions.save_interaction(CALLER, request, facts(number), outcome)
        await interactions.settled()
        found.append((time.perf_counter() - began) * 1e3)

    for start in range(0, ROUNDS, together):
        await asyncio.gather(*(answer(together * ROUNDS + start + n) for n in range(together)))
    return sorted(found)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        keys = connect("tenant_keys", f"sqlite:///{folder}/keys.db")
        log = connect("interactions", f"sqlite:///{folder}/log.db", durable=True)
        for fsync in ("never", "always"):
            interactions = Interactions.recording(
                msgspec.convert({"retention_days": None, "fsync": fsync}, RecordPolicy),
                log=log,
                vault=Vault(MasterKey.create(folder / "data.key"), keys, now=wall_clock),
                folder=folder / fsync,
                now=wall_clock,
                monotonic=time.monotonic,
                estimate=lambda row: None,
            )
            for together in (1, 50):
                found = asyncio.run(waits(interactions, together))
                middle, high = found[len(found) // 2], found[len(found) * 99 // 100]
                print(f"fsync {fsync:6}  {together:3} at a time   p50 {middle:7.3f} ms   p99 {high:7.3f} ms")
            interactions.close()
        log.close()
        keys.close()


if __name__ == "__main__":
    main()
