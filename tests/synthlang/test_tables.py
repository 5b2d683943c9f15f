"""Objects with the same keys become rows, wherever they stand; what is equal is said once."""

from __future__ import annotations

import json

import pytest

from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.grammar import Names, escape
from synthlang_router.synthlang.tables import tabulate
from synthlang_router.synthlang.trees import MAX_DEPTH, TooDeep, parse


def body_of(value: object) -> str:
    text = escape(json.dumps(value, separators=(",", ":")))
    body = tabulate(parse(text), Names(text))
    assert read_text(f"【1j\n{body.text}】") == json.dumps(value, separators=(",", ":"))
    return body.text


def users(count: int) -> list[dict[str, object]]:
    return [
        {
            "id": n * n + 3,
            "login": f"user{n}",
            "url": f"https://api.example.org/users/user{n}",
            "admin": False,
        }
        for n in range(count)
    ]


def test_an_array_of_objects_has_its_keys_written_once() -> None:
    body = body_of(users(5))

    assert body.count("login") == 1
    assert body.count("https://api.example.org/users/") == 1
    assert "\n4 user1\n" in body


def test_a_value_that_another_holds_is_not_said_twice_in_a_row() -> None:
    assert body_of(users(5)).count("user4") == 1


def test_objects_of_one_shape_share_a_template_wherever_they_stand() -> None:
    one, two, three = users(3)

    body = body_of({"owner": one, "repo": {"name": "x", "creator": two}, "sender": three})

    assert body.count("login") == 1


def test_an_object_inside_every_row_is_laid_out_in_it() -> None:
    body = body_of([{"n": n, "at": {"x_position": n * 2, "y_position": n * 3}} for n in range(2, 9)])

    assert body.count("x_position") == 1
    assert body.count("■") == 1


def test_consecutive_numbers_run_by_themselves() -> None:
    body = body_of([{"number": n, "description": f"some text {n * 7}"} for n in range(3, 9)])

    assert '"number":★3' in body


def test_a_cell_as_above_is_marked() -> None:
    body = body_of(
        [
            {"state": state, "description": text}
            for state, text in zip(["open", "open", "shut", "shut"], "abcd", strict=True)
        ]
    )

    assert "\n^ b\nshut c\n^ d" in body


def test_the_separator_is_one_that_no_cell_holds() -> None:
    rows = [
        {"name": "a b", "text_value": "c, d"},
        {"name": "e|f", "text_value": "g;h"},
        {"name": "i", "text_value": "j\tk"},
    ] * 3

    assert body_of(rows)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        [[], {}, [{}], {"a": []}],
        [{"a": 1}, {"b": 2}, {"a": 3}],
        [{"key_of_it": {"key_of_it": {"key_of_it": None}}}, {"key_of_it": None}, {"key_of_it": 5}],
        [{"": "", "^": "^", "+1": "+1"}, {"": "", "^": "x", "+1": "+2"}] * 4,
        [{"long_key_a": [{"long_key_b": n}, {"long_key_b": n + 1}], "c": n} for n in range(6)],
        [{"time": f"12:00:{n:02}", "value_of_it": n * n} for n in range(0, 30, 3)],
        [{"●": "■", "text_text": "【】「」"}, {"●": "※a", "text_text": "±★¿"}] * 3,
        [{"emoji_text": "😀", "n": True}, {"emoji_text": "\u2028", "n": None}] * 3,
    ],
)
def test_any_value_comes_back(value: object) -> None:
    body_of(value)


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(TooDeep):
        parse("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
