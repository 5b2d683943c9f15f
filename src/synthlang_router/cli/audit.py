"""`audit list|verify`: what operators did, and whether the log of it is whole."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from synthlang_router.auth.audit import show_entry, verify
from synthlang_router.auth.noting import OpenedAudit
from synthlang_router.cli.noted import open_audit
from synthlang_router.cli.terminal import printable
from synthlang_router.errors import RouterError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="What operators did, and whether the log of it is whole."
)
Config = Annotated[Path | None, typer.Option(help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    before: Annotated[int | None, typer.Option(min=1, help="Entries before this number.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show actions, the newest first."""

    async def work(opened: OpenedAudit) -> None:
        shown = [show_entry(entry) for entry in await opened.log.newest(before=before, limit=limit)]
        if as_json:
            typer.echo(json.dumps([msgspec.to_builtins(one) for one in shown], ensure_ascii=False))
            return
        for one in shown:
            line = f"{one.number:>6}  {one.at}  {one.actor}  {one.action}  {one.about}  {one.outcome}"
            typer.echo(printable(line))

    _run(config, work)


@app.command("verify")
def verify_(
    head: Annotated[
        str | None, typer.Option(help="The head that an earlier verification told: it must still be there.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Follow the chain from its start; exit code 1 where it breaks."""

    async def work(opened: OpenedAudit) -> None:
        found = await verify(opened.log, opened.key, head)
        if as_json:
            typer.echo(json.dumps(msgspec.to_builtins(found)))
        elif found.broken_at is None:
            typer.echo(f"{found.entries} entries, whole. Head: {found.head}")
        else:
            typer.echo(f"The chain breaks at entry {found.broken_at}; {found.entries} before it are whole.")
        if found.broken_at is not None:
            raise typer.Exit(1)

    _run(config, work)


def _run(config: Path | None, work: Callable[[OpenedAudit], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with open_audit(config) as audit:
            await work(audit)

    try:
        asyncio.run(opened())
    except RouterError as error:
        sys.stderr.write(f"{error.message}\n")
        raise typer.Exit(1) from None
