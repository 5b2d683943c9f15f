"""Lines of fields become a table below their first line, and lines that merely hold commas do not."""

from __future__ import annotations

import pytest

from synthlang_router.synthlang.delimited import find_fields, tabulate_fields
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.grammar import Names, escape

CSV = "id,name,mail,state\n" + "\n".join(
    f"{n},User {n},u{n}@example.org,{'new' if n % 3 else 'old'}" for n in range(40, 60)
)
MARKDOWN = "| id | state |\n|----|-------|\n" + "\n".join(f"| {n} | open |" for n in range(8))


def found(text: str) -> list[str]:
    return [text[fields.start : fields.end] for fields in find_fields(text, 0, len(text))]


@pytest.mark.parametrize("table", [CSV, CSV.replace(",", "\t"), CSV.replace(",", ";"), MARKDOWN])
@pytest.mark.parametrize(
    "around", ["{}", "Look:\n{}\n", "\n{}\n\nWhat is it?", "Sales, by month\n\n{}\nTotal: 3"]
)
def test_lines_of_fields_are_found(table: str, around: str) -> None:
    assert found(around.format(table)) == [table]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["We came, we saw, and we won."] * 9),
        "\n".join(f"    print(a, b, {n})" for n in range(9)),
        "\n".join(f"x = f(a,b,{n})" for n in range(9)),
        "\n".join(["a,b,c", "1,2,3", "4,5", "6,7,8", "9,1,2", "3,4,5"]),
        "a,b,c\n1,2,3\n4,5,6",
        "",
    ],
)
def test_lines_with_commas_in_them_are_no_fields(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "table", [CSV, CSV.replace(",", "\t"), MARKDOWN, CSV.replace("User", "●^「"), CSV.replace("old", "^")]
)
def test_what_a_column_has_in_common_is_said_once(table: str) -> None:
    body = tabulate_fields(escape(table), Names(escape(table)))

    assert body is not None
    assert read_text(f"【1t\n{body.text}】") == table
    assert body.text.count("@example.org") <= 1 and len(body.text) < 0.8 * len(table) + 30


def test_lines_of_different_lengths_are_refused() -> None:
    assert tabulate_fields("a,b,c\n1,2,3\n4,5", Names("")) is None
    assert tabulate_fields("no table", Names("")) is None
