"""The commands as one typer application; a group's module is imported only when one of its commands runs."""

from __future__ import annotations

import importlib
import sys
from typing import Final

GROUPS: Final = {
    "serve": ("synthlang_router.cli.serve", "Start the gateway (the default)."),
    "demo": ("synthlang_router.cli.demo", "Run an OpenAI client against the gateway and show what happened."),
    "keys": ("synthlang_router.cli.keys", "Create, list, revoke and rotate API keys."),
    "interactions": ("synthlang_router.cli.interactions", "List and show what was asked and answered."),
    "erase": ("synthlang_router.cli.erase", "Erase a tenant, a user or one interaction for good."),
    "audit": ("synthlang_router.cli.audit", "What operators did, and whether the log of it is whole."),
    "cache": ("synthlang_router.cli.cache", "What the cache holds, saved and got wrong; why; forget."),
    "usage": (
        "synthlang_router.cli.usage",
        "What was used and what it cost; compare with a provider's bill.",
    ),
    "route": ("synthlang_router.cli.route", "Explain where a request would go."),
    "compress": (
        "synthlang_router.cli.compress",
        "Say files with fewer tokens, or report what that would save.",
    ),
    "decompress": ("synthlang_router.cli.decompress", "Give back what was compressed, byte for byte."),
    "tokens": ("synthlang_router.cli.tokens", "Count tokens."),
    "config": ("synthlang_router.cli.config", "Check a configuration; print its schema."),
}
USAGE: Final = 2


def run() -> None:
    """One command; `serve` where none is named."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write(overview())
        return
    if arguments and arguments[0] == "--version":
        sys.stdout.write(version() + "\n")
        return
    name = arguments[0] if arguments and not arguments[0].startswith("-") else "serve"
    if name not in GROUPS:
        sys.stderr.write(f"synthlang-router: no such command: {name}\n\n" + overview())
        sys.exit(USAGE)
    rest = arguments[1:] if arguments and arguments[0] == name else arguments
    app = importlib.import_module(GROUPS[name][0]).app
    app(args=rest, prog_name=f"synthlang-router {name}")


def overview() -> str:
    """What `--help` prints."""
    lines = [
        "Usage: synthlang-router COMMAND [OPTIONS]",
        "",
        "An OpenAI-compatible LLM gateway.",
        "",
        "Commands:",
    ]
    lines += [f"  {name:<14}{text}" for name, (_, text) in GROUPS.items()]
    lines += ["", "Every command takes --config FILE and --help."]
    return "\n".join(lines) + "\n"


def version() -> str:
    """The installed version."""
    return str(importlib.import_module("importlib.metadata").version("synthlang-router"))
