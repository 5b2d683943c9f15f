"""`noted`: an action is in the audit log before it is done, and its end after it. Without the log nothing is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec import structs

from synthlang_router.auth.audit import AuditLog, Deed
from synthlang_router.errors import BackendError, RouterError
from synthlang_router.telemetry import count


@dataclass(frozen=True, slots=True)
class OpenedAudit:
    """The log, the key of its chain, the wall clock, and who the commands act for."""

    log: AuditLog
    key: bytes
    clock: Callable[[], float]
    actor: str

    def by_command(self, action: str, about: str) -> Deed:
        return Deed(at=self.clock(), actor=self.actor, role="command", action=action, about=about)


@dataclass(slots=True)
class Mark:
    """What was acted on, as far as it is known only in the end."""

    about: str


@asynccontextmanager
async def noted(log: AuditLog, clock: Callable[[], float], deed: Deed) -> AsyncIterator[Mark]:
    """Raises BackendError, with nothing done, where the log is not to be had."""
    await log.append(structs.replace(deed, outcome="begun"))
    mark = Mark(deed.about)
    try:
        yield mark
    except Exception as error:  # raised again: the log must not end at what was begun
        await _end(log, structs.replace(deed, at=clock(), outcome="refused", asked=_code(error)))
        raise
    await _end(log, structs.replace(deed, at=clock(), outcome="done", about=mark.about, asked=""))


async def _end(log: AuditLog, deed: Deed) -> None:
    """What is done is done: the answer tells it even if the log cannot."""
    try:
        await log.append(deed)
    except BackendError:
        count("audit_end_lost")


def _code(error: Exception) -> str:
    if isinstance(error, RouterError):
        return error.error_code or error.error_type
    return "internal_error"
