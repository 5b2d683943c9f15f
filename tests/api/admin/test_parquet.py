"""The record as Parquet, which the extra `export` brings: the same rows as JSON Lines have."""

from __future__ import annotations

import io
import json

import pyarrow.parquet as pq

from tests.doubles.answers import completion
from tests.way.conftest import ADMIN, OpenHouse


async def test_export_as_json_lines_and_as_parquet_hold_the_same_rows(open_house: OpenHouse) -> None:
    house = await open_house([[completion("The answer")]])
    admin = house.as_key(ADMIN)
    for number in range(3):
        await house.client.chat(f"question {number}")
    await house.rows()

    lines = await admin.get("/admin/v1/interactions/export?tenant=acme&content=true")
    parquet = await admin.get("/admin/v1/interactions/export?tenant=acme&content=true&format=parquet")

    rows = [json.loads(line) for line in lines.body.splitlines()]
    table = pq.read_table(io.BytesIO(parquet.body)).to_pylist()
    assert [row["id"] for row in rows] == [row["id"] for row in table]
    assert len(rows) == 3
    assert [row["prompt"] for row in rows] == [row["prompt"] for row in table]
    assert table[0]["arrived"].isoformat(timespec="milliseconds") == rows[0]["arrived"]
    assert (lines.headers["content-type"], parquet.headers["content-type"]) == (
        "application/x-ndjson",
        "application/vnd.apache.parquet",
    )
