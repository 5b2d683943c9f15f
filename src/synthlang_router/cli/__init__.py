"""The command line: one file a command group, loaded when it is asked for."""

from synthlang_router.cli.app import run

__all__ = ["run"]
