"""`Insight`: what a running gateway tells of itself: where requests would go, and how its targets and keys are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fastapi import APIRouter
from prometheus_client.metrics_core import Metric

from synthlang_router.api.admin import Actions
from synthlang_router.api.admin.health import GatewayHealth, Health
from synthlang_router.api.explain import Explained, RouteExplain
from synthlang_router.config import Settings
from synthlang_router.llm_provider import LLMProvider
from synthlang_router.main.explaining import explain, health_of, target_metrics
from synthlang_router.main.routes import Routes
from synthlang_router.models import Caller, ChatRequest, Wishes


class Insight:
    """The callables give what is so now, after a reload too."""

    def __init__(
        self,
        llm_provider: LLMProvider,
        routes: Routes,
        *,
        settings: Callable[[], Settings],
        wishes: Callable[[], Wishes],
        gauges: Callable[[], Mapping[str, float]],
        draining: Callable[[], bool],
    ) -> None:
        self._llm_provider = llm_provider
        self._routes = routes
        self._settings = settings
        self._wishes = wishes
        self._gauges = gauges
        self._draining = draining

    def router(self) -> APIRouter:
        """`/v1/route/explain`."""
        return RouteExplain(self._explain, self._wishes).router()

    def actions(self) -> Actions:
        """`/admin/v1/health`."""
        return Health(self._health).actions()

    def metrics(self) -> Iterator[Metric]:
        return target_metrics(self._llm_provider, self._settings())

    def _explain(self, caller: Caller, request: ChatRequest, wishes: Wishes) -> Explained:
        return explain(self._routes.router, self._llm_provider, caller, request, wishes)

    def _health(self) -> GatewayHealth:
        return health_of(self._llm_provider, self._gauges(), draining=self._draining())
