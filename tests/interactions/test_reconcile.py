"""A provider's export is read as it comes, and compared with the record day by day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from synthlang_router.backends.sqlite.interactions import SqliteInteractionLog
from synthlang_router.cli.usage import app
from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions import Batch
from synthlang_router.interactions.billed import bill_of, billed_calls, told_by, undated
from synthlang_router.interactions.reconcile import Difference, Line, differences, read_export
from synthlang_router.interactions.rollups import DAY
from synthlang_router.main import read_settings
from synthlang_router.main.recording import LOG_FILE
from synthlang_router.main.secrets import make_data_dir
from tests.interactions.records import row

MONDAY = 19_700 * DAY
OPENAI = {
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": MONDAY,
            "end_time": MONDAY + DAY,
            "results": [
                {
                    "object": "result",
                    "input_tokens": 100,
                    "output_tokens": 50,
                    "num_model_requests": 2,
                    "model": "gpt-4o",
                },
                {
                    "object": "result",
                    "input_tokens": 10,
                    "output_tokens": 5,
                    "num_model_requests": 1,
                    "model": "gpt-4o",
                },
            ],
        },
        {"object": "bucket", "start_time": MONDAY + DAY, "results": []},
    ],
}
CSV = "date,model,requests,input_tokens,output_tokens,cost_usd\n2023-12-09,gpt-4o,3,110,55,$0.5\n"


@pytest.mark.parametrize("data", [OPENAI, [OPENAI], OPENAI["data"]], ids=["page", "pages", "buckets"])
def test_openais_usage_pages_are_read(data: object) -> None:
    assert read_export(json.dumps(data).encode()) == {(MONDAY, "gpt-4o"): Line(3, 110, 55)}


def test_csv_is_read_by_the_names_of_its_columns() -> None:
    assert read_export(b"\xef\xbb\xbf" + CSV.encode()) == {(MONDAY, "gpt-4o"): Line(3, 110, 55, 0.5)}
    seconds = f"timestamp,model,n_requests\n{MONDAY + 3600},m,1\n{(MONDAY + 7200) * 1000},m,1\n"
    assert read_export(seconds.encode()) == {(MONDAY, "m"): Line(2)}


def test_a_models_name_may_be_another_on_the_bill() -> None:
    found = read_export(CSV.encode(), {"gpt-4o": "gpt-4o-2024-08-06"})

    assert list(found) == [(MONDAY, "gpt-4o-2024-08-06")]


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": ',
        b"[1]",
        b"model,requests\nm,1\n",
        b"date,model,requests\nsoon,m,1\n",
        b"date,model,requests\nnan,m,1\n",
        b"date,model,cost\n2023-12-09,m,much\n",
    ],
)
def test_what_is_no_export_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_export(data)


def test_only_what_both_know_can_differ() -> None:
    ours = {(0, "a"): Line(1, 10, 5, 0.5), (0, "b"): Line(1, 10, 5, None)}
    theirs = {(0, "a"): Line(1, 11, None, 0.5), (0, "b"): Line(1, 10, 5, 9.0), (1, "c"): Line(2)}

    assert differences(ours, theirs) == [
        Difference(0, "a", "prompt_tokens", 10, 11),
        Difference(1, "c", "requests", 0, 2),
    ]
    assert differences(ours, {(0, "a"): Line(1, 10.05), (0, "b"): Line(1)}, tolerance=0.01) == []


def called(prompt: int, completion: int, cost: float | None, **more: Any) -> dict[str, Any]:
    """An attempt as a row has it."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    known = {"provider": "p", "model": "gpt-4o", "started": 0.0, "ended": 1.0, "status": 200}
    return {**known, "usage": usage, "cost": cost, "source": "provider", **more}


def test_every_call_is_on_the_bill_of_who_worked_on_it_and_on_its_own_day() -> None:
    late = MONDAY + DAY - 1.0
    rows = [
        row(
            "1",
            arrived=late,
            provider="q",
            cost=0.9,
            attempts=[
                called(10, 0, 0.1, status=504, error="provider_timeout", source="estimated"),
                called(0, 0, 0.0, status=429, error="rate_limit_exceeded"),
                called(10, 5, 0.8, provider="q", started=2.0),
            ],
        ),
        row("2", arrived=late, provider="p", model="gpt-4o", attempts=[called(7, 3, 0.2, started=2.0)]),
        row("3", arrived=late, provider="p", model="gpt-4o", cache="HIT", usage_source="cache", cost=0.0),
        row("4", arrived=late, provider="p", model="gpt-4o", outcome="lost", cost=None, tokens={"prompt": 9}),
    ]
    calls = list(billed_calls(rows))

    assert bill_of(calls, "p") == {
        (MONDAY, "gpt-4o"): Line(2, 19, 0, None),
        (MONDAY + DAY, "gpt-4o"): Line(1, 7, 3, 0.2),
    }
    assert bill_of(calls, "q") == {(MONDAY + DAY, "gpt-4o"): Line(1, 10, 5, 0.8)}
    assert {source: told.calls for source, told in told_by(calls, "p").items()} == {
        "estimated": 2,
        "provider": 1,
    }


