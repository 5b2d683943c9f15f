"""One connection, fed byte by byte: the same bytes give the same answer however they are split."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synthlang_router.errors import ProviderError
from synthlang_router.llm_provider.connection import Connection
from synthlang_router.llm_provider.received import HIGH, Received
from synthlang_router.llm_provider.transport import Timeouts, UpstreamRequest
from tests.doubles.answers import LAST_CHUNK, chunk, head, http
from tests.llm_provider.conversations import broken, split

REQUEST = UpstreamRequest("POST", "http://p/", (), b"{}", Timeouts(), time.monotonic() + 1e6, 1_000_000)


class Wire(asyncio.Transport):
    """What a connection writes to; `reading` is False while it asked to be spared."""

    def __init__(self) -> None:
        super().__init__()
        self.socket = socket.socket()
        self.written = b""
        self.reading = True
        self.aborted = False
        self.unsent = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.socket if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.aborted = True

    def done(self) -> None:
        self.socket.close()


class Line:
    """A connection on a wire, and what became of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.wire = Wire()
        self.freed = 0
        self.gone = 0
        self.connection = Connection(loop, self._freed, self._gone)
        self.connection.connection_made(self.wire)

    def _freed(self, connection: Connection) -> None:
        self.freed += 1

    def _gone(self, connection: Connection) -> None:
        self.gone += 1

    def ask(self) -> Received:
        return self.connection.ask(REQUEST, b"HEAD")


@pytest.fixture
def new_line() -> Iterator[Callable[[], Line]]:
    loop = asyncio.new_event_loop()
    lines: list[Line] = []

    def made() -> Line:
        lines.append(Line(loop))
        return lines[-1]

    yield made
    for line in lines:
        line.connection.abort()
        line.wire.done()
    loop.close()


def now(reading: Coroutine[Any, Any, bytes]) -> bytes | None:
    """What a read gives that need not wait; None where it would."""
    try:
        reading.send(None)
    except StopIteration as done:
        said: bytes = done.value
        return said
    reading.close()
    return None


def outcome(line: Line, pieces: list[bytes], *, end: bool) -> tuple[int, dict[str, str], bytes, str]:
    """Status, headers, body and how it ended: what a reader gets who comes late."""
    answer = line.ask()
    for piece in pieces:
        line.connection.data_received(piece)
    if end:
        line.connection.eof_received()
    said, how = b"", "whole"
    try:
        while block := now(answer.read()):
            said += block
        how = "waits" if block is None else "whole"
    except ProviderError as error:
        how = type(error).__name__
    return answer.status, dict(answer.headers), said, how


@settings(max_examples=300, deadline=None)
@given(broken(), st.lists(st.integers(0, 2_000), max_size=12), st.booleans())
@example(head("content-length: 2") + b"{}", [1, 2, 3], False)
def test_any_split_of_the_same_bytes_gives_the_same_answer(data: bytes, cuts: list[int], end: bool) -> None:
    loop = asyncio.new_event_loop()
    whole, pieces = Line(loop), Line(loop)
    try:
        expected = outcome(whole, [data], end=end)
        assert outcome(pieces, split(data, cuts), end=end) == expected
    finally:
        for line in (whole, pieces):
            line.connection.abort()
            line.wire.done()
        loop.close()


@settings(max_examples=200, deadline=None)
@given(broken(), st.lists(st.integers(0, 2_000), max_size=12), st.booleans())
def test_a_connection_is_used_again_or_closed_and_never_both(data: bytes, cuts: list[int], end: bool) -> None:
    loop = asyncio.new_event_loop()
    line = Line(loop)
    try:
        line.ask()
        for piece in split(data, cuts):
            line.connection.data_received(piece)
        if end:
            line.connection.eof_received()

        state = line.connection.state
        assert (line.gone, line.wire.aborted) == ((1, True) if state == "closed" else (0, False))
        assert line.freed <= 1
        assert state != "idle" or line.freed == 1
    finally:
        line.connection.abort()
        line.wire.done()
        loop.close()


