"""`/admin/v1/health`: how the gateway, its targets and its keys at the providers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from synthlang_router.api.admin.action import Action, Actions, Call, Nothing, Reply
from synthlang_router.llm_provider import KeyHealth, TargetHealth


class GatewayHealth(msgspec.Struct, frozen=True):
    """`targets` are those that were asked since the start. Times in seconds, sizes in bytes.

    `status` is `degraded` while a target or a key is in trouble, `draining` after the signal to stop.
    """

    status: Literal["good", "degraded", "draining"]
    requests_in_flight: int
    bytes_in_flight: int
    journal_backlog_bytes: int
    keys: tuple[KeyHealth, ...]
    targets: tuple[TargetHealth, ...]


class Health:
    """`health` is asked each time."""

    def __init__(self, health: Callable[[], GatewayHealth]) -> None:
        self._health = health

    def actions(self) -> Actions:
        return (
            Action(
                "GET", "/health", "operator", "health.show", "Show how targets and keys are", self.show,
                gives=GatewayHealth,
            ),
        )  # fmt: skip

    async def show(self, call: Call[Nothing, Nothing]) -> Reply:
        return Reply(self._health())
