"""The cache's admin resource over this gateway's cache and router."""

from __future__ import annotations

import time
from collections.abc import Callable

from synthlang_router.api.admin.cache import CacheDesk
from synthlang_router.cache import SemanticCache
from synthlang_router.cache.explanation import Explanation
from synthlang_router.main.routes import Routes
from synthlang_router.models import Caller, Facts, Wishes
from synthlang_router.telemetry import new_request_id, wall_clock
from synthlang_router.wire import DIALECTS


def cache_desk(cache: SemanticCache, routes: Routes, wishes: Callable[[], Wishes]) -> CacheDesk:
    """A body is explained as if a key of this tenant and user sent it to /v1/chat/completions without headers."""

    async def explain(body: bytes, tenant: str, user: str) -> Explanation:
        request = DIALECTS["openai"].read_request(body, "chat")
        caller = Caller(tenant, user, "", "explained")
        facts = Facts(
            request_id=new_request_id(),
            row_id="",
            arrived=wall_clock(),
            started=time.monotonic(),
            path="explain",
        )
        route = routes.router.choose_model(request, caller, wishes(), facts)
        return await cache.explain(caller, route, request, wishes())

    return CacheDesk(figures=cache.figures, purge=cache.purge, explain=explain)
