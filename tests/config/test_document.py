"""YAML text to plain data and lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.config.document import MAX_BYTES, MAX_DEPTH, Document, Node, Unreadable, dotted, parse


def reason(text: str | bytes) -> tuple[int, str]:
    with pytest.raises(Unreadable) as caught:
        parse(text.encode() if isinstance(text, str) else text)
    return caught.value.line, caught.value.text


def test_scalars_stay_text_and_nothing_is_none() -> None:
    document = parse(b"a: off\nb: 0123\nc: 2024-01-01\nd: ~\ne:\nf: 'null'\ng: \"\"\non: yes\n")

    assert document.data == {
        "a": "off",
        "b": "0123",
        "c": "2024-01-01",
        "d": None,
        "e": None,
        "f": "null",
        "g": "",
        "on": "yes",
    }


def test_every_key_and_element_knows_its_line() -> None:
    document = parse(b"a:\n  b: 1\n  c:\n    - x\n    - y: 2\n")

    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "y"): 5,
    }


def test_a_path_that_was_not_written_is_at_its_nearest_written_ancestor() -> None:
    document = parse(b"x: 1\na:\n  b: 1\n")

    assert document.line_of(("a", "missing", 3)) == 2
    assert document.line_of(("missing",)) is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~", "\ufeff"])
def test_an_empty_file_is_no_settings(text: str) -> None:
    assert parse(text.encode()) == Document({})


def test_a_key_written_twice_is_refused_with_both_lines() -> None:
    assert reason("a: 1\nb: {c: 1,\n  c: 2}\n") == (3, "b.c: written twice (first in line 2)")


def test_aliases_and_merge_keys_are_understood_and_what_is_written_wins() -> None:
    document = parse(b"base: &b {x: 1, y: 2}\nlist: [*b]\nown: {<<: *b, y: 3}\nboth: {<<: [{x: 9}, *b]}\n")

    assert document.data["list"] == [{"x": "1", "y": "2"}]
    assert document.data["own"] == {"x": "1", "y": "3"}
    assert document.data["both"] == {"x": "9", "y": "2"}
    assert document.line_of(("own", "x")) == 3


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    line, text = reason("\n".join(lines))

    assert line < 10
    assert "aliases counted" in text


def test_an_alias_of_itself_is_refused() -> None:
    assert reason("a: &a [1, *a]") == (1, "*a stands for nothing before it")


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: !!python/object/apply:os.system [ls]", 1, "not supported"),
        ("a: !secret x", 1, "not supported"),
        ("a: 1\n--- \nb: 2\n", 2, "second document"),
        ("- a\n- b\n", 1, "must be a mapping"),
        ("just text", 1, "must be a mapping"),
        ("? [a]\n: 1\n", 1, "key must be plain text"),
        ("a: 1\n<<: 3\n", 2, "<< takes a mapping"),
        ("a: 1\n b: 2\n", 2, "mapping values are not allowed"),
        ("a: [1,\nb: 2\n", 3, "did not find expected"),
        ("a: 'open\n", 2, "end of stream"),
        ("a: \x07\n", 1, "does not allow"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, line: int, part: str) -> None:
    at, said = reason(text)

    assert at == line
    assert part in said


def test_text_that_is_not_utf8_is_refused_with_its_line() -> None:
    assert reason(b"a: 1\nb: \xff\n") == (2, "not UTF-8")


def test_deep_nesting_is_refused_before_it_costs_anything() -> None:
    assert "nest" in reason("a: " + "[" * 500_000)[1]
    assert "nested deeper" in reason("a: " + "{a: " * (MAX_DEPTH + 2))[1]


def test_a_file_over_its_bound_is_refused() -> None:
    assert "larger" in reason(b"#" * (MAX_BYTES + 1))[1]


def test_a_path_is_shown_as_an_operator_reads_it() -> None:
    assert dotted(("keys", 0, "na\nme")) == "keys[0].na?me"


@given(st.text(max_size=200))
def test_any_text_is_data_or_unreadable(text: str) -> None:
    try:
        document = parse(text.encode("utf-8", "surrogatepass"))
    except Unreadable as error:
        assert error.line >= 1
    else:
        assert isinstance(document.data, dict)


NODES: st.SearchStrategy[Node] = st.recursive(
    st.none() | st.text(st.characters(codec="ascii", min_codepoint=32), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), NODES, max_size=4))
def test_json_is_read_back_whole(data: dict[str, Node]) -> None:
    assert parse(json.dumps(data).encode()).data == data
