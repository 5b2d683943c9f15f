"""CPU of reading the record while it is large: a 30-day chart and a page of the log over ROWS interactions.

`python benchmarks/bench_record.py [ROWS]`; writes go on in another thread while it measures.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from synthlang_router.backends import connect
from synthlang_router.interactions import Batch, Interaction, Query
from synthlang_router.interactions.record import Timings, Tokens
from synthlang_router.interactions.rollups import UsageQuery
from synthlang_router.models import Attempt

DAY = 86_400.0
START = 20_000 * DAY


def row(number: int, arrived: float, chosen: random.Random) -> Interaction:
    tenant = chosen.randrange(10)
    return Interaction(
        id=f"{number:032x}",
        request_id=f"req_{number:022x}",
        arrived=arrived,
        tenant=f"tenant-{tenant}",
        user=f"user-{tenant}-{chosen.randrange(20)}",
        key_id=f"key-{tenant}-{chosen.randrange(5)}",
        kind="chat",
        dialect="openai",
        asked_model="gpt-4o",
        outcome="complete",
        model=chosen.choice(("gpt-4o-2024-08-06", "o3-mini", "gpt-4o-mini")),
        provider="openai",
        route_reason="rule 1: *gpt-4o*",
        status=chosen.choices((200, 429, 502), (97, 2, 1))[0],
        cache=chosen.choice(("MISS", "HIT")),
        tokens=Tokens(chosen.randrange(4000), chosen.randrange(900), 128),
        usage_source="provider",
        cost=chosen.random() / 100,
        attempts=(Attempt("openai", "gpt-4o-2024-08-06", 0.001, 0.9, 200),),
        timings=Timings(0.8, 0.4, chosen.uniform(200, 900), chosen.uniform(900, 9000)),
    )


def measured(name: str, work: Callable[[], object], rounds: int = 20) -> None:
    work()
    began, began_wall = time.thread_time(), time.perf_counter()
    for _ in range(rounds):
        work()
    cpu, wall = (
        (end - start) / rounds * 1e3
        for start, end in ((began, time.thread_time()), (began_wall, time.perf_counter()))
    )
    print(f"{name:44} {cpu:7.2f} ms CPU {wall:8.2f} ms")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chosen = random.Random(1)
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        path = Path(folder) / "log.db"
        log = connect("interactions", f"sqlite:///{path}")
        began = time.process_time()
        for start in range(0, rows, 2000):
            log.write(
                Batch(
                    [
                        row(n, START + n * 30 * DAY / rows, chosen)
                        for n in range(start, min(start + 2000, rows))
                    ]
                )
            )
        print(
            f"{rows} rows, {path.stat().st_size / rows:.0f} bytes a row with its sums, written at "
            f"{(time.process_time() - began) / rows * 1e6:.0f} us"
        )
        stop = threading.Event()

        def write() -> None:
            number = rows
            while not stop.wait(0.25):
                batch = [row(number + n, START + 30 * DAY, chosen) for n in range(50)]
                number += 50
                log.write(Batch(batch))

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        month = UsageQuery(START, START + 30 * DAY, every="hour")
        ask = msgspec.structs.replace
        measured("30-day chart by hour, everything", lambda: log.usage(month))
        measured("30-day chart by hour, one tenant", lambda: log.usage(ask(month, tenant="tenant-3")))
        measured("30-day chart by day, by model", lambda: log.usage(ask(month, every="day", by=("model",))))
        measured(
            "  the same without latencies",
            lambda: log.usage(ask(month, every="day", by=("model",), sketches=False)),
        )
        measured(
            "30-day table by key and model", lambda: log.usage(ask(month, every=None, by=("key_id", "model")))
        )
        measured(
            "30-day chart by hour of one key",
            lambda: log.usage(ask(month, key_id="key-3-1", tenant="tenant-3")),
        )
        measured("page of 50, newest", lambda: log.page(Query()))
        measured("page of 50, one tenant", lambda: log.page(Query(tenant="tenant-3")))
        measured("page of 50, one key", lambda: log.page(Query(key_id="key-3-1")))
        measured("page of 50, in the middle", lambda: log.page(Query(until=START + 15 * DAY)))
        measured("page of 50, status 502", lambda: log.page(Query(status=502)))
        measured("page of 50, a user who is not there", lambda: log.page(Query(user="nobody")))
        measured("one row by its request id", lambda: log.page(Query(key=f"req_{rows // 2:022x}")))
        stop.set()
        writer.join()
        log.close()


if __name__ == "__main__":
    main()
