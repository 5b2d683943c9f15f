"""Requests that were answered, and the stores they are recorded in: values and doubles for these tests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from synthlang_router.backends.sqlite.interactions import SqliteInteractionLog
from synthlang_router.backends.sqlite.tenant_keys import SqliteTenantKeys
from synthlang_router.errors import BackendError
from synthlang_router.interactions import (
    Batch,
    ContentSealer,
    Interaction,
    Interactions,
    Page,
    Query,
    RecordPolicy,
    SealedContent,
)
from synthlang_router.models import (
    Attempt,
    CacheStatus,
    Caller,
    ChatCompletion,
    ChatRequest,
    Facts,
    Outcome,
    Route,
    Usage,
)
from synthlang_router.vault import MasterKey, Vault, WrappedKey

CALLER = Caller("acme", "bob", "key-1", "dev", tags=(("team", "blue"),))
MASTER = bytes(range(32))
_serial = itertools.count(1)


class Clock:
    """Time that goes when it is told to."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class MemoryTenantKeys:
    """Tenant keys in a dict."""

    def __init__(self) -> None:
        self.keys: dict[bytes, WrappedKey] = {}
        self.finds = 0

    def find(self, tenant: str, key_id: bytes | None = None) -> WrappedKey | None:
        self.finds += 1
        fitting = [k for k in self.keys.values() if k.tenant == tenant and key_id in (None, k.key_id)]
        return fitting[-1] if fitting else None

    def put(self, key: WrappedKey, *, again: bool = False) -> None:
        if not again or key.key_id in self.keys:
            self.keys[key.key_id] = key

    def erase(self, tenant: str) -> int:
        doomed = [key.key_id for key in self.keys.values() if key.tenant == tenant]
        for key_id in doomed:
            del self.keys[key_id]
        return len(doomed)

    def every(self) -> list[WrappedKey]:
        return list(self.keys.values())


class MemoryLog:
    """Rows in a dict; `down` makes every call fail as a store does, `refuses` makes single rows impossible."""

    def __init__(self) -> None:
        self.rows: dict[str, Interaction] = {}
        self.contents: dict[str, SealedContent] = {}
        self.down = False
        self.refuses: Callable[[Interaction], bool] = lambda row: False
        self.writes = 0

    def write(self, batch: Batch) -> int:
        self.writes += 1
        self._check()
        if any(self.refuses(row) for row in batch.rows):
            raise ValueError("no such row")
        new = [row for row in batch.rows if row.id not in self.rows]
        self.rows.update((row.id, row) for row in new)
        self.contents.update((content.id, content) for content in batch.contents)
        for row_id in batch.undelivered:
            if row_id in self.rows:
                self.rows[row_id] = msgspec.structs.replace(self.rows[row_id], delivered=False)
        return len(new)

    def page(self, query: Query) -> Page:
        self._check()
        return Page(tuple(self.rows.values()))

    def content(self, row_id: str) -> SealedContent | None:
        self._check()
        return self.contents.get(row_id)

    def delete(
        self,
        *,
        before: float | None = None,
        tenant: str | None = None,
        user: str | None = None,
        row: str | None = None,
        limit: int = 500,
    ) -> int:
        self._check()
        doomed = [
            one.id
            for one in sorted(self.rows.values(), key=lambda one: one.arrived)
            if (before is None or one.arrived < before)
            and tenant in (None, one.tenant)
            and user in (None, one.user)
            and row in (None, one.id)
        ][:limit]
        for row_id in doomed:
            del self.rows[row_id]
            self.contents.pop(row_id, None)
        return len(doomed)

    def used_bytes(self) -> int:
        self._check()
        return sum(
            len(content.prompt or b"") + len(content.answer or b"") for content in self.contents.values()
        )

    def drop_contents(self, limit: int = 200) -> int:
        doomed = list(self.contents)[:limit]
        for row_id in doomed:
            del self.contents[row_id]
        return len(doomed)

    def _check(self) -> None:
        if self.down:
            raise BackendError("down")


