"""New keys and imported ones."""

from __future__ import annotations

import itertools
import math
import os
from typing import Any

import pytest
from msgspec import structs

from synthlang_router.auth import Imported, KeyPlan, digest_key, generate_key, import_key, import_keys
from synthlang_router.errors import ConfigurationError
from synthlang_router.models import Limits
from tests.auth.stores import DictKeyStore

PEPPER = b"p" * 32
STRONG = "a-Strong-And-Long-Enough-Key-0123456789"


def imported(secret: str = STRONG, name: str = "dev", **plan: Any) -> Imported:
    return import_key(secret, KeyPlan(name, **plan), pepper=PEPPER, now=1.0)


def test_a_generated_key_is_prefix_public_id_and_256_random_bits() -> None:
    secret, key = generate_key(KeyPlan("dev"), pepper=PEPPER, now=1.0, random=os.urandom)

    assert secret.startswith("sk-slr-")
    assert secret.startswith(key.key_id)
    assert len(secret) == len("sk-slr-") + 10 + 43
    assert secret[len("sk-slr-") :].isalnum()
    assert key.digest == digest_key(PEPPER, secret.encode())
    assert 43 * math.log2(62) > 256


def test_all_256_bits_of_a_generated_key_are_in_it() -> None:
    sources = [b"\x00" * 31 + b"\x01", b"\x80" + b"\x00" * 31, b"\x00" * 32, b"\xff" * 32]

    def secret(source: bytes) -> str:
        return generate_key(KeyPlan("dev"), pepper=PEPPER, now=1.0, random=lambda size: source[:size])[0][
            -43:
        ]

    assert len({secret(source) for source in sources}) == 4
    assert {len(secret(source)) for source in sources} == {43}


def test_the_record_does_not_hold_the_secret() -> None:
    secret, key = generate_key(KeyPlan("dev"), pepper=PEPPER, now=1.0, random=os.urandom)

    assert secret not in repr(key)
    assert secret[-43:] not in repr(key)


def test_a_key_without_a_tenant_is_its_own_tenant_and_its_user_is_its_name() -> None:
    first = imported("first-" + STRONG, "dev").key
    second = imported("second-" + STRONG, "dev").key

    assert first.tenant != second.tenant
    assert first.user == "dev"


def test_tenant_and_user_are_taken_where_given() -> None:
    key = imported(tenant="acme", user="ann").key

    assert (key.tenant, key.user) == ("acme", "ann")


@pytest.mark.parametrize("secret", ["sk-test", "password", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])
def test_a_weak_key_is_imported_with_a_warning_that_does_not_quote_it(secret: str) -> None:
    result = imported(secret)

    assert result.warning is not None
    assert secret not in result.warning


def test_a_strong_key_is_imported_without_a_warning() -> None:
    assert imported().warning is None


def test_a_weak_key_is_refused_for_an_admin() -> None:
    with pytest.raises(ConfigurationError, match="dev"):
        imported("sk-test", role="admin")


@pytest.mark.parametrize(
    "secret", ["", " x", "x ", "a\nb", "a\x00b", "a\r\nHost: x", "\ud800abc", "x" * 2000]
)
def test_a_string_that_no_header_could_carry_is_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        imported(secret)

    assert secret == "" or secret not in refusal.value.message


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "n" * 300])
def test_a_name_must_be_printable(name: str) -> None:
    with pytest.raises(ConfigurationError):
        imported(name=name)


@pytest.mark.parametrize("limit", [0, -1, math.nan])
def test_a_limit_that_would_let_nothing_through_is_refused(limit: float) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_minute"):
        imported(limits=Limits(requests_per_minute=limit))


async def test_importing_the_same_file_again_changes_nothing() -> None:
    store = DictKeyStore()
    await import_keys(store, [imported()], now=1.0)
    revision = store.revision

    await import_keys(store, [imported()], now=2.0)

    assert store.revision == revision


async def test_a_changed_entry_keeps_id_and_creation() -> None:
    store = DictKeyStore()
    await import_keys(store, [imported()], now=1.0)
    [before] = store.keys.values()

    await import_keys(store, [imported(models=("gpt-*",))], now=2.0)

    [after] = store.keys.values()
    assert after == structs.replace(before, models=("gpt-*",))


async def test_a_key_that_leaves_the_file_ends_and_one_that_comes_back_is_valid_again() -> None:
    store = DictKeyStore()
    await import_keys(store, [imported()], now=1.0)

    await import_keys(store, [], now=2.0)
    [gone] = store.keys.values()
    await import_keys(store, [imported()], now=3.0)
    [back] = store.keys.values()

    assert not gone.valid_at(2.0)
    assert back.valid_at(3.0)


async def test_a_key_made_by_command_is_none_of_the_files_business() -> None:
    _, key = generate_key(KeyPlan("dev"), pepper=PEPPER, now=1.0, random=os.urandom)
    store = DictKeyStore(key)

    await import_keys(store, [], now=2.0)

    assert store.keys[key.digest].valid_at(3.0)


async def test_a_revoked_key_stays_revoked_whatever_the_file_says() -> None:
    store = DictKeyStore()
    await import_keys(store, [imported()], now=1.0)
    [key] = store.keys.values()
    await store.revoke(key.key_id, 2.0)

    for entries in ([imported()], [], [imported(name="other")], [imported()]):
        await import_keys(store, entries, now=3.0)

    assert not store.keys[key.digest].valid_at(4.0)


def test_ids_of_generated_keys_differ() -> None:
    counter = itertools.count()

    def random(size: int) -> bytes:
        return next(counter).to_bytes(size, "big")

    keys = [generate_key(KeyPlan("dev"), pepper=PEPPER, now=1.0, random=random)[1] for _ in range(100)]

    assert len({key.key_id for key in keys}) == 100
