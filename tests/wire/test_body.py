"""What a request body may be."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.errors import InvalidRequest, RequestTooLarge, UnsupportedEncoding
from synthlang_router.wire.body import MAX_FIELDS, MAX_NESTING, inflate, read_members, read_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
OBJECTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=6)


def refusal(body: bytes) -> str:
    with pytest.raises(InvalidRequest) as raised:
        read_object(body)
    assert raised.value.http_status == 400
    return raised.value.message


@given(OBJECTS, st.sampled_from([None, 1, 2]), st.booleans(), st.booleans())
def test_every_json_object_is_read_and_every_value_keeps_its_bytes(
    plain: dict[str, object], indent: int | None, tight: bool, ascii_only: bool
) -> None:
    separators = (",", ":") if tight else None
    body = json.dumps(plain, indent=indent, separators=separators, ensure_ascii=ascii_only).encode()

    fields, decoded = read_members(body)

    assert decoded == plain
    assert {name: json.loads(bytes(raw)) for name, raw in fields.items()} == plain
    assert all(bytes(raw) in body for raw in fields.values())


@given(OBJECTS.filter(bool), st.data())
def test_a_top_level_name_that_comes_twice_is_refused_wherever_and_however_it_is_written(
    plain: dict[str, object], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(plain)))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]))
    members = [json.dumps(key) + separators[1] + json.dumps(value) for key, value in plain.items()]
    again = json.dumps(name) + separators[1] + json.dumps(data.draw(JSON))
    members.insert(data.draw(st.integers(0, len(members))), again)
    body = "{" + separators[0].join(members) + "}"

    assert "twice" in refusal(body.encode())


def test_a_doubled_name_is_refused_though_its_length_would_fit_spaces() -> None:
    """`{"a": 1, ...}` written tight with one member more has the length of a body with spaces."""
    for width in range(1, 12):
        members = [f'"{chr(97 + at)}":0' for at in range(width)]
        for extra in range(1, 40):
            body = "{" + ",".join([*members, '"a":' + "1" * extra]) + "}"
            assert "twice" in refusal(body.encode())


def test_names_that_differ_only_in_how_they_are_escaped_are_the_same_name() -> None:
    assert "twice" in refusal(b'{"model":"a","mod\\u0065l":"b"}')


def test_a_name_may_come_again_below_the_top_level_or_inside_a_string() -> None:
    assert set(read_object(b'{"a":{"b":1,"b":2},"c":"\\"a\\":1, \\"a\\":2"}')) == {"a", "c"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"{", "ends too early"),
        (b'{"a":1,}', "byte"),
        (b"{'a':1}", "byte"),
        (b'{"a":1} {"b":2}', "trailing"),
        (b"[]", "JSON object"),
        (b'"text"', "JSON object"),
        (b"null", "JSON object"),
        (b'{"a":NaN}', "byte 5"),
        (b'{"a":[Infinity]}', "byte 6"),
        (b'{"a":-Infinity}', "byte 6"),
        (b'{"a":01}', "byte"),
        (b'{"a":"\x01"}', "byte 6"),
        (b'{"a":"\xff"}', "UTF-8 (byte 6)"),
        (b'{"a":{"deep":"\xed\xa0\x80"}}', "UTF-8 (byte 14)"),
        (b'{"\xc3":1}', "UTF-8 (byte 2)"),
        (b'{"a":"\xc0\xaf"}', "UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate pair (byte 6)"),
        (b'{"a":"\\udc00 and so on and on"}', "surrogate pair (byte 6)"),
        (b'{"a":"\\ud83d\\u0041 and so on"}', "surrogate pair (byte 6)"),
        (b'{"a":["\\ud83d\\ude00\\ude00 and so on"]}', "surrogate pair (byte 19)"),
        (b'{"\\ud800\\ud800 in a name":1}', "surrogate pair (byte 2)"),
        (b'{"a":1e999}', "out of range"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_malformed_body_is_refused_with_what_and_where(body: bytes, says: str) -> None:
    assert says in refusal(body)


def test_a_refusal_shows_nothing_of_the_body() -> None:
    assert "hunter2" not in refusal(b'{"password":"hunter2')
    assert "hunter2" not in refusal(b'{"hunter2":1,"hunter2":2}')


def test_a_surrogate_pair_and_an_escaped_backslash_before_a_u_are_text() -> None:
    assert read_members(b'{"a":"\\ud83d\\ude00","b":"\\\\ud800"}')[1] == {"a": "😀", "b": "\\ud800"}


@pytest.mark.parametrize("unit", [b"[%b]", b'{"a":%b}', b'[{"k":%b}]'])
def test_nesting_is_counted_exactly(unit: bytes) -> None:
    per_unit = unit.count(b"[") + unit.count(b"{")
    inner = b"1"
    for _ in range((MAX_NESTING - 1) // per_unit):
        inner = unit % inner
    deepest = b'{"a":' + inner + b"}"

    assert read_object(deepest)
    assert "512 levels" in refusal(b'{"a":' + unit % (unit % inner) + b"}")


def test_nesting_beyond_any_recursion_is_a_refusal_not_a_crash() -> None:
    assert "512 levels" in refusal(b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}")
    assert "512 levels" in refusal(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def test_brackets_beside_one_another_or_inside_strings_are_not_nesting() -> None:
    beside = json.dumps({"a": [[]] * 2000, "b": [{}] * 2000, "c": "[" * 2000, "d": ['\\"[', "{\\"] * 2000})

    assert read_object(beside.encode())


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP ", "zstd", "identity", ""])
@pytest.mark.parametrize("size", [0, 1, 70_000])
def test_an_encoded_body_is_inflated(encoding: str, size: int) -> None:
    body = (b"0123456789" * 7000)[:size]
    name = encoding.strip().lower()
    packed = gzip.compress(body) if "gzip" in name else zstandard.compress(body) if name == "zstd" else body

    assert inflate(packed, encoding, 70_000) == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_several_members_are_one_body(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zstandard.compress

    assert inflate(pack(b"one") + pack(b" and two"), encoding, 100) == b"one and two"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_refused_at_the_cap(encoding: str) -> None:
    zeros = bytes(30_000_000)
    packed = gzip.compress(zeros) if encoding == "gzip" else zstandard.compress(zeros)

    with pytest.raises(RequestTooLarge):
        inflate(packed, encoding, 1_000_000)
    with pytest.raises(RequestTooLarge):
        inflate(packed * 3, encoding, len(zeros) + 1)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "trailing", "empty"])
def test_a_damaged_body_is_the_callers_fault(encoding: str, damage: str) -> None:
    packed = gzip.compress(b"x" * 1000) if encoding == "gzip" else zstandard.compress(b"x" * 1000)
    body = {
        "cut": packed[:-3],
        "garbage": b"not " + packed,
        "trailing": packed + b"junk",
        "empty": packed[:1],
    }

    with pytest.raises(InvalidRequest):
        inflate(body[damage], encoding, 10_000)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, zstd", "gzip;q=1", "compress"])
def test_other_encodings_are_not_supported(encoding: str) -> None:
    with pytest.raises(UnsupportedEncoding):
        inflate(zlib.compress(b"{}"), encoding, 1000)


def test_a_zstd_frame_that_wants_a_huge_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    frame = packed.compress(b"{}") + packed.flush()

    with pytest.raises(InvalidRequest):
        inflate(frame, "zstd", 1000)


def test_top_level_names_without_number_are_refused() -> None:
    body = "{" + ",".join(f'"k{at}":1' for at in range(MAX_FIELDS + 1)) + "}"

    assert "more than 1024" in refusal(body.encode())
    assert len(read_object(body.replace(f',"k{MAX_FIELDS}":1', "").encode())) == MAX_FIELDS
