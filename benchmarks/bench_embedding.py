"""What the local embedding model costs: loading, memory, CPU a text, and how long the event loop stands still.

    .venv/bin/python benchmarks/bench_embedding.py

CPU time of the process, best of 5 rounds of 20 texts; the loop's stall is the longest gap between two turns.
"""

import asyncio
import time
from pathlib import Path

from synthlang_router.cache.embedding_local import LocalEmbedder
from synthlang_router.cache.worker import Worker

TEXTS = {
    5: "reset my password",
    20: "could you please tell me how i can reset the password of my bank account from my phone",
    60: "could you please tell me how i can reset the password of my bank account from my phone " * 3
    + "now now now now",
    250: "word " * 248,
}


def rss() -> float:
    """MB resident now."""
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024


class Heartbeat:
    """Measures the longest gap between two turns of the loop while it beats."""

    async def __aenter__(self) -> "Heartbeat":
        self.longest = 0.0
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            self.longest, last = max(self.longest, now - last), now


async def best(embedder: LocalEmbedder, text: str) -> float:
    """Milliseconds of CPU."""
    rounds = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(20):
            await embedder.embed(text)
        rounds.append(time.process_time() - begun)
    return min(rounds) / 20 * 1000


async def main() -> None:
    worker = Worker("embedding")
    embedder = LocalEmbedder(worker)
    before, cpu, wall = rss(), time.process_time(), time.perf_counter()
    await embedder.embed("first")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(
        f"first text   {cpu * 1000:6.0f} ms CPU, {wall * 1000:.0f} ms wall, {rss() - before:.0f} MB resident"
    )
    for tokens, text in TEXTS.items():
        print(f"{tokens:>3} tokens   {await best(embedder, text):6.2f} ms CPU")
    print(f"afterwards   {rss() - before:6.0f} MB resident")
    begun = time.perf_counter()
    async with Heartbeat() as heart:
        for _ in range(50):
            await embedder.embed(TEXTS[250])
    print(f"the loop     {heart.longest * 1000:6.2f} ms its longest stall under 50 texts of 250 tokens")
    async with Heartbeat() as heart:
        await asyncio.sleep(time.perf_counter() - begun)
    print(
        f"             {heart.longest * 1000:6.2f} ms in the same time with nothing to do: the machine's own"
    )
    await worker.close()


if __name__ == "__main__":
    asyncio.run(main())
