"""`Heads`: what a message's head meant, kept for the next message that begins with the same bytes. [hot]

Clients and local model servers write the same head every time but for the number of their content-length, so that
number is left out of the comparison, and reading a message costs a look-up instead of a callback a header line. What
is kept was read by llhttp from equal bytes; anything that is not a whole message under a known head goes to llhttp.
Where heads are new each time (a provider that numbers its answers) looking for them is given up for a while.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

MOST: Final = 256
"""Heads kept; at the bound all are forgotten."""
MOST_BYTES: Final = 4_096
PATIENCE: Final = 128
"""Unknown heads in a row after which nobody looks for `PAUSE` messages."""
PAUSE: Final = 4_096
_LENGTH: Final = b"\ncontent-length: "

T = TypeVar("T")


class Heads(Generic[T]):
    """Bounded in number and size."""

    __slots__ = ("_known", "_patience")

    def __init__(self) -> None:
        self._known: dict[bytes, T] = {}
        self._patience = PATIENCE

    def __len__(self) -> int:
        return len(self._known)

    def look(self, data: bytes) -> tuple[T | None, bytes, int]:
        """Of a block that is one whole message with a content-length: what its head meant, the name under which that
        can be learned (empty where it cannot), and where the body begins."""
        if self._patience <= 0:
            self._patience -= 1
            if self._patience < -PAUSE:
                self._patience = PATIENCE // 8
            return None, b"", 0
        end = data.find(b"\r\n\r\n", 0, MOST_BYTES)
        at = data.find(b"ength: ", 0, end) + 7
        if at < 7:
            return None, b"", 0
        stop = data.find(b"\r\n", at)
        number = data[at:stop]
        if not number.isdigit() or len(number) > 9 or int(number) != len(data) - end - 4:
            return None, b"", 0
        name = data[:at] + data[stop:end]
        found = self._known.get(name)
        if found is not None:
            self._patience = PATIENCE
            return found, name, end + 4
        self._patience -= 1
        return None, name if data[at - 17 : at].lower() == _LENGTH else b"", end + 4

    def learn(self, name: bytes, meaning: T) -> None:
        """From now on this is what the head means; `name` is what `look` gave for it."""
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[name] = meaning
