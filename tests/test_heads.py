"""A head is known again by its bytes, and by nothing less."""

from __future__ import annotations

import pytest

from synthlang_router.heads import MOST, PATIENCE, PAUSE, Heads

FIRST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nAccept: */*\r\n\r\n{}"


def learned(data: bytes = FIRST) -> Heads[str]:
    heads: Heads[str] = Heads()
    found, name, _ = heads.look(data)
    assert found is None
    assert name
    heads.learn(name, "known")
    return heads


@pytest.mark.parametrize("body", [b"{}", b"", b'{"longer": "body"}', b"x" * 12_345])
def test_only_the_number_of_the_content_length_may_differ(body: bytes) -> None:
    again = FIRST[:-2].replace(b"Length: 2", b"Length: %d" % len(body)) + body

    found, _, start = learned().look(again)

    assert found == "known"
    assert again[start:] == body


@pytest.mark.parametrize(
    "other",
    [
        FIRST.replace(b"Host: x", b"Host: y"),
        FIRST.replace(b"Accept: */*", b"Accept: */* "),
        FIRST.replace(b"Length: 2", b"Length:  2"),
        FIRST.replace(b"Length: 2", b"Length: +2"),
        FIRST.replace(b"Length: 2", b"Length: 3"),
        FIRST.replace(b"Length: 2", b"Length: 2\r\nX: 1"),
        FIRST + b"{}",
        FIRST[:-1],
        b"\r\n" + FIRST,
    ],
)
def test_any_other_difference_makes_it_another_head(other: bytes) -> None:
    found, _, _ = learned().look(other)

    assert found is None


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nX-Strength: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /?length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nX-Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nX: 1\r\n Content-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_number_that_is_not_the_content_length_is_never_left_out(head: bytes) -> None:
    heads: Heads[str] = Heads()

    _, name, _ = heads.look(head)

    assert name == b""


def test_heads_are_bounded() -> None:
    heads: Heads[int] = Heads()
    for number in range(3 * MOST):
        heads.learn(b"%d" % number, number)

    assert len(heads) <= MOST


def test_heads_that_are_new_every_time_are_not_looked_for_until_later() -> None:
    heads = learned()
    for number in range(PATIENCE):
        heads.look(FIRST.replace(b"Host: x", b"Host: h%d" % number))

    assert heads.look(FIRST)[0] is None
    for _ in range(PAUSE):
        heads.look(FIRST)
    assert heads.look(FIRST)[0] == "known"