def test_a_dated_name_on_the_bill_is_ours_where_we_have_no_other() -> None:
    theirs = {(0, "gpt-4o-2024-08-06"): Line(1), (0, "gpt-4o"): Line(2), (0, "o3-2025-04-16"): Line(4)}

    assert undated(theirs, {"gpt-4o", "o3-2025-04-16"}) == {
        (0, "gpt-4o"): Line(3),
        (0, "o3-2025-04-16"): Line(4),
    }


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Path]:
    config = tmp_path / "router.yaml"
    config.write_text(
        f"data_dir: {tmp_path / 'data'}\nproviders: {{p: {{dialect: openai, base_url: 'http://127.0.0.1:1/v1'}}}}\n"
    )
    config.chmod(0o600)
    settings = read_settings(config)
    make_data_dir(settings.data_dir)
    log = SqliteInteractionLog(settings.data_dir / LOG_FILE)
    log.write(
        Batch(
            [
                row(
                    "1",
                    arrived=MONDAY + 5.0,
                    model="gpt-4o",
                    provider="p",
                    cost=0.2,
                    usage_source="provider",
                    tokens={"prompt": 60, "completion": 30},
                    attempts=[called(60, 30, 0.2)],
                    timings={"total": 100.0},
                ),
                row(
                    "2",
                    arrived=MONDAY + 6.0,
                    model="gpt-4o",
                    provider="p",
                    cost=0.3,
                    usage_source="provider",
                    tokens={"prompt": 50, "completion": 25},
                    attempts=[called(50, 25, 0.3)],
                    timings={"total": 100.0},
                ),
                row(
                    "3",
                    arrived=MONDAY + 7.0,
                    model="gpt-4o",
                    provider="p",
                    cost=0.0,
                    usage_source="cache",
                    cache="HIT",
                    tokens={"prompt": 50, "completion": 25},
                    saved=[["cache", 0.3]],
                ),
                row("4", arrived=MONDAY + 8.0, model="other", provider="q", cost=None),
            ]
        )
    )
    log.close()
    yield config


def run(installation: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*arguments])
    return result.exit_code, result.stdout, result.stderr


def test_usage_shows_sums_by_what_is_asked(installation: Path) -> None:
    asked = ("--since", "2023-12-09", "--until", "2023-12-10", "--config", str(installation))

    _, table, _ = run(installation, *asked)
    _, found, _ = run(installation, *asked, "--by", "provider,status", "--every", "day", "--json")

    assert [line.split()[:2] for line in table.splitlines()] == [
        ["model", "requests"],
        ["gpt-4o", "3"],
        ["other", "1"],
    ]
    first, second = json.loads(found)
    assert (first["provider"], first["status"], first["start"]) == ("p", 200, "2023-12-09T00:00:00+00:00")
    assert (first["requests"], first["prompt_tokens"], first["reused_tokens"]) == (3, 110, 75)
    assert (first["cost"], first["saved"], second["unpriced"]) == (0.5, 0.3, 1)
    assert first["latency_ms"]["p95"] == pytest.approx(100, rel=0.05)


def test_reconcile_says_where_the_bill_and_the_record_differ(installation: Path, tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    asked = ("reconcile", str(bill), "--provider", "p", "--config", str(installation))

    bill.write_text(CSV.replace("gpt-4o,3", "gpt-4o,2"))
    agreed = run(installation, *asked)
    bill.write_text(CSV)
    differing = run(installation, *asked)
    machine = run(installation, *asked, "--json")

    assert agreed[0] == 0
    assert "agrees" in agreed[1]
    assert differing[0] == 1
    assert differing[1].splitlines() == [
        "2023-12-09  gpt-4o  requests: ours 2, theirs 3",
        "Calls in the record, by who counted: provider 2 (0.5000 USD).",
    ]
    assert json.loads(machine[1]) == {
        "differences": [{"day": "2023-12-09", "model": "gpt-4o", "what": "requests", "ours": 2, "theirs": 3}],
        "sources": {"provider": {"calls": 2, "cost": 0.5}},
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["--by", "colour"],
        ["--every", "minute"],
        ["--since", "soon"],
        ["reconcile", "/nowhere", "--provider", "p"],
    ],
)
def test_what_cannot_be_answered_is_one_line_and_exit_code_one(
    installation: Path, arguments: list[str]
) -> None:
    code, _, said = run(installation, *arguments, "--config", str(installation))

    assert code == 1
    assert len(said.splitlines()) == 1
