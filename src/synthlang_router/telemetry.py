"""Request ids, clocks, counters and log lines; free when nobody listens.

Labels come from configured names only: a value a client chose is `other`.
"""

from __future__ import annotations

import itertools
import logging
import os
import time
from collections import Counter
from typing import Final

log: Final = logging.getLogger("synthlang_router")

_PROCESS: Final = os.urandom(6).hex()
_serial = itertools.count(int.from_bytes(os.urandom(4), "big"))


def new_request_id() -> str:
    """An id for the client's `x-request-id`: unguessable prefix of this process, then a serial."""
    return f"req_{_PROCESS}{next(_serial):010x}"


def wall_clock() -> float:
    """Seconds since the epoch. The one place that reads it, so that everything else takes it as an argument."""
    return time.time()  # noqa: TID251 - this is that place


counters: Final[Counter[tuple[str, str]]] = Counter()
"""Plain event counts by (name, label); rendered by /metrics. Names and labels come from code, so it is bounded."""


def count(name: str, label: str = "", by: int = 1) -> None:
    """Add to a counter."""
    counters[name, label] += by


def report_unforeseen(where: str, error: BaseException) -> None:
    """An exception nobody foresaw: counted, and logged by type and place without its text (it may quote a prompt)."""
    count("unforeseen", where)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    line = "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    log.error("unforeseen", extra={"where": where, "error": type(error).__name__, "line": line})
