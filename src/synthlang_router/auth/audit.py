"""The audit log: every action of an operator as an entry of a chain. Pure, but for the port.

Each entry carries a keyed digest of itself and of the entry before. Who changes, leaves out or reorders one breaks the
chain, and without the key (it lives outside the database) cannot mend it. Entries cut off at the end leave the rest
intact: the head, a number and a digest, is what to keep elsewhere and compare.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

import msgspec

Outcome = Literal["begun", "done", "refused"]
START: Final = b"\x00" * 32
"""What the first entry follows."""
MAX_ASKED: Final = 4_000


class Deed(msgspec.Struct, frozen=True):
    """Who did what to what. `at` is seconds since the epoch, `actor` a key's id or `command:<system user>`.

    `begun` is written before anything is done, `done` or `refused` (with the error's code in `asked`) after it: a
    `begun` alone is an action whose end nobody saw. `asked` is the request's body, cut to MAX_ASKED characters.
    """

    at: float
    actor: str
    role: str
    action: str
    about: str = ""
    outcome: Outcome = "done"
    asked: str = ""


class Entry(msgspec.Struct, frozen=True):
    """`deed` is encoded: what was digested is what is kept, byte for byte."""

    number: int
    deed: bytes
    chain: bytes


class ShownDeed(msgspec.Struct, frozen=True):
    """`number` counts from 1 without a gap."""

    number: int
    at: str
    actor: str
    role: str
    action: str
    about: str
    outcome: Outcome
    asked: str


class AuditLog(Protocol):
    """Where entries are kept; there is no way to change or delete one. Raises BackendError."""

    async def append(self, deed: Deed) -> Entry:
        """On the disk when this returns."""
        ...

    async def read(self, *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """In their order, from number `after` + 1."""
        ...

    async def newest(self, *, before: int | None = None, limit: int = 100) -> Sequence[Entry]:
        """The newest first."""
        ...


class Found(msgspec.Struct, frozen=True):
    """What a verification saw: how many entries are whole, the head, and the number at which the chain breaks."""

    entries: int
    head: str
    broken_at: int | None


def audit_key(pepper: bytes) -> bytes:
    """The key of the chain."""
    return hmac.digest(pepper, b"audit chain", "sha256")


def next_entry(key: bytes, last: Entry | None, deed: Deed) -> Entry:
    """The entry that follows `last`."""
    number = 1 if last is None else last.number + 1
    encoded = msgspec.json.encode(deed)
    return Entry(number, encoded, _link(key, START if last is None else last.chain, number, encoded))


class Verification:
    """Fed with all entries in their order; stops at the first that does not follow from the one before."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._number = 0
        self._chain = START
        self.broken_at: int | None = None

    def feed(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if self.broken_at is not None:
                return
            link = _link(self._key, self._chain, self._number + 1, entry.deed)
            if entry.number != self._number + 1 or not hmac.compare_digest(link, entry.chain):
                self.broken_at = self._number + 1
                return
            self._number, self._chain = entry.number, entry.chain

    @property
    def number(self) -> int:
        return self._number

    @property
    def found(self) -> Found:
        return Found(self._number, f"{self._number}:{self._chain.hex()}", self.broken_at)


async def verify(log: AuditLog, key: bytes, head: str | None = None) -> Found:
    """Read the whole chain. With a `head` from before, the chain must still have it."""
    verification = Verification(key)
    wanted = None if head is None else head.partition(":")
    met = wanted is None
    while True:
        entries = await log.read(after=verification.number)
        if not entries:
            break
        for entry in entries:
            verification.feed([entry])
            met = met or verification.found.head == head
        if verification.broken_at is not None:
            break
    found = verification.found
    if not met and found.broken_at is None:
        return msgspec.structs.replace(found, broken_at=found.entries + 1)
    return found


def _link(key: bytes, before: bytes, number: int, deed: bytes) -> bytes:
    return hmac.digest(key, before + number.to_bytes(8, "big") + deed, "sha256")


def show_entry(entry: Entry) -> ShownDeed:
    deed = msgspec.json.decode(entry.deed, type=Deed)
    return ShownDeed(
        entry.number,
        datetime.fromtimestamp(deed.at, UTC).isoformat(timespec="milliseconds"),
        deed.actor,
        deed.role,
        deed.action,
        deed.about,
        deed.outcome,
        deed.asked,
    )
