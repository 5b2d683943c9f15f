"""The command `tokens`: see `cli/synthlang.py`."""

from synthlang_router.cli.synthlang import tokens_app as app

__all__ = ["app"]
