"""The house rules that a linter does not know."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "synthlang_router"
FILES = sorted(SOURCE.rglob("*.py"))
NO_CONCEPT = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 40


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_has_one_concept_and_says_it_first(path: Path) -> None:
    text = path.read_text()

    assert path.stem not in NO_CONCEPT
    assert text.count("\n") <= 300
    assert ast.get_docstring(ast.parse(text)), "a file opens with one sentence: what it is"


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=name_of)
def test_a_door_has_no_logic(path: Path) -> None:
    body = ast.parse(path.read_text()).body

    if path.parent.name != "backends":  # its door is the registry of backends
        allowed = ast.Expr | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
        assert all(isinstance(statement, allowed) for statement in body)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_stop_at_forty_lines(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    lengths = {function.name: (function.end_lineno or 0) - function.body[0].lineno for function in functions}
    long = {name: length for name, length in lengths.items() if length > 40}
    assert long == {}


def test_the_pipeline_has_no_branch_on_streaming() -> None:
    assert "stream" not in (SOURCE / "pipeline.py").read_text().replace(
        "Streamed or not is no question here.", ""
    )
