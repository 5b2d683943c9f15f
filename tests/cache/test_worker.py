"""`Worker`: one thread, a bounded number of waiting calls, and nothing lost or kept on the way."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator

import pytest

from synthlang_router.cache.worker import Worker
from synthlang_router.errors import Overloaded
from synthlang_router.telemetry import counters


class Gate:
    """A call that says when it has begun and goes on when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go_on.wait(10)
        return threading.current_thread().name

    async def wait_until_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 10)


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("test", max_pending=2)
    yield worker
    await worker.close()


async def test_a_call_runs_in_the_worker_thread_and_its_result_comes_back(worker: Worker) -> None:
    assert await worker.run(lambda: threading.current_thread().name) == "test"


async def test_an_exception_of_the_call_is_the_callers_and_the_next_call_runs(worker: Worker) -> None:
    def divide() -> float:
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        await worker.run(divide)

    assert await worker.run(lambda: 2) == 2


async def test_calls_run_one_at_a_time_in_their_order(worker: Worker) -> None:
    order: list[int] = []

    await asyncio.gather(worker.run(lambda: order.append(1)), worker.run(lambda: order.append(2)))

    assert order == [1, 2]


async def test_at_the_bound_a_call_is_refused_and_counted(worker: Worker) -> None:
    gate, before = Gate(), counters["worker_full", "test"]
    running = asyncio.create_task(worker.run(gate))
    await gate.wait_until_begun()
    waiting = [asyncio.create_task(worker.run(lambda: "waited")) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await worker.run(lambda: "one too many")

    gate.go_on.set()
    assert await asyncio.gather(running, *waiting) == ["test", "waited", "waited"]
    assert counters["worker_full", "test"] == before + 1


async def test_a_caller_that_leaves_before_its_turn_is_skipped(worker: Worker) -> None:
    gate, ran = Gate(), []
    running = asyncio.create_task(worker.run(gate))
    await gate.wait_until_begun()
    leaver = asyncio.create_task(worker.run(lambda: ran.append("left")))
    await asyncio.sleep(0)

    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    gate.go_on.set()

    await running
    await worker.run(lambda: ran.append("stayed"))
    assert ran == ["stayed"]


async def test_a_caller_that_leaves_during_its_turn_leaves_the_worker_whole(worker: Worker) -> None:
    gate = Gate()
    leaver = asyncio.create_task(worker.run(gate))
    await gate.wait_until_begun()

    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    gate.go_on.set()

    assert await worker.run(lambda: "next") == "next"


async def test_an_idle_worker_keeps_nothing_of_the_last_call(worker: Worker) -> None:
    class Prompt:
        """Something that must not outlive its request."""

    prompt = Prompt()
    trace = weakref.ref(prompt)
    await worker.run(lambda held=prompt: None)  # type: ignore[misc]  # mypy infers no type for the default

    del prompt
    await worker.run(lambda: None)
    gc.collect()

    assert trace() is None


async def test_close_waits_for_the_call_under_way_and_refuses_the_others() -> None:
    worker, gate = Worker("test"), Gate()
    running = asyncio.create_task(worker.run(gate))
    await gate.wait_until_begun()
    waiting = asyncio.create_task(worker.run(lambda: "never"))
    await asyncio.sleep(0)

    closing = asyncio.create_task(worker.close())
    with pytest.raises(Overloaded):
        await waiting
    assert not closing.done()
    gate.go_on.set()
    await closing

    assert await running == "test"
    with pytest.raises(Overloaded):
        await worker.run(lambda: "late")
    assert "test" not in [thread.name for thread in threading.enumerate()]


async def test_a_worker_that_never_ran_closes_and_may_be_closed_twice() -> None:
    worker = Worker("test")

    await worker.close()
    await worker.close()

    with pytest.raises(Overloaded):
        await worker.run(lambda: None)
