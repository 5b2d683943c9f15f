"""`usage compression`: what native mode saved, measured by the conversations that were held out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec import structs

from synthlang_router.cli.interactions import run
from synthlang_router.cli.terminal import printable
from synthlang_router.interactions import Query
from synthlang_router.interactions.arms import Arm, Measured, measured_saving
from synthlang_router.interactions.moments import moment
from synthlang_router.interactions.opened import OpenedRecord
from synthlang_router.interactions.shown import walk

_HEADS: Final = {
    "requests": "{:.0f}",
    "prompt_tokens": "{:.1f}",
    "cost": "{:.6f}",
    "cached_share": "{:.1%}",
    "completion_tokens": "{:.1f}",
    "error_rate": "{:.1%}",
    "retry_rate": "{:.1%}",
}


def compression(
    since: Annotated[str, typer.Option(help="30m, 12h, 7d or a date.")] = "30d",
    tenant: Annotated[str | None, typer.Option()] = None,
    model: Annotated[str | None, typer.Option(help="As asked for or as served.")] = None,
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare native mode with its holdout: per 1,000 tokens of original prompt, and per answer."""

    def work(opened: OpenedRecord) -> None:
        query = Query(tenant=tenant, model=model, since=moment(since, opened.clock()))
        measured = measured_saving(walk(opened, query))
        if as_json:
            typer.echo(json.dumps(structs.asdict(measured), default=structs.asdict, allow_nan=False))
            return
        for line in table(measured):
            typer.echo(printable(line))

    run(config, work)


def table(measured: Measured) -> Iterator[str]:
    """Both arms side by side, and what was saved."""
    yield f"{'':<18}{'native':>14}{'holdout':>14}"
    for name, form in _HEADS.items():
        yield f"{name.replace('_', ' '):<18}{_cell(measured.native, name, form)}{_cell(measured.holdout, name, form)}"
    if measured.tokens_saved is None:
        yield "No saving can be told yet: one of the two has no requests."
    else:
        cost = "unknown" if measured.cost_saved is None else f"{measured.cost_saved:.1%}"
        yield f"saved: {measured.tokens_saved:.1%} of tokens, {cost} of cost"


def _cell(arm: Arm, name: str, form: str) -> str:
    return form.format(getattr(arm, name)).rjust(14)
