"""`AlertPost`: budget alerts on their way to a webhook: queued, signed, sent, tried again. Never waited for.

Signed as the Standard Webhooks specification has it: HMAC-SHA256 over `id.timestamp.body`, so that a receiver can
tell our message from a forged or a replayed one. The id stays the same over all tries.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from synthlang_router.auth.budgets import BudgetAlert
from synthlang_router.errors import ConfigurationError, RouterError
from synthlang_router.telemetry import count

WAITS: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds after each failed try; after the last one the alert is given up."""
_PREFIX: Final = "whsec_"
Headers = tuple[tuple[str, str], ...]
Post = Callable[[str, Headers, bytes], Awaitable[int]]
"""To a URL; the status. Raises RouterError where nobody answered."""


class Webhook(msgspec.Struct, frozen=True):
    """Where alerts go, the key that signs them, and how many may wait."""

    url: str
    key: bytes
    max_queue: int = 1_000

    def __repr__(self) -> str:
        """Without the key."""
        return f"Webhook({self.url})"


def signing_key(secret: str) -> bytes:
    """The bytes of a secret: base64 after `whsec_`, else the text itself. Raises ConfigurationError."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigurationError("budgets.webhook.secret: what follows whsec_ must be base64.") from None


def message_of(alert: BudgetAlert, moment: float) -> bytes:
    """The body: what happened, as JSON."""
    return msgspec.json.encode(
        {
            "type": "budget.alert",
            "timestamp": _written(moment),
            "data": {
                "account": alert.account,
                "share": alert.share,
                "spent_usd": alert.spent_usd,
                "budget_usd": alert.budget_usd,
                "window_start": _written(alert.window) if alert.window else None,
            },
        }
    )


def signed(key: bytes, message_id: str, moment: int, body: bytes) -> Headers:
    """The headers that let a receiver check a message."""
    content = f"{message_id}.{moment}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return (
        ("content-type", "application/json"),
        ("webhook-id", message_id),
        ("webhook-timestamp", str(moment)),
        ("webhook-signature", f"v1,{signature}"),
    )


class AlertPost:
    """`send` takes an alert at any time; `run` delivers for ever, in a task of its own.

    `clock` is seconds since the epoch, `sleep` waits seconds, `new_id` names a message.
    """

    def __init__(
        self,
        post: Post,
        *,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._post = post
        self._clock = clock
        self._new_id = new_id
        self._sleep = sleep
        self._webhook: Webhook | None = None
        self._queue: deque[tuple[str, bytes]] = deque()
        self._news = asyncio.Event()

    def use(self, webhook: Webhook | None) -> None:
        """Send there from now on; what waits goes there too, and nowhere where there is none."""
        self._webhook = webhook
        if webhook is None:
            self._queue.clear()

    def send(self, alert: BudgetAlert) -> None:
        """Never waits. At the bound the oldest is dropped, and counted."""
        webhook = self._webhook
        if webhook is None:
            return
        while len(self._queue) >= webhook.max_queue:
            self._queue.popleft()
            count("budget_alerts_dropped", "queue_full")
        self._queue.append((self._new_id(), message_of(alert, self._clock())))
        self._news.set()

    async def run(self) -> None:
        """One after the other, in order."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue:
                await self._deliver(*self._queue.popleft())

    async def _deliver(self, message_id: str, body: bytes) -> None:
        for wait in (*WAITS, None):
            webhook = self._webhook
            if webhook is None:
                return
            if await self._accepted(webhook, message_id, body):
                count("budget_alerts_sent")
                return
            if wait is not None:
                await self._sleep(wait)
        count("budget_alerts_dropped", "not_accepted")

    async def _accepted(self, webhook: Webhook, message_id: str, body: bytes) -> bool:
        headers = signed(webhook.key, message_id, int(self._clock()), body)
        try:
            status = await self._post(webhook.url, headers, body)
        except RouterError:
            return False
        return 200 <= status < 300


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
