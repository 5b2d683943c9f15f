"""How the cost of a step grows with what the gateway holds: keys, exact entries, rows of the record, vectors of a scope.

CPU time of the thread (least of several repetitions), so that other load on the machine distorts little. Writes
`docs/performance/growth.md` and one SVG a curve; SVG by hand, so that no plotting library is needed.

    python benchmarks/growth.py [--full]     with --full: a million entries and rows (minutes, 1.5 GB)
"""

from __future__ import annotations

import argparse
import asyncio
import math
import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from bench_record import row

from synthlang_router.auth.keyring import Keyring
from synthlang_router.auth.keys import ApiKey, KeySnapshot, digest_key
from synthlang_router.backends import connect
from synthlang_router.backends.memory.cache import MemoryCacheStore
from synthlang_router.cache.entry import CacheEntry
from synthlang_router.cache.vectors import quantise
from synthlang_router.cache.vectors_growing import GrowingIndex
from synthlang_router.interactions import Batch
from synthlang_router.models import ChatCompletion

FOLDER = Path(__file__).parents[1] / "docs" / "performance"
PEPPER = b"p" * 32


class Curve(NamedTuple):
    """Microseconds of CPU by size."""

    name: str
    title: str
    points: list[tuple[int, float]]


def cpu(work: Callable[[], object], times: int, repeat: int = 5) -> float:
    """Microseconds a call."""
    best = math.inf
    for _ in range(repeat):
        began = time.thread_time()
        for _ in range(times):
            work()
        best = min(best, time.thread_time() - began)
    return best / times * 1e6


class Keys:
    def __init__(self, number: int) -> None:
        self._keys = tuple(
            ApiKey(
                key_id=f"k{i}",
                digest=digest_key(PEPPER, b"secret-%d" % i),
                name="n",
                tenant=f"t{i}",
                user="u",
            )
            for i in range(number)
        )

    async def snapshot(self, known: int | None = None) -> KeySnapshot | None:
        return KeySnapshot(1, self._keys)


async def of_keys(number: int) -> float:
    keyring = Keyring(Keys(number), pepper=PEPPER, clock=time.time)  # type: ignore[arg-type]  # what is read of a store
    await keyring.refresh()
    headers = [(b"authorization", b"Bearer secret-%d" % (number // 2))]
    return cpu(lambda: keyring.verify(headers), 5_000)


async def of_entries(number: int) -> float:
    store = MemoryCacheStore(max_entries=number, max_bytes=10**12)
    completion = ChatCompletion(raw=b"{}", content="an answer")
    names = [number_.to_bytes(32, "big") for number_ in range(number)]
    for name in names:
        store.put(CacheEntry(name, b"s", "t", completion, 0.0, 1e9), 1.0)
    chosen = Random(1).sample(names, 1_000)

    def look() -> None:
        for name in chosen:
            reading = store.get(name, 2.0)
            try:
                reading.send(None)
            except StopIteration:
                pass

    return cpu(look, 1) / len(chosen)


async def of_rows(number: int) -> float:
    chosen = Random(1)
    with tempfile.TemporaryDirectory() as folder:
        log = connect("interactions", f"sqlite:///{folder}/rows.db")
        for start in range(0, number, 5_000):
            log.write(Batch([row(i, 1.7e9 + i, chosen) for i in range(start, min(number, start + 5_000))]))
        spent = []
        for turn in range(5):
            first = number + turn * 500
            batch = Batch([row(i, 1.7e9 + i, chosen) for i in range(first, first + 500)])
            spent.append(cpu(partial(log.write, batch), 1, 1) / 500)
        log.close()
        return min(spent)


async def of_vectors(number: int) -> float:
    random = np.random.default_rng(1)
    index = GrowingIndex(384)
    for key in range(number):
        vector = random.standard_normal(384).astype(np.float32)
        index.add(key, quantise(vector / np.linalg.norm(vector)))
    asked = random.standard_normal(384).astype(np.float32)
    asked /= np.linalg.norm(asked)
    return cpu(lambda: index.top_k(asked, 5), 3)


def drawn(curve: Curve) -> str:
    """A plot with a logarithmic axis of sizes and a linear one of microseconds from 0."""
    width, height, left, bottom = 560, 280, 60, 40
    most = max(cost for _, cost in curve.points) * 1.2
    first, last = (math.log10(curve.points[place][0]) for place in (0, -1))

    def place(size: int, cost: float) -> tuple[float, float]:
        across = (math.log10(size) - first) / max(1e-9, last - first)
        return left + across * (width - left - 30), height - bottom - cost / most * (height - bottom - 40)

    dots = [place(*point) for point in curve.points]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/><text x="{left}" y="20" font-size="14">{curve.title}</text>',
        f'<path d="M{left} 30V{height - bottom}H{width - 20}" fill="none" stroke="black"/>',
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in dots)}" fill="none" stroke="#06c" stroke-width="2"/>',
    ]
    for (x, y), (size, cost) in zip(dots, curve.points, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#06c"/>')
        parts.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{cost:.3g} µs</text>')
        parts.append(f'<text x="{x:.1f}" y="{height - 20}" text-anchor="middle">{size:,}</text>')
    return "\n".join([*parts, "</svg>\n"])


async def measure(*, full: bool) -> list[Curve]:
    many = [1_000, 10_000, 100_000] + ([1_000_000] if full else [])
    plans = (
        ("keys", "Verifying a key, by keys in force", of_keys, [10, 100, 1_000, 10_000, 100_000]),
        ("entries", "An exact look-up, by entries in the cache", of_entries, many),
        ("rows", "Writing a row in a batch of 500, by rows in the record", of_rows, many),
        (
            "vectors",
            "The nearest questions, by questions of the scope",
            of_vectors,
            [100, 1_000, 10_000, 30_000],
        ),
    )
    return [
        Curve(name, title, [(size, await of(size)) for size in sizes]) for name, title, of, sizes in plans
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    curves = asyncio.run(measure(full=full))
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Growth",
        "",
        f"`python benchmarks/growth.py{' --full' if full else ''}`: microseconds of CPU, the least of several repetitions.",
        f"Python {platform.python_version()}, {platform.machine()}.",
    ]
    for curve in curves:
        (FOLDER / f"{curve.name}.svg").write_text(drawn(curve))
        sizes = " | ".join(f"{size:,}" for size, _ in curve.points)
        costs = " | ".join(f"{cost:.3g} µs" for _, cost in curve.points)
        rule = "|---" * (len(curve.points) + 1) + "|"
        lines += [
            "",
            f"| {curve.title} | {sizes} |",
            rule,
            f"| | {costs} |",
            "",
            f"![{curve.title}]({curve.name}.svg)",
        ]
    (FOLDER / "growth.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
