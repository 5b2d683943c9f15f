"""`interactions list` and `show`, through the real composition root."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from synthlang_router.backends.sqlite.interactions import SqliteInteractionLog
from synthlang_router.cli.interactions import app
from synthlang_router.cli.terminal import printable
from synthlang_router.errors import InvalidRequest
from synthlang_router.interactions import Batch, Content, ContentSealer, Interaction, Kept, SealedContent
from synthlang_router.interactions.content import keep
from synthlang_router.interactions.moments import moment
from synthlang_router.interactions.shown import readable
from synthlang_router.main import read_settings
from synthlang_router.main.recording import LOG_FILE, open_vault
from synthlang_router.main.secrets import make_data_dir
from tests.interactions.records import row

NOW = 1_700_000_000.0


class Installation:
    """A data folder with a configuration, as the gateway leaves it."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "router.yaml"
        self.config.write_text(
            f"data_dir: {folder / 'data'}\nproviders: {{p: {{dialect: openai, base_url: 'http://127.0.0.1:1/v1'}}}}\n"
        )
        self.config.chmod(0o600)
        self.settings = read_settings(self.config)
        make_data_dir(self.settings.data_dir)
        self.log = SqliteInteractionLog(self.settings.data_dir / LOG_FILE)

    def write(self, *rows: Interaction, content: Content | None = None) -> None:
        sealed: list[SealedContent] = []
        with open_vault(self.settings) as vault:
            if content is not None:
                sealed = [ContentSealer(vault).seal(content, tenant=one.tenant, row=one.id) for one in rows]
        self.log.write(Batch(rows, sealed))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)])


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.log.close()


def test_list_shows_the_newest_first_and_says_how_to_go_on(installation: Installation) -> None:
    installation.write(*(row(f"row{n}", arrived=NOW + n) for n in range(5)))

    first = installation.run("list", "--limit", "3").output.splitlines()
    second = installation.run(
        "list", "--limit", "3", *first[-1].removeprefix("more: ").split()
    ).output.splitlines()

    assert [line.split()[0] for line in first] == ["id", "row4", "row3", "row2", "more:"]
    assert [line.split()[0] for line in second] == ["id", "row1", "row0"]


def test_list_as_json_is_one_array_with_what_a_script_wants(installation: Installation) -> None:
    installation.write(row("a", tags=[["team", "blue"]], tokens={"prompt": 3}))

    (found,) = json.loads(installation.run("list", "--json").output)

    assert found["id"] == "a"
    assert found["request_id"] == "req-a"
    assert found["arrived"] == "2023-11-14T22:13:20.000+00:00"
    assert found["tags"] == {"team": "blue"}
    assert found["tokens"]["prompt"] == 3


def test_list_filters(installation: Installation) -> None:
    installation.write(row("a", user="eve", outcome="failed", status=502, tags=[["t", "1"]]), row("b"))

    for filtered in (["--user", "eve"], ["--outcome", "failed"], ["--status", "502"], ["--tag", "t=1"]):
        assert [one["id"] for one in json.loads(installation.run("list", "--json", *filtered).output)] == [
            "a"
        ]


def test_show_opens_prompt_and_answer_by_row_id_and_by_request_id(installation: Installation) -> None:
    installation.write(row("a"), content=Content(keep(b"the prompt", 100), keep(b"the answer", 100)))

    for name in ("a", "req-a"):
        (found,) = json.loads(installation.run("show", name, "--json").output)
        assert (found["prompt"], found["answer"]) == ("the prompt", "the answer")
    assert "the prompt" in installation.run("show", "a").output


def test_export_writes_every_row_once_as_json_lines(installation: Installation, tmp_path: Path) -> None:
    installation.write(*(row(f"row{n}", arrived=NOW + n) for n in range(2500)))
    target = tmp_path / "rows.jsonl"

    result = installation.run("export", "--output", str(target))

    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [one["id"] for one in rows] == [f"row{n}" for n in reversed(range(2500))]
    assert "2500 rows, done" in result.stderr
    assert target.stat().st_mode & 0o077 == 0
    assert installation.run("export", "--output", str(target)).exit_code == 1


def test_export_has_content_where_it_is_asked_and_rows_of_the_asked_time_only(
    installation: Installation,
) -> None:
    installation.write(
        row("old", arrived=NOW - 10), row("new", arrived=NOW), content=Content(keep(b"hello", 100))
    )

    lines = installation.run("export", "--content", "--since", "2023-11-14T22:13:20").stdout.splitlines()

    assert [(one["id"], one["prompt"]) for one in map(json.loads, lines)] == [("new", "hello")]


def test_show_says_why_there_is_no_content(installation: Installation) -> None:
    installation.write(row("bare"))
    installation.write(row("erased"), content=Content(keep(b"secret", 100)))
    with open_vault(installation.settings) as vault:
        vault.erase("acme")

    (bare,) = json.loads(installation.run("show", "bare", "--json").output)
    (erased,) = json.loads(installation.run("show", "erased", "--json").output)

    assert bare["content"] == "not kept"
    assert "erased" in erased["content"]
    assert "prompt" not in erased


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "nothing"],
        ["list", "--before", "x"],
        ["list", "--since", "soon"],
        ["list", "--outcome", "x"],
        ["list", "--tag", "x"],
    ],
)
def test_what_cannot_be_shown_is_one_line_and_exit_code_one(
    installation: Installation, arguments: list[str]
) -> None:
    result = installation.run(*arguments)

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_an_unknown_option_is_exit_code_two(installation: Installation) -> None:
    assert installation.run("list", "--nonsense").exit_code == 2


def test_a_clients_control_characters_do_not_reach_the_terminal(installation: Installation) -> None:
    installation.write(row("a", user="\x1b[2Jevil\r", asked_model="m\x9b31m"))

    for output in (installation.run("list").output, installation.run("show", "a").output):
        assert not {"\x1b", "\r", "\x9b"} & set(output)
    assert printable("a\tb\u202e") == "a\tb\\x202e"


def test_a_body_that_was_cut_says_what_is_missing() -> None:
    text = readable(keep(b"a" * 50 + b"b" * 50, 40))

    assert text is not None
    assert text.startswith("a" * 30 + "\n[... 60 of 100 bytes left out, sha256 ")
    assert text.endswith("\n" + "b" * 10)
    assert readable(Kept(b"\xff", 1)) == "\ufffd"


def test_moments_are_ages_or_dates() -> None:
    assert moment("30m", NOW) == NOW - 1800
    assert moment("1.5h", NOW) == NOW - 5400
    assert moment("7d", NOW) == NOW - 604_800
    assert moment("2023-11-14T22:13:20", 0.0) == NOW
    assert moment("2023-11-14T23:13:20+01:00", 0.0) == NOW
    assert moment(None, NOW) is None
    for text in ("", "d", "tomorrow", "12x"):
        with pytest.raises(InvalidRequest):
            moment(text, NOW)
