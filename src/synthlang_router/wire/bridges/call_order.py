"""`CallOrder`: which tool call a piece belongs to.

The index says so, but some copies of OpenAI send whole calls without one (or all under 0): another id at the same
index is another call.
"""

from __future__ import annotations

from msgspec import structs

from synthlang_router.models import ToolCallDelta


class CallOrder:
    """Gives the calls of one answer their numbers, in order of appearance."""

    __slots__ = ("_ids", "_numbers", "_used")

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}  # the index as sent -> the call that has it now
        self._ids: dict[int, str | None] = {}
        self._used = 0

    def placed(self, call: ToolCallDelta) -> ToolCallDelta:
        """The piece with its call's number as index."""
        known = self._ids.get(call.index)
        if call.index not in self._numbers or (call.id and known is not None and call.id != known):
            self._numbers[call.index] = self._used
            self._used += 1
        if call.id:
            self._ids[call.index] = call.id
        number = self._numbers[call.index]
        return call if number == call.index else structs.replace(call, index=number)
