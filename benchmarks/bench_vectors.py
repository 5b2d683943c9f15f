"""What a search costs: CPU of the blocked int8 scan beside plain ways to compute the same, and memory an entry.

    .venv/bin/python benchmarks/bench_vectors.py [--sizes 1000 10000 20000]

CPU time of the process, all threads, median of 50 searches; "x" is the ratio to the scan in the same run.
"""

import argparse
import importlib.util
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from synthlang_router.cache.vectors import Floats, ScanIndex, VectorIndex, quantise, unpack

DIMENSIONS = 384
ROUNDS = 50


def median_cpu(call: Callable[[Floats], object], queries: Floats) -> float:
    """Milliseconds."""
    call(queries[0])
    spent = []
    for query in queries:
        begun = time.process_time()
        call(query)
        spent.append(time.process_time() - begun)
    return statistics.median(spent) * 1000


def directions(count: int) -> Floats:
    """A thousand groups of similar directions, as questions are."""
    random = np.random.default_rng(5)
    centres = random.normal(size=(1000, DIMENSIONS)).astype(np.float32)
    raw = centres[random.integers(0, 1000, count)] + 0.5 * random.normal(size=(count, DIMENSIONS))
    unit: Floats = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    return unit


def fill(index: VectorIndex, packed: list[bytes]) -> str:
    begun = time.process_time()
    for key, vector in enumerate(packed):
        index.add(key, vector)
    return f"{(time.process_time() - begun) / len(packed) * 1e6:6.1f} µs an entry added"


def memory(packed: list[bytes]) -> str:
    """Measured apart from the time, which the tracing would double. The graph's memory is outside its reach."""
    tracemalloc.start()
    index = ScanIndex(DIMENSIONS)
    fill(index, packed)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return f"{held / len(packed):6.0f} bytes an entry"


def measure(size: int) -> None:
    vectors = directions(size + ROUNDS)
    stored, queries = vectors[:size], vectors[size:]
    packed = [quantise(vector) for vector in stored]
    codes = np.stack([unpack(one)[1] for one in packed])
    scan = ScanIndex(DIMENSIONS)
    filled = f"{fill(scan, packed)}, {memory(packed)}"
    base = median_cpu(lambda query: scan.top_k(query, 5), queries)
    print(f"{size:>7} entries  scan            {base:7.3f} ms   1.0 x   {filled}")

    def integers(query: Floats) -> object:
        return np.argsort(codes @ np.rint(query * 127).astype(np.int32))[-5:]

    def whole(query: Floats) -> object:
        return np.argsort(stored @ query)[-5:]

    for name, plain in (("integer product", integers), ("whole floats", whole)):
        spent = median_cpu(plain, queries)
        print(f"{'':>15}  {name:<15} {spent:7.3f} ms {spent / base:5.1f} x")
    if importlib.util.find_spec("usearch") is not None:
        graph = importlib.import_module("synthlang_router.cache.vectors_usearch").UsearchIndex(DIMENSIONS)
        filled = fill(graph, packed)
        spent = median_cpu(lambda query: graph.top_k(query, 5), queries)
        print(f"{'':>15}  usearch         {spent:7.3f} ms {spent / base:5.1f} x   {filled}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What a search for the nearest vectors costs.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10000, 20000])
    for size in parser.parse_args().sizes:
        measure(size)


if __name__ == "__main__":
    main()
