"""`GroupCommit`: many answers wait for one fdatasync.

While one runs, those that come meanwhile share the next: the cost of a sync is divided by the load.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from synthlang_router.interactions.journal import Journal
from synthlang_router.telemetry import count


class GroupCommit:
    """One thread. `settled` returns once everything appended before the call is on the disk.

    A disk that fails to sync is counted and does not hold an answer back.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._wake = threading.Condition()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    async def settled(self) -> None:
        if self._journal.synced >= self._journal.appended:
            return
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._wake:
            if self._stopping:
                return
            self._waiters.append((loop, future))
            self._wake.notify()
        await future

    def close(self) -> None:
        """The last ones are synced; nobody waits for ever."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiters and not self._stopping:
                    self._wake.wait()
                waiters, self._waiters = self._waiters, []
            try:
                self._journal.sync()
            except OSError:
                count("journal", "sync_failed")
            for loop, future in waiters:
                with suppress(RuntimeError):  # its loop is closed: nobody waits there any more
                    loop.call_soon_threadsafe(_resolve, future)
            if self._stopping and not self._waiters:
                return


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
