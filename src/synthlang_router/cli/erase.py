"""`erase tenant|user|row`: for good, beside a running gateway, noted in the audit log."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, cast

import msgspec
import typer

from synthlang_router.cli.noted import noted_command
from synthlang_router.errors import RouterError
from synthlang_router.interactions.erasing import (
    SETTLE_SECONDS,
    Erased,
    erase_row,
    erase_tenant,
    erase_user,
)
from synthlang_router.interactions.record import InteractionLog
from synthlang_router.vault import Vault

OpenErasable = Callable[[Path | None], AbstractContextManager[tuple[InteractionLog, Vault]]]
Erase = Callable[[InteractionLog, Vault], Erased]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Erase for good; nothing brings back what is erased."
)
Config = Annotated[Path | None, typer.Option(help="The configuration file.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def tenant(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    yes: Yes = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Erase all rows and sums of a tenant, and its key: backups of its content cannot be opened either.

    Its answers in a running gateway's cache go with POST /admin/v1/erase, or when they expire.
    """
    _sure(yes, f"Erase everything of tenant {name}?")
    _run(config, name, lambda log, vault: erase_tenant(log, vault, name, _settle), as_json)


@app.command()
def user(
    tenant: Annotated[str, typer.Argument(help="The tenant.")],
    name: Annotated[str, typer.Argument(help="The user.")],
    yes: Yes = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Erase all rows of a user of a tenant; the sums over them stay."""
    _sure(yes, f"Erase all rows of user {name} of tenant {tenant}?")
    _run(config, f"{tenant}/{name}", lambda log, vault: erase_user(log, tenant, name, _settle), as_json)


@app.command()
def row(
    row_id: Annotated[str, typer.Argument(help="The id of a row.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Erase one row with its prompt and answer."""
    _run(config, row_id, lambda log, vault: erase_row(log, row_id), as_json)


def _run(config: Path | None, about: str, erase: Erase, as_json: bool) -> None:
    open_record = cast(OpenErasable, importlib.import_module("synthlang_router.main").erasable_record)

    async def work() -> Erased:
        with open_record(config) as (log, vault):
            async with noted_command(config, "erase", about):
                return await asyncio.to_thread(erase, log, vault)

    try:
        erased = asyncio.run(work())
    except RouterError as error:
        sys.stderr.write(f"{error.message}\n")
        raise typer.Exit(1) from None
    told = f"Erased {erased.rows} rows and {erased.keys} keys."
    typer.echo(json.dumps(msgspec.to_builtins(erased)) if as_json else told)


def _sure(yes: bool, question: str) -> None:
    if not yes:
        typer.confirm(question, abort=True)


def _settle() -> None:
    time.sleep(SETTLE_SECONDS)
