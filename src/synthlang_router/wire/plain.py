"""JSON objects of providers as plain data and back, with every number's digits.

A number may be longer than any float, and `0.10` is not `0.1`: fractions are kept as decimals.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from synthlang_router.errors import ProviderProtocolError

Plain = dict[str, Any]
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def decode_plain(raw: bytes) -> Plain:
    """A provider's JSON object. Raises ProviderProtocolError for what the typed readers passed over unread."""
    try:
        plain = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        plain = None
    if type(plain) is not dict:
        raise ProviderProtocolError("The provider sent an answer with parts that cannot be read.")
    return plain


def encode_plain(plain: Any) -> bytes:
    """The same as compact JSON."""
    return _ENCODER.encode(plain)


def decode_value(raw: msgspec.Raw) -> Any:
    """A member of a body that was checked when it came."""
    return _DECODER.decode(raw)
