"""Headers <-> values."""

from __future__ import annotations

import pytest

from synthlang_router.api.headers import read_request_id, read_wishes, render_duration, render_facts
from synthlang_router.errors import InvalidRequest
from synthlang_router.models import CacheStatus, Caller, Facts, RateState, Wishes

CALLER = Caller(tenant_id="t", user_id="u", key_id="k", name="n")


def wishes(*headers: tuple[str, str], query: str = "", defaults: Wishes | None = None) -> Wishes:
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return read_wishes(given, query.encode(), CALLER, Wishes() if defaults is None else defaults)


def facts() -> Facts:
    return Facts(request_id="req_1", row_id="row", arrived=0.0, started=0.0)


def test_without_headers_of_ours_the_defaults_are_wished() -> None:
    defaults = Wishes(cache="exact")

    assert wishes(("user-agent", "x"), ("accept", "*/*"), defaults=defaults) is defaults


def test_cache_control_is_read_as_rfc_9111_has_it() -> None:
    wished = wishes(
        ("cache-control", 'No-Cache, max-age="60" , stale-if-error=9'), ("cache-control", "no-store")
    )

    assert (wished.no_cache, wished.no_store, wished.max_age, wished.only_if_cached) == (
        True,
        True,
        60.0,
        False,
    )


def test_a_header_can_lower_the_cache_but_not_raise_it() -> None:
    assert wishes(("x-synthlang-cache", "exact")).cache == "exact"
    assert wishes(("x-synthlang-cache", "semantic"), defaults=Wishes(cache="exact")).cache == "exact"
    assert wishes(("x-synthlang-cache", "off")).cache == "off"


def test_compression_has_a_mode_and_a_level() -> None:
    wished = wishes(("x-synthlang-compression", "native; level=exact"))

    assert (wished.compression, wished.level) == ("native", "exact")
    assert (
        wishes(("x-synthlang-compression", "native"), defaults=Wishes(compression="off")).compression == "off"
    )


def test_a_key_may_have_its_own_compression_and_the_header_the_last_word() -> None:
    keyed = Caller(tenant_id="t", user_id="u", key_id="k", name="n", compression="native", level="readable")
    headers = [(b"x-synthlang-compression", b"transparent")]

    plain = read_wishes([], b"", keyed, Wishes())
    asked = read_wishes(headers, b"", keyed, Wishes())

    assert (plain.compression, plain.level) == ("native", "readable")
    assert (asked.compression, asked.level) == ("transparent", "readable")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-synthlang-cache", "sometimes"),
        ("x-synthlang-compression", "much"),
        ("x-synthlang-compression", "native;level=none"),
        ("x-synthlang-timeout", "0"),
        ("x-synthlang-timeout", "nan"),
        ("x-synthlang-timeout", "soon"),
        ("x-synthlang-tags", "team"),
        ("x-synthlang-tags", ",".join(f"a{n}=b" for n in range(17))),
        ("x-synthlang-session", "s" * 300),
    ],
)
def test_a_header_of_ours_that_cannot_be_read_is_a_400_that_names_it(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wishes((name, value))

    assert caught.value.param == name


def test_what_goes_upstream_is_named_and_sorted() -> None:
    wished = wishes(("openai-beta", "b"), ("anthropic-beta", "a1"), ("anthropic-beta", "a2"), query="v=1")

    assert wished.relay == (("?query", "v=1"), ("anthropic-beta", "a1,a2"), ("openai-beta", "b"))


@pytest.mark.parametrize(
    ("given", "read"), [(b"abc", "abc"), (b"a" * 129, None), (b"", None), (b"a\x07", None), (b"\xe9", None)]
)
def test_a_request_id_is_taken_over_if_printable_and_short(given: bytes, read: str | None) -> None:
    assert read_request_id([(b"x-request-id", given)]) == read


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.0115, "12ms"), (1, "1s"), (1.5, "1.5s"), (60, "1m0s"), (360, "6m0s"), (3723.2, "1h2m4s")],
)
def test_durations_are_written_as_openai_does(seconds: float, text: str) -> None:
    assert render_duration(seconds) == text


def test_facts_become_headers() -> None:
    known = facts()
    known.cache, known.age, known.similarity = CacheStatus.SEMANTIC_HIT, 12.9, 0.98765
    known.rate = RateState(600, 599, 0.1)
    known.served_model, known.provider, known.route_reason = "m", "p", "alias"
    known.dropped = ("top_p", "n")
    known.upstream_headers = (("x-upstream-processing-ms", "7"),)

    headers = {name.decode(): value.decode() for name, value in render_facts(known, 0.5)}

    assert headers["x-request-id"] == "req_1"
    assert (headers["x-cache"], headers["age"], headers["x-cache-similarity"]) == (
        "SEMANTIC-HIT",
        "12",
        "0.9877",
    )
    assert headers["x-ratelimit-remaining-requests"] == "599"
    assert headers["x-ratelimit-reset-requests"] == "100ms"
    assert headers["x-synthlang-dropped-params"] == "top_p,n"
    assert headers["x-upstream-processing-ms"] == "7"
    assert headers["openai-processing-ms"] == "500"


def test_a_foreign_model_name_cannot_break_a_header() -> None:
    known = facts()
    known.served_model = "модель\r\nset-cookie: a=b"

    value = dict(render_facts(known, 0.0))[b"x-synthlang-model"]

    assert b"\r" not in value and b"\n" not in value
