"""What the providers list."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from synthlang_router.routing import Catalog, CatalogFile
from synthlang_router.routing.catalog import MAX_NAMES, REFRESH_SECONDS, RETRY_SECONDS, cleaned
from tests.routing.houses import MemoryStore, Providers


def catalog(providers: Providers, store: MemoryStore | None = None) -> Catalog:
    return Catalog(providers.lists, providers.fetch, store or MemoryStore())


async def test_the_first_provider_in_the_configuration_serves_a_name() -> None:
    lists = catalog(Providers({"a": ["x", "y"], "b": ["y", "z"]}))

    assert await lists.refresh()

    assert lists.listed == {"x": "a", "y": "a", "z": "b"}


async def test_a_provider_that_fails_keeps_its_last_list() -> None:
    providers = Providers({"a": ["x"], "b": ["z"]})
    lists = catalog(providers)
    await lists.refresh()
    providers.lists = {"a": ["w"], "b": None}

    assert not await lists.refresh()

    assert lists.listed == {"w": "a", "z": "b"}
    assert lists.has_list("b")


async def test_an_empty_list_and_none_at_all_are_no_list() -> None:
    lists = catalog(Providers({"a": [], "b": None}))

    await lists.refresh()

    assert not lists.has_list("a")
    assert not lists.has_list("b")


class Priced:
    """What a price table would know."""

    def names(self, provider: str) -> list[str]:
        return {"a": ["x"], "b": ["y", "old"]}.get(provider, [])

    def knows(self, provider: str, model: str) -> bool:
        return any(model.startswith(name) for name in self.names(provider))


async def test_what_is_known_stands_in_for_a_list_that_is_not_to_be_had() -> None:
    providers = Providers({"a": ["z"], "b": None})
    lists = Catalog(providers.lists, providers.fetch, MemoryStore(), Priced())
    await lists.open()
    before = dict(lists.listed)

    await lists.refresh()

    assert before == {"x": "a", "y": "b", "old": "b"}
    assert lists.listed == {"z": "a", "y": "b", "old": "b"}
    assert not lists.has_list("b")
    assert [lists.known_at(name) for name in ("y-2024", "x-2024", "other")] == ["b", None, None]


async def test_the_lists_survive_a_restart() -> None:
    store = MemoryStore()
    await catalog(Providers({"a": ["x"], "gone": ["y"]}), store).refresh()
    again = catalog(Providers({"a": None}), store)

    await again.open()

    assert again.listed == {"x": "a"}


async def test_an_unchanged_list_is_neither_written_nor_replaced() -> None:
    store = MemoryStore()
    lists = catalog(Providers({"a": ["x"], "b": None}), store)
    await lists.refresh()
    before = lists.listed

    await lists.refresh()

    assert store.writes == 1
    assert lists.listed is before


async def test_whatever_a_fetch_raises_the_others_are_refreshed() -> None:
    async def fetch(provider: str) -> list[str]:
        if provider == "broken":
            raise ValueError("surprise")
        return ["x"]

    lists = Catalog(["broken", "a"], fetch, MemoryStore())

    assert not await lists.refresh()
    assert lists.listed == {"x": "a"}


def test_names_are_bounded_in_number_and_kind() -> None:
    assert cleaned(["a", "a", "", "b c", "x\n", "y" * 201, 3, None, "ok"]) == ("a", "ok")
    assert len(cleaned(f"m{n}" for n in range(MAX_NAMES + 10))) == MAX_NAMES


class Pauses:
    """A clock that passes `allowed` pauses at once and then stands still."""

    def __init__(self, allowed: int, *, hourly: bool = True) -> None:
        self.allowed = allowed
        self.hourly = hourly
        self.asked: list[float] = []
        self.still = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        if seconds == REFRESH_SECONDS and not self.hourly:
            await asyncio.Event().wait()
        self.allowed -= 1
        if self.allowed < 0:
            self.still.set()
            await asyncio.Event().wait()


async def watched(lists: Catalog, pauses: Pauses) -> None:
    task = asyncio.create_task(lists.watch(pauses))
    await asyncio.wait_for(pauses.still.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_lists_are_refreshed_hourly() -> None:
    providers, pauses = Providers({"a": ["x"]}), Pauses(4)

    await watched(catalog(providers), pauses)

    assert pauses.asked == [RETRY_SECONDS, REFRESH_SECONDS] * 2 + [RETRY_SECONDS]
    assert providers.asked["a"] == 3


async def test_after_a_failure_lists_are_refreshed_sooner() -> None:
    providers, pauses = Providers({"a": None}), Pauses(3)

    await watched(catalog(providers), pauses)

    assert pauses.asked == [RETRY_SECONDS] * 4
    assert providers.asked["a"] == 4


async def test_an_unknown_name_asks_for_a_refresh_but_not_at_once() -> None:
    providers, pauses = Providers({"a": ["x"]}), Pauses(1, hourly=False)
    lists = catalog(providers)
    task = asyncio.create_task(lists.watch(pauses))
    while pauses.asked != [RETRY_SECONDS, REFRESH_SECONDS]:
        await asyncio.sleep(0)

    lists.miss()
    await asyncio.wait_for(pauses.still.wait(), 5)

    assert providers.asked["a"] == 2
    assert pauses.asked[-1] == RETRY_SECONDS
    task.cancel()


def test_the_file_keeps_lists_for_the_same_base_url_only(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    CatalogFile(path, {"a": "http://a", "b": "http://b"}).write({"a": ("x",), "b": ("y", "z")})

    assert CatalogFile(path, {"a": "http://a", "b": "http://other"}).read() == {"a": ("x",)}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["catalog.json"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"a": 3}', b'{"a": {"base_url": "u", "models": [1]}}', b"\xff"]
)
def test_a_file_that_cannot_be_read_is_no_list(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalog.json"
    path.write_bytes(content)

    assert CatalogFile(path, {"a": "u"}).read() == {}


def test_a_folder_that_cannot_be_written_costs_only_the_file(tmp_path: Path) -> None:
    file = CatalogFile(tmp_path / "missing" / "catalog.json", {"a": "u"})

    file.write({"a": ("x",)})

    assert file.read() == {}


def test_a_leftover_of_a_killed_write_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "catalog.json.new").write_text("half")
    file = CatalogFile(tmp_path / "catalog.json", {"a": "u"})

    file.write({"a": ("x",)})

    assert file.read() == {"a": ("x",)}
