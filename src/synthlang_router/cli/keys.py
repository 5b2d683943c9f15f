"""`keys create|list|revoke|rotate`, beside a running gateway, which takes a change over within a second."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final, TypeVar, cast

import msgspec
import typer

from synthlang_router.auth.administration import (
    OpenedKeys,
    create_key,
    import_secret,
    list_keys,
    revoke_key,
    rotate_key,
)
from synthlang_router.auth.budgets import Period
from synthlang_router.auth.keys import ApiKey
from synthlang_router.auth.minting import KeyPlan
from synthlang_router.auth.shown import show_key
from synthlang_router.auth.terms import BudgetTerms
from synthlang_router.cli.noted import noted_command
from synthlang_router.errors import RouterError
from synthlang_router.models import CompressionLevel, CompressionMode, Limits, Role

ROLES: Final[tuple[Role, ...]] = ("admin", "operator", "user", "read-only")
MODES: Final[tuple[CompressionMode, ...]] = ("off", "transparent", "native")
LEVELS: Final[tuple[CompressionLevel, ...]] = ("exact", "readable", "session", "lossy")
PERIODS: Final[tuple[Period, ...]] = ("day", "week", "month", "total")
Word = TypeVar("Word", bound=str)
OpenKeys = Callable[[Path | None], AbstractAsyncContextManager[OpenedKeys]]
"""From the configuration file (None: found as `serve` finds it) to the opened store."""

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Create, list, revoke and rotate API keys."
)
Config = Annotated[Path | None, typer.Option(help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is called in lists and records.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "user",
    tenant: Annotated[
        str | None, typer.Option(help="Whose data it sees; a tenant of its own if left out.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Whose requests they are; the name if left out.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model it may use, `*` as wildcard; repeatable.")
    ] = None,
    route: Annotated[
        list[str] | None, typer.Option(help="A path it may use, `*` as wildcard; repeatable.")
    ] = None,
    requests_per_minute: Annotated[float | None, typer.Option(min=0.001)] = None,
    burst: Annotated[float | None, typer.Option(min=1, help="Requests that may come at once.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests that may be under way.")] = None,
    tokens_per_minute: Annotated[float | None, typer.Option(min=1)] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="US dollars it may spend; the configured budget if left out.")
    ] = None,
    budget_per: Annotated[str, typer.Option(help=f"One of {', '.join(PERIODS)}.")] = "month",
    project: Annotated[str, typer.Option(help="The project it belongs to.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="name=value; repeatable.")] = None,
    compression: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(MODES)}; the configured mode if left out.")
    ] = None,
    level: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(LEVELS)}; the configured level if left out.")
    ] = None,
    expires_days: Annotated[
        float | None, typer.Option(min=0, help="Days until it stops being valid.")
    ] = None,
    import_from: Annotated[
        typer.FileText | None,
        typer.Option(help="A file, or - for standard input, that holds a key of yours to take over."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show its secret, once; or take over one that you have."""

    async def work(opened: OpenedKeys) -> None:
        plan = KeyPlan(
            name=name,
            role=_role(role),
            tenant=tenant,
            user=user,
            models=tuple(model) if model else ("*",),
            routes=tuple(route) if route else ("*",),
            limits=Limits(requests_per_minute, burst, concurrency, tokens_per_minute),
            budget=None
            if budget is None
            else BudgetTerms(budget, _one_of(PERIODS, budget_per, "--budget-per")).budget(),
            tags=_tags(tag or ()),
            project=project,
            compression=None if compression is None else _one_of(MODES, compression, "--compression"),
            level=None if level is None else _one_of(LEVELS, level, "--level"),
            expires=None if expires_days is None else opened.clock() + expires_days * 86_400,
        )
        if import_from is not None:
            await _take_over(opened, import_from, plan, config, as_json=as_json)
            return
        async with noted_command(config, "keys.create", name) as mark:
            secret, key = await create_key(opened, plan)
            mark.about = key.key_id
        _show_secret(secret, key, now=opened.clock(), as_json=as_json)

    _run(config, work)


