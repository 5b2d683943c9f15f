"""Two tenants over every route: whatever one knows, says or guesses of the other's objects, it sees and changes none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.doubles.answers import completion
from tests.doubles.asgi import ASGIClient, Reply
from tests.way.conftest import ADMIN, House, OpenHouse
from tests.way.test_access import routes_of

PROMPT, ANSWER = "the plan of acme is zebra", "zebra is confirmed by giraffe"
ROLES = ("user", "operator", "read-only")
_PART = re.compile(r"\{[a-z_]+(?::path)?\}")


@dataclass(frozen=True, slots=True)
class Belongings:
    """What acme has: names of objects, and what nobody else may ever see."""

    names: tuple[str, ...]
    secret: tuple[str, ...]

    def guesses(self) -> Iterator[str]:
        """The names, and what lies near them."""
        yield from self.names
        first = self.names[0]
        yield first[:-1]
        yield first[:-1] + chr(ord(first[-1]) ^ 1)
        yield first + "%00"
        yield "../" + first


async def belongings(house: House, admin: ASGIClient) -> Belongings:
    reply = await house.client.chat(PROMPT, headers={"x-synthlang-tags": "team=okapi"})
    rows = await house.rows()
    keys = (await admin.get("/admin/v1/keys?tenant=acme&limit=100")).json()["data"]
    ids = tuple(key["id"] for key in keys)
    request_id = reply.headers["x-request-id"]
    return Belongings(
        names=(rows[0]["id"], request_id, *ids, "acme", "alice", reply.json()["id"]),
        secret=(PROMPT, ANSWER, "zebra", "giraffe", "okapi", "alice", rows[0]["id"], *ids),
    )


async def everything(house: House, admin: ASGIClient) -> str:
    """Acme's state as an admin sees it."""
    paths = (
        "/keys?status=all&tenant=acme&limit=1000",
        "/interactions?tenant=acme&limit=1000",
        "/usage?tenant=acme&every=all",
    )
    replies = [await admin.get("/admin/v1" + path) for path in paths]
    keys = replies[0].json()["data"]
    for key in keys:
        key.pop("last_used")
    return json.dumps([keys, *(reply.json() for reply in replies[1:])])


def bodies(name: str) -> list[Any]:
    return [
        {"tenant": "acme", "user": "alice"},
        {"id": name, "request_id": name, "interaction": name, "rating": 1, "verdict": "wrong"},
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": PROMPT}],
            "input": PROMPT,
            "max_tokens": 9,
        },
        {"name": "mine", "tenant": "acme", "key_id": name},
    ]


def queries(name: str) -> tuple[str, ...]:
    return ("", "?tenant=acme", f"?key_id={name}", f"?tenant=globex&after={name}", "?text=zebra&tenant=acme")


async def attempts(client: ASGIClient, line: str, belongings: Belongings) -> list[tuple[str, Reply]]:
    method, path, _ = line.split()
    found: list[tuple[str, Reply]] = []
    names = list(belongings.guesses()) if _PART.search(path) else list(belongings.names[:1])
    for name in names:
        target = _PART.sub(name.replace("\\", ""), path)
        if method == "GET":
            tried = [(target + query, None) for query in queries(name)]
        else:
            tried = [(target, body) for body in bodies(name)]
        for where, body in tried:
            found.append((f"{method} {where} {body}", await client.send(method, where, body)))
    return found


def of_others(what: str, reply: Reply, belongings: Belongings) -> set[str]:
    """What of acme's is in a reply that the asker did not say itself."""
    told = reply.body.decode("utf-8", "replace") + json.dumps(reply.headers)
    return {secret for secret in belongings.secret if secret in told and secret not in what}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.timeout(300)
async def test_another_tenants_objects_are_not_there(open_house: OpenHouse, role: str) -> None:
    house = await open_house([[completion(ANSWER)], [completion("something else")]])
    admin = house.as_key(ADMIN)
    theirs = await belongings(house, admin)
    made = await admin.send("POST", "/admin/v1/keys", {"name": "spy", "role": role, "tenant": "globex"})
    spy = house.as_key(made.json()["secret"])
    before = await everything(house, admin)

    tried = [
        attempt
        for line in routes_of(house.gateway.app)
        if "/metrics" not in line
        for attempt in await attempts(spy, line, theirs)
    ]

    leaks = [(what, found) for what, reply in tried if (found := of_others(what, reply, theirs))]
    assert leaks == []
    assert await everything(house, admin) == before
    assert len(tried) > 100


async def test_the_same_question_of_another_tenant_is_a_question_of_its_own(open_house: OpenHouse) -> None:
    house = await open_house([[completion(ANSWER)], [completion("something else")]])
    admin = house.as_key(ADMIN)
    await house.client.chat(PROMPT)

    for tenant, expected in (("acme", "HIT"), ("globex", "MISS")):
        made = await admin.send("POST", "/admin/v1/keys", {"name": "k", "tenant": tenant, "user": "alice"})
        reply = await house.as_key(made.json()["secret"]).chat(PROMPT)
        assert reply.headers["x-cache"] == expected


async def test_an_unknown_object_and_a_foreign_one_read_the_same(open_house: OpenHouse) -> None:
    house = await open_house([[completion(ANSWER)]])
    admin = house.as_key(ADMIN)
    theirs = await belongings(house, admin)
    made = await admin.send("POST", "/admin/v1/keys", {"name": "spy", "role": "operator", "tenant": "globex"})
    spy = house.as_key(made.json()["secret"])

    for path in ("/admin/v1/keys/{}", "/admin/v1/interactions/{}", "/admin/v1/interactions/{}/content"):
        foreign = [await spy.get(path.format(name)) for name in theirs.names[:3]]
        unknown = await spy.get(path.format("nothing"))
        for reply in foreign:
            assert (reply.status, reply.body) == (unknown.status, unknown.body) == (404, unknown.body)
