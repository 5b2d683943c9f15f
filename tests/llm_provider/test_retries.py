"""What a failure means, how often one may try again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import (
    InvalidRequest,
    ProviderError,
    ProviderProtocolError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RouterError,
    UpstreamAuth,
)
from synthlang_router.llm_provider.retries import (
    FIRST_PAUSE,
    LAST_PAUSE,
    LEAST,
    LONGEST_WAIT,
    MOST,
    RULES,
    SHARE,
    Budget,
    classify,
    counted,
    drawn,
    pause,
)
from synthlang_router.llm_provider.transport import NoConnection, Useless


def rejected(status: int, code: str | None = None, message: str = "No.") -> ProviderRejected:
    return ProviderRejected(message, status=status, type=None, code=code)


@pytest.mark.parametrize(
    ("error", "status", "failure"),
    [
        (UpstreamAuth("x"), 401, "key"),
        (rejected(429, "insufficient_quota"), 429, "quota"),
        (rejected(429, "insufficient_quota", "Can only afford 10 max_tokens."), 429, "request"),
        (rejected(402), 402, "request"),
        (rejected(403), 403, "request"),
        (rejected(404), 404, "request"),
        (rejected(400), 400, "request"),
        (rejected(408), 408, "passing"),
        (rejected(409), 409, "passing"),
        (rejected(429), 429, "busy"),
        (ProviderUnavailable("Too many."), 429, "busy"),
        (ProviderUnavailable("Down."), 503, "broken"),
        (ProviderUnavailable("Reset."), 0, "broken"),
        (ProviderError("Oops."), 500, "broken"),
        (ProviderProtocolError("Cut."), 200, "broken"),
        (NoConnection("Refused."), 0, "down"),
        (ProviderTimeout("connect", 1), 0, "down"),
        (ProviderTimeout("first_token", 1), 0, "slow"),
        (ProviderTimeout("idle", 1), 200, "slow"),
        (ProviderTimeout("total", 1), 0, "over"),
        (Useless("Too large."), 200, "useless"),
        (InvalidRequest("Bad query."), 0, "request"),
    ],
)
def test_every_failure_has_its_class(error: RouterError, status: int, failure: str) -> None:
    assert classify(error, status) == failure


def test_a_refused_request_speaks_against_nobody_and_goes_nowhere_else() -> None:
    rule = RULES["request"]

    assert (rule.elsewhere, rule.again, rule.trips) == (False, False, False)


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.booleans()), max_size=400))
def test_retries_are_at_most_a_tenth_of_the_requests_and_a_few_that_are_lent(
    asks: list[tuple[int, bool]],
) -> None:
    budget, retries = Budget(), 0
    for client_retry, lent in asks:
        budget = counted(budget, client_retry)
        while (left := drawn(budget, lent=lent)) is not None:
            budget, retries = left, retries + 1
        assert LEAST <= round(budget.tokens, 6) <= MOST

    most = SHARE * len(asks) - (LEAST if any(lent for _, lent in asks) else 0.0)
    assert retries <= most + 1e-6


def test_what_was_lent_is_paid_back_before_more_is_earned() -> None:
    budget = Budget()
    while (left := drawn(budget, lent=True)) is not None:
        budget = left
    for _ in range(109):
        budget = counted(budget, 0)

    assert drawn(budget, lent=False) is None
    assert drawn(counted(budget, 0), lent=False) is not None


def test_clients_that_retry_themselves_leave_nothing_for_us() -> None:
    budget = Budget()
    for _ in range(10):
        budget = counted(budget, 1)

    assert drawn(budget, lent=True) is None


@given(st.integers(1, 30), st.floats(0, 1, exclude_max=True))
def test_pauses_are_jittered_over_their_whole_length_and_bounded(tries: int, at: float) -> None:
    seconds = pause(tries, at, None)

    assert seconds is not None
    assert 0 <= seconds <= min(LAST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1))
    assert pause(tries, 0.0, None) == 0.0


def test_a_wait_that_was_told_is_kept_up_to_a_bound() -> None:
    assert pause(1, 0.0, 2.0) == 2.0
    assert pause(1, 0.0, LONGEST_WAIT + 0.1) is None
