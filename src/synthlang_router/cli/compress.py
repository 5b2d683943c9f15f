"""The command `compress`: see `cli/synthlang.py`."""

from synthlang_router.cli.synthlang import compress_app as app

__all__ = ["app"]
