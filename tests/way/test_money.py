"""What a request costs: said in its headers and kept in its row."""

from __future__ import annotations

from synthlang_router.interactions.costs import Tariffs
from tests.doubles.answers import completion
from tests.way.conftest import OpenHouse

PRICED = """\
limits: {requests_per_minute: null}
"""


async def test_a_provider_nobody_knows_the_prices_of_has_no_cost_rather_than_a_wrong_one(
    open_house: OpenHouse,
) -> None:
    house = await open_house([[completion("Because.")]], more=PRICED)

    reply = await house.client.chat("Why?")

    assert reply.status == 200
    assert "x-synthlang-cost" not in reply.headers
    (row,) = await house.rows()
    assert row["cost"] is None


async def test_a_miss_costs_what_the_price_list_says_and_a_hit_nothing(open_house: OpenHouse) -> None:
    house = await open_house([[completion("Because.")]])
    house.gateway.money.costs.use(Tariffs(providers={"upstream": "openai"}))

    miss = await house.client.chat("Why?")
    hit = await house.client.chat("Why?")

    assert miss.headers["x-synthlang-cost"] == "0.00000315"
    assert hit.headers["x-synthlang-cost"] == "0.00000000"
