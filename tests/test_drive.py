"""A drive behaves as a task would, only sooner."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from synthlang_router.drive import Drive, Signal


def driven(coroutine: Coroutine[Any, Any, None]) -> tuple[Drive, asyncio.Future[None]]:
    """A started drive, and a future that is done when it is over."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    drive = Drive(coroutine, loop, lambda _: over.set_result(None))
    return drive, over


async def start(coroutine: Coroutine[Any, Any, None]) -> tuple[Drive, asyncio.Future[None]]:
    """Started as a loop's callback would, where no task is running."""
    drive, over = driven(coroutine)
    asyncio.get_running_loop().call_soon(drive.start)
    await asyncio.sleep(0)
    return drive, over


async def test_what_need_not_wait_is_over_when_start_returns() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("ran")

    drive, over = await start(work())

    assert drive.over
    assert over.done()
    assert done == ["ran"]


async def test_a_set_signal_resumes_at_once_and_in_order() -> None:
    loop = asyncio.get_running_loop()
    signal, seen = Signal(loop), []

    async def work() -> None:
        for number in range(3):
            await signal
            seen.append(number)

    drive, _ = await start(work())
    ordered: list[list[int]] = []

    def feed() -> None:
        for _ in range(3):
            signal.set()
            ordered.append(list(seen))

    loop.call_soon(feed)
    await asyncio.sleep(0)

    assert ordered == [[0], [0, 1], [0, 1, 2]]
    assert drive.over


async def test_a_signal_set_before_it_is_awaited_is_not_lost() -> None:
    signal = Signal(asyncio.get_running_loop())
    signal.set()

    async def work() -> None:
        await signal

    drive, _ = await start(work())

    assert drive.over


async def test_a_signal_set_from_within_a_task_resumes_when_the_task_waits() -> None:
    signal = Signal(asyncio.get_running_loop())
    seen: list[object] = []

    async def work() -> None:
        await signal
        seen.append(asyncio.current_task())

    drive, over = await start(work())
    signal.set()
    assert seen == []
    await over

    assert seen == [drive]


async def test_a_task_can_wait_for_a_signal_and_be_cancelled_with_a_reason() -> None:
    signal = Signal(asyncio.get_running_loop())

    async def work() -> str:
        await signal
        try:
            await signal
        except asyncio.CancelledError as cancelled:
            return str(cancelled.args[0])
        return "not cancelled"

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    signal.set()
    await asyncio.sleep(0.01)
    task.cancel("the reason")

    assert await task == "the reason"


@pytest.mark.parametrize("waiting_for", ["signal", "future", "turn"])
async def test_a_cancel_arrives_with_its_reason_where_the_coroutine_waits(waiting_for: str) -> None:
    loop = asyncio.get_running_loop()
    signal, future = Signal(loop), loop.create_future()
    reasons: list[object] = []

    async def work() -> None:
        try:
            if waiting_for == "signal":
                await signal
            elif waiting_for == "future":
                await future
            else:
                while True:
                    await asyncio.sleep(0)
        except asyncio.CancelledError as cancelled:
            reasons.extend(cancelled.args)
            raise

    drive, over = await start(work())
    assert drive.cancel("gone")
    await asyncio.wait_for(over, 1)

    assert reasons == ["gone"]
    assert not drive.cancel("again")


async def test_a_cancelled_drive_may_still_wait_for_what_it_has_to_close() -> None:
    closed: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            closed.append("closed")

    drive, over = await start(work())
    drive.cancel()
    await asyncio.wait_for(over, 1)

    assert closed == ["closed"]


async def test_timeouts_work_inside_a_drive() -> None:
    outcomes: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            outcomes.append("timed out")
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
        outcomes.append("in time")

    _, over = await start(work())
    await asyncio.wait_for(over, 1)

    assert outcomes == ["timed out", "in time"]


async def test_an_exception_ends_the_drive_and_is_reported_once() -> None:
    loop = asyncio.get_running_loop()
    reported: list[object] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    error = ValueError("broken")

    async def work() -> None:
        await asyncio.sleep(0)
        raise error

    drive, over = await start(work())
    await asyncio.wait_for(over, 1)

    assert drive.over
    assert reported == [error]
