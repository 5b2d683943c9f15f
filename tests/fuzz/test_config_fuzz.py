"""Configuration files that somebody damaged: whatever stands there, it is settings or a ConfigurationError that says where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthlang_router.config import load
from synthlang_router.errors import ConfigurationError

pytestmark = pytest.mark.fuzz

LONG = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
EXAMPLES: Final = [
    path.read_text() for path in sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
]
NAMED: Final = {name for text in EXAMPLES for name in re.findall(r"\$\{(\w+)", text)}
SECRETS: Final = {name: f"sk-{name.lower():A<32}9z" for name in NAMED - {"PORT"}}
ENVIRON: Final = {**SECRETS, "PORT": "8080"}
STRANGE: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [None, True, 0, -1, 10**30, 1.5, float("inf"), "", "x", "${NOBODY}", "${X:-${Y}}", "${", "\x00", "🙂" * 9, [], {}, [[]],
     [None], {"": 1}, {1: 2}, {"a": {"b": []}}, "2026-11-30", "off", "http://[", "file:///etc/passwd", "a" * 5_000]
)  # fmt: skip
PIECES = st.sampled_from(
    ["\n", "  ", "\t", ": ", "- ", "{", "}", "[", "]", "&a", "*a", "<<: *a", "!!python/object:os.system", "!!binary x", "%YAML 9",
     "---", "...", "|", ">", "? ", "#", '"', "'", "\ufeff", "\x00", "\ud7ff", "providers", "1:2", "${A}", "@", "`", "0o7", "~"]
)  # fmt: skip


def read(folder: Path, text: str) -> None:
    """Settings, or an error in our words; any other exception is a failure of the test."""
    (folder / "fuzz.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(Path("fuzz.yaml"), ENVIRON, folder)
    except ConfigurationError as error:
        assert error.message
        assert not any(secret in error.message for secret in SECRETS.values())


def damaged(draw: st.DrawFn, value: Any) -> Any:
    """One place somewhere in it becomes something strange."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(list(value)))
        return {**value, name: damaged(draw, value[name])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], damaged(draw, value[place]), *value[place + 1 :]]
    return draw(STRANGE)


@LONG
@given(st.data(), st.sampled_from(EXAMPLES))
def test_a_setting_of_another_kind_is_refused_in_our_words(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, example: str
) -> None:
    whole = yaml.safe_load(example)
    for _ in range(data.draw(st.integers(1, 3))):
        whole = data.draw(st.composite(damaged)(whole))

    read(tmp_path_factory.mktemp("fuzz"), yaml.safe_dump(whole))


@LONG
@given(
    st.sampled_from(EXAMPLES),
    st.lists(PIECES, max_size=6).map("".join),
    st.integers(0, 5_000),
    st.integers(0, 30),
)
def test_text_that_somebody_damaged_is_refused_in_our_words(
    tmp_path_factory: pytest.TempPathFactory, example: str, noise: str, at: int, gone: int
) -> None:
    at %= len(example) + 1

    read(tmp_path_factory.mktemp("fuzz"), example[:at] + noise + example[at + gone :])


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_is_damaged_here_is_good_without_the_damage(tmp_path: Path, example: str) -> None:
    (tmp_path / "fuzz.yaml").write_text(example)

    assert load(Path("fuzz.yaml"), ENVIRON, tmp_path).settings.providers
