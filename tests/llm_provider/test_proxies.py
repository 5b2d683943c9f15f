"""Which proxy stands between us and a host."""

from __future__ import annotations

import pytest

from synthlang_router.llm_provider import Proxies

PROXIES = Proxies(
    http="http://p:1",
    https="http://p:2",
    bypass=("internal.example", ".corp", "10.0.0.0/8", "x.com:8443", "*.y.org"),
)


@pytest.mark.parametrize(
    ("scheme", "host", "port", "proxy"),
    [
        ("https", "api.openai.com", 443, "http://p:2"),
        ("http", "api.openai.com", 80, "http://p:1"),
        ("https", "internal.example", 443, None),
        ("https", "a.internal.example", 443, None),
        ("https", "notinternal.example", 443, "http://p:2"),
        ("https", "INTERNAL.example.", 443, None),
        ("https", "a.corp", 443, None),
        ("https", "x.com", 8443, None),
        ("https", "x.com", 443, "http://p:2"),
        ("https", "a.y.org", 443, None),
        ("http", "10.1.2.3", 80, None),
        ("http", "11.1.2.3", 80, "http://p:1"),
        ("http", "127.0.0.1", 80, None),
        ("http", "::1", 80, None),
        ("http", "localhost", 80, None),
    ],
)
def test_a_host_is_reached_as_the_rules_say(scheme: str, host: str, port: int, proxy: str | None) -> None:
    assert PROXIES.for_url(scheme, host, port) == proxy


def test_a_star_bypasses_everything() -> None:
    assert Proxies(https="http://p", bypass=("*",)).for_url("https", "a.com", 443) is None


def test_the_environment_is_read_as_curl_reads_it() -> None:
    environ = {
        "HTTP_PROXY": "http://evil",
        "HTTPS_PROXY": "http://p",
        "no_proxy": "a.com, b.com",
        "NO_PROXY": "c.com",
    }

    assert Proxies.from_environment(environ) == Proxies(None, "http://p", ("a.com", "b.com"))
    assert Proxies.from_environment({"ALL_PROXY": "http://p"}) == Proxies("http://p", "http://p", ())
    assert Proxies.from_environment({}) == Proxies()
