"""The command `decompress`: see `cli/synthlang.py`."""

from synthlang_router.cli.synthlang import decompress_app as app

__all__ = ["app"]
