"""The time limits of one exchange, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable

from synthlang_router.errors import ProviderTimeout
from synthlang_router.llm_provider import Timeouts
from synthlang_router.llm_provider.watch import Watch


class Handle:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clockwork:
    """Time passes by `go(seconds)`; `set` holds all timers ever set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.set: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:
        self.set.append(Handle(when, callback))
        return self.set[-1]

    def go(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [handle for handle in self.set if handle.when <= end and not handle.cancelled]:
            first = min(due, key=lambda handle: handle.when)
            first.cancel()
            self.now = first.when
            first.callback()
        self.now = end


def watched(deadline: float = 1_000.0) -> tuple[Clockwork, Watch, list[ProviderTimeout]]:
    loop, told = Clockwork(), list[ProviderTimeout]()
    watch = Watch(loop, told.append)
    watch.begin(Timeouts(1, 60, 10, 500), deadline)
    return loop, watch, told


def test_a_wait_that_is_too_long_is_told_once_and_by_its_phase() -> None:
    loop, watch, told = watched()

    watch.wait("first_token")
    loop.go(500)

    assert [error.phase for error in told] == ["first_token"]
    assert "60 s" in told[0].message


def test_waits_that_end_in_time_are_never_told() -> None:
    loop, watch, told = watched()

    for _ in range(100):
        watch.wait("idle")
        loop.go(9)
        watch.rest()

    assert told == []


def test_a_hundred_waits_do_not_set_a_hundred_timers() -> None:
    loop, watch, _ = watched()

    for _ in range(100):
        watch.wait("idle")
        loop.go(0.5)
        watch.rest()

    assert len(loop.set) <= 10


def test_a_shorter_phase_after_a_longer_one_is_kept() -> None:
    loop, watch, told = watched()

    watch.wait("first_token")
    loop.go(1)
    watch.wait("idle")
    loop.go(10.5)

    assert [error.phase for error in told] == ["idle"]


def test_the_deadline_comes_before_every_phase() -> None:
    loop, watch, told = watched(deadline=5.0)

    watch.wait("idle")
    loop.go(5)

    assert [error.phase for error in told] == ["total"]


def test_nobody_waiting_is_nobody_late() -> None:
    loop, watch, told = watched()

    watch.wait("idle")
    watch.rest()
    loop.go(500)

    assert told == []


def test_what_was_stopped_stays_stopped() -> None:
    loop, watch, told = watched()

    watch.wait("idle")
    watch.stop()
    loop.go(500)

    assert told == []


def test_one_timer_serves_one_exchange_after_the_other() -> None:
    loop, watch, told = watched()

    for _ in range(100):
        watch.begin(Timeouts(1, 60, 10, 500), loop.now + 500)
        watch.wait("first_token")
        loop.go(0.3)
        watch.wait("idle")
        loop.go(0.2)
        watch.rest()

    assert len(loop.set) <= 15
    assert told == []


def test_a_wait_in_a_later_exchange_is_told_as_well() -> None:
    loop, watch, told = watched()
    watch.wait("idle")
    watch.rest()

    watch.begin(Timeouts(1, 60, 3, 500), 1_000.0)
    watch.wait("idle")
    loop.go(3)

    assert [error.phase for error in told] == ["idle"]
