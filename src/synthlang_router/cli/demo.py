"""`demo`: an unchanged OpenAI client against a gateway of its own, and one table of what happened."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletionMessageParam

app = typer.Typer(add_completion=False)

CONFIG: Final = """\
providers: {simulator: {dialect: simulator}}
models: [{name: gpt-4o-mini, targets: [{provider: simulator, model: gpt-4o-mini}]}]
keys:
  - {name: demo, key: sk-demo-0123456789abcdef, tenant: demo}
  - {name: demo-limited, key: sk-limited-0123456789abcdef, tenant: demo, requests_per_minute: 3}
"""
QUESTION: Final = "What is the capital of France?"
VARIANT: Final = "what's the capital of france, please?"
NEAR_MISS: Final = "What is the capital of Italy?"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story."""

    what: str
    status: int
    cache: str
    route: str
    tokens: str
    milliseconds: float
    request_id: str


@app.command()
def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Ask, ask again, ask nearly the same, stream, use a bad key, burst over the limit."""
    if importlib.util.find_spec("openai") is None:
        sys.exit("The demo runs the official OpenAI client: pip install openai (make demo does it).")
    with tempfile.TemporaryDirectory(prefix="synthlang-demo-") as folder:
        config = Path(folder) / "demo.yaml"
        config.write_text(CONFIG + f"data_dir: {folder}/data\n")
        command = [sys.executable, "-m", "synthlang_router"]
        gateway = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "serve", "--config", str(config), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            lines = asyncio.run(_story(_address(gateway)))
            time.sleep(1.0)  # rows are visible within a second
            rows = _rows(
                [*command, "interactions", "list", "--config", str(config), "--json", "--limit", "50"]
            )
        finally:
            gateway.terminate()
            gateway.wait(timeout=20)
    _print(lines, rows, as_json=as_json)


def _address(gateway: subprocess.Popen[str]) -> str:
    for line in gateway.stdout or ():
        if "http://" in line:
            return "http://" + line.split("http://", 1)[1].split()[0].rstrip(".,")
    raise SystemExit("The gateway did not start.")


async def _story(address: str) -> list[Line]:
    import openai

    def client(key: str) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0)

    lines = []
    async with client("sk-demo-0123456789abcdef") as good:
        for what, text in (
            ("a question", QUESTION),
            ("the same again", QUESTION),
            ("in other words", VARIANT),
            ("a near miss", NEAR_MISS),
        ):
            lines.append(await _ask(good, what, text))
            await asyncio.sleep(0.1)
        lines.append(await _ask(good, "a stream", "Count from one to five.", stream=True))
        lines.append(await _ask(good, "that stream, whole", "Count from one to five."))
    async with client("sk-wrong") as bad:
        lines.append(await _ask(bad, "a bad key", QUESTION))
    async with client("sk-limited-0123456789abcdef") as limited:
        burst = [_ask(limited, f"burst {number}", f"Question {number}?") for number in range(1, 6)]
        lines += await asyncio.gather(*burst)
    return lines


async def _ask(client: openai.AsyncOpenAI, what: str, text: str, *, stream: bool = False) -> Line:
    import openai

    started = time.perf_counter()
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": text}]
    chat = client.chat.completions.with_raw_response
    usage = None
    try:
        if stream:
            raw = await chat.create(
                model="gpt-4o-mini", messages=messages, stream=True, stream_options={"include_usage": True}
            )
            async for chunk in raw.parse():
                usage = chunk.usage or usage
            status, headers = raw.status_code, raw.headers
        else:
            whole = await chat.create(model="gpt-4o-mini", messages=messages)
            usage = whole.parse().usage
            status, headers = whole.status_code, whole.headers
    except openai.APIStatusError as error:
        status, headers = error.status_code, error.response.headers
    tokens = "" if usage is None else f"{usage.prompt_tokens}+{usage.completion_tokens}"
    return Line(
        what,
        status,
        headers.get("x-cache", ""),
        headers.get("x-synthlang-route", ""),
        tokens,
        round((time.perf_counter() - started) * 1000, 1),
        headers.get("x-request-id", ""),
    )


def _rows(command: list[str]) -> dict[str, str]:
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own program
    return {row["request_id"]: row["id"] for row in json.loads(printed)}


def _print(lines: list[Line], rows: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        story = [
            {**{name: getattr(line, name) for name in Line.__slots__}, "row": rows.get(line.request_id)}
            for line in lines
        ]
        sys.stdout.write(json.dumps(story, indent=2) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What happened to each request (simulated provider)")
    for heading in ("request", "status", "cache", "route", "tokens in+out", "ms", "row"):
        table.add_column(heading, justify="right" if heading in ("status", "ms") else "left", no_wrap=True)
    for line in lines:
        table.add_row(
            line.what,
            str(line.status),
            line.cache,
            line.route,
            line.tokens,
            f"{line.milliseconds:.1f}",
            rows.get(line.request_id, "none: not a caller of ours" if line.status == 401 else "none")[:36],
        )
    console = Console(width=150) if not sys.stdout.isatty() else Console()
    console.print(table)
    console.print(
        "Tokens are the provider's count; a hit shows those of the answer it replays and costs nothing."
    )
