"""A segment is read back whole, and as far as it is whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.interactions.frames import (
    Frame,
    Kind,
    decode_frames,
    decode_header,
    encode_frame,
    encode_header,
)
from tests.interactions.records import vault

ENVELOPE = vault().new_envelope()
PAYLOADS = st.lists(st.binary(max_size=200), max_size=8)


def encoded(payloads: list[bytes]) -> bytes:
    return b"".join(encode_frame(ENVELOPE, n, Kind.CLOSED, payload) for n, payload in enumerate(payloads))


def opened(data: bytes) -> list[bytes | None]:
    return [None if frame is None else frame.payload(ENVELOPE) for frame, _ in decode_frames(data)]


@given(PAYLOADS)
def test_frames_are_read_back_as_they_were_written(payloads: list[bytes]) -> None:
    assert opened(encoded(payloads)) == payloads


@given(PAYLOADS, st.data())
def test_a_cut_tail_loses_the_cut_frame_only(payloads: list[bytes], data: st.DataObject) -> None:
    whole = encoded(payloads)
    length = data.draw(st.integers(0, len(whole)))

    found = opened(whole[:length])

    assert found == payloads[: len(found)]
    assert len(encoded(payloads[: len(found) + 1])) > length or len(found) == len(payloads)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=8), st.data())
def test_a_damaged_byte_loses_one_frame_and_says_so(payloads: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(encoded(payloads))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    hurt = next(n for n in range(len(payloads)) if len(encoded(payloads[: n + 1])) > place)

    found = opened(bytes(whole))

    assert [payload for payload in found if payload is not None] == payloads[:hurt] + payloads[hurt + 1 :]
    assert None in found or hurt == len(payloads) - 1


@given(PAYLOADS, PAYLOADS, st.binary(max_size=300))
def test_rubbish_between_frames_is_passed_over(
    before: list[bytes], after: list[bytes], rubbish: bytes
) -> None:
    found = opened(encoded(before) + rubbish + encoded(after))

    assert [payload for payload in found if payload is not None] == before + after


def test_positions_lead_from_frame_to_frame() -> None:
    data = encoded([b"one", b"two"])
    (_, first), (_, second) = decode_frames(data)

    assert [frame for frame, _ in decode_frames(data, first)] == [
        Frame(1, Kind.CLOSED, frame.sealed) for frame, _ in decode_frames(data, first) if frame is not None
    ]
    assert second == len(data)


def test_a_frame_cannot_be_taken_for_another_kind() -> None:
    ((frame, _),) = decode_frames(encode_frame(ENVELOPE, 1, Kind.OPENED, b"payload"))
    assert frame is not None

    assert frame.payload(ENVELOPE) == b"payload"
    assert frame.kind == Kind.OPENED
    assert b"payload" not in frame.sealed


@given(st.binary(max_size=200))
def test_what_is_no_segment_has_no_header(data: bytes) -> None:
    assert decode_header(data) is None


def test_a_header_is_read_back_and_a_cut_or_damaged_one_is_none() -> None:
    header = encode_header(ENVELOPE)

    assert decode_header(header + b"frames") == (ENVELOPE.header, len(header))
    assert all(decode_header(header[:length]) is None for length in range(len(header)))
    assert decode_header(header[:-1] + b"\0") is None
