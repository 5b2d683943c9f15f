"""The HTTP edge: bytes in, bytes out, nothing decided."""

from synthlang_router.api.edge import Edge

__all__ = ["Edge"]
