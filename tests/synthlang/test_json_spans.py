"""Data is found where it surely is data; code, calls and sentences are not data."""

from __future__ import annotations

import pytest

from synthlang_router.synthlang.json_spans import find_json

OBJECT = '{"name": "a", "values": [1, 2, 3], "nested": {"x": null}}'
PRETTY = '{\n  "name": "a",\n  "values": [\n    1,\n    2\n  ]\n}'


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_json(text)]


@pytest.mark.parametrize(
    "text",
    [
        OBJECT,
        f"  {OBJECT}\n",
        f"Look at this:\n{OBJECT}",
        f"Look at this:\n\n{PRETTY}\n\nWhat is the name?",
        f"The result was: {OBJECT}",
        f"<data>{OBJECT}</data>",
        f"```json\n{OBJECT}\n```",
        f"~~~\n{PRETTY}\n~~~",
        f"Use this:\n```json\n{PRETTY}\n```\nand tell me.",
        f"Rows:\n{OBJECT}\n{OBJECT}\n",
    ],
)
def test_json_that_stands_alone_is_data(text: str) -> None:
    assert found(text)
    assert set(found(text)) <= {OBJECT, PRETTY}


@pytest.mark.parametrize(
    "text",
    [
        f"x = {OBJECT}",
        f"const x = {PRETTY};",
        f"call(\n{PRETTY}\n)",
        f"items = [\n{PRETTY},\n{PRETTY} ...",
        f"`{OBJECT}`",
        f'let input = r#"\n{OBJECT}\n"#;',
        f"```python\nx =\n{OBJECT}\n```",
        f"```json\n// a comment\n{OBJECT}\n```",
        "pick one of: [1, 2, 3]",
        "{not json at all: but it is long enough to be}",
        '{"a": NaN, "padding": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}',
        f"```json\n{OBJECT}"[:-1],
        "",
    ],
)
def test_what_is_not_surely_data_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    ["[" * 300_000, "\n[" * 150_000, '\n{"a":' * 60_000, '\n["' * 100_000, "\n[1,2" * 60_000, "```\n" * 75_000, '\n{"a":1e' * 40_000, "[" + " " * 300_000, '\n["\n' * 80_000],
)  # fmt: skip
def test_hostile_text_is_given_up_in_time(text: str) -> None:
    """Read in vain at each of its starts this would be 10^10 steps, which the timeout of the suite would end."""
    assert find_json(text) == []
