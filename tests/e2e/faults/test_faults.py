"""Whatever a provider does, its fault is recovered before the first data or visible after it; and so says the record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import Final

import openai
import pytest
import pytest_asyncio

from synthlang_router.interactions.record import MAX_PAGE
from tests.e2e.faults.case import Case, Cut, Refused, Whole
from tests.e2e.faults.cases_bodies import bodies, cut_bodies, large_bodies, packed_bodies, wrong_modes
from tests.e2e.faults.cases_connections import connections, heads
from tests.e2e.faults.cases_kinds import good_streams
from tests.e2e.faults.cases_statuses import bodies_of_errors, statuses, waits
from tests.e2e.faults.cases_streams import cut_streams, empty_streams, odd_streams
from tests.e2e.faults.cases_tries import tries
from tests.e2e.faults.house import House, Told, open_house, slug
from tests.e2e.faults.raw import Reply

TABLES: Final[tuple[Callable[[], Iterator[Case]], ...]] = (
    connections, heads, statuses, waits, bodies_of_errors, cut_bodies, large_bodies, packed_bodies, bodies,
    wrong_modes, cut_streams, empty_streams, odd_streams, good_streams, tries,
)  # fmt: skip
CASES: Final = list(chain.from_iterable(table() for table in TABLES))

in_the_house = pytest.mark.asyncio(loop_scope="module")
every_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])

RAISED: Final = {
    400: openai.BadRequestError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """One gateway for the cases that were chosen; all of them are started at once."""
    chosen = {case.id for case in CASES if any(f"[{case.id}]" in item.name for item in request.session.items)}
    cases = [case for case in CASES if case.id in chosen]
    async with open_house(tmp_path_factory.mktemp("faults"), cases) as opened:
        yield opened


def test_no_two_cases_share_a_name() -> None:
    assert len({slug(case, "raw") for case in CASES}) == len(CASES)
    assert 2 * len(CASES) <= MAX_PAGE  # the record is read in one piece


@in_the_house
@every_case
async def test_the_client_gets_the_answer_or_a_typed_error_and_never_a_made_up_end(
    house: House, case: Case
) -> None:
    reply, told = await house.reply(case), await house.told(case)

    assert b"sk-provider-secret" not in reply.body
    assert b"127.0.0.1" not in reply.body
    if isinstance(case.expected, Whole):
        the_whole_answer_arrived(case, case.expected, reply)
        the_sdk_returned_it(case.expected, told)
    elif isinstance(case.expected, Refused):
        a_status_arrived(case, case.expected, reply)
        the_sdk_raised_its_status(case.expected, told)
    else:
        a_typed_error_ended_it(case, case.expected, reply)
        the_sdk_raised_in_the_middle(case.expected, told)


@in_the_house
@every_case
async def test_the_provider_is_asked_and_left_as_promised_and_the_row_says_so(
    house: House, case: Case
) -> None:
    await house.finished()

    for who in ("raw", "sdk"):
        calls = house.calls(case, who)
        tries = case.expected.tries if case.provider in ("patient", "hasty") else 0
        assert len(calls) in range(tries, 1 + (2 * tries if case.resent else tries))
        if case.closes:
            for connection in calls:
                await connection.left()
        row = await house.row(case, who)
        assert len(row["attempts"]) in tries_of(case)
        assert (row["outcome"], row["error"]) == (
            ("complete", None)
            if isinstance(case.expected, Whole)
            else ("failed", case.expected.code or "invalid_request_error")
        )
        assert isinstance(case.expected, Cut) or row["status"] == getattr(case.expected, "status", 200)


@in_the_house
async def test_nothing_is_left_over_and_nothing_was_unforeseen(house: House) -> None:
    await house.finished()

    metrics = await asyncio.to_thread(house.gateway.gauges)
    assert metrics["synthlang_requests_in_flight"] == 0
    assert metrics["synthlang_bytes_in_flight"] == 0
    assert "unforeseen" not in house.gateway.errors()
    assert house.canary.visits == 0


def the_whole_answer_arrived(case: Case, expected: Whole, reply: Reply) -> None:
    assert (reply.status, reply.framed, reply.goes_on) == (200, True, True), reply
    assert int(reply.headers["x-synthlang-attempts"]) in tries_of(case)
    shown: tuple[bytes, ...] = (reply.body,)
    if case.stream:
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        shown = tuple(reply.events[:-1])
        assert reply.events[-1] == b"[DONE]"
        assert b"[DONE]" not in shown
    assert expected.shown in (None, shown)
    assert text_of(shown) == expected.text


def the_sdk_returned_it(expected: Whole, told: Told) -> None:
    assert told.error is None
    assert told.text == expected.text
    assert told.finishes


def a_status_arrived(case: Case, expected: Refused, reply: Reply) -> None:
    assert reply.status == expected.status, reply
    assert (reply.framed, reply.goes_on) == (True, True)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"] == slug(case, "raw")
    assert int(reply.headers["x-synthlang-attempts"]) in tries_of(case)
    assert {name: reply.headers.get(name) for name in expected.headers} == expected.headers
    the_error_is_openais(reply.body, expected)


def the_sdk_raised_its_status(expected: Refused, told: Told) -> None:
    assert isinstance(told.error, openai.APIStatusError), told
    assert isinstance(told.error, RAISED.get(expected.status, openai.APIStatusError))
    assert (told.error.status_code, told.error.code) == (expected.status, expected.code)
    assert told.text == ""


def a_typed_error_ended_it(case: Case, expected: Cut, reply: Reply) -> None:
    assert reply.status == 200, reply
    assert int(reply.headers["x-synthlang-attempts"]) in tries_of(case)
    *shown, last = reply.events
    assert tuple(shown) == expected.shown
    the_error_is_openais(last, expected)
    assert b"[DONE]" not in reply.body
    assert not reply.goes_on


def the_sdk_raised_in_the_middle(expected: Cut, told: Told) -> None:
    assert type(told.error) is openai.APIError, told
    assert told.error.code == expected.code
    assert told.text == text_of(expected.shown)
    finishes = [choice["finish_reason"] for choice in choices_of(expected.shown)]
    assert told.finishes == [finish for finish in finishes if finish is not None]


def the_error_is_openais(body: bytes, expected: Refused | Cut) -> None:
    outer = json.loads(body)
    assert list(outer) == ["error"]
    assert set(outer["error"]) == {"message", "type", "param", "code"}
    assert outer["error"]["code"] == expected.code
    assert expected.says in outer["error"]["message"]


def tries_of(case: Case) -> range:
    """How many tries are right: a request that was sent once more unseen takes a script that a try would have had."""
    tries = case.expected.tries
    return range(1 if case.resent and len(case.scripts) > 1 else tries, tries + 1)


def choices_of(shown: tuple[bytes, ...]) -> list[dict[str, object]]:
    return [choice for one in shown for choice in json.loads(one)["choices"]]


def text_of(shown: tuple[bytes, ...]) -> str:
    """The text of all choices, in the order of the frames."""
    said = [choice.get("delta") or choice.get("message") for choice in choices_of(shown)]
    return "".join(message.get("content") or "" for message in said if isinstance(message, dict))
