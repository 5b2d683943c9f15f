"""The composition root: settings become objects, objects become a running gateway. It alone knows concrete classes."""

from synthlang_router.main.gateway import Gateway, open_gateway
from synthlang_router.main.opening import open_audit, open_keys, read_settings
from synthlang_router.main.recording import erasable_record, read_record
from synthlang_router.main.serving import serve

__all__ = [
    "Gateway",
    "erasable_record",
    "open_audit",
    "open_gateway",
    "open_keys",
    "read_record",
    "read_settings",
    "serve",
]
