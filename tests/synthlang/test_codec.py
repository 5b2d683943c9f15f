"""One text: its data gets shorter, everything else stays, and all of it comes back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang import ENCODINGS, count_tokens
from synthlang_router.synthlang.codec import LosslessLevel, encode
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.grammar import LEGEND, OPEN

TABLE = json.dumps([{"id": n, "name": f"user {n}", "active": n % 2 == 0} for n in range(20)], indent=2)
LOG = "\n".join(f"2031-01-02 10:00:{n:02} INFO worker {n % 3} started job {n * 37}" for n in range(40))


def saved(text: str, level: LosslessLevel = "readable", role: str = "user") -> float:
    coded = encode(text, role, level)
    if coded is None:
        return 0.0
    assert read_text(coded.stored) == text
    return 1 - count_tokens(coded.sent, "o200k_base") / count_tokens(text, "o200k_base")


def test_data_gets_much_shorter() -> None:
    assert saved(TABLE, "exact") > 0.35
    assert saved(TABLE) > 0.75
    assert saved(LOG) > 0.6
    assert saved("\n".join(json.dumps(row) for row in json.loads(TABLE))) > 0.6


def test_what_stands_around_data_stays_byte_for_byte() -> None:
    before, after = "Please  look at `this`:\n\n", "\n\nWhat does\tit say?  "

    for level in ("exact", "readable", "session"):
        coded = encode(before + TABLE + after, "user", level)

        assert coded is not None
        assert coded.sent.startswith(before) and coded.sent.endswith(after)


def test_at_exact_the_model_reads_plain_json() -> None:
    coded = encode(f"Users: {TABLE}", "user", "exact")

    assert coded is not None
    assert coded.sent == "Users: " + json.dumps(json.loads(TABLE), separators=(",", ":"))
    assert OPEN not in coded.sent and OPEN in coded.stored


def test_a_large_frame_says_how_to_read_it_and_a_small_one_does_not() -> None:
    large, small = (
        encode(LOG * 3, "user", "readable"),
        encode("\n".join(LOG.split("\n")[:6]), "user", "readable"),
    )

    assert large is not None and LEGEND in large.sent
    assert small is not None and LEGEND not in small.sent


@pytest.mark.parametrize("level", ["exact", "readable", "session"])
@pytest.mark.parametrize(
    "text",
    ["", "Hello", "{}", '{"a":1}', "a【b", "Write a poem. " * 50, "x" * 10_000, "\n" * 10_000, " \t" * 5000, "[" * 5000, "^" * 50],
)  # fmt: skip
def test_where_there_is_no_data_nothing_changes(text: str, level: LosslessLevel) -> None:
    assert encode(text, "user", level) is None


def test_json_nested_too_deep_for_tables_still_loses_its_white_space() -> None:
    text = json.dumps({"deep": json.loads("[" * 80 + "1" + "]" * 80), "rows": list(range(30))}, indent=1)

    coded = encode(text, "user", "readable")

    assert coded is not None
    assert coded.sent == json.dumps(json.loads(text), separators=(",", ":"))
    assert read_text(coded.stored) == text


def test_a_text_full_of_our_own_signs_comes_back() -> None:
    hostile = json.dumps(
        [{"text": f"【1j {n} 「§」●±★※■¿^† 】", "same": "value " * 9} for n in range(9)],
        ensure_ascii=False,
        indent=2,
    )

    assert saved(f"【1= 「x\n{hostile}\n【1t\n】") > 0


PIECES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            TABLE,
            LOG,
            "\n\n",
            "```json\n",
            "\n```\n",
            "【",
            "】",
            "【1t\n",
            "^",
            "\r\n",
            "Data:\n",
            "[1] ",
            "Q: ",
            "A: ",
        ]
    ),
)


@settings(deadline=None)
@given(
    st.lists(PIECES, max_size=7).map("".join),
    st.sampled_from(["exact", "readable", "session"]),
    st.sampled_from(["user", "tool", "system"]),
)
def test_any_text_comes_back_and_no_encoding_gets_longer(text: str, level: LosslessLevel, role: str) -> None:
    coded = encode(text, role, level)

    if coded is not None:
        assert read_text(coded.stored) == text
        assert all(count_tokens(coded.sent, name) <= count_tokens(text, name) for name in ENCODINGS)


@pytest.mark.parametrize("unit", ["a", " ", "\n", "😀", "[", "{", '"', "\\", "1 2 ", "ab cd ", "x: y\n", "1: x\n", "12:00:00 a\n", "[1] ", "```a\n", "a@", "{x", "「", "§", "diff --git a\n", "1:x\n", "1:x\n" * 8 + "```\n"])  # fmt: skip
def test_hostile_text_of_any_kind_is_done_with_in_time(unit: str) -> None:
    """200,000 characters; a quadratic step anywhere would need minutes, which the timeout of the suite would end."""
    text = unit * (200_000 // len(unit))

    for role in ("tool", "user"):
        coded = encode(text, role, "session")

        assert coded is None or read_text(coded.stored) == text


def _fibonacci(size: int) -> str:
    one, other = "a ", "b "
    while len(one) < size:
        one, other = one + other, one
    return one[:size]


HOSTILE = {
    "arrays in arrays": "[" * 30_000 + "]" * 30_000,
    "arrays that break off": "[1,2,\n" * 10_000,
    "rows of many columns": json.dumps([{f"k{place}": place for place in range(3_000)}] * 2),
    "a table of many columns": "\n".join("|" + "|".join("b" * 8_000) + "|" for _ in range(6)),
    "objects of all shapes": json.dumps([{f"k{place}": 1, "b": 2} for place in range(3_000)]),
    "repeats in repeats": _fibonacci(60_000),
    "labels": "A: b\n" * 12_000,
    "lines of all lengths": "\n".join("12:00:00 " + "word " * (place % 97) for place in range(1_500)),
    "odd white space": "[" + ",".join(" " * (place % 5) + "1" for place in range(10_000)) + "]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_structure_of_any_kind_is_done_with_in_time(name: str) -> None:
    """Each took 0.1 s at most; a quadratic step would need hundreds of times as long."""
    text = HOSTILE[name]

    for role, level in (("tool", "session"), ("user", "readable")):
        coded = encode(text, role, level)  # type: ignore[arg-type] # the tuple widens the literal

        assert coded is None or read_text(coded.stored) == text
