"""`serve`: start the gateway and stay until a signal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    host: Annotated[str | None, typer.Option(help="Listen here instead of server.host.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Listen here instead of server.port.", min=0, max=65535)
    ] = None,
    discover: Annotated[bool, typer.Option(help="Look for model servers on loopback.")] = True,
) -> None:
    """Start the gateway."""
    from synthlang_router.main import serve as run

    sys.exit(run(config, host=host, port=port, discover=discover))
