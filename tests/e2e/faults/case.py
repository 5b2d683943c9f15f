"""`Case`: what a provider does to one request, and what must become of it. Values only.

The rule behind every expectation: a fault is recovered before the first data (`Whole`, or a `Refused` that says so)
or visible after it (`Cut`). There is no fourth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.doubles.answers import (
    DONE,
    LAST_CHUNK,
    SSE_HEAD,
    chunk,
    completion,
    completion_body,
    event,
    frame_json,
)
from tests.doubles.upstream import Script

TEXT: Final = "Hello"
GOOD_BODY: Final = completion_body(TEXT)
GOOD_PLAIN: Final = completion(TEXT)

ROLE: Final = frame_json({"role": "assistant", "content": ""})
HEL: Final = frame_json({"content": "Hel"})
LO: Final = frame_json({"content": "lo"})
STOP: Final = frame_json({}, finish="stop")
GOOD_FRAMES: Final = (ROLE, HEL, LO, STOP)


def events(*payloads: bytes) -> bytes:
    """Payloads as chunked events, each in a chunk of its own."""
    return b"".join(chunk(event(payload)) for payload in payloads)


END: Final = chunk(DONE) + LAST_CHUNK
GOOD_STREAM: Final = SSE_HEAD + events(*GOOD_FRAMES) + END


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole answer arrives. `shown` are the frames, or the body, byte for byte; None: only the text is judged."""

    tries: int = 1
    shown: tuple[bytes, ...] | None = None
    text: str = TEXT


@dataclass(frozen=True, slots=True)
class Refused:
    """An HTTP status before any data. `says` is a part of the message; `headers` must be there so."""

    status: int
    code: str | None
    tries: int = 1
    says: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cut:
    """`shown` arrived, then a typed error, no [DONE] and the end of the connection."""

    code: str
    shown: tuple[bytes, ...] = (ROLE, HEL)
    tries: int = 1
    says: str = ""


Expected = Whole | Refused | Cut

GARBAGE: Final = Refused(502, "provider_protocol_error", tries=3)
"""What is no answer is asked for again, up to three times."""
USELESS: Final = Refused(502, "provider_protocol_error", tries=1)
"""What would come back the same is not."""
BROKEN: Final = Cut("provider_protocol_error")


@dataclass(frozen=True, slots=True)
class Case:
    """`scripts` are played try by try, the last one again and again.

    `provider` is a name of the suite's configuration: `patient` waits long, `hasty` half a second. `resent`: the
    provider closes without a word, so that a kept connection may look stale and a request be sent once more unseen.
    `closes`: the provider leaves the connection open, and the gateway must end it.
    """

    name: str
    stream: bool
    scripts: Sequence[Script]
    expected: Expected
    provider: str = "patient"
    resent: bool = False
    closes: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.name}, {'streamed' if self.stream else 'whole'}"


def streamed(name: str, script: Script, expected: Expected, **more: Any) -> Case:
    """A fault of a streamed answer, the same on every try."""
    return Case(name, True, [script], expected, **more)


def whole(name: str, script: Script, expected: Expected, **more: Any) -> Case:
    """A fault of an answer that was not asked for as a stream."""
    return Case(name, False, [script], expected, **more)


def both(name: str, script: Script, expected: Expected, **more: Any) -> list[Case]:
    """A fault that does not depend on the mode."""
    case = streamed(name, script, expected, **more)
    return [case, replace(case, stream=False)]
