"""Media in bodies: pictures, sound and files in base64 are kept as type, size and digest. Pure, linear."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

MIN_LENGTH: Final = 2048
"""Shorter runs are text, keys or thumbnails."""
_SAMPLE: Final = 512
_VARIETY: Final = 16
"""Different characters in a sample of what is taken for media without being called so: a ruler of dashes is text."""
_RUN: Final = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{2048,}={0,2}")
"""Behind a character that is none of its own: a run is tried once, from its beginning."""
_DATA_URL: Final = re.compile(rb"data:([\w.+\-]{1,60}/[\w.+\-]{1,80})[\w=.;\-]{0,80};base64,\Z")
_DATA_URL_LENGTH: Final = 250


def elide_media(body: bytes) -> bytes:
    """The body with `[image/png, 48213 bytes, sha256 9f86...]` in place of each piece of media.

    The type is that of a data URL, else `base64`. Size and digest are of the decoded bytes.
    """
    if len(body) < MIN_LENGTH:
        return body
    return _RUN.sub(lambda found: _described(body, found), body)


def _described(body: bytes, found: re.Match[bytes]) -> bytes:
    before = body[max(0, found.start() - _DATA_URL_LENGTH) : found.start()]
    url = _DATA_URL.search(before, max(0, before.rfind(b"data:")))
    if url is None and len(set(found.group()[:_SAMPLE])) < _VARIETY:
        return found.group()
    try:
        content = base64.b64decode(found.group() + b"=" * (-len(found.group()) % 4))
    except binascii.Error:
        content = found.group()
    kind = b"base64" if url is None else url[1]
    return b"[%s, %d bytes, sha256 %s]" % (kind, len(content), hashlib.sha256(content).hexdigest().encode())
