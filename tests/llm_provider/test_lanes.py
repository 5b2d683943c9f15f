"""The standing of targets: what is known of each, in which order they are tried, and that it stays bounded."""

from __future__ import annotations

import pytest

from synthlang_router.llm_provider.lane import ENOUGH_SAMPLES, FORGET, LONGEST_BUSY, STATES, Lane
from synthlang_router.llm_provider.lanes import MOST_LANES, MOST_PINS, Lanes
from synthlang_router.llm_provider.standing import GOOD, marked
from synthlang_router.models import Route, Target, Wishes
from tests.llm_provider.conftest import chat_request

THREE = Route("a", "m", "t", "t", alternatives=(Target("b", "m"), Target("c", "m")))
REQUEST = chat_request()


def new_lane() -> Lane:
    return Lane("a", "m", 1)


def state(lane: Lane, now: float, *, key_refused: bool = False) -> str:
    return STATES[lane.rank(now, key_refused=key_refused)]


def broken(lane: Lane, now: float, *, reached: bool = True) -> None:
    for _ in range(6):
        lane.broke(now, reached=reached)


def order(lanes: Lanes, now: float, route: Route = THREE) -> list[str]:
    return [lane.provider for lane in lanes.order(route, REQUEST, Wishes(), now)[0]]


def test_a_target_has_one_state_and_the_worst_of_them() -> None:
    lane = new_lane()
    assert state(lane, 0.0) == "good"
    lane.stay_away(0.0, 10.0)
    assert state(lane, 5.0) == "busy"
    assert state(lane, 5.0, key_refused=True) == "key_refused"
    broken(lane, 5.0, reached=False)
    assert state(lane, 5.0) == "dead"


def test_a_target_is_busy_until_its_reset_and_not_for_ever() -> None:
    lane = new_lane()
    lane.stay_away(0.0, 1e9)

    assert state(lane, LONGEST_BUSY - 1) == "busy"
    assert state(lane, LONGEST_BUSY) == "good"


def test_a_refusal_shows_that_a_target_lives() -> None:
    lane = new_lane()
    broken(lane, 0.0)
    assert state(lane, 0.5) == "open"

    lane.lives(0.6)

    assert state(lane, 0.6) == "good"


def test_the_first_token_time_follows_what_is_measured() -> None:
    lane = new_lane()
    assert lane.first_token(0.0) is None

    for _ in range(30):
        lane.answered(2.0, 1.0)

    assert lane.first_token(1.0) == pytest.approx(2.0)


def test_a_slow_target_gets_another_chance_after_a_while() -> None:
    lane = new_lane()
    lane.answered(10.0, 0.0)

    assert (lane.first_token(3 * FORGET) or 10.0) < 1.0


def test_waiting_in_vain_counts_as_slowness_and_never_as_speed() -> None:
    lane = new_lane()
    lane.answered(1.0, 0.0)

    lane.waited(0.1, 0.0)
    assert lane.first_token(0.0) == 1.0
    lane.waited(30.0, 0.0)
    assert (lane.first_token(0.0) or 0.0) > 5.0


def test_the_p95_is_known_once_there_are_enough_answers() -> None:
    lane = new_lane()
    for number in range(ENOUGH_SAMPLES - 1):
        lane.answered(float(number), 0.0)
    assert lane.p95() is None

    lane.answered(1_000.0, 0.0)

    assert lane.p95() == ENOUGH_SAMPLES - 2


def test_targets_in_trouble_come_last_and_the_order_of_the_others_stays() -> None:
    lanes = Lanes(lambda: 0.0)
    assert order(lanes, 0.0) == ["a", "b", "c"]

    broken(lanes.of("a", "m"), 0.0)
    assert order(lanes, 0.0) == ["b", "c", "a"]
    lanes.of("b", "m").stay_away(0.0, 30.0)
    assert order(lanes, 0.0) == ["c", "b", "a"]
    lanes.set_key("c", marked(GOOD, 0.0))
    assert order(lanes, 0.0) == ["b", "a", "c"]


def test_fallbacks_are_only_asked_where_the_peers_are_in_trouble() -> None:
    lanes = Lanes(lambda: 0.0)
    route = Route("a", "m", "t", "t", alternatives=(Target("b", "m"), Target("c", "m")), peers=1)

    assert {order(lanes, 0.0, route)[0] for _ in range(20)} <= {"a", "b"}
    for name in ("a", "b"):
        broken(lanes.of(name, "m"), 0.0)
    assert order(lanes, 0.0, route)[0] == "c"


def test_models_that_clients_think_up_do_not_fill_the_memory() -> None:
    lanes = Lanes(lambda: 0.0)
    held = lanes.of("a", "held")
    held.in_flight = 1

    for number in range(3 * MOST_LANES):
        broken(lanes.of("a", f"made up {number}"), 0.0)

    assert len(lanes.health(0.0)) <= MOST_LANES
    assert lanes.of("a", "held") is held


def test_conversations_do_not_fill_the_memory() -> None:
    lanes = Lanes(lambda: 0.0)
    lane = lanes.of("a", "m")

    for key in range(MOST_PINS + 100):
        lanes.pin(key, lane)

    assert lanes.pinned == MOST_PINS


def test_a_key_that_works_again_is_forgotten() -> None:
    lanes = Lanes(lambda: 0.0)
    lanes.set_key("a", marked(GOOD, 0.0))
    assert lanes.key_of("a").refused(1.0)

    lanes.set_key("a", GOOD)

    assert lanes.key_of("a") is GOOD
