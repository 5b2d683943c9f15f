"""`compress`, `decompress` and `tokens` on files."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from synthlang_router.cli.synthlang import compress_app, decompress_app, tokens_app

ROWS = [{"name": f"item {n}", "value": n, "state": "open"} for n in range(20)]
MESSAGES = json.dumps([{"role": "user", "content": "Summarise:\n" + json.dumps(ROWS, indent=2)}]).encode()


def test_what_is_compressed_is_shorter_and_comes_back_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(MESSAGES)

    stored = CliRunner().invoke(compress_app, [str(tmp_path / "plain")]).stdout_bytes
    (tmp_path / "stored").write_bytes(stored)
    back = CliRunner().invoke(decompress_app, [str(tmp_path / "stored")]).stdout_bytes

    assert len(stored) < len(MESSAGES) / 2
    assert back == MESSAGES


def test_what_would_not_get_shorter_is_printed_as_it_is(tmp_path: Path) -> None:
    content = b'[{"role":"user","content":"Hello there."}]'
    (tmp_path / "plain").write_bytes(content)

    printed = CliRunner().invoke(compress_app, [str(tmp_path / "plain")]).stdout_bytes

    assert printed == content


def test_a_damaged_form_is_an_error_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"synthlang/1 r 0\n[]")

    done = CliRunner().invoke(decompress_app, [str(tmp_path / "broken")])

    assert (done.exit_code, done.stdout) == (1, "")


def test_the_report_counts_by_class_and_in_money(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(MESSAGES)
    (tmp_path / "b.txt").write_text("Just prose, nothing to gain.")

    done = CliRunner().invoke(
        compress_app,
        ["--report", "--json", "--price", "10", str(tmp_path / "a.json"), str(tmp_path / "b.txt")],
    )

    lines = {line["class"]: line for line in json.loads(done.stdout)}
    assert set(lines) == {"json", "prose", "all"}
    assert lines["json"]["share_saved"] > 0.3
    assert lines["prose"]["share_saved"] == 0
    assert lines["all"]["usd_before"] > lines["all"]["usd_after"] > 0


def test_the_report_takes_the_models_price_where_none_is_given(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(MESSAGES)

    def reported(*options: str) -> dict[str, float | None]:
        done = CliRunner().invoke(compress_app, ["--report", "--json", *options, str(tmp_path / "a.json")])
        (line,) = [line for line in json.loads(done.stdout) if line["class"] == "all"]
        return dict(line)

    known, unknown = reported("--model", "gpt-4o"), reported("--model", "nobody-sells-this")
    cached = reported("--model", "gpt-4o", "--cached-share", "1")
    named = reported("--model", "anthropic/claude-sonnet-4-5")

    assert known["usd_before"] and cached["usd_before"] and named["usd_before"]
    assert cached["usd_before"] < known["usd_before"]
    assert unknown["usd_before"] is None


def test_tokens_are_counted_and_a_missing_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello world")

    counted = json.loads(CliRunner().invoke(tokens_app, ["--json", str(tmp_path / "text")]).stdout)
    missing = CliRunner().invoke(tokens_app, [str(tmp_path / "nothing")])

    assert counted[0]["tokens"] >= 2
    assert missing.exit_code == 1
