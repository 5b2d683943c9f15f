"""`Interactions`: save_interaction, as the pipeline calls it: a row is in the journal before the last byte leaves.

Recording never fails an answer. What the event loop pays for a row is one encoding, one sealing and one write;
compression, the tenant's sealing and the database are the drain's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from synthlang_router.errors import Overloaded
from synthlang_router.interactions.content import Content, keep
from synthlang_router.interactions.detectors import DETECTORS, Detectors
from synthlang_router.interactions.drain import Drain, Late
from synthlang_router.interactions.entry import Closed, closed_row, opened_row
from synthlang_router.interactions.filing import Filing
from synthlang_router.interactions.frames import Kind
from synthlang_router.interactions.fsync import GroupCommit
from synthlang_router.interactions.journal import Journal
from synthlang_router.interactions.masking import ALWAYS, EVERYTHING
from synthlang_router.interactions.orphan import Estimate
from synthlang_router.interactions.privacy import Privacy
from synthlang_router.interactions.record import ContentSpace, Interaction, InteractionLog, RecordPolicy
from synthlang_router.interactions.shortening import Shortening
from synthlang_router.interactions.upkeep import Upkeep
from synthlang_router.models import Caller, ChatRequest, Facts, Outcome
from synthlang_router.telemetry import report_unforeseen
from synthlang_router.vault import Vault

LATE_BYTES: Final = 64_000
"""Bodies over this many bytes are journalled off the event loop, right after their row."""
CLOSE_SECONDS: Final = 10.0
_REFUSAL: Final = (
    "The gateway cannot record requests at the moment, and is told to serve none it cannot record."
)


class Interactions:
    """One per process. `journal` and `drain` are None where recording is off: then every call is one comparison.

    `adopted` is set once the log has all that processes that died had left in their journals.
    """

    def __init__(
        self,
        policy: RecordPolicy,
        *,
        journal: Journal | None,
        drain: Drain | None,
        commit: GroupCommit | None = None,
        monotonic: Callable[[], float],
        prices: str = "",
        adopted: threading.Event | None = None,
        detectors: Detectors = DETECTORS,
    ) -> None:
        self._prices = prices
        self.adopted = threading.Event() if adopted is None else adopted
        self._policy = policy
        self._journal = journal
        self.drain = drain
        self._commit = commit
        self._monotonic = monotonic
        self.privacy = Privacy(enabled=policy.mask == "provider", detectors=detectors)
        self._refuses = policy.on_record_failure == "refuse"
        self._encode = msgspec.msgpack.Encoder().encode

    @classmethod
    def recording(
        cls,
        policy: RecordPolicy,
        *,
        log: InteractionLog,
        vault: Vault,
        folder: Path,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        estimate: Estimate,
        prices: str = "",
        space: ContentSpace | None = None,
        shortening: Shortening | None = None,
        detectors: Detectors = DETECTORS,
    ) -> Interactions:
        """Rows go into a journal under `folder` and from there into `log`; with `enabled` false nowhere.

        `estimate` is the cost in USD of a row whose process died, `prices` the version of the rate table,
        `space` is where content is dropped when it has outgrown `max_log_bytes`, `shortening` how prompts are written,
        `detectors` find what is personal.
        Raises ConfigurationError where the folder cannot be written.
        """
        if not policy.enabled:
            return cls(policy, journal=None, drain=None, monotonic=monotonic, detectors=detectors)
        journal = Journal(folder, vault, policy)
        kinds = ALWAYS if policy.mask == "off" else EVERYTHING
        filing = Filing(log, vault, kinds, shortening, detectors)
        upkeep = Upkeep(
            folder,
            log,
            vault,
            filing,
            retention_days=policy.retention_days,
            space=space,
            max_log_bytes=policy.max_log_bytes,
            now=now,
            monotonic=monotonic,
            estimate=estimate,
        )
        drain = Drain(journal, filing, policy, monotonic=monotonic, upkeep=upkeep)
        commit = GroupCommit(journal) if policy.fsync == "always" else None
        return cls(
            policy,
            journal=journal,
            drain=drain,
            commit=commit,
            monotonic=monotonic,
            detectors=detectors,
            prices=prices,
            adopted=upkeep.adopted,
        )

    def start(self) -> None:
        """Begin to carry rows into the log, those of processes that died first."""
        if self.drain is not None:
            self.drain.start()

    def admit(self) -> None:
        """Raises Overloaded where requests are to be refused that could not be recorded."""
        journal = self._journal
        if self._refuses and journal is not None and (journal.full or journal.failing):
            raise Overloaded(_REFUSAL)

    def open(self, caller: Caller, request: ChatRequest, facts: Facts) -> None:
        """A call upstream is about to be sent: should the process die, this becomes a row `lost`.

        Raises Overloaded under `on_record_failure: refuse` only.
        """
        journal = self._journal
        if journal is None:
            return
        payload = self._encode(opened_row(caller, request, facts))
        if not journal.open_row(facts.row_id, payload) and self._refuses:
            journal.forget_row(facts.row_id)
            raise Overloaded(_REFUSAL)

    def save_interaction(self, caller: Caller, request: ChatRequest, facts: Facts, outcome: Outcome) -> None:
        """The request is over, however it went; a debt of its `Ending`."""
        journal = self._journal
        if journal is None:
            return
        row = closed_row(caller, request, facts, outcome, self._monotonic(), self._prices)
        content, late = self._content(row, request, outcome)
        if not journal.close_row(row.id, self._encode(Closed(row, content))):
            journal.owe(Kind.CLOSED, self._encode(Closed(row)))
        elif late is not None and self.drain is not None:
            self.drain.take(late)

    def undelivered(self, facts: Facts) -> None:
        """The row is written, and then the last byte did not reach the client."""
        facts.delivered = False
        journal = self._journal
        if journal is not None and not journal.append(Kind.UNDELIVERED, facts.row_id.encode()):
            journal.owe(Kind.UNDELIVERED, facts.row_id.encode())

    async def settled(self) -> None:
        """Under `fsync: always`, wait until everything saved so far is on the disk; else nothing."""
        if self._commit is not None:
            await self._commit.settled()

    @property
    def backlog(self) -> int:
        """Bytes that are in the journal and not in the log yet."""
        return 0 if self._journal is None else self._journal.backlog

    def close(self) -> None:
        """Blocks until the log has everything, for `CLOSE_SECONDS` at most; the rest is adopted at the next start."""
        if self.drain is not None:
            self.drain.close(CLOSE_SECONDS)
        if self._commit is not None:
            self._commit.close()
        if self._journal is not None:
            self._journal.close()

    def _content(
        self, row: Interaction, request: ChatRequest, outcome: Outcome
    ) -> tuple[Content | None, Late | None]:
        """What goes into the row's own frame, and what follows it."""
        if not self._policy.store_content:
            return None, None
        prompt, answer = request.body, _answer(outcome)
        if len(prompt) + (0 if answer is None else len(answer)) > LATE_BYTES:
            return None, Late(row.id, row.tenant, prompt, answer, row.level, row.model)
        limit = self._policy.max_content_bytes
        return Content(keep(prompt, limit), None if answer is None else keep(answer, limit)), None


def _answer(outcome: Outcome) -> bytes | None:
    if outcome.transcript is None:
        return None
    try:
        completion = outcome.transcript.completion()
    except Exception as error:  # noqa: BLE001 - protects the row from a transcript that cannot be put together
        report_unforeseen("record-answer", error)
        return None
    return None if completion is None else completion.raw
