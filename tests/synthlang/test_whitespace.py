"""White space between JSON tokens goes and comes back; nothing else is touched."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.whitespace import minify, restore

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)
CONTAINERS = st.lists(VALUES) | st.dictionaries(st.text(), VALUES)
SAMPLE = {"id": 1, "tags": ["a", "b"], "empty": {}, "none": [], "deep": {"x": [{"y": None}]}}


def sprinkle(text: str, seed: int) -> str:
    """The same JSON with white space of any kind wherever it may stand."""
    rng = random.Random(seed)
    out, in_string, escaped = [], False, False
    for letter in text:
        if not in_string and rng.random() < 0.3:
            out.append(rng.choice([" ", "\n", "\t", "\r\n", "   "]) if letter in '{}[],:"' else "")
        out.append(letter)
        if in_string:
            in_string = letter != '"' or escaped
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            in_string = True
    return "".join(out).strip()


@settings(deadline=None)
@given(CONTAINERS, st.sampled_from([None, 0, 1, 2, 3, 4, 8, "\t", "\t\t"]), st.booleans())
def test_what_a_printer_wrote_comes_back(value: object, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    small = minify(text)

    assert small.text == json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    assert restore(small.text, small.style, len(text)) == text


@settings(deadline=None)
@given(CONTAINERS, st.integers())
def test_white_space_anywhere_comes_back(value: object, seed: int) -> None:
    text = sprinkle(json.dumps(value), seed)

    small = minify(text)

    assert small.text == json.dumps(value, separators=(",", ":"))
    assert restore(small.text, small.style, len(text)) == text


@pytest.mark.parametrize(
    ("text", "style"),
    [
        (json.dumps(SAMPLE), "d"),
        (json.dumps(SAMPLE, indent=2), "i2"),
        (json.dumps(SAMPLE, indent=4), "i4"),
        (json.dumps(SAMPLE, indent="\t"), "t1"),
        (json.dumps(SAMPLE, indent=2).replace("\n", "\r\n"), "ri2"),
        (json.dumps(SAMPLE, indent=2).replace("\n", "\n    "), "i2+4"),
        (json.dumps(SAMPLE, separators=(",", ":")), ""),
    ],
)
def test_a_common_style_is_a_short_code(text: str, style: str) -> None:
    assert minify(text).style == style


def test_an_uncommon_style_costs_what_is_uncommon_only() -> None:
    rows = ",\n".join(f'  {{ "id": {n}, "xs": [{n}, {n}] }}' for n in range(500))

    small = minify(f"[\n{rows}\n]")

    assert len(small.style) < 150
    assert restore(small.text, small.style, 100_000) == f"[\n{rows}\n]"


def test_numbers_strings_key_order_and_duplicate_keys_keep_their_bytes() -> None:
    text = '{"b" : 1.50, "a" : 1E+02, "b" : "\\u00e9\\/ \\" : ,", "big" : 12345678901234567890.10}'

    assert minify(text).text == '{"b":1.50,"a":1E+02,"b":"\\u00e9\\/ \\" : ,","big":12345678901234567890.10}'


@pytest.mark.parametrize(
    "style", ["q", "i", "i999", "i2+99999", "ti2", "i99+9999", '[402,"' + " " * 999 + '"]']
)
def test_a_style_that_is_none_of_ours_or_makes_too_much_of_the_text_is_refused(style: str) -> None:
    with pytest.raises(ValueError):
        restore("[" * 400 + "1," * 400 + "1" + "]" * 400, style, 100_000)
