"""What is sealed opens for its tenant, purpose and row, and for nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import ConfigurationError
from synthlang_router.vault import MasterKey, Unsealable, Vault
from tests.interactions.records import MASTER, Clock, MemoryTenantKeys, vault

OTHER = bytes(range(1, 33))


@given(st.binary(max_size=5000), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_what_was_sealed_opens_again(plain: bytes, tenant: str, purpose: str, row: str) -> None:
    box = vault()

    assert (
        box.open(
            box.seal(plain, tenant=tenant, purpose=purpose, row=row), tenant=tenant, purpose=purpose, row=row
        )
        == plain
    )


@pytest.mark.parametrize(
    ("tenant", "purpose", "row"),
    [("other", "p", "r"), ("acme", "q", "r"), ("acme", "p", "s"), ("acm", "ep", "r")],
)
def test_it_opens_in_no_other_place(tenant: str, purpose: str, row: str) -> None:
    box = vault()
    box.seal(b"x", tenant="other", purpose="p", row="r")
    blob = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    with pytest.raises(Unsealable):
        box.open(blob, tenant=tenant, purpose=purpose, row=row)


def test_no_changed_byte_goes_unnoticed() -> None:
    box = vault()
    blob = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    for place in range(len(blob)):
        changed = blob[:place] + bytes((blob[place] ^ 1,)) + blob[place + 1 :]
        with pytest.raises(Unsealable):
            box.open(changed, tenant="acme", purpose="p", row="r")
    for length in range(len(blob)):
        with pytest.raises(Unsealable):
            box.open(blob[:length], tenant="acme", purpose="p", row="r")


def test_the_plain_text_is_not_in_the_blob_and_no_two_blobs_are_equal() -> None:
    box = vault()

    first, second = (box.seal(b"secret words", tenant="acme", purpose="p", row="r") for _ in range(2))

    assert b"secret" not in first
    assert first != second


def test_another_process_with_the_same_master_key_opens_it() -> None:
    keys = MemoryTenantKeys()
    blob = vault(keys).seal(b"secret", tenant="acme", purpose="p", row="r")

    assert vault(keys).open(blob, tenant="acme", purpose="p", row="r") == b"secret"


def test_erasing_a_tenant_makes_its_content_unreadable_and_no_one_elses() -> None:
    box = vault()
    gone = box.seal(b"secret", tenant="acme", purpose="p", row="r")
    stays = box.seal(b"secret", tenant="other", purpose="p", row="r")

    assert box.erase("acme") == 1

    with pytest.raises(Unsealable):
        box.open(gone, tenant="acme", purpose="p", row="r")
    assert box.open(stays, tenant="other", purpose="p", row="r") == b"secret"
    new = box.seal(b"new", tenant="acme", purpose="p", row="r")
    assert box.open(new, tenant="acme", purpose="p", row="r") == b"new"


def test_another_process_notices_an_erasure_within_a_minute() -> None:
    keys, clock = MemoryTenantKeys(), Clock()
    box = vault(keys, clock)
    blob = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    keys.erase("acme")
    clock.now += 61

    with pytest.raises(Unsealable):
        box.open(blob, tenant="acme", purpose="p", row="r")


def test_a_tenants_key_is_not_asked_for_at_each_sealing() -> None:
    keys = MemoryTenantKeys()
    box = vault(keys)

    for _ in range(50):
        blob = box.seal(b"secret", tenant="acme", purpose="p", row="r")
        box.open(blob, tenant="acme", purpose="p", row="r")

    assert keys.finds == 1


def test_each_day_has_a_key_of_its_own_and_yesterdays_still_opens() -> None:
    clock = Clock()
    box = vault(now=clock)
    blob = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    clock.now += 86_400
    later = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    assert blob[:9] == later[:9]
    assert blob[9:12] != later[9:12]
    assert box.open(blob, tenant="acme", purpose="p", row="r") == b"secret"


def test_a_rotated_tenant_key_seals_anew_and_the_old_one_still_opens() -> None:
    box = vault()
    blob = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    box.rotate("acme")
    later = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    assert blob[1:9] != later[1:9]
    assert box.open(blob, tenant="acme", purpose="p", row="r") == b"secret"


def test_a_former_master_key_still_opens_and_its_tenant_keys_are_rewrapped() -> None:
    keys = MemoryTenantKeys()
    blob = vault(keys).seal(b"secret", tenant="acme", purpose="p", row="r")

    new = Vault(MasterKey(OTHER), keys, now=Clock(), former=[MasterKey(MASTER)])
    assert new.open(blob, tenant="acme", purpose="p", row="r") == b"secret"

    alone = Vault(MasterKey(OTHER), keys, now=Clock())
    alone.check()
    assert alone.open(blob, tenant="acme", purpose="p", row="r") == b"secret"


def test_a_new_master_key_is_taken_over_while_running_and_the_former_is_needed_no_more() -> None:
    keys = MemoryTenantKeys()
    box = vault(keys)
    blobs = {
        tenant: box.seal(b"secret", tenant=tenant, purpose="p", row="r") for tenant in ("acme", "globex")
    }

    rewrapped = box.use(MasterKey(OTHER), [MasterKey(MASTER)])
    later = box.seal(b"later", tenant="acme", purpose="p", row="r2")

    alone = Vault(MasterKey(OTHER), keys, now=Clock())
    alone.check()
    assert rewrapped == 2
    assert {alone.open(blob, tenant=t, purpose="p", row="r") for t, blob in blobs.items()} == {b"secret"}
    assert alone.open(later, tenant="acme", purpose="p", row="r2") == b"later"
    assert box.open(blobs["acme"], tenant="acme", purpose="p", row="r") == b"secret"


def test_a_master_key_that_does_not_open_what_is_stored_is_refused_and_changes_nothing() -> None:
    keys = MemoryTenantKeys()
    box = vault(keys)
    blob = box.seal(b"secret", tenant="acme", purpose="p", row="r")

    with pytest.raises(ConfigurationError):
        box.use(MasterKey(OTHER))

    assert box.open(blob, tenant="acme", purpose="p", row="r") == b"secret"
    vault(keys).check()


def test_start_refuses_content_of_an_unknown_master_key() -> None:
    keys = MemoryTenantKeys()
    vault(keys).seal(b"secret", tenant="acme", purpose="p", row="r")

    with pytest.raises(ConfigurationError):
        Vault(MasterKey(OTHER), keys, now=Clock()).check()


def test_a_tenant_key_moved_to_another_tenant_is_refused() -> None:
    keys = MemoryTenantKeys()
    vault(keys).seal(b"secret", tenant="acme", purpose="p", row="r")
    (stolen,) = keys.keys.values()

    keys.keys = {stolen.key_id: type(stolen)(stolen.key_id, "thief", stolen.master_id, stolen.wrapped, 0.0)}

    with pytest.raises(Unsealable):
        vault(keys).seal(b"secret", tenant="thief", purpose="p", row="r")


def test_an_envelope_opens_with_its_header_and_under_the_same_master_key_only() -> None:
    box = vault()
    envelope = box.new_envelope()
    blob = envelope.seal(7, b"frame", b"kind")

    assert box.open_envelope(envelope.header).open(7, blob, b"kind") == b"frame"
    for counter, context in ((8, b"kind"), (7, b"other")):
        with pytest.raises(Unsealable):
            box.open_envelope(envelope.header).open(counter, blob, context)
    with pytest.raises(Unsealable):
        Vault(MasterKey(OTHER), MemoryTenantKeys(), now=Clock()).open_envelope(envelope.header)


def test_a_master_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "data.key"

    first = MasterKey.create(path)
    second = MasterKey.create(path)

    assert first.id == second.id == MasterKey.load(path).id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["data.key"]


def test_a_master_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.key"
    MasterKey.create(path)
    path.chmod(0o640)

    with pytest.raises(ConfigurationError):
        MasterKey.load(path)


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31, "00" * 33])
def test_a_master_key_that_is_none_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        MasterKey.parse(text)

    assert not text or text not in caught.value.message


def test_a_master_key_does_not_show_itself() -> None:
    assert MASTER.hex() not in repr(MasterKey(MASTER))
    assert MasterKey.parse(MASTER.hex() + "\n").id == MasterKey(MASTER).id
