"""References to the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthlang_router.config.document import Node
from synthlang_router.config.expansion import MAX_REFERENCES, MAX_SECRET_FILE, Expansion


def expanded(value: Node, **environ: str) -> Node:
    done = Expansion({"a": value}, environ)
    assert done.problems == []
    return done.data.get("a", "(not written)")


def problem(value: Node, **environ: str) -> str:
    ((path, text),) = Expansion({"a": value}, environ).problems
    assert path[0] == "a"
    return text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("${A}", "one"),
        ("x${A}y${B:-two}", "xoney" + "two"),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "one"),
        ("$A $$ {A} $", "$A $$ {A} $"),
        ("$${A}", "${A}"),
        ("${NONE:-}", "(not written)"),
        ("${EMPTY}", "(not written)"),
        ("", ""),
        (["${A}", "${NONE:-}", {"b": "${A}"}], ["one", {"b": "one"}]),
        (None, None),
    ],
)
def test_references_expand_as_in_a_shell(written: Node, meant: Node) -> None:
    assert expanded(written, A="one", EMPTY="") == meant


def test_what_a_variable_holds_is_not_read_again() -> None:
    assert expanded("${A}", A="{x: ${B}}", B="no") == "{x: ${B}}"


@pytest.mark.parametrize(
    ("written", "part"),
    [("${NONE}", "NONE is not set"), ("${", "neither"), ("${a b}", "neither"), ("x ${A:-", "neither")],
)
def test_a_reference_that_stands_for_nothing_is_a_problem(written: str, part: str) -> None:
    assert part in problem(written)


def test_a_secret_is_read_from_the_file_that_its_file_variable_names(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"sk-1\r\n")

    assert expanded("${KEY}", KEY_FILE=str(tmp_path / "secret")) == "sk-1"
    assert expanded("${KEY}", KEY="own", KEY_FILE="/nowhere") == "own"


def test_a_secret_file_that_cannot_be_read_is_a_problem_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (MAX_SECRET_FILE + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    for name in ("big", "binary", "missing", "nul\0l"):
        text = problem("${KEY}", KEY_FILE=str(tmp_path / name))
        assert "KEY_FILE" in text
        assert str(tmp_path) not in text


def test_the_uses_of_variables_are_known_by_setting() -> None:
    assert Expansion({"a": ["${X:-1}", {"b": "${Y:-2}"}]}, {}).used == [(("a", 0), "X"), (("a", 1, "b"), "Y")]


def test_references_are_bounded() -> None:
    assert "more than" in problem("${A}" * (MAX_REFERENCES + 1), A="x")
