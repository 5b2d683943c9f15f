"""`FormReader`: finds one field of a multipart body while the body goes by; every byte of it stays as it is.

It reads as RFC 7578 and RFC 2046 have it. What parsers differ over (the field twice, a name spelt as RFC 5987) is
refused, so that nobody behind us can read another value than we did.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from synthlang_router.errors import InvalidRequest

MAX_PART_HEAD: Final = 8_192
MAX_VALUE: Final = 1_024

_BOUNDARY: Final = re.compile(
    r'multipart/form-data\s*;(?:[^"]*?;)?\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))', re.IGNORECASE
)
_NAME: Final = re.compile(
    rb'content-disposition:[^\r\n]*?;\s*name=(?:"([^"\r\n]*)"|([^\s;"]+))', re.IGNORECASE
)
_ODD_NAME: Final = re.compile(rb";\s*name\*", re.IGNORECASE)


def boundary_of(content_type: str) -> bytes:
    """The boundary that a multipart content type names. Raises InvalidRequest where there is none."""
    match = _BOUNDARY.match(content_type)
    if match is None:
        raise InvalidRequest("A multipart body needs a boundary in its content-type.", param="content-type")
    return (match[1] or match[2]).encode("latin-1")


class FormReader:
    """`feed` it the body; `value` is the field's text once it is known, and `span` where it stands in the body."""

    __slots__ = ("_buffer", "_delimiter", "_field", "_in_field", "_offset", "_state", "span", "value")

    def __init__(self, boundary: bytes, field: str) -> None:
        self.value: str | None = None
        self.span: tuple[int, int] | None = None
        self._delimiter = b"\r\n--" + boundary
        self._field = field.encode()
        self._buffer = bytearray(b"\r\n")  # the first delimiter may stand at the very beginning
        self._offset = -2
        self._in_field = False
        self._state: Literal["part", "head", "end"] = "part"

    def feed(self, block: bytes) -> None:
        """Raises InvalidRequest for what cannot be read, and for the field a second time."""
        self._buffer += block
        while self._step():
            pass

    def _step(self) -> bool:
        if self._state == "part":
            return self._end_of_part()
        if self._state == "head":
            return self._head()
        self._buffer.clear()
        return False

    def _end_of_part(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            if not self._in_field:
                self._drop(max(0, len(self._buffer) - len(self._delimiter) + 1))
            elif len(self._buffer) > MAX_VALUE + len(self._delimiter):
                raise self._unreadable("is too long")
            return False
        if self._in_field:
            self._take(at)
        self._drop(at + len(self._delimiter))
        self._state = "head"
        return True

    def _take(self, size: int) -> None:
        try:
            self.value = self._buffer[:size].decode()
        except UnicodeDecodeError:
            raise self._unreadable("is not UTF-8") from None
        self.span = (self._offset, self._offset + size)
        self._in_field = False

    def _head(self) -> bool:
        if self._buffer.startswith(b"--"):
            self._state = "end"
            return True
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_PART_HEAD:
                raise InvalidRequest("A part of the form has too large a head.")
            return False
        head = bytes(self._buffer[:end])
        if _ODD_NAME.search(head):
            raise InvalidRequest("The names of form fields are plain text (RFC 7578 section 5.1).")
        named = _NAME.search(head)
        if named is not None and (named[1] or named[2]) == self._field:
            if self.span is not None:
                raise self._unreadable("comes twice")
            self._in_field = True
        self._drop(end + 4)
        self._state = "part"
        return True

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self._offset += size

    def _unreadable(self, why: str) -> InvalidRequest:
        name = self._field.decode()
        return InvalidRequest(f"The form's field {name!r} {why}.", param=name)
