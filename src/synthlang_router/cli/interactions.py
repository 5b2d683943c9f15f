"""`interactions list|show`, beside a running gateway: what was asked and answered."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, cast

import typer
from msgspec import structs, to_builtins

from synthlang_router.errors import InvalidRequest, NotFound, RouterError
from synthlang_router.interactions import (
    Content,
    Interaction,
    Kept,
    Query,
)
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.models import OutcomeKind
from synthlang_router.vault import Unsealable

OUTCOMES: Final[tuple[OutcomeKind, ...]] = ("complete", "failed", "abandoned", "lost")
UNITS: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


OpenRecord = Callable[[Path | None], AbstractContextManager[OpenedRecord]]
"""From the configuration file (None: found as `serve` finds it) to the opened record."""

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="List and show what was asked and answered."
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
        page = opened.log.page(query)
        if as_json:
            _print_json([describe(row) for row in page.rows])
            return
        for line in table(page.rows):
            typer.echo(printable(line))
        if page.next is not None:
            typer.echo(f"more: --before {page.next}")

    _run(config, work)


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

    _run(config, work)


def describe(row: Interaction) -> dict[str, object]:
    """A row as JSON, times readable."""
    found: dict[str, object] = structs.asdict(row)
    found["arrived"] = datetime.fromtimestamp(row.arrived, UTC).isoformat(timespec="milliseconds")
    found["tags"] = dict(row.tags)
    for name in ("tokens", "timings", "attempts"):
        found[name] = to_builtins(found[name])
    return found


def content_of(opened: OpenedRecord, row: Interaction) -> dict[str, object]:
    """Prompt and answer, opened; `content` says why there are none."""
    sealed = opened.log.content(row.id)
    if sealed is None:
        return {"content": "not kept"}
    try:
        content: Content = opened.sealer.open(sealed, tenant=row.tenant)
    except Unsealable as error:
        return {"content": error.message}
    return {"prompt": readable(content.prompt), "answer": readable(content.answer)}


def readable(kept: Kept | None) -> str | None:
    """A body as text, what was left out marked with its size and digest."""
    if kept is None:
        return None
    head = kept.head.decode("utf-8", "replace")
    if not kept.cut:
        return head
    mark = f"\n[... {kept.cut} of {kept.size} bytes left out, sha256 {kept.sha256.hex()} ...]\n"
    return head + mark + kept.tail.decode("utf-8", "replace")


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


def printable(text: str) -> str:
    """No control character of a client's reaches the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def moment(text: str | None, now: float) -> float | None:
    """Seconds since the epoch of `30m`, `12h`, `7d` (ago) or an ISO date, which is UTC unless it says otherwise."""
    if text is None:
        return None
    try:
        if text[-1:] in UNITS:
            return now - float(text[:-1]) * UNITS[text[-1]]
        date = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is neither a time ago (30m, 12h, 7d) nor a date.") from None
    return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()


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


def _run(config: Path | None, work: Callable[[OpenedRecord], None]) -> None:
    """Open the record as the gateway would, and do the work; a foreseen error is one line and exit code 1."""
    open_record = cast(OpenRecord, importlib.import_module("synthlang_router.main").read_record)
    try:
        with open_record(config) as opened:
            work(opened)
    except RouterError as error:
        sys.stderr.write(f"{error.message}\n")
        raise typer.Exit(1) from None


def _print_json(what: object) -> None:
    typer.echo(json.dumps(what, ensure_ascii=False, allow_nan=False))
