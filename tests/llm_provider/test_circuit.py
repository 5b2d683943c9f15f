"""When a target is left alone, and when it is asked again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.llm_provider.circuit import (
    CLOSED,
    FIRST_INTERVAL,
    LAST_INTERVAL,
    MIN_DEAD,
    Circuit,
    failed,
    probing,
    succeeded,
)


def after(outcomes: str, circuit: Circuit = CLOSED, *, reached: bool = True) -> Circuit:
    """`outcomes` of "x" (failed) and "." (succeeded), a tenth of a second apart."""
    for number, outcome in enumerate(outcomes):
        now = number / 10
        circuit = failed(circuit, now, reached=reached) if outcome == "x" else succeeded(circuit, now)
    return circuit


def test_a_few_failures_do_not_open_it() -> None:
    assert after("xxxx").verdict(1.0) == "closed"


def test_five_failures_in_a_row_open_it() -> None:
    assert after("xxxxx").verdict(1.0) == "open"


def test_a_third_of_failures_does_not_open_it() -> None:
    assert after("x.." * 30).verdict(9.0) == "closed"


def test_half_of_failures_opens_it() -> None:
    assert after("xx.x.x").opened is not None


def test_failures_long_ago_are_forgotten() -> None:
    circuit = after("xxxx")

    assert failed(circuit, 300.0, reached=True).verdict(300.0) == "closed"


def test_after_its_interval_one_probe_is_let_through() -> None:
    circuit = after("xxxxx")
    due = 0.4 + FIRST_INTERVAL

    assert circuit.verdict(due) == "probe"
    assert probing(circuit, due).verdict(due) == "open"


def test_a_probe_that_succeeds_closes_it() -> None:
    assert succeeded(probing(after("xxxxx"), 2.0), 2.5) == CLOSED


def test_a_probe_that_fails_doubles_the_interval_up_to_a_bound() -> None:
    circuit, now, intervals = after("xxxxx"), 2.0, []
    for _ in range(8):
        circuit = failed(probing(circuit, now), now, reached=True)
        intervals.append(circuit.interval)
        now += circuit.interval

    assert intervals[:3] == [2.0, 4.0, 8.0]
    assert intervals[-1] == LAST_INTERVAL


def test_a_probe_that_got_lost_is_followed_by_another() -> None:
    circuit = probing(after("xxxxx"), 2.0)

    assert circuit.verdict(2.0 + circuit.interval) == "probe"


def test_failures_of_calls_begun_before_it_opened_change_nothing() -> None:
    circuit = after("xxxxx")

    assert failed(circuit, 0.6, reached=True) == circuit


def test_it_is_dead_only_where_not_even_a_connection_could_be_made() -> None:
    assert after("x" * MIN_DEAD, reached=False).dead
    assert not after("x" * MIN_DEAD).dead
    assert not failed(after("x" * (MIN_DEAD - 1), reached=False), 0.5, reached=True).dead


@given(st.lists(st.tuples(st.sampled_from("x.p"), st.floats(0, 20)), max_size=60))
def test_whatever_happens_it_lets_somebody_through_before_long(events: list[tuple[str, float]]) -> None:
    circuit, now = CLOSED, 0.0
    for event, pause in events:
        now += pause
        if event == "x":
            circuit = failed(circuit, now, reached=True)
        elif event == ".":
            circuit = succeeded(circuit, now)
        elif circuit.verdict(now) == "probe":
            circuit = probing(circuit, now)

    assert circuit.verdict(now + LAST_INTERVAL) in ("closed", "probe")
