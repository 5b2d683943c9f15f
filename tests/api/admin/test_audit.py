"""What is done over HTTP is in the audit log: who, what, to what, how it ended; and no secret."""

from __future__ import annotations

from tests.doubles.answers import completion
from tests.way.conftest import ADMIN, OpenHouse


async def test_every_change_is_noted_before_and_after_and_the_chain_holds(open_house: OpenHouse) -> None:
    house = await open_house([[completion("hello")]])
    admin = house.as_key(ADMIN)

    made = (await admin.send("POST", "/admin/v1/keys", {"name": "app", "tags": {"team": "a"}})).json()
    await admin.send("DELETE", f"/admin/v1/keys/{made['key']['id']}")
    await admin.send("PATCH", f"/admin/v1/keys/{made['key']['id']}", {"name": "again"})
    await admin.get("/admin/v1/keys")
    deeds = (await admin.get("/admin/v1/audit")).json()["data"]
    verified = (await admin.get("/admin/v1/audit/verify")).json()

    assert [(deed["action"], deed["about"], deed["outcome"]) for deed in reversed(deeds)] == [
        ("keys.create", "", "begun"),
        ("keys.create", made["key"]["id"], "done"),
        ("keys.revoke", made["key"]["id"], "begun"),
        ("keys.revoke", made["key"]["id"], "done"),
        ("keys.change", made["key"]["id"], "begun"),
        ("keys.change", made["key"]["id"], "refused"),
    ]
    assert '"team":"a"' in deeds[-1]["asked"]
    assert deeds[0]["asked"] == "conflict"
    assert made["secret"] not in str(deeds)
    assert (verified["entries"], verified["broken_at"]) == (6, None)
    assert (await admin.get(f"/admin/v1/audit/verify?head={verified['head']}")).json() == verified


async def test_the_log_goes_back_page_by_page(open_house: OpenHouse) -> None:
    house = await open_house([[completion("hello")]])
    admin = house.as_key(ADMIN)
    for number in range(3):
        await admin.send("POST", "/admin/v1/keys", {"name": f"k{number}"})

    first = (await admin.get("/admin/v1/audit?limit=4")).json()
    second = (await admin.get(f"/admin/v1/audit?limit=4&after={first['next']}")).json()

    assert [deed["number"] for deed in first["data"] + second["data"]] == [6, 5, 4, 3, 2, 1]
    assert (second["has_more"], second["next"]) == (False, None)
