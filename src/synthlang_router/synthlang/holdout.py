"""The holdout: which conversations stay uncompressed in native mode, so that what the others save can be measured.

A conversation is held out whole, for as long as it lasts: a prefix that changed its form would be no longer in the
provider's cache.
"""

from __future__ import annotations

import hashlib
from typing import Final

from synthlang_router.models import ChatRequest

_FIRST_BYTES: Final = 512  # of the messages; they are the same in every turn of a conversation
_SPACE: Final = 2**64


def conversation_of(request: ChatRequest, session: str | None) -> bytes:
    """What stays the same from turn to turn: the session the client names, else how the messages begin."""
    if session is not None:
        return session.encode()
    raw = request.fields.get("messages")
    return b"" if raw is None else bytes(memoryview(raw)[:_FIRST_BYTES])


def held_out(conversation: bytes, share: float) -> bool:
    """Whether this conversation belongs to the share (0 to 1) that is not compressed. The same one always does."""
    digest = hashlib.blake2b(conversation, digest_size=8, person=b"holdout").digest()
    return int.from_bytes(digest) < share * _SPACE
