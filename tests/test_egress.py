"""Where requests may go, by host and by address."""

from __future__ import annotations

import pytest

from synthlang_router.egress import address_of, permitted, refused_host

NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.1.2.3",
    "::ffff:0.0.0.0",
    "::",
    "224.0.0.251",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
]
PRIVATE = [
    "127.0.0.1",
    "127.1",
    "::1",
    "::ffff:127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd12::1",
    "2002:7f00:1::1",
]
PUBLIC = ["1.1.1.1", "104.18.7.192", "2606:4700::6812:7c0", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_connected_to_whoever_named_the_host(address: str) -> None:
    assert refused_host(address)
    assert permitted("llm.example", [address], {"llm.example", address}) == []


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_hosts_that_the_operator_named(address: str) -> None:
    assert not refused_host(address)
    assert permitted("llm.example", [address], {"llm.example"}) == [address]
    assert permitted("LLM.Example.", [address], {"llm.example"}) == [address]
    assert permitted("llm.example", [address], {"example", "other.example"}) == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_for_everybody(address: str) -> None:
    assert not refused_host(address)
    assert permitted("api.example", [address], ()) == [address]


def test_where_everything_is_the_operators_private_addresses_are_good_and_metadata_is_not() -> None:
    found = [*PRIVATE, *PUBLIC, *NEVER]

    assert permitted("any.example", found) == [*PRIVATE, *PUBLIC]


def test_what_a_bent_name_leads_to_is_left_out_and_the_rest_keeps_its_order() -> None:
    found = ["169.254.169.254", "8.8.8.8", "10.0.0.1", "nonsense", "", "1.1.1.1"]

    assert permitted("api.example", found, ()) == ["8.8.8.8", "1.1.1.1"]
    assert permitted("api.example", found, {"api.example"}) == ["8.8.8.8", "10.0.0.1", "1.1.1.1"]


@pytest.mark.parametrize("name", ["metadata", "metadata.google.internal", "metadata.goog", "instance-data"])
def test_names_of_metadata_services_are_refused_unresolved(name: str) -> None:
    assert address_of(name) is None
    assert refused_host(name)
