"""`route explain`: where a request for a model would go, and why. No provider is called."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from synthlang_router.cli.terminal import printable
from synthlang_router.errors import RouterError

ExplainOffline = Callable[..., Any]
"""Settings file, kind, body, globs of the key -> `Explained` as plain data."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Where a request would go, and why.")


@app.callback()
def route() -> None:
    """Where a request would go, and why."""


@app.command()
def explain(
    model: Annotated[str, typer.Argument(help="The name that a client asks for.")],
    body: Annotated[Path | None, typer.Option(help="A request's body as JSON; - is standard input.")] = None,
    kind: Annotated[
        str, typer.Option(help="chat, messages, responses, embeddings, completions ...")
    ] = "chat",
    models: Annotated[list[str] | None, typer.Option(help="What the asking key may use; repeatable.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="As with x-synthlang-strict: true.")] = False,
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain by configuration and the lists last known; how targets are now, a running gateway's /v1/route/explain tells."""
    offline = cast(
        ExplainOffline, importlib.import_module("synthlang_router.main.explaining_offline").explain_offline
    )
    try:
        found = asyncio.run(
            offline(config, kind, _asked(model, body), tuple(models or ("*",)), strict=strict)
        )
    except RouterError as error:
        sys.stderr.write(printable(error.message) + "\n")
        raise typer.Exit(1) from None
    typer.echo(json.dumps(found) if as_json else "\n".join(map(printable, lines(found))))


def _asked(model: str, body: Path | None) -> bytes:
    """The body with the model's name in it; without one, the least that is a request of any kind."""
    plain: Any = {
        "messages": [{"role": "user", "content": "Hi"}],
        "input": "Hi",
        "prompt": "Hi",
        "max_tokens": 1,
    }
    if body is not None:
        try:
            text = sys.stdin.read() if str(body) == "-" else body.read_text(encoding="utf-8")
            plain = json.loads(text)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"{body}: cannot be read ({type(error).__name__})\n")
            raise typer.Exit(1) from None
    return json.dumps({**plain, "model": model} if isinstance(plain, dict) else plain).encode()


def lines(found: dict[str, Any]) -> list[str]:
    """For people."""
    said = [f"{found['model']}: {found['reason']}"]
    for number, way in enumerate(found["targets"], 1):
        text = f"  {number}. {way['provider']}/{way['model']} ({way['dialect']})"
        if way["refused"] is not None:
            text += f": cannot take it: {way['refused']}"
        elif way["dropped"]:
            text += f": without {', '.join(way['dropped'])}"
        said.append(text)
    if found.get("dropped"):
        said.append(f"  left out by the router: {', '.join(found['dropped'])}")
    if found.get("hedge"):
        said.append("  the second starts when the first is slower than usual")
    said += [f"  {name}: {seconds:g} s" for name, seconds in found.get("timeouts", {}).items()]
    return said
