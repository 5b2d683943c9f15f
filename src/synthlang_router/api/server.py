"""`GatewayServer`: uvicorn with our own end of life.

First SIGTERM or SIGINT: readiness turns false and new work is refused while the socket still listens; what is under
way finishes, for up to `drain_seconds`; what is then left is told so by a typed error. A second signal ends at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from functools import partial
from typing import cast

import uvicorn

from synthlang_router.api.edge import ASGIApp
from synthlang_router.api.intake import Intake
from synthlang_router.api.protocol import GatewayProtocol, Known
from synthlang_router.ending import SHUTDOWN
from synthlang_router.heads import Heads
from synthlang_router.telemetry import count

BACKLOG = 4096
UNSENT = 131_072
"""Bytes a client does not take that the kernel holds for it; without it some megabytes, and its progress is unseen."""
_POLL = 0.05
_LAST_WORDS = 2.0
_KEEP_ALIVE = 75


class GatewayServer(uvicorn.Server):
    """Serves `app` on an already bound socket until a signal or `stop()`."""

    def __init__(self, app: ASGIApp, intake: Intake, *, drain_seconds: float, client_timeout: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=cast(
                    type[asyncio.Protocol],
                    partial(GatewayProtocol, patience=client_timeout, known=Heads[Known]()),
                ),
                ws="none",
                loop="uvloop",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=1,
                backlog=BACKLOG,
            )
        )
        self.intake = intake
        self.drain_seconds = drain_seconds
        self._draining: asyncio.Task[None] | None = None

    async def serve_on(self, listener: socket.socket) -> None:
        """Returns once everything has ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        await self.serve(sockets=[listener])

    def stop(self) -> None:
        """What a signal does."""
        if self._draining is not None:
            self.should_exit = self.force_exit = True
            return
        self.intake.draining = True
        self._draining = asyncio.get_running_loop().create_task(self._drain())

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def _drain(self) -> None:
        await self._quiet(self.drain_seconds)
        if self.intake.requests:
            count("drain", "cut")
            for task in list(self.server_state.tasks):
                task.cancel(SHUTDOWN)
            await self._quiet(_LAST_WORDS)
        self.should_exit = True

    async def _quiet(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self.intake.requests and loop.time() < deadline and not self.force_exit:  # noqa: ASYNC110 - once per process
            await asyncio.sleep(_POLL)


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket with keep-alive probes; raises OSError where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # from here on clients may come; they wait until we accept
    except OSError:
        listener.close()
        raise
    return listener
