"""`usage` and `usage reconcile`: requests, tokens and money, and how they compare with a provider's bill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, cast

import typer

from synthlang_router.cli.holdout import compression
from synthlang_router.cli.interactions import run
from synthlang_router.cli.reconcile import reconcile
from synthlang_router.cli.terminal import printable
from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions.moments import moment
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.rollups import (
    DIMENSIONS,
    HOUR,
    NANO,
    Dimension,
    RollUps,
    UsageQuery,
    UsageRow,
)
from synthlang_router.interactions.shown_usage import described
from synthlang_router.interactions.sketch import quantile

EVERY: Final[dict[str, Literal["hour", "day"] | None]] = {"hour": "hour", "day": "day", "all": None}

app = typer.Typer(add_completion=False, help="Requests, tokens and money.")
app.command()(compression)
app.command()(reconcile)
Config = Annotated[Path | None, typer.Option(help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def usage(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="30m, 12h, 7d or a date.")] = "30d",
    until: Annotated[str | None, typer.Option(help="30m, 12h, 7d or a date.")] = None,
    every: Annotated[str, typer.Option(help="hour, day or all.")] = "all",
    by: Annotated[str, typer.Option(help=f"Any of {', '.join(DIMENSIONS)}, separated by commas.")] = "model",
    tenant: Annotated[str | None, typer.Option()] = None,
    project: Annotated[str | None, typer.Option()] = None,
    key: Annotated[str | None, typer.Option(help="The id of an API key.")] = None,
    model: Annotated[str | None, typer.Option()] = None,
    provider: Annotated[str | None, typer.Option()] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show sums over the record."""
    if context.invoked_subcommand is not None:
        return

    def work(opened: OpenedRecord) -> None:
        now = opened.clock()
        query = UsageQuery(
            _moment(since, now),
            now + HOUR if until is None else _moment(until, now),
            every=_every(every),
            by=_dimensions(by),
            tenant=tenant,
            project=project,
            key_id=key,
            model=model,
            provider=provider,
        )
        rows = _rollups(opened).usage(query)
        if as_json:
            typer.echo(
                json.dumps([described(row, query.by) for row in rows], ensure_ascii=False, allow_nan=False)
            )
            return
        for line in table(rows, query):
            typer.echo(printable(line))

    run(config, work)


def table(rows: Sequence[UsageRow], query: UsageQuery) -> list[str]:
    """Aligned columns; `unpriced` requests are not in `usd`."""
    start = () if query.every is None else ("start",)
    head = (
        *start,
        *query.by,
        "requests",
        "prompt",
        "completion",
        "reused",
        "usd",
        "saved",
        "unpriced",
        "p50 ms",
        "p95 ms",
    )
    cells = [head, *(_cells(row, query) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cells(row: UsageRow, query: UsageQuery) -> tuple[str, ...]:
    sums = row.sums
    moment = datetime.fromtimestamp(row.start, UTC).strftime(
        "%Y-%m-%d" if query.every == "day" else "%Y-%m-%d %H:00"
    )
    counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.reused_tokens)
    quantiles = (quantile(sums.latency, share) for share in (0.5, 0.95))
    return (
        *(() if query.every is None else (moment,)),
        *(str(value) or "-" for value in row.by),
        *map(str, counts),
        f"{sums.cost_nano / NANO:.4f}",
        f"{sums.saved_nano / NANO:.4f}",
        str(sums.unpriced),
        *("-" if value is None else f"{value:.0f}" for value in quantiles),
    )


def _rollups(opened: OpenedRecord) -> RollUps:
    """Every registered log keeps the sums of its rows too: `tests/contract/test_roll_ups.py`."""
    return cast(RollUps, opened.log)


def _moment(text: str, now: float) -> float:
    found = moment(text, now)
    return now if found is None else found


def _every(text: str) -> Literal["hour", "day"] | None:
    if text not in EVERY:
        raise InvalidRequest(f"{text!r} is none of {', '.join(EVERY)}.")
    return EVERY[text]


def _dimensions(text: str) -> tuple[Dimension, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in DIMENSIONS:
            raise InvalidRequest(f"{name!r} is none of {', '.join(DIMENSIONS)}.")
    return cast(tuple[Dimension, ...], names)