class Transcript:
    """An answer that came whole."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def completion(self) -> ChatCompletion:
        return ChatCompletion(self.raw)


class BrokenTranscript:
    """One that cannot be put together."""

    def completion(self) -> ChatCompletion:
        raise ValueError("secret answer")


def request(text: str = "What is a vault?", model: str = "gpt-4o") -> ChatRequest:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return ChatRequest(fields, model=model, stream=False, body=body)


def facts(row_id: str | None = None, arrived: float = 1_700_000_000.0) -> Facts:
    number = next(_serial)
    made = Facts(
        request_id=f"req_{number}",
        row_id=f"row-{number}" if row_id is None else row_id,
        arrived=arrived,
        started=100.0,
        path="/v1/chat/completions",
    )
    made.route = Route("openai", "gpt-4o-2024", "rule 1", "default")
    made.provider, made.model, made.route_reason = "openai", "gpt-4o-2024", "rule 1"
    made.cache, made.cache_ms = CacheStatus.MISS, 1.5
    made.attempts.append(Attempt("openai", "gpt-4o-2024", 0.01, 0.5, 200))
    made.usage, made.usage_source = Usage(12, 34, cached_tokens=4), "provider"
    made.upstream_sent, made.first_data = 100.25, 100.5
    made.status, made.cost = 200, 0.0012
    return made


def answered(text: str = "A safe place.") -> Outcome:
    raw = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    return Outcome("complete", Transcript(raw), status=200)


def row(row_id: str = "row", **changed: object) -> Interaction:
    fields: dict[str, object] = {
        "id": row_id,
        "request_id": f"req-{row_id}",
        "arrived": 1_700_000_000.0,
        "tenant": "acme",
        "user": "bob",
        "key_id": "key-1",
        "kind": "chat",
        "dialect": "openai",
        "asked_model": "gpt-4o",
        "outcome": "complete",
        "status": 200,
    }
    return msgspec.convert({**fields, **changed}, Interaction)


def vault(
    keys: MemoryTenantKeys | SqliteTenantKeys | None = None, now: Callable[[], float] | None = None
) -> Vault:
    return Vault(MasterKey(MASTER), MemoryTenantKeys() if keys is None else keys, now=now or Clock())


class Record:
    """A record in a folder, its log in SQLite; opened again it is the same record."""

    def __init__(self, folder: Path, **policy: object) -> None:
        self.flushed = False
        self.keys = SqliteTenantKeys(folder / "tenant_keys.db")
        self.log = SqliteInteractionLog(folder / "interactions.db")
        self.vault = vault(self.keys)
        self.interactions = Interactions.recording(
            msgspec.convert({"retention_days": None, **policy}, RecordPolicy),
            log=self.log,
            vault=self.vault,
            folder=folder / "journal",
            now=Clock(),
            monotonic=Clock(101.0),
            estimate=lambda row: 0.5,
        )

    def flush(self) -> None:
        """Everything there is into the log: journals of the dead first, then our own, which is closed."""
        if not self.flushed:
            self.flushed = True
            self.interactions.close()

    def rows(self) -> dict[str, Interaction]:
        found: dict[str, Interaction] = {}
        before: str | None = None
        while True:
            page = self.log.page(Query(limit=1000, before=before))
            found.update((row.id, row) for row in page.rows)
            before = page.next
            if before is None:
                return found

    def texts(self, row_id: str) -> tuple[bytes | None, bytes | None]:
        sealed = self.log.content(row_id)
        assert sealed is not None
        content = ContentSealer(self.vault).open(sealed, tenant="acme")
        return (
            None if content.prompt is None else content.prompt.head,
            None if content.answer is None else content.answer.head,
        )

    def close(self) -> None:
        self.flush()
        self.log.close()
        self.keys.close()
