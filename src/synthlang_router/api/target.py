"""What a request target may be: an absolute path in its one spelling, and a query (RFC 9112 section 3.2.1).

A path that others read differently (`//`, `..`, an encoded slash, a backslash, another host's URL) is refused and not
repaired: what is between the client and us may have decided by its own reading of it.
"""

from __future__ import annotations

import re
from typing import Final

_ODD: Final = re.compile(rb"//|/\.{1,2}(?:/|$)|%2[eEfF]|%5[cC]|%00|[^\x21-\x7e]|[#\\]")
_ODD_BELOW_MODELS: Final = re.compile(rb"//|/\.{1,2}(?:/|$)|%5[cC]|%00|[^\x21-\x7e]|[#\\]")
"""Names of models hold slashes and dots, and clients encode them: `/v1/models/openai%2Fgpt-4o`."""
_MODELS: Final = (b"/v1/models/", b"/models/")


def is_plain(target: bytes) -> bool:
    """Whether a target means the same to everybody."""
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/") or b"#" in query:
        return False
    odd = _ODD_BELOW_MODELS if path.startswith(_MODELS) else _ODD
    return odd.search(path) is None
