"""Who asks: decided from the headers alone."""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from synthlang_router.auth import ApiKey, KeyPlan, Keyring, generate_key
from synthlang_router.auth import keyring as keyring_module
from synthlang_router.errors import AuthenticationError, BackendError
from tests.auth.stores import DictKeyStore

PEPPER = b"p" * 32
Headers = list[tuple[bytes, bytes]]


class Wall:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def made(name: str = "dev", expires: float | None = None) -> tuple[bytes, ApiKey]:
    secret, key = generate_key(KeyPlan(name, expires=expires), pepper=PEPPER, now=1.0, random=os.urandom)
    return secret.encode(), key


async def ring_of(*keys: ApiKey, wall: Wall | None = None) -> tuple[Keyring, DictKeyStore]:
    store = DictKeyStore(*keys)
    ring = Keyring(store, pepper=PEPPER, clock=wall or Wall())
    await ring.refresh()
    return ring, store


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        (b"x-synthlang-key", b""),
        (b"authorization", b"Bearer "),
        (b"authorization", b"bearer "),
        (b"authorization", b"BEARER   "),
        (b"x-api-key", b""),
        (b"x-goog-api-key", b" "),
    ],
)
async def test_a_key_is_found_in_each_of_its_places(name: bytes, prefix: bytes) -> None:
    secret, key = made()
    ring, _ = await ring_of(key)

    caller = ring.verify([(b"host", b"x"), (name, prefix + secret), (b"accept", b"*/*")])

    assert caller.key_id == key.key_id
    assert caller.name == "dev"


async def test_the_one_that_is_ours_counts_among_foreign_ones() -> None:
    secret, key = made()
    ring, _ = await ring_of(key)

    caller = ring.verify(
        [(b"x-synthlang-key", b"foreign"), (b"authorization", b"Basic abc"), (b"x-api-key", secret)]
    )

    assert caller.key_id == key.key_id


async def test_the_same_key_twice_is_fine() -> None:
    secret, key = made()
    ring, _ = await ring_of(key)

    assert ring.verify([(b"x-api-key", secret), (b"authorization", b"Bearer " + secret)]).key_id == key.key_id


async def test_two_different_valid_keys_are_refused() -> None:
    one, first = made("one")
    two, second = made("two")
    ring, _ = await ring_of(first, second)

    with pytest.raises(AuthenticationError):
        ring.verify([(b"x-api-key", one), (b"authorization", b"Bearer " + two)])


async def test_a_revoked_key_beside_a_valid_one_is_as_good_as_foreign() -> None:
    one, first = made("one")
    two, second = made("two")
    ring, _ = await ring_of(structs.replace(first, revoked=2.0), second)

    assert ring.verify([(b"x-api-key", one), (b"authorization", b"Bearer " + two)]).name == "two"


async def test_missing_unknown_revoked_and_expired_read_the_same() -> None:
    good, revoked = made()
    old, expired = made(expires=999.0)
    ring, _ = await ring_of(structs.replace(revoked, revoked=2.0), expired)

    told = set()
    for headers in ([], [(b"x-api-key", b"unknown")], [(b"x-api-key", good)], [(b"x-api-key", old)]):
        with pytest.raises(AuthenticationError) as refusal:
            ring.verify(headers)
        told.add((refusal.value.message, refusal.value.http_status, refusal.value.error_code))

    assert told == {("Incorrect API key provided.", 401, "invalid_api_key")}


async def test_a_key_expires_on_the_clock_without_any_refresh() -> None:
    wall = Wall()
    secret, key = made(expires=1_010.0)
    ring, _ = await ring_of(key, wall=wall)

    assert ring.verify([(b"x-api-key", secret)]).name == "dev"
    wall.now = 1_010.0
    with pytest.raises(AuthenticationError):
        ring.verify([(b"x-api-key", secret)])


