"""Opens what keeps the semantic cache honest: audits of its hits, and the evidence that decides what else is served."""

from __future__ import annotations

import os
import random
import time

from synthlang_router.cache.auditor import Auditor, Spawn
from synthlang_router.cache.comparator import Comparator
from synthlang_router.cache.embedding import Embedder
from synthlang_router.cache.error_budget import ErrorBudget
from synthlang_router.cache.evidence import Evidence
from synthlang_router.cache.objection import objection
from synthlang_router.config import Settings
from synthlang_router.models import Facts
from synthlang_router.telemetry import new_request_id, wall_clock


def open_auditor(settings: Settings, embedder: Embedder, spawn: Spawn) -> Auditor:
    """Answers are compared with the questions' embedder."""
    return Auditor(
        Comparator(embedder=embedder, objects=objection),
        spawn=spawn,
        new_facts=_audit_facts,
        clock=wall_clock,
        usd_per_day=settings.cache.semantic.audits.usd_per_day,
    )


def open_evidence(settings: Settings, auditor: Auditor) -> Evidence:
    """The error budget as the settings have it; its coin is the system's, so that nobody can foresee an audit."""
    wanted = settings.cache.semantic
    budget = ErrorBudget(
        wanted.max_error_rate,
        of=wanted.bound,
        audit_share=wanted.audits.share,
        audit_floor=wanted.audits.floor,
    )
    return Evidence(budget, coin=random.SystemRandom().random, may_audit=auditor.has_room)


def _audit_facts() -> Facts:
    arrived = wall_clock()
    return Facts(
        request_id=new_request_id(),
        row_id=f"{int(arrived * 1000):012x}{os.urandom(10).hex()}",
        arrived=arrived,
        started=time.monotonic(),
        path="cache audit",
    )
