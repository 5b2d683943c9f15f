"""`interactions list|show|export`, beside a running gateway: what was asked and answered."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final, cast

import typer

from synthlang_router.cli.terminal import printable
from synthlang_router.errors import InvalidRequest, NotFound, RouterError
from synthlang_router.interactions import Interaction, Query
from synthlang_router.interactions.export import FORMATS
from synthlang_router.interactions.export import export as write_export
from synthlang_router.interactions.moments import moment
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.search import search
from synthlang_router.interactions.shown import content_of, describe
from synthlang_router.models import OutcomeKind

OUTCOMES: Final[tuple[OutcomeKind, ...]] = ("complete", "failed", "abandoned", "lost")
PROGRESS_EVERY: Final = 10_000


OpenRecord = Callable[[Path | None], AbstractContextManager[OpenedRecord]]
"""From the configuration file (None: found as `serve` finds it) to the opened record."""

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="List, show and export what was asked and answered."
)
Config = Annotated[Path | None, typer.Option(help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    tenant: Annotated[str | None, typer.Option()] = None,
    user: Annotated[str | None, typer.Option()] = None,
    key: Annotated[str | None, typer.Option(help="The id of an API key.")] = None,
    model: Annotated[str | None, typer.Option(help="As asked for or as served.")] = None,
    provider: Annotated[str | None, typer.Option()] = None,
    cache: Annotated[str | None, typer.Option(help="As in the x-cache header.")] = None,
    outcome: Annotated[str | None, typer.Option(help=f"One of {', '.join(OUTCOMES)}.")] = None,
    status: Annotated[int | None, typer.Option(help="The HTTP status.")] = None,
    min_cost: Annotated[float | None, typer.Option(help="USD.", min=0)] = None,
    tag: Annotated[str | None, typer.Option(help="name=value.")] = None,
    since: Annotated[str | None, typer.Option(help="30m, 12h, 7d or a date.")] = None,
    until: Annotated[str | None, typer.Option(help="30m, 12h, 7d or a date.")] = None,
    text: Annotated[
        str | None, typer.Option(help="In prompt or answer; needs --tenant, and opens what is sealed.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Go on where another list ended.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List rows, the newest first, without prompts and answers."""

    def work(opened: OpenedRecord) -> None:
        now = opened.clock()
        query = Query(
            tenant=tenant,
            user=user,
            key_id=key,
            model=model,
            provider=provider,
            cache=cache,
            outcome=_outcome(outcome),
            status=status,
            min_cost=min_cost,
            tag=_tag(tag),
            since=moment(since, now),
            until=moment(until, now),
            before=before,
            limit=limit,
        )
        page = opened.log.page(query) if text is None else search(opened, query, text)
        if as_json:
            _print_json([describe(row) for row in page.rows])
            return
        for line in table(page.rows):
            typer.echo(printable(line))
        if page.next is not None:
            typer.echo(f"more: --before {page.next}")

    run(config, work)


@app.command()
def show(
    which: Annotated[str, typer.Argument(help="A row id, or the x-request-id that the client saw.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one row (or several of one request id) with its prompt and answer."""

    def work(opened: OpenedRecord) -> None:
        rows = opened.log.page(Query(key=which)).rows
        if not rows:
            raise NotFound(f"There is no interaction {which!r}.")
        shown = [{**describe(row), **content_of(opened, row)} for row in rows]
        if as_json:
            _print_json(shown)
            return
        for one in shown:
            for name, value in one.items():
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                typer.echo(printable(f"{name + ':':<18}{text}"))
            typer.echo("")

    run(config, work)


@app.command()
def export(
    output: Annotated[
        Path | None, typer.Option(help="A new file, readable by its owner only; else standard output.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "jsonl",
    content: Annotated[bool, typer.Option(help="Prompts and answers too.")] = False,
    tenant: Annotated[str | None, typer.Option()] = None,
    user: Annotated[str | None, typer.Option()] = None,
    key: Annotated[str | None, typer.Option(help="The id of an API key.")] = None,
    model: Annotated[str | None, typer.Option(help="As asked for or as served.")] = None,
    tag: Annotated[str | None, typer.Option(help="name=value.")] = None,
    since: Annotated[str | None, typer.Option(help="30m, 12h, 7d or a date.")] = None,
    until: Annotated[str | None, typer.Option(help="30m, 12h, 7d or a date.")] = None,
    config: Config = None,
) -> None:
    """Write rows as JSON Lines or Parquet, the newest first; progress goes to standard error."""

    def work(opened: OpenedRecord) -> None:
        now = opened.clock()
        query = Query(
            tenant=tenant,
            user=user,
            key_id=key,
            model=model,
            tag=_tag(tag),
            since=moment(since, now),
            until=moment(until, now),
        )
        pieces = write_export(opened, query, form=form, content=content)
        with _sink(output) as sink:
            number, told = 0, PROGRESS_EVERY
            for number, piece in pieces:
                sink.write(piece)
                if number >= told:
                    sys.stderr.write(f"{number} rows\n")
                    told = number + PROGRESS_EVERY
        sys.stderr.write(f"{number} rows, done\n")

    run(config, work)


@contextmanager
def _sink(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidRequest(f"{output} cannot be made ({error.strerror}).") from None
    with open(descriptor, "wb") as file:
        yield file


def table(rows: Sequence[Interaction]) -> Iterator[str]:
    """Aligned columns."""
    names = ("id", "arrived", "tenant", "user", "model", "provider", "status", "cache", "tokens", "ms", "usd")
    cells = [names, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _cells(row: Interaction) -> tuple[str, ...]:
    prompt, completion = (
        "?" if count is None else str(count) for count in (row.tokens.prompt, row.tokens.completion)
    )
    return (
        row.id,
        datetime.fromtimestamp(row.arrived, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        row.tenant,
        row.user,
        row.asked_model if row.model in ("", row.asked_model) else f"{row.asked_model} > {row.model}",
        row.provider or "-",
        f"{row.status}" if row.outcome == "complete" and row.delivered else f"{row.status} {_ending(row)}",
        row.cache or "-",
        f"{prompt}+{completion}",
        f"{row.timings.total:.0f}",
        "-" if row.cost is None else f"{row.cost:.6f}",
    )


def _ending(row: Interaction) -> str:
    return "undelivered" if row.outcome == "complete" else row.outcome


def _outcome(text: str | None) -> OutcomeKind | None:
    for outcome in OUTCOMES:
        if outcome == text:
            return outcome
    if text is not None:
        raise InvalidRequest(f"{text!r} is none of {', '.join(OUTCOMES)}.")
    return None


def _tag(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    name, separator, value = text.partition("=")
    if not separator:
        raise InvalidRequest(f"{text!r} is no tag: name=value.")
    return name, value


def run(config: Path | None, work: Callable[[OpenedRecord], None]) -> None:
    """Open the record as the gateway would, and do the work; a foreseen error is one line and exit code 1."""
    open_record = cast(OpenRecord, importlib.import_module("synthlang_router.main").read_record)
    try:
        with open_record(config) as opened:
            work(opened)
    except RouterError as error:
        sys.stderr.write(f"{error.message}\n")
        raise typer.Exit(1) from None
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        raise typer.Exit(0) from None


def _print_json(what: object) -> None:
    typer.echo(json.dumps(what, ensure_ascii=False, allow_nan=False))
