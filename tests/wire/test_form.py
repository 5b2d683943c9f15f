"""One field of a multipart body, found while the body goes by."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import InvalidRequest
from synthlang_router.wire.form import FormReader, boundary_of


def form(*parts: tuple[str, bytes], boundary: str = "xyz", preamble: bytes = b"") -> bytes:
    """A body of parts: the rest of `content-disposition: form-data; `, and the content."""
    whole = preamble
    for disposition, content in parts:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
        whole += head.encode() + content + b"\r\n"
    return whole + f"--{boundary}--\r\n".encode()


def read(blocks: Sequence[bytes], boundary: bytes = b"xyz") -> FormReader:
    reader = FormReader(boundary, "model")
    for block in blocks:
        reader.feed(block)
    return reader


FILE = ('name="file"; filename="a.wav"', b"RIFF\r\n--xy\r\n--\r\n\r\n" * 20)
MODEL = ('name="model"', b"whisper-1")


@pytest.mark.parametrize(
    "body",
    [
        form(MODEL, FILE),
        form(FILE, MODEL),
        form(FILE, MODEL, FILE),
        form(("name=model", b"whisper-1"), FILE),
        form(('filename="a; name=b"; name="file"', b"x"), MODEL),
        form(MODEL, preamble=b"ignored\r\n"),
    ],
)
def test_the_field_is_found_wherever_it_stands(body: bytes) -> None:
    reader = read([body])

    assert reader.value == "whisper-1"
    assert reader.span is not None
    assert body[slice(*reader.span)] == b"whisper-1"


@given(st.lists(st.integers(0, 600), max_size=12))
def test_it_does_not_matter_how_the_body_is_cut(cuts: list[int]) -> None:
    body = form(FILE, ('name="language"', b""), MODEL, FILE)
    points = [0, *sorted(cut % len(body) for cut in cuts), len(body)]

    reader = read([body[start:end] for start, end in pairwise(points)])

    assert reader.value == "whisper-1"
    assert reader.span is not None
    assert body[slice(*reader.span)] == b"whisper-1"


@pytest.mark.parametrize(
    "body",
    [
        form(FILE),
        form(('name="models"', b"x")),
        form(('name="file"', b'\r\nContent-Disposition: form-data; name="model"\r\n\r\nx')),
        form(FILE) + form(MODEL),
        b"",
        b"no form at all",
        form(MODEL, boundary="other"),
    ],
)
def test_what_is_no_such_field_is_not_taken_for_one(body: bytes) -> None:
    assert read([body]).value is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (form(MODEL, MODEL), "twice"),
        (form(MODEL, FILE, ('name="model"', b"other")), "twice"),
        (form(('name="model"', b"x" * 2000)), "too long"),
        (form(('name="model"', b"\xff")), "UTF-8"),
        (form(("name*=utf-8''model", b"x")), "plain text"),
        (b"--xyz\r\nx: " + b"y" * 9000, "too large"),
    ],
)
def test_what_others_could_read_otherwise_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        read([body[at : at + 100] for at in range(0, len(body), 100)])


def test_what_is_held_does_not_grow_with_the_body() -> None:
    reader = read([form(MODEL, ('name="file"', b"it begins")).removesuffix(b"\r\n--xyz--\r\n")])

    for _ in range(100):
        reader.feed(b"\r\n--xy" * 10_000)

    assert len(reader._buffer) < 100


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=utf-8; boundary="a b"', b"a b"),
        ("Multipart/Form-Data;boundary=----x1", b"----x1"),
    ],
)
def test_the_boundary_is_read(text: str, boundary: bytes) -> None:
    assert boundary_of(text) == boundary


@pytest.mark.parametrize(
    "text", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a", ""]
)
def test_a_form_without_a_boundary_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        boundary_of(text)
