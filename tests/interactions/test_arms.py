"""What native mode saved is what its two arms differ in, as an operator reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthlang_router.cli.usage import app
from synthlang_router.interactions import Interaction
from synthlang_router.interactions.arms import measured_saving
from synthlang_router.interactions.record import Tokens
from synthlang_router.models import Attempt
from tests.interactions.records import row
from tests.interactions.test_command import Installation

RETRIED = (Attempt("p", "m", 0.0, 1.0, 503), Attempt("p", "m", 1.0, 2.0, 200))


def native(name: str, *, prompt: int, saved: int, cost: float) -> Interaction:
    tokens = Tokens(prompt, 100, cached=prompt // 2)
    return row(name, compression="native", level="readable", tokens=tokens, tokens_saved=saved, cost=cost)


def held_out(name: str, *, prompt: int, cost: float) -> Interaction:
    return row(name, compression="holdout", level="readable", tokens=Tokens(prompt, 150), cost=cost)


ROWS = [
    native("a", prompt=400, saved=600, cost=0.5),
    native("b", prompt=600, saved=400, cost=0.7),
    held_out("c", prompt=1000, cost=1.0),
]


def test_the_saving_is_measured_against_the_uncompressed_arm() -> None:
    measured = measured_saving(ROWS)

    assert measured.tokens_saved == pytest.approx(0.5)
    assert measured.cost_saved == pytest.approx(0.4)
    assert measured.native.cached_share == pytest.approx(0.5) and measured.holdout.cached_share == 0
    assert (measured.native.completion_tokens, measured.holdout.completion_tokens) == (100, 150)


def test_errors_and_retries_are_compared_too() -> None:
    failed = row("d", compression="holdout", outcome="failed", status=502, tokens=Tokens(), cost=None)
    retried = row("e", compression="holdout", attempts=RETRIED)

    holdout = measured_saving([*ROWS, failed, retried]).holdout

    assert holdout.requests == 3
    assert holdout.error_rate == holdout.retry_rate == pytest.approx(1 / 3)


def test_other_modes_and_answers_out_of_the_cache_say_nothing() -> None:
    others = [
        row("f"),
        row("g", compression="transparent"),
        row("h", compression="native", usage_source="cache"),
    ]

    assert measured_saving(others).native.requests == 0
    assert measured_saving([*ROWS, *others]) == measured_saving(ROWS)


def test_without_an_arm_nothing_is_claimed() -> None:
    measured = measured_saving(ROWS[:2])

    assert measured.tokens_saved is None and measured.cost_saved is None


def test_the_command_shows_both_arms_and_what_was_saved(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    installation.write(*ROWS)

    shown = CliRunner().invoke(
        app, ["compression", "--since", "2000-01-01", "--config", str(installation.config)]
    )

    installation.log.close()
    assert "saved: 50.0% of tokens, 40.0% of cost" in shown.output
    assert "native" in shown.output.splitlines()[0] and "holdout" in shown.output.splitlines()[0]
