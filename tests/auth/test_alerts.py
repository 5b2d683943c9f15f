"""Alerts on their way to a webhook: signed, tried again, bounded, and never waited for."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from synthlang_router.auth import BudgetAlert
from synthlang_router.auth.alerts import WAITS, AlertPost, Webhook, signed, signing_key
from synthlang_router.errors import ConfigurationError, ProviderUnavailable
from synthlang_router.telemetry import counters

HOOK = Webhook("https://hooks.example/budget", b"a key of the operator's")
ALERT = BudgetAlert("tenant:acme", 0.8, 40.5, 50.0, 1_900_000_000)


class Receiver:
    """Answers with these statuses in turn, the last one for ever; 0 is nobody there."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.slept: list[float] = []
        self.ids = 0

    async def __call__(self, url: str, headers: tuple[tuple[str, str], ...], body: bytes) -> int:
        self.seen.append((url, dict(headers), body))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if not status:
            raise ProviderUnavailable("nobody there")
        return status

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def new_id(self) -> str:
        self.ids += 1
        return f"msg_{self.ids}"

    def post(self, hook: Webhook | None = HOOK) -> AlertPost:
        made = AlertPost(self, clock=lambda: 1_900_000_100.7, new_id=self.new_id, sleep=self.sleep)
        made.use(hook)
        return made


async def delivered(post: AlertPost, turns: int = 200) -> None:
    """Let it deliver what it has."""
    task = asyncio.create_task(post.run())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


@contextmanager
def counted(name: str, label: str = "") -> Iterator[list[int]]:
    """How often it was counted meanwhile."""
    before, found = counters[name, label], [0]
    yield found
    found[0] = counters[name, label] - before


async def test_an_alert_says_who_spent_what_and_is_signed_so_that_its_receiver_can_check_it() -> None:
    receiver = Receiver(204)
    post = receiver.post()

    post.send(ALERT)
    await delivered(post)

    ((url, headers, body),) = receiver.seen
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(HOOK.key, content, "sha256")).decode()
    assert url == HOOK.url
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == "1900000100"
    assert json.loads(body) == {
        "type": "budget.alert",
        "timestamp": "2030-03-17T17:48:20.700Z",
        "data": {
            "account": "tenant:acme",
            "share": 0.8,
            "spent_usd": 40.5,
            "budget_usd": 50.0,
            "window_start": "2030-03-17T17:46:40.000Z",
        },
    }


async def test_the_signature_is_that_of_the_standard_webhooks_example() -> None:
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    headers = dict(signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'))

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_is_not_accepted_is_tried_again_under_the_same_id_and_then_given_up() -> None:
    receiver = Receiver(0, 500, 404, 302, 200, 503)
    post = receiver.post()

    post.send(ALERT)
    post.send(ALERT)
    with counted("budget_alerts_dropped", "not_accepted") as dropped:
        await delivered(post)

    ids = [headers["webhook-id"] for _, headers, _ in receiver.seen]
    assert ids == ["msg_1"] * 5 + ["msg_2"] * (len(WAITS) + 1)
    assert receiver.slept == [*WAITS[:4], *WAITS]
    assert dropped == [1]


async def test_the_queue_is_bounded_and_what_is_dropped_is_counted() -> None:
    receiver = Receiver(200)
    post = receiver.post(Webhook(HOOK.url, HOOK.key, max_queue=3))

    with counted("budget_alerts_dropped", "queue_full") as dropped:
        for _ in range(5):
            post.send(ALERT)
        await delivered(post)

    assert dropped == [2]
    assert [headers["webhook-id"] for _, headers, _ in receiver.seen] == ["msg_3", "msg_4", "msg_5"]


async def test_without_a_webhook_nothing_is_queued_and_a_removed_one_gets_nothing_more() -> None:
    receiver = Receiver(200)
    post = receiver.post(None)
    post.send(ALERT)
    post.use(HOOK)
    post.send(ALERT)
    post.use(None)

    await delivered(post)

    assert receiver.seen == []


def test_a_secret_is_text_or_base64_and_never_shown() -> None:
    assert signing_key("a secret of text") == b"a secret of text"
    assert signing_key("whsec_AAEC") == b"\x00\x01\x02"
    with pytest.raises(ConfigurationError, match="base64"):
        signing_key("whsec_not base64!")
    assert "operator" not in repr(HOOK)
