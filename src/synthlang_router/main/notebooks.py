"""`new_facts`: the notebook of a request, as the edge and the gateway's own calls begin it."""

from __future__ import annotations

import os
import time

from synthlang_router.models import Facts
from synthlang_router.telemetry import new_request_id, wall_clock


def new_facts(request_id: str | None, path: str) -> Facts:
    """The notebook of one request; the row's id is never the client's.

    Like UUID version 7 (RFC 9562) it begins with the time, so that rows enter the database's tree at one end.
    """
    arrived = wall_clock()
    return Facts(
        request_id=new_request_id() if request_id is None else request_id,
        row_id=f"{int(arrived * 1000):012x}{os.urandom(10).hex()}",
        arrived=arrived,
        started=time.monotonic(),
        path=path,
    )
