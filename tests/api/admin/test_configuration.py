"""The settings in force can be looked at over HTTP, without any secret, and not be changed."""

from __future__ import annotations

from tests.doubles.answers import completion
from tests.way.conftest import ADMIN, KEY, LIMITED, OpenHouse


async def test_the_settings_are_shown_to_admins_without_a_secret(open_house: OpenHouse) -> None:
    house = await open_house(
        [[completion("hello")]], more='interactions: {encryption_key: "' + "ab" * 32 + '", retention_days: 7}'
    )
    admin = house.as_key(ADMIN)

    reply = await admin.get("/admin/v1/config")

    told = reply.json()
    assert told["interactions"]["retention_days"] == 7
    assert told["providers"]["upstream"]["base_url"].startswith("http://127.0.0.1")
    assert told["providers"]["upstream"]["api_key"] == "**********"
    for secret in (KEY, ADMIN, LIMITED, "sk-provider-secret", "ab" * 32):
        assert secret.encode() not in reply.body
    assert (await admin.send("PUT", "/admin/v1/config", {})).status == 405
    assert (await admin.send("PATCH", "/admin/v1/config", {})).status == 405
