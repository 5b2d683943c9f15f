"""What the record's state means for requests: where nothing can be kept, `refuse` lets nobody in and `serve` everybody."""

from __future__ import annotations

import pytest

from synthlang_router.interactions.journal import Journal
from tests.doubles.answers import completion
from tests.way.conftest import OpenHouse

EMBEDDING = {"model": "gpt-4o-mini", "input": "hi"}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every journal is at its bound."""
    monkeypatch.setattr(Journal, "full", property(lambda journal: True))


@pytest.mark.usefixtures("full")
async def test_under_refuse_nobody_is_let_in_whose_row_could_not_be_kept(open_house: OpenHouse) -> None:
    house = await open_house([[completion("hello")]], more="interactions: {on_record_failure: refuse}")

    replies = [
        await house.client.chat("hi"),
        await house.client.chat("hi", stream=True),
        await house.client.post("/v1/embeddings", EMBEDDING),
        await house.client.post(
            "/v1/messages/count_tokens",
            {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]},
        ),
    ]

    assert [reply.status for reply in replies] == [503] * 4
    assert replies[0].json()["error"]["code"] == "overloaded"
    assert house.asked == []


@pytest.mark.usefixtures("full")
async def test_under_serve_requests_go_on_without_a_row(open_house: OpenHouse) -> None:
    house = await open_house([[completion("hello")]])

    assert (await house.client.chat("hi")).status == 200
