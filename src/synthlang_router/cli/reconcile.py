"""`usage reconcile FILE`: a provider's export beside the record, call by call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from synthlang_router.cli.interactions import run
from synthlang_router.cli.terminal import printable
from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions import Interaction, InteractionLog, Query
from synthlang_router.interactions.billed import Told, bill_of, billed_calls, told_by, undated
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.reconcile import Difference, differences, read_export
from synthlang_router.interactions.record import MAX_PAGE
from synthlang_router.interactions.rollups import DAY, HOUR


def reconcile(
    file: Annotated[Path, typer.Argument(help="A provider's export: OpenAI's usage API as JSON, or CSV.")],
    provider: Annotated[str, typer.Option(help="The configured provider whose bill it is.")],
    alias: Annotated[
        list[str] | None, typer.Option(help="theirs=ours, for a model's name; repeatable.")
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, max=1, help="The share that may differ.")] = 0.0,
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List where a provider's export and the record differ; exit code 1 if they do."""

    def work(opened: OpenedRecord) -> None:
        theirs = read_export(_read(file), _aliases(alias or ()))
        if not theirs:
            raise InvalidRequest(f"{file} has no records.")
        days = [day for day, _ in theirs]
        first, last = min(days), max(days) + DAY
        calls = [
            call
            for call in billed_calls(_rows(opened.log, first - HOUR, last))
            if first <= call.at < last and call.provider == provider
        ]
        ours = bill_of(calls, provider)
        found = differences(ours, undated(theirs, {model for _, model in ours}), tolerance=tolerance)
        sources = told_by(calls, provider)
        lines = [_as_json(found, sources)] if as_json else _told(found, sources, len(theirs))
        for line in lines:
            typer.echo(printable(line))
        if found:
            raise typer.Exit(1)

    run(config, work)


def _rows(log: InteractionLog, since: float, until: float) -> Iterator[Interaction]:
    """All rows of this time, the newest first."""
    query = Query(since=since, until=until, limit=MAX_PAGE)
    while True:
        page = log.page(query)
        yield from page.rows
        if page.next is None:
            return
        query = structs.replace(query, before=page.next)


def _told(found: Sequence[Difference], sources: Mapping[str, Told], lines: int) -> list[str]:
    differing = [
        f"{datetime.fromtimestamp(one.day, UTC):%Y-%m-%d}  {one.model}  {one.what}: ours {one.ours:g}, theirs {one.theirs:g}"
        for one in found
    ]
    agreed = [] if found else [f"The record agrees with all {lines} days and models of the export."]
    counted = ", ".join(f"{source} {told.calls} ({told.cost:.4f} USD)" for source, told in sources.items())
    return [*differing, *agreed, f"Calls in the record, by who counted: {counted or 'none'}."]


def _as_json(found: Sequence[Difference], sources: Mapping[str, Told]) -> str:
    return json.dumps(
        {
            "differences": [_difference(one) for one in found],
            "sources": {source: structs.asdict(told) for source, told in sources.items()},
        }
    )


def _difference(one: Difference) -> dict[str, object]:
    day = datetime.fromtimestamp(one.day, UTC).date().isoformat()
    return {"day": day, "model": one.model, "what": one.what, "ours": one.ours, "theirs": one.theirs}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read ({error.strerror}).") from None


def _aliases(pairs: Sequence[str]) -> dict[str, str]:
    found = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(found.values()):
        raise InvalidRequest("An alias is theirs=ours.")
    return found