HOSTILE = [
    b"' OR 1=1 --",
    b"sk-slr-",
    b"\x00",
    b"\r\nx-synthlang-key: x",
    b"x" * 1_000_000,
    b"Bearer Bearer Bearer",
    b"\xff\xfe",
    b"",
    b" ",
    b"*",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", [b"x-synthlang-key", b"authorization", b"x-api-key", b"x-goog-api-key"])
async def test_hostile_strings_are_refused(name: bytes, value: bytes) -> None:
    _, key = made()
    ring, _ = await ring_of(key)

    for header in (value, b"Bearer " + value):
        with pytest.raises(AuthenticationError):
            ring.verify([(b"host", b"' OR 1=1"), (name, header)])


@given(st.data())
async def test_nothing_but_the_whole_key_is_the_key(data: st.DataObject) -> None:
    secret, key = made()
    ring, _ = await ring_of(key)
    cut = data.draw(st.integers(0, len(secret) - 1))
    tail = data.draw(st.binary(max_size=8))
    guess = secret[:cut] + tail
    if guess.strip(b" \t") == secret:
        return

    with pytest.raises(AuthenticationError):
        ring.verify([(b"x-api-key", guess)])


async def test_a_change_is_taken_over_by_a_refresh_and_nothing_is_loaded_without_one() -> None:
    secret, key = made()
    ring, store = await ring_of(key)
    await ring.refresh()
    await ring.refresh()
    loads = store.loads

    await store.revoke(key.key_id, 5.0)
    await ring.refresh()

    assert loads == 1
    with pytest.raises(AuthenticationError):
        ring.verify([(b"x-api-key", secret)])


async def test_the_watcher_takes_a_revocation_over_and_tells_the_store_who_was_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keyring_module, "REFRESH_EVERY", 0.001)
    monkeypatch.setattr(keyring_module, "TOUCH_EVERY", 0.001)
    secret, key = made()
    ring, store = await ring_of(key)
    ring.verify([(b"x-api-key", secret)])
    watcher = asyncio.create_task(ring.watch())
    try:
        while key.key_id not in store.touched:
            await asyncio.sleep(0.001)
        await store.revoke(key.key_id, 5.0)
        while store.loads < 2:
            await asyncio.sleep(0.001)
    finally:
        watcher.cancel()

    with pytest.raises(AuthenticationError):
        ring.verify([(b"x-api-key", secret)])


async def test_the_last_known_keys_hold_while_the_store_is_down_and_then_it_is_503(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keyring_module, "REFRESH_EVERY", 0.001)
    secret, key = made()
    store = DictKeyStore(key)
    ring = Keyring(store, pepper=PEPPER, clock=Wall(), stale_after=0.05)
    await ring.refresh()
    store.down = True
    watcher = asyncio.create_task(ring.watch())
    try:
        await asyncio.sleep(0)
        assert ring.verify([(b"x-api-key", secret)]).name == "dev"
        with pytest.raises(BackendError):
            while True:
                ring.verify([(b"x-api-key", secret)])
                await asyncio.sleep(0.001)
        store.down = False
        while ring.stale:
            await asyncio.sleep(0.001)
    finally:
        watcher.cancel()

    assert ring.verify([(b"x-api-key", secret)]).name == "dev"


async def test_a_keyring_that_was_never_loaded_knows_nobody() -> None:
    secret, _ = made()

    with pytest.raises(AuthenticationError):
        Keyring(DictKeyStore(), pepper=PEPPER, clock=Wall()).verify([(b"x-api-key", secret)])


async def test_rotated_keys_draw_on_one_account_and_all_of_them_are_known_by_it() -> None:
    (_, first), (secret, second), (_, other) = made("first"), made("second"), made("other")
    ended = structs.replace(first, expires=1.0)
    ring, _ = await ring_of(ended, structs.replace(second, account=first.key_id), other)

    caller = ring.verify([(b"x-api-key", secret)])

    assert caller.account == first.key_id
    assert set(ring.keys_of(first.key_id)) == {first.key_id, second.key_id}
    assert ring.keys_of(other.key_id) == (other.key_id,)
