"""`Gateway`: everything put together, opened and closed in order, and rebuilt from changed settings while it runs.

What holds state (keys, limiter, cache, journal, connections) is made once and lives as long as the process; what only
holds rules (router, providers, wishes) is made anew on a reload and swapped in between two requests.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from fastapi import APIRouter

from synthlang_router.api import Edge
from synthlang_router.api.admin.configuration import Configuration
from synthlang_router.api.admin.spending import Spending
from synthlang_router.api.chat import ChatResource, Pipeline
from synthlang_router.api.feedback import FeedbackDesk
from synthlang_router.api.intake import Intake
from synthlang_router.api.manners import MANNERS
from synthlang_router.api.meter import RequestMeter, render_metrics
from synthlang_router.api.operations import Operations, cold_app
from synthlang_router.api.passage import PassageResource
from synthlang_router.auth import Gate, Keyring, KeyStore
from synthlang_router.auth.administration import OpenedKeys
from synthlang_router.backends.memory.limits import MemoryRateLimiter
from synthlang_router.backends.sqlite.keys import SqliteKeyStore
from synthlang_router.config import Loaded, Settings, needs_restart
from synthlang_router.llm_provider import LLMProvider
from synthlang_router.main.administration import open_administration
from synthlang_router.main.cache_desk import cache_desk
from synthlang_router.main.caching import open_cache
from synthlang_router.main.counting import upper_estimate
from synthlang_router.main.embeddings import RecordedEmbeddings
from synthlang_router.main.first_run import FirstKeys, import_configured, make_first_keys, refuse_open_door
from synthlang_router.main.history import history_of
from synthlang_router.main.insight import Insight
from synthlang_router.main.money import Money
from synthlang_router.main.notation import make_notation
from synthlang_router.main.notebooks import new_facts
from synthlang_router.main.opening import DATABASE, audit_in
from synthlang_router.main.parts import default_limits, default_wishes, providers_of
from synthlang_router.main.recording import open_record, use_keys
from synthlang_router.main.routes import Routes
from synthlang_router.main.scopes import budget_scopes, limit_scopes
from synthlang_router.main.secrets import make_data_dir, pepper
from synthlang_router.main.transports import Transports
from synthlang_router.pipeline import ChatPipeline, CountPipeline, EmbeddingPipeline, PassagePipeline
from synthlang_router.synthlang import SynthLang
from synthlang_router.telemetry import log, new_request_id, wall_clock
from synthlang_router.wire.passage import PASSAGES


class Gateway:
    """An open gateway. `app` is its ASGI face; `notes` are lines for whoever started it."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.settings: Settings = loaded.settings
        self.notes: list[str] = []
        self.first_keys = FirstKeys()
        self.meter = RequestMeter()
        self.wishes = default_wishes(loaded.settings)
        self.money = Money(loaded.settings)
        server = loaded.settings.server
        self.intake = Intake(
            max_body=server.max_body_bytes,
            max_requests=server.max_requests_in_flight,
            max_bytes=server.max_bytes_in_flight,
            body_timeout=None,
        )

    async def open(self, stack: AsyncExitStack) -> None:
        """Make everything, what fails first at the front. Raises ConfigurationError."""
        settings = self.settings
        folder = settings.data_dir
        make_data_dir(folder)
        self._pepper = pepper(folder)
        self.keys: KeyStore = await stack.enter_async_context(SqliteKeyStore(folder / DATABASE))
        self.audit = await stack.enter_async_context(audit_in(folder))
        await self._make_keys()
        self.keyring = Keyring(self.keys, pepper=self._pepper, clock=wall_clock)
        await self.keyring.refresh()
        self.transports = Transports()
        stack.push_async_callback(self.transports.close)
        providers = providers_of(settings, self.transports.of(settings))
        self.llm_provider = LLMProvider(providers, time.monotonic)
        self.record = await stack.enter_async_context(open_record(settings, self.money.costs))
        self.interactions, self.log = self.record.interactions, self.record.log
        await self._open_gate(stack)
        self.routes = Routes(self.loaded, providers, self.money.table)
        await self.routes.open()
        await asyncio.to_thread(use_keys, self.record.vault, settings)
        self.cache = await stack.enter_async_context(
            open_cache(
                settings,
                RecordedEmbeddings(self.llm_provider, self.interactions, self.money.costs),
                self.notes.append,
                self.record.vault,
            )
        )
        self._assemble()
        for work in (self.keyring.watch(), self.routes.watch()):
            task = asyncio.get_running_loop().create_task(work)
            stack.push_async_callback(_end, task)

    async def reload(self, loaded: Loaded) -> None:
        """Take over changed settings: rules at once, state untouched. Raises ConfigurationError and changes nothing."""
        await asyncio.to_thread(use_keys, self.record.vault, loaded.settings)
        late = needs_restart(self.settings, loaded.settings)
        if late:
            log.warning("settings that wait for a restart", extra={"reason": ", ".join(late)})
        self.settings, self.loaded = loaded.settings, loaded
        await import_configured(self.keys, loaded.settings, pepper=self._pepper, now=wall_clock())
        await self.keyring.refresh()
        self.wishes = default_wishes(loaded.settings)
        self.gate.use(limit_scopes(loaded.settings), budget_scopes(loaded.settings))
        self.money.use(loaded.settings)
        providers = providers_of(loaded.settings, self.transports.of(loaded.settings))
        self.llm_provider.use(providers)
        await self.routes.use(loaded, providers)
        for pipeline in (
            self.pipeline,
            self.embedding_pipeline,
            self.count_pipeline,
            self.passage_pipeline,
        ):
            pipeline.router = self.routes.router

    async def _open_gate(self, stack: AsyncExitStack) -> None:
        limiter = self.limiter = MemoryRateLimiter(time.monotonic_ns)
        reserver = await self.money.open(
            stack,
            self.settings,
            limiter=limiter,
            budget_of=self.keyring.budget_of,
            history=history_of(self.settings, self.log, self.interactions.adopted, self.keyring.keys_of),
        )
        self.gate = Gate(
            self.keyring,
            limiter,
            defaults=default_limits(self.settings),
            clock=time.monotonic,
            reserver=reserver,
        )
        self.gate.use(limit_scopes(self.settings), budget_scopes(self.settings))

    async def _make_keys(self) -> None:
        now = wall_clock()
        await import_configured(self.keys, self.settings, pepper=self._pepper, now=now)
        self.first_keys = await make_first_keys(
            self.keys, self.settings.data_dir, self.settings, pepper=self._pepper, now=now
        )
        await refuse_open_door(self.keys, self.settings.server.host)

    def _assemble(self) -> None:
        self.pipeline = ChatPipeline(
            auth=self.gate,
            router=self.routes.router,
            synthlang=SynthLang(holdout=self.settings.synthlang.holdout),
            cache=self.cache,
            llm_provider=self.llm_provider,
            interactions=self.interactions,
            costs=self.money.costs,
        )
        pipelines = self._pipelines()
        hot = {MANNERS[kind].path: self._resource(kind, pipeline) for kind, pipeline in pipelines.items()}
        insight = Insight(
            self.llm_provider,
            self.routes,
            settings=lambda: self.settings,
            wishes=lambda: self.wishes,
            gauges=self._gauges,
            draining=lambda: self.intake.draining,
        )
        operations = Operations(
            verify_api_key=self.gate.verify_api_key,
            models=self.routes,
            ready=self._missing,
            metrics=lambda: render_metrics(self.meter, self._gauges, insight.metrics),
            new_request_id=new_request_id,
            started=int(wall_clock()),
        )
        feedback = FeedbackDesk(self.cache.report).router()
        others = (make_notation().router(), feedback, insight.router(), self._administration(insight))
        self.app = Edge(hot, cold_app(operations, *others))

    def _administration(self, insight: Insight) -> APIRouter:
        resources = [
            self._spending().actions(),
            Configuration(self._masked).actions(),
            insight.actions(),
            cache_desk(self.cache, self.routes, lambda: self.wishes).actions(),
        ]
        return open_administration(
            self.keys, self._pepper, self.keyring, self.audit, self.record, self.cache, resources
        )

    def _pipelines(self) -> dict[str, Pipeline]:
        """By kind of request."""
        self.embedding_pipeline = EmbeddingPipeline(
            auth=self.gate,
            router=self.routes.router,
            llm_provider=self.llm_provider,
            interactions=self.interactions,
            costs=self.money.costs,
        )
        pipelines: dict[str, Pipeline] = {"chat": self.pipeline, "embeddings": self.embedding_pipeline}
        pipelines |= dict.fromkeys(("completions", "messages", "responses"), self.pipeline)
        self.count_pipeline = pipelines["count_tokens"] = CountPipeline(
            auth=self.gate,
            router=self.routes.router,
            llm_provider=self.llm_provider,
            interactions=self.interactions,
            estimate=upper_estimate,
        )
        self.passage_pipeline = PassagePipeline(
            auth=self.gate,
            router=self.routes.router,
            llm_provider=self.llm_provider,
            interactions=self.interactions,
            costs=self.money.costs,
        )
        pipelines |= dict.fromkeys(PASSAGES, self.passage_pipeline)
        return pipelines

    def _spending(self) -> Spending:
        opened = OpenedKeys(self.keys, self._pepper, wall_clock, os.urandom)
        return Spending(opened, self.gate, ledger=self.money.ledger, limiter=self.limiter, clock=wall_clock)

    def _resource(self, kind: str, pipeline: Pipeline) -> ChatResource:
        resource = PassageResource if kind in PASSAGES else ChatResource
        return resource(
            kind=kind,
            pipeline=pipeline,
            verify_api_key=self.gate.verify_api_key,
            still_holds=self.gate.still_holds,
            intake=self.intake,
            wishes=lambda: self.wishes,
            new_facts=new_facts,
            record=self.interactions,
            meter=self.meter,
            clock=time.monotonic,
            commit_after=self.settings.server.commit_after,
        )

    def _masked(self) -> dict[str, object]:
        """The settings in force, as they may be shown: every secret is a SecretStr, which shows as asterisks."""
        return self.settings.model_dump(mode="json")

    def _missing(self) -> dict[str, str]:
        return {"draining": "the gateway is shutting down"} if self.intake.draining else {}

    def _gauges(self) -> dict[str, float]:
        return {
            "requests_in_flight": self.intake.requests,
            "bytes_in_flight": self.intake.bytes,
            "journal_backlog_bytes": self.interactions.backlog,
        }


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def open_gateway(loaded: Loaded) -> AsyncIterator[Gateway]:
    """A gateway from settings, ready to serve; closed with everything journaled."""
    async with AsyncExitStack() as stack:
        gateway = Gateway(loaded)
        await gateway.open(stack)
        yield gateway
