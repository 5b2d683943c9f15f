"""Bodies as providers send them, awkward ones first, each with what must come of it: `bodies/<dialect>/*.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synthlang_router.models import ChatChunk
from synthlang_router.wire import DIALECTS, ChatStream, WireFormat

BODIES: Final = Path(__file__).with_name("bodies")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One body and its expectations by name."""

    dialect: str
    name: str
    body: bytes
    expect: dict[str, Any]

    @property
    def wire(self) -> WireFormat:
        return DIALECTS[self.dialect]

    @property
    def fails(self) -> bool:
        return "error" in self.expect

    def stream(self) -> ChatStream:
        return self.wire.read_stream(**self.expect.get("options", {}))


def recorded(kind: str, dialects: tuple[str, ...] = tuple(DIALECTS)) -> Iterator[Recorded]:
    """The cases of `streams`, `completions` or `errors` of every registered dialect."""
    for dialect in dialects:
        folder = BODIES / dialect
        for name, expect in json.loads((folder / f"{kind}.json").read_text()).items():
            yield Recorded(dialect, name, (folder / expect["file"]).read_bytes(), expect)


def read(stream: ChatStream, blocks: list[bytes]) -> tuple[list[ChatChunk], Exception | None]:
    """Everything a stream gave, and the error it ended in, if any."""
    chunks: list[ChatChunk] = []
    try:
        for block in blocks:
            chunks += stream.feed(block)
        chunks += stream.end()
    except Exception as error:  # noqa: BLE001 - handed to the assertion
        return chunks, error
    return chunks, None