async def _take_over(
    opened: OpenedKeys, source: typer.FileText, plan: KeyPlan, config: Path | None, *, as_json: bool
) -> None:
    """The secret is read from a file, since arguments can be seen by others on the machine; it is not shown."""
    secret = source.read(2_000).strip("\r\n")
    async with noted_command(config, "keys.import", plan.name) as mark:
        imported = await import_secret(opened, secret, plan)
        mark.about = imported.key.key_id
    if imported.warning is not None:
        sys.stderr.write(f"{imported.warning}\n")
    shown = describe(imported.key, opened.clock())
    _print(shown if as_json else f"Took over {imported.key.key_id} ({plan.name}, role {plan.role}).")


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the keys, never their secrets."""

    async def work(opened: OpenedKeys) -> None:
        now = opened.clock()
        _show(
            [describe(key, now) for key in await list_keys(opened, every=every, limit=limit)],
            as_json=as_json,
        )

    _run(config, work)


@app.command()
def revoke(
    which: Annotated[str, typer.Argument(help="The id or name of the key.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """End a key for good, within a second."""

    async def work(opened: OpenedKeys) -> None:
        async with noted_command(config, "keys.revoke", which) as mark:
            key = await revoke_key(opened, which)
            mark.about = key.key_id
        _print({"revoked": key.key_id} if as_json else f"Revoked {key.key_id} ({key.name}).")

    _run(config, work)


@app.command()
def rotate(
    which: Annotated[str, typer.Argument(help="The id or name of the key.")],
    overlap: Annotated[float, typer.Option(min=0, help="Seconds the old secret stays valid.")] = 86_400.0,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret; the old one ends after the overlap."""

    async def work(opened: OpenedKeys) -> None:
        async with noted_command(config, "keys.rotate", which) as mark:
            secret, key = await rotate_key(opened, which, overlap=overlap)
            mark.about = key.key_id
        _show_secret(secret, key, now=opened.clock(), as_json=as_json)

    _run(config, work)


def describe(key: ApiKey, now: float) -> dict[str, object]:
    """A key as JSON."""
    shown: dict[str, object] = msgspec.to_builtins(show_key(key, now))
    return shown


def _run(config: Path | None, work: Callable[[OpenedKeys], Awaitable[None]]) -> None:
    """Open the keys as the gateway would, and do the work; a foreseen error is one line and exit code 1."""
    open_keys = cast(OpenKeys, importlib.import_module("synthlang_router.main").open_keys)

    async def opened() -> None:
        async with open_keys(config) as keys:
            await work(keys)

    try:
        asyncio.run(opened())
    except RouterError as error:
        sys.stderr.write(f"{error.message}\n")
        raise typer.Exit(1) from None


def _role(text: str) -> Role:
    return _one_of(ROLES, text, "--role")


def _one_of(words: Sequence[Word], text: str, option: str) -> Word:
    for word in words:
        if word == text:
            return word
    raise typer.BadParameter(f"one of {', '.join(words)}", param_hint=option)


def _tags(pairs: Sequence[str]) -> tuple[tuple[str, str], ...]:
    tags = []
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not name or not separator:
            raise typer.BadParameter("name=value", param_hint="--tag")
        tags.append((name, value))
    return tuple(tags)


def _show_secret(secret: str, key: ApiKey, *, now: float, as_json: bool) -> None:
    if as_json:
        _print({"key": secret, **describe(key, now)})
    else:
        _print(
            f"{secret}\nThis is {key.key_id} ({key.name}, role {key.role}). The secret is not shown again."
        )


def _show(rows: list[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        _print(rows)
        return
    shown = ("id", "name", "status", "role", "tenant", "expires", "last_used", "source")
    cells = [shown, *(tuple(str(row[name] or "") for name in shown) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(shown))]
    for line in cells:
        _print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _print(what: object) -> None:
    text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False, allow_nan=False)
    typer.echo(text)
