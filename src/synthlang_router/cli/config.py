"""`config check | schema`: is this configuration right, and what may one say in it?"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from synthlang_router.config import Loaded

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def config() -> None:
    """Check a configuration; print its schema."""


@app.command()
def check(config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None) -> None:
    """Say everything that is wrong, with file, line and key; exit 0 if nothing is, 1 otherwise."""
    from synthlang_router.config import load
    from synthlang_router.errors import ConfigurationError

    try:
        loaded = load(config, os.environ, Path.cwd())
    except ConfigurationError as error:
        sys.stderr.write(error.message + "\n")
        raise typer.Exit(1) from None
    for warning in loaded.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(summary(loaded) + "\n")


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration file, for editors."""
    from synthlang_router.config import schema as settings_schema

    sys.stdout.write(json.dumps(settings_schema(), indent=2) + "\n")


def summary(loaded: Loaded) -> str:
    """One line: where the settings came from and what they hold."""
    settings, source = loaded.settings, loaded.source
    origin = source.kind if source.path is None else str(source.path)
    return (
        f"{origin}: ok (providers: {', '.join(settings.providers)}; "
        f"models: {len(settings.models)}; keys: {len(settings.keys)})"
    )
