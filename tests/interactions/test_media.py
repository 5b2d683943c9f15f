"""Media in base64 is kept as what it is, not as the bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import os

import pytest

from synthlang_router.interactions.media import MIN_LENGTH, elide_media

PICTURE = os.urandom(5000)
ENCODED = base64.b64encode(PICTURE).decode()
DIGEST = hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("data:image/png;base64,", "image/png"),
        ("data:audio/wav;rate=8000;base64,", "audio/wav"),
        ("", "base64"),
        ("data:" + "x" * 300 + ";base64,", "base64"),
    ],
)
def test_media_becomes_its_type_size_and_digest(prefix: str, kind: str) -> None:
    body = json.dumps({"before": "text", "url": prefix + ENCODED, "after": [1, 2]}).encode()

    found = json.loads(elide_media(body))

    assert found == {
        "before": "text",
        "url": f"{prefix}[{kind}, 5000 bytes, sha256 {DIGEST}]",
        "after": [1, 2],
    }


def test_several_pieces_are_told_apart() -> None:
    body = json.dumps([f"data:image/{kind};base64,{ENCODED}" for kind in ("png", "jpeg")]).encode()

    found = elide_media(body).decode()

    assert "[image/png, " in found
    assert "[image/jpeg, " in found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        json.dumps({"text": "words and words " * 1000}).encode(),
        b'"' + b"a" * (MIN_LENGTH - 1) + b'"',
    ],
)
def test_what_is_no_media_stays(body: bytes) -> None:
    assert elide_media(body) == body


@pytest.mark.parametrize("piece", [b"a" * 2047 + b" ", b"a", b"data:", b"data:image/png;", b"A=", b"=" * 3])
@pytest.mark.timeout(20)
def test_hostile_bodies_take_linear_time(piece: bytes) -> None:
    """A megabyte takes milliseconds; if it were quadratic it would run into the time limit."""
    body = piece * (1_000_000 // len(piece))

    assert len(elide_media(body)) <= len(body)
