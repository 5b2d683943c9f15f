"""Which models each provider lists: asked in the background, kept on disk, read by the router without waiting.

A list that cannot be fetched is the last one known; a provider that never gave one has none. `listed` is replaced as a
whole and never changed, so that whoever holds it sees one state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol

from synthlang_router.errors import RouterError
from synthlang_router.telemetry import count, report_unforeseen

MAX_NAMES: Final = 5_000
MAX_NAME_LENGTH: Final = 200
REFRESH_SECONDS: Final = 3_600.0
RETRY_SECONDS: Final = 30.0
"""After a failure, and at least between two refreshes that unknown names asked for."""
FETCH_SECONDS: Final = 15.0

Lists = Mapping[str, tuple[str, ...]]


class KnownModels(Protocol):
    """What is known of a provider's models without asking it."""

    def names(self, provider: str) -> Iterable[str]: ...

    def knows(self, provider: str, model: str) -> bool:
        """Whether it serves a model, by any of its names."""
        ...


class NothingKnown:
    """`KnownModels` where nobody knows anything."""

    def names(self, provider: str) -> Iterable[str]:
        return ()

    def knows(self, provider: str, model: str) -> bool:
        return False


class ListStore(Protocol):
    """Where lists survive a restart. Both may block; neither raises."""

    def read(self) -> Lists: ...

    def write(self, lists: Lists) -> None: ...


def usable_name(name: object) -> bool:
    """A name that may stand in a header, a log line and a URL."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME_LENGTH
        and name.isprintable()
        and not any(map(str.isspace, name))
    )


def cleaned(names: Iterable[object]) -> tuple[str, ...]:
    """The usable names in their order, each once, bounded."""
    found: dict[str, None] = {}
    for name in names:
        if isinstance(name, str) and usable_name(name):
            found[name] = None
            if len(found) >= MAX_NAMES:
                count("catalog_names_left_out")
                break
    return tuple(found)


class Catalog:
    """The lists of the configured providers.

    `fetch` asks one provider and raises a RouterError where it gives no list. `providers` in configuration order: the
    first that lists a name serves it. What is `known` stands in for a list that is not to be had.
    """

    def __init__(
        self,
        providers: Iterable[str],
        fetch: Callable[[str], Awaitable[list[str]]],
        store: ListStore,
        known: KnownModels | None = None,
    ) -> None:
        self._known = NothingKnown() if known is None else known
        self._providers = tuple(providers)
        self._fetch = fetch
        self._store = store
        self._lists: dict[str, tuple[str, ...]] = {}
        self._missed = asyncio.Event()
        self.listed: Mapping[str, str] = {}
        """Model name -> the provider that serves it."""

    def has_list(self, provider: str) -> bool:
        """Whether a provider's list is known; an empty one says nothing and counts as none."""
        return bool(self._lists.get(provider))

    @property
    def has_any_list(self) -> bool:
        return any(self._lists.values())

    def known_at(self, model: str) -> str | None:
        """The first provider without a list that is known to serve a model."""
        return next(
            (name for name in self._providers if not self.has_list(name) and self._known.knows(name, model)),
            None,
        )

    def miss(self) -> None:
        """Somebody asked for a name that nobody lists: perhaps the lists are old."""
        self._missed.set()

    async def open(self) -> None:
        """Take over the lists on disk."""
        stored = await asyncio.to_thread(self._store.read)
        self._take({name: cleaned(stored.get(name, ())) for name in self._providers})

    async def refresh(self) -> bool:
        """Ask all providers at once; whether each of them answered."""
        answers = await asyncio.gather(*map(self._ask, self._providers))
        fresh = {
            name: names for name, names in zip(self._providers, answers, strict=True) if names is not None
        }
        if (
            any(fresh.get(name, known) != known for name, known in self._lists.items())
            or fresh.keys() - self._lists
        ):
            self._take({**self._lists, **fresh})
            await asyncio.to_thread(self._store.write, dict(self._lists))
        return len(fresh) == len(self._providers)

    async def watch(self, pause: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Refresh for ever: hourly, after a miss, and sooner after a failure."""
        while True:
            self._missed.clear()
            complete = await self.refresh()
            await pause(RETRY_SECONDS)
            if not complete:
                continue
            waits = [
                asyncio.ensure_future(pause(REFRESH_SECONDS)),
                asyncio.ensure_future(self._missed.wait()),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    async def _ask(self, provider: str) -> tuple[str, ...] | None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                return cleaned(await self._fetch(provider))
        except (RouterError, TimeoutError):
            count("catalog_fetch_failed", provider)
        except Exception as error:  # noqa: BLE001 - one provider's surprise must not end the refreshing of all
            report_unforeseen("catalog", error)
        return None

    def _take(self, lists: Mapping[str, tuple[str, ...]]) -> None:
        self._lists = dict(lists)
        listed: dict[str, str] = {}
        for provider in self._providers:
            for name in self._lists.get(provider) or cleaned(self._known.names(provider)):
                listed.setdefault(name, provider)
        self.listed = listed
