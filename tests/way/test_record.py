"""What the record's state means for requests: where nothing can be kept, `refuse` lets nobody in and `serve` everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthlang_router.config import load
from synthlang_router.interactions import ContentSealer, Query
from synthlang_router.interactions.journal import Journal
from synthlang_router.interactions.shown import content_of
from synthlang_router.main.recording import open_vault
from tests.doubles.answers import completion, stream
from tests.way.conftest import OpenHouse

NEW_KEY = "ab" * 32
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


async def test_the_encryption_key_is_rotated_by_a_reload_without_a_break(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    house = await open_house([[completion("before")], [completion("after")]])
    assert (await house.client.chat("one")).status == 200
    await house.rows()

    path = tmp_path / "gateway.yaml"
    path.write_text(path.read_text() + f"interactions: {{encryption_key: {NEW_KEY}}}\n")
    await house.gateway.reload(load(path, {}, tmp_path))
    assert (await house.client.chat("two")).status == 200
    rows = await house.rows()
    opened = house.gateway.record.opened()
    answers = [content_of(opened, opened.log.page(Query(key=row["id"])).rows[0])["answer"] for row in rows]

    assert "after" in str(answers[0])
    assert "before" in str(answers[1])
    (tmp_path / "data" / "master.key").unlink()
    with open_vault(load(path, {}, tmp_path).settings) as vault:
        assert ContentSealer(vault).open(opened.log.content(rows[1]["id"]), tenant="acme").answer is not None


async def test_a_provider_sees_placeholders_and_the_caller_what_they_stand_for(open_house: OpenHouse) -> None:
    house = await open_house(
        [[completion("I wrote to [EMAIL_1].")], [stream("To [EM", "AIL_1] at", " last")]],
        more="interactions: {mask: provider}",
    )

    whole = await house.client.chat("Write to ann@example.org!")
    again = await house.client.chat("Write to ann@example.org!")
    streamed = await house.client.chat("Please write to bob@example.org", stream=True)
    rows = await house.rows()
    opened = house.gateway.record.opened()
    kept = content_of(opened, opened.log.page(Query(key=rows[-1]["id"])).rows[0])

    assert whole.json()["choices"][0]["message"]["content"] == "I wrote to ann@example.org."
    assert (again.headers["x-cache"], again.json()["choices"]) == ("HIT", whole.json()["choices"])
    assert streamed.text() == "To bob@example.org at last"
    assert streamed.events()[-1] == "[DONE]"
    assert b"Write to [EMAIL_1]!" in house.asked[0].body
    assert all(b"@example.org" not in asked.body for asked in house.asked)
    assert "@example.org" not in str(kept)


async def test_an_embedding_of_something_personal_is_one_of_its_placeholder(open_house: OpenHouse) -> None:
    house = await open_house([[completion("x")]], more="interactions: {mask: provider}")

    await house.client.post("/v1/embeddings", {"model": "gpt-4o-mini", "input": ["ann@example.org"]})

    assert b"[EMAIL_1]" in house.asked[0].body
    assert b"@example.org" not in house.asked[0].body
