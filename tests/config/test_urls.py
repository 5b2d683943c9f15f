"""Where a provider may be."""

from __future__ import annotations

import pytest

from synthlang_router.config.urls import checked_proxy, checked_url, same_place


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1:11434/v1",
        "http://10.0.0.1",
        "http://[fd00::1]:8000/v1",
        "http://llm.corp.internal:8000",
        "http://llama_server:8080/v1",
        "http://169.254.example/v1",
    ],
)
def test_public_private_and_loopback_hosts_that_the_operator_names_are_good(url: str) -> None:
    assert checked_url(url) == url
    assert checked_url(url + "/") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://0251.0376.0251.0376/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://METADATA.google.internal./",
        "http://0.0.0.0:9000/",
        "http://0:9000/",
        "http://[::]:9000/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
    ],
)
def test_metadata_link_local_unspecified_and_multicast_addresses_are_refused_in_every_spelling(
    url: str,
) -> None:
    with pytest.raises(ValueError, match="must not be"):
        checked_url(url)


def test_a_proxy_may_hold_a_password_but_no_path() -> None:
    assert checked_proxy("http://user:secret@proxy:3128") == "http://user:secret@proxy:3128"
    for url in ("http://proxy/path", "socks5://proxy", "proxy:3128", "http://proxy?x", "http://"):
        with pytest.raises(ValueError, match="must"):
            checked_proxy(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "same"),
    [
        ("http://gateway.example:8080/v1", "gateway.example", 8080, True),
        ("http://GATEWAY.example.:8080/v1", "Gateway.example", 8080, True),
        ("https://gateway.example", "gateway.example", 443, True),
        ("http://127.0.0.1:8080", "::", 8080, True),
        ("http://[::1]:8080", "localhost", 8080, True),
        ("http://10.0.0.1:8080", "0.0.0.0", 8080, False),
        ("http://127.0.0.1:8080", "10.0.0.1", 8080, False),
        ("http://gateway.example:8080", "gateway.example", 8081, False),
    ],
)
def test_a_url_leads_to_this_gateway_when_host_and_port_are_its_own(
    url: str, host: str, port: int, same: bool
) -> None:
    assert same_place(url, host, port) is same
