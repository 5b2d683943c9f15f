"""Notices that the client left, where the server cannot tell it by itself.

Under `GatewayProtocol` a lost connection cancels the request's task and nothing is needed here; under any other ASGI
server one small task watches `receive()` from the end of the body on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any

from synthlang_router.ending import HUNG_UP


class HangUpWatch:
    """`with HangUpWatch(receive): ...` cancels the current task when the client leaves."""

    __slots__ = ("_receive", "_watcher")

    def __init__(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> HangUpWatch:
        task = asyncio.current_task()
        if task is not None:
            self._watcher = asyncio.get_running_loop().create_task(self._watch(task))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()

    async def _watch(self, task: asyncio.Task[object]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        task.cancel(HUNG_UP)
