"""Answers of providers as bytes, well-formed ones and broken ones, for properties that must hold for all of them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from tests.doubles.answers import head, http


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    points = [0, *sorted({cut % len(data) for cut in cuts} - {0}), len(data)]
    return [data[start:end] for start, end in pairwise(points)]


NAMES = st.sampled_from(["X-A", "x-a", "Content-Type", "Server", "Vary"])
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
BODIES = st.binary(max_size=200)


@st.composite
def conversations(draw: st.DrawFn, *, surplus: bool = True) -> bytes:
    """A well-formed answer in one of its framings, perhaps after interim ones, perhaps followed by something."""
    lines = [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))]
    interim = draw(
        st.sampled_from([b"", head(status="100 Continue"), head("link: x", status="103 Early Hints")])
    )
    status = draw(st.sampled_from(["200 OK", "200", "404 Not Found", "500 Oops", "204 No Content"]))
    body = b"" if status.startswith("204") else draw(BODIES)
    framing = draw(st.sampled_from(["length", "chunked", "end"]))
    if framing == "length":
        answer = head(f"content-length: {len(body)}", *lines, status=status) + body
    elif framing == "chunked" and not status.startswith("204"):
        pieces = split(body, draw(st.lists(st.integers(0, 300), max_size=5))) if body else []
        extension = draw(st.sampled_from([b"", b";a=b", b';c="d"']))
        chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
        trailer = draw(st.sampled_from([b"0\r\n\r\n", b"0\r\nx-t: 1\r\n\r\n"]))
        answer = head("Transfer-Encoding: chunked", *lines, status=status) + chunks + trailer
    else:
        answer = head(*lines, status=status) + body
    return interim + answer + (draw(st.sampled_from([b"", b"garbage", http(b"poison")])) if surplus else b"")


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A conversation with some of its bytes changed, lost or doubled, or cut off."""
    data = bytearray(draw(conversations()))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["change", "lose", "double", "cut"]))
        if kind == "change":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=2))
        elif kind == "lose":
            del data[at : at + draw(st.integers(1, 8))]
        elif kind == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 8))]
        else:
            del data[at:]
    return bytes(data) or b"x"
