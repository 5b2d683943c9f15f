"""The risk model: sensible before it knows anything, quick to learn, and never sure of what it has not seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.cache.risk import PRIOR, RiskModel

NEAR = (1.0, 2.0, 0.0, 0.95, 0.0, 0.0)
FAR = (1.0, 0.3, 0.2, 0.6, 0.0, 0.0)
OBJECTED = (1.0, 2.0, 0.0, 0.95, 1.0, 0.0)


def test_at_first_the_near_is_less_risky_than_the_far_and_than_what_is_objected_to() -> None:
    model = RiskModel()

    assert model.risk(NEAR) < 0.1 < model.risk(OBJECTED)
    assert model.risk(FAR) > 0.4


def test_verdicts_move_the_risk_of_what_looks_alike() -> None:
    model = RiskModel()
    before = model.risk(OBJECTED)

    for _ in range(30):
        model.learn(OBJECTED, right=True)

    assert model.risk(OBJECTED) < before / 3
    assert model.verdicts == 30


def test_a_stream_that_turns_is_followed() -> None:
    model = RiskModel()
    for _ in range(200):
        model.learn(NEAR, right=True)
    trusting = model.risk(NEAR)

    for _ in range(60):
        model.learn(NEAR, right=False)

    assert trusting < 0.02
    assert model.risk(NEAR) > 0.5


def test_a_child_begins_with_what_its_parent_learned_and_goes_its_own_way() -> None:
    parent = RiskModel()
    for _ in range(50):
        parent.learn(OBJECTED, right=True)

    child = RiskModel(parent)
    for _ in range(50):
        child.learn(OBJECTED, right=False)

    assert child.verdicts == 100
    assert parent.risk(OBJECTED) < 0.1 < 0.5 < child.risk(OBJECTED)


@given(
    st.lists(
        st.tuples(
            st.tuples(*[st.floats(-40, 40) for _ in PRIOR]),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_it_is_taught_a_risk_is_a_probability(lessons: list[tuple[tuple[float, ...], bool]]) -> None:
    model = RiskModel()
    for features, right in lessons:
        model.learn(features, right)

        assert 0.0 <= model.risk(features) <= 1.0
