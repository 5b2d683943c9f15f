"""Agents send bodies of half a megabyte all day: the record stays within its bounds."""

from __future__ import annotations

import math
import os
import random
import resource
from pathlib import Path

import pytest

from synthlang_router.interactions import Interactions, RecordPolicy
from synthlang_router.telemetry import counters
from tests.interactions.records import CALLER, Clock, Record, answered, facts, request

MEDIAN, P99 = 560_000, 3_500_000
SIGMA = math.log(P99 / MEDIAN) / 2.326
HEX = os.urandom(4_000_000).hex()  # compresses to a half, as prose does


def body_bytes(chosen: random.Random) -> int:
    return min(7_000_000, int(chosen.lognormvariate(math.log(MEDIAN), SIGMA)))


def traffic(folder: Path, requests: int, bound: int) -> tuple[int, int, int]:
    """The largest size of the log, of the journal and of the growth of memory in kB, while agents work."""
    chosen, monotonic = random.Random(7), Clock(1000.0)
    stores = Record(folder, enabled=False)
    interactions = Interactions.recording(
        RecordPolicy(max_log_bytes=bound, retention_days=None),
        log=stores.log,
        vault=stores.vault,
        folder=folder / "journal",
        now=Clock(),
        monotonic=monotonic,
        estimate=lambda row: None,
        space=stores.log,
    )
    assert interactions.drain is not None
    log = journal = start = 0
    for number in range(requests):
        size = body_bytes(chosen)
        asked = request(" ".join((HEX[offset : offset + 1000]) for offset in range(0, size, 1000)))
        interactions.save_interaction(CALLER, asked, facts(), answered("done " * 200))
        if number % 4 == 3:
            monotonic.now += 31.0
            interactions.drain.round()
            log = max(log, stores.log.used_bytes())
            journal = max(journal, sum(path.stat().st_size for path in folder.glob("journal/*/*.seg")))
        if number == requests // 4:
            start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    interactions.close()
    assert len(stores.rows()) == requests
    stores.close()
    return log, journal, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start


def test_agent_traffic_stays_within_the_bound_of_the_log_and_drops_the_oldest_content(tmp_path: Path) -> None:
    counters.clear()

    log, journal, _ = traffic(tmp_path, requests=80, bound=4_000_000)

    assert counters["record", "content_dropped"] > 0
    assert log < 8_000_000
    assert journal < 20_000_000


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_eight_hours_of_agent_traffic_stay_within_their_bounds(tmp_path: Path) -> None:
    """Six requests a minute for eight hours."""
    log, journal, grown = traffic(tmp_path, requests=2880, bound=100_000_000)

    assert log < 105_000_000
    assert journal < 40_000_000
    assert grown < 20_000
