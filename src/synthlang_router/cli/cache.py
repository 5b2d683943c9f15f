"""`cache stats|explain|purge`: what the running gateway's cache does, over its admin API on this machine."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from synthlang_router.cli.terminal import printable
from synthlang_router.errors import ConfigurationError, RouterError
from synthlang_router.main.opening import read_settings
from synthlang_router.main.secrets import ADMIN_FILE

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="What the cache holds, saved and got wrong; why; forget."
)
Config = Annotated[Path | None, typer.Option(help="The configuration file.")]
Key = Annotated[
    str | None, typer.Option(envvar="SYNTHLANG_ADMIN_KEY", help="A key of role operator or admin.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_TIMEOUT = 60.0


@app.command()
def stats(
    tenant: Annotated[str | None, typer.Option(help="Whose promise to show.")] = None,
    config: Config = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Hits by kind, how many were wrong at most, audits, and what was saved."""
    path = "/cache" if tenant is None else f"/cache?tenant={quote(tenant)}"
    _show(_called(config, key, "GET", path), as_json)


@app.command()
def explain(
    body: Annotated[Path, typer.Argument(help="A chat body as JSON; - reads it from standard input.")],
    tenant: Annotated[str, typer.Option(help="Whose request it would be.")],
    user: Annotated[str | None, typer.Option(help="The key's user; left out, the tenant.")] = None,
    config: Config = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Scope, candidates, what speaks for and against them, and what would come of it."""
    text = sys.stdin.read() if str(body) == "-" else body.read_text("utf-8")
    try:
        request = json.loads(text)
    except ValueError:
        typer.echo("This is no JSON.", err=True)
        raise typer.Exit(2) from None
    asked = {"request": request, "tenant": tenant, **({} if user is None else {"user": user})}
    _show(_called(config, key, "POST", "/cache/explain", asked), as_json)


@app.command()
def purge(
    entry: Annotated[str | None, typer.Option(help="One entry, by the id that rows name.")] = None,
    scope: Annotated[str | None, typer.Option(help="A scope, by its digest.")] = None,
    tenant: Annotated[str | None, typer.Option(help="What is a tenant's.")] = None,
    tag: Annotated[str | None, typer.Option(help="What bears a tag, as name=value.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    config: Config = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Forget answers, on disk too."""
    asked = {"entry": entry, "scope": scope, "tenant": tenant, "tag": tag}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    _show(_called(config, key, "POST", "/cache/purge", given | {"all": everything}), as_json)


def _called(config: Path | None, key: str | None, method: str, path: str, body: object = None) -> Any:
    """What the gateway answers; exit code 1 with its words, or ours where it is not there."""
    try:
        settings = read_settings(config)
        secret = (settings.data_dir / ADMIN_FILE).read_text("utf-8").strip() if key is None else key
    except (RouterError, OSError) as error:
        text = (
            error.message if isinstance(error, ConfigurationError) else "There is no admin key: give --key."
        )
        typer.echo(text, err=True)
        raise typer.Exit(1) from None
    host = settings.server.host
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to reach, not to bind
    connection = http.client.HTTPConnection(near, settings.server.port, timeout=_TIMEOUT)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(
            method,
            f"/admin/v1{path}",
            payload,
            {"authorization": f"Bearer {secret}", "content-type": "application/json"},
        )
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        typer.echo(f"No gateway answers at {near}:{settings.server.port}.", err=True)
        raise typer.Exit(1) from None
    finally:
        connection.close()
    if response.status >= 400:
        typer.echo(printable(str(answer["error"]["message"])), err=True)
        raise typer.Exit(1)
    return answer


def _show(answer: Any, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    for line in _lines(answer, ""):
        typer.echo(printable(line))


def _lines(value: Any, indent: str) -> list[str]:
    lines: list[str] = []
    items = enumerate(value, 1) if isinstance(value, list) else value.items()
    for name, one in items:
        if isinstance(one, dict | list) and one:
            lines += [f"{indent}{name}:", *_lines(one, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {json.dumps(one, ensure_ascii=False)}")
    return lines
