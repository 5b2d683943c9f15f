"""`Ending`: what is owed once a request is over, paid exactly once, whatever happened and however early.

It is opened before the first await that can fail. Until it is handed over to an `Answer` it pays when its block is
left by an error; afterwards the answer pays. Debts are synchronous and never fail an answer: one that raises is
counted and the others are still paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, TypeVar

from synthlang_router.errors import InternalError, Overloaded, RouterError
from synthlang_router.models import Facts, Outcome
from synthlang_router.telemetry import report_unforeseen

Debt = Callable[[Facts, Outcome], None]
HUNG_UP: Final = "the client hung up"
SHUTDOWN: Final = "the gateway is shutting down"
"""The reason of a cancel by shutdown: the client is still there and is told."""


class Heir(Protocol):
    """What can take an ending over."""

    ending: Ending | None


HeirT = TypeVar("HeirT", bound=Heir)


class Ending:
    """Collects debts and pays them once, the last incurred first."""

    __slots__ = ("_debts", "_handed_over", "facts", "owes", "paid")

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.paid: Outcome | None = None
        self._debts: list[Debt] = []
        self._handed_over = False
        self.owes: Callable[[Debt], None] = self._debts.append
        """From here on `debt(facts, outcome)` will be called exactly once."""

    @property
    def is_paid_whole(self) -> bool:
        """Whether the request is over, and its answer was whole."""
        return self.paid is not None and self.paid.kind == "complete"

    def hand_over(self, answer: HeirT) -> HeirT:
        """The answer owns what is owed from now on."""
        self._handed_over = True
        answer.ending = self
        return answer

    def pay(self, outcome: Outcome) -> None:
        """Pay everything; a second call does nothing."""
        if self.paid is not None:
            return
        self.paid = outcome
        self.facts.status = outcome.status
        self.facts.error = outcome.error
        while self._debts:
            debt = self._debts.pop()
            try:
                debt(self.facts, outcome)
            except Exception as error:  # noqa: BLE001 - protects the other debts and the answer from one broken debt
                report_unforeseen("ending", error)

    def __enter__(self) -> Ending:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._handed_over:
            return
        self.pay(outcome_of(error))


def outcome_of(error: BaseException | None) -> Outcome:
    """How a request ended that ended in `error`."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        if error.args == (SHUTDOWN,):
            return Outcome("failed", error=Overloaded.code, status=Overloaded.status)
        return Outcome("abandoned", status=499)
    if isinstance(error, RouterError):
        return Outcome("failed", error=error.error_code or error.error_type, status=error.http_status)
    return Outcome("failed", error=InternalError.code, status=InternalError.status)