def test_an_idle_connection_that_hears_anything_is_closed(new_line: Callable[[], Line]) -> None:
    line = new_line()

    line.connection.data_received(b"\n")

    assert (line.connection.state, line.gone) == ("closed", 1)


def test_a_connection_is_free_once_the_last_byte_is_here_though_nobody_read_it(
    new_line: Callable[[], Line],
) -> None:
    line = new_line()
    answer = line.ask()

    line.connection.data_received(http(b"first"))
    assert (line.connection.state, line.freed) == ("idle", 1)
    other = line.ask()
    line.connection.data_received(http(b"second"))

    assert now(answer.read()) == b"first"
    assert now(other.read()) == b"second"


def test_a_request_that_was_not_sent_whole_spoils_the_connection(new_line: Callable[[], Line]) -> None:
    line = new_line()
    line.ask()
    line.wire.unsent = 10

    line.connection.data_received(http(b"too large", status="413 Too Large"))

    assert (line.connection.state, line.freed) == ("closed", 0)


def test_asking_a_connection_that_closed_meanwhile_fails_at_once(new_line: Callable[[], Line]) -> None:
    line = new_line()
    line.connection.eof_received()

    answer = line.ask()

    with pytest.raises(ProviderError):
        answer.opened().send(None)
    assert line.wire.written == b""


def test_a_reader_that_does_not_read_stops_the_socket_and_one_that_does_starts_it(
    new_line: Callable[[], Line],
) -> None:
    line = new_line()
    answer = line.ask()
    line.connection.data_received(head("transfer-encoding: chunked") + chunk(b"x" * HIGH))
    assert line.wire.reading
    line.connection.data_received(chunk(b"y"))
    assert not line.wire.reading

    assert len(now(answer.read()) or b"") == HIGH + 1

    assert line.wire.reading


def test_an_answer_that_ends_while_the_socket_is_held_leaves_it_going(new_line: Callable[[], Line]) -> None:
    line = new_line()
    line.ask()

    line.connection.data_received(head("transfer-encoding: chunked") + chunk(b"x" * (HIGH + 1)))
    line.connection.data_received(LAST_CHUNK)

    assert (line.connection.state, line.wire.reading) == ("idle", True)


@pytest.mark.parametrize(
    "endless",
    [b"a" * 1_000, b"1;" + b"x" * 998, head(status="100 Continue") * 20],
    ids=["a head without end", "an extension without end", "interim answers without end"],
)
def test_bytes_that_are_no_body_cannot_go_on_for_ever(new_line: Callable[[], Line], endless: bytes) -> None:
    line = new_line()
    line.ask()
    start = head("transfer-encoding: chunked") if endless.startswith(b"1;") else b""
    line.connection.data_received(
        start or b"HTTP/1.1 200 OK\r\nx: " if not endless.startswith(b"HTTP") else endless
    )

    for _ in range(200):
        line.connection.data_received(endless[:1_000] if line.connection.state != "closed" else b"")

    assert line.connection.state == "closed"


def test_a_reader_that_left_contented_gets_no_more_and_the_connection_lives(
    new_line: Callable[[], Line],
) -> None:
    line = new_line()
    answer = line.ask()
    line.connection.data_received(head("transfer-encoding: chunked") + chunk(b"[DONE]"))

    answer.close(whole=True)
    line.connection.data_received(chunk(b"more") + LAST_CHUNK)

    assert (line.connection.state, line.freed) == ("idle", 1)


def test_a_reader_that_leaves_early_closes_the_connection(new_line: Callable[[], Line]) -> None:
    line = new_line()
    answer = line.ask()
    line.connection.data_received(head("transfer-encoding: chunked") + chunk(b"x"))

    answer.close()

    assert (line.connection.state, line.gone, line.wire.aborted) == ("closed", 1, True)
