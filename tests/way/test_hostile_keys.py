"""Whatever is sent as a key is no key: 401, in the same words for all of it."""

from __future__ import annotations

import pytest

from tests.doubles.answers import completion
from tests.way.conftest import KEY, OpenHouse

STRINGS = {
    "empty": "",
    "sql": "' OR 1=1; DROP TABLE api_keys; --",
    "line break": f"{KEY}\r\nx-synthlang-key: {KEY}",
    "a megabyte": "k" * 1_000_000,
    "a valid key's beginning": KEY[:-1],
    "a valid key and more": KEY + "x",
    "a valid key twice": f"{KEY},{KEY}",
    "nul": KEY + "\x00",
    "nul inside": KEY[:5] + "\x00" + KEY[5:],
    "other case": KEY.upper(),
    "latin-1": KEY + "\xff",
    "no-break space": KEY + "\xa0",
    "quoted": f'"{KEY}"',
    "json": '{"key": "' + KEY + '"}',
    "template": "${DEV_KEY}",
    "path": "../../data/admin.key",
    "digest": "\\x" + "00" * 32,
}
PLACES = {
    "authorization": "Bearer {}",
    "x-api-key": "{}",
    "x-goog-api-key": "{}",
    "x-synthlang-key": "{}",
}
WRONG_SCHEMES = ("Basic {}", "{}", "Bearer{}", "bearer\t{}x", "Token {}")


@pytest.mark.parametrize("name", STRINGS)
async def test_no_hostile_string_is_a_key(open_house: OpenHouse, name: str) -> None:
    house = await open_house([[completion("hello")]])
    stranger = house.as_key(None)
    replies = []

    for header, form in PLACES.items():
        headers = {header: form.format(STRINGS[name]), "host": "127.0.0.1:8080@evil.example"}
        replies.append(await stranger.chat("hi", headers=headers))
        replies.append(await stranger.get("/admin/v1/keys", headers=headers))

    assert {reply.status for reply in replies} == {401}
    assert len({reply.body for reply in replies}) == 1
    assert replies[0].json()["error"]["code"] == "invalid_api_key"
    assert house.asked == []


@pytest.mark.parametrize("form", WRONG_SCHEMES)
async def test_a_valid_key_in_a_wrong_scheme_is_none(open_house: OpenHouse, form: str) -> None:
    house = await open_house([[completion("hello")]])

    reply = await house.as_key(None).chat("hi", headers={"authorization": form.format(KEY)})

    assert reply.status == 401
