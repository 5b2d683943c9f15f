"""`Noting`: what an action over HTTP looks like in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from synthlang_router.api.admin.action import Action, Call, Nothing, Reply
from synthlang_router.auth.audit import MAX_ASKED, AuditLog, Deed
from synthlang_router.auth.noting import noted


class Noting:
    """`clock` is seconds since the epoch."""

    def __init__(self, log: AuditLog, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock

    async def done(self, action: Action[Any, Any], call: Call[Any, Any]) -> Reply:
        """Do it, with a note before and after where the action wants one."""
        if not action.is_noted:
            return await action.handle(call)
        async with noted(self._log, self._clock, self._deed(action, call)) as mark:
            reply = await action.handle(call)
            mark.about = reply.about or mark.about
        return reply

    def _deed(self, action: Action[Any, Any], call: Call[Any, Any]) -> Deed:
        asked = "" if action.body is Nothing else msgspec.json.encode(call.body).decode()
        return Deed(
            at=self._clock(),
            actor=call.caller.key_id,
            role=call.caller.role,
            action=action.name,
            about="/".join(call.where.values()),
            asked=asked[:MAX_ASKED],
        )
