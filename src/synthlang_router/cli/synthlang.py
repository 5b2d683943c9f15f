"""`compress`, `decompress` and `tokens`: SynthLang on files, without a gateway and without a provider."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from synthlang_router.cli.model_price import price_of
from synthlang_router.models import CompressionLevel
from synthlang_router.synthlang import (
    BrokenFrame,
    Line,
    Price,
    compress_prompt,
    count_prompt,
    decode_messages,
    report,
    request_of,
)
from synthlang_router.telemetry import wall_clock

LEVELS: Final[tuple[CompressionLevel, ...]] = ("exact", "readable", "session", "lossy")
MAX_FILE: Final = 64_000_000

compress_app = typer.Typer(add_completion=False)
decompress_app = typer.Typer(add_completion=False)
tokens_app = typer.Typer(add_completion=False)

Files = Annotated[
    list[Path], typer.Argument(help="Request bodies, messages or plain texts; - is standard input.")
]
Model = Annotated[str, typer.Option(help="Whose tokens are counted.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Config = Annotated[Path | None, typer.Option(help="Not needed; taken so that every command takes it.")]


@compress_app.command()
def compress(
    files: Files,
    level: Annotated[str, typer.Option(help=f"One of {', '.join(LEVELS)}.")] = "readable",
    model: Model = "gpt-4o",
    as_report: Annotated[
        bool, typer.Option("--report", help="What would be saved, by kind of data.")
    ] = False,
    price: Annotated[
        float | None, typer.Option(help="USD per million input tokens; the model's own if left out.", min=0)
    ] = None,
    cached_price: Annotated[
        float | None, typer.Option(help="USD per million cached tokens; as `--price` if left out.", min=0)
    ] = None,
    cached_share: Annotated[
        float, typer.Option(help="Share of the prompt that is read cached.", min=0, max=1)
    ] = 0.0,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print the stored form of one file's messages, which `decompress` reads; or a report over many."""
    wanted = _level(level)
    requests = (request_of(_read(path), model) for path in files)
    if as_report:
        money = _price(model, price, cached_price)
        lines = report(requests, wanted, price=money, cached_share=cached_share)
        sys.stdout.write(
            json.dumps([_described(line) for line in lines], indent=2) + "\n" if as_json else _table(lines)
        )
        return
    if len(files) != 1:
        raise typer.BadParameter("one file at a time, or --report")
    prompt = compress_prompt(next(requests), mode="native", level=wanted)
    stored = prompt.stored or bytes(prompt.original.fields["messages"])
    if as_json:
        figures = {
            "tokens_before": prompt.tokens_before,
            "tokens_after": prompt.tokens_after,
            "exact": prompt.exact,
        }
        sys.stdout.write(json.dumps({**figures, "stored": stored.decode()}) + "\n")
    else:
        sys.stdout.buffer.write(stored)


@decompress_app.command()
def decompress(
    file: Annotated[Path, typer.Argument(help="What `compress` printed; - is standard input.")],
    config: Config = None,
) -> None:
    """Print the messages that were compressed, byte for byte."""
    content = _read(file)
    try:
        sys.stdout.buffer.write(decode_messages(content) if content.startswith(b"synthlang/") else content)
    except BrokenFrame:
        sys.stderr.write("This is not a stored form of SynthLang, or it is damaged.\n")
        raise typer.Exit(1) from None


@tokens_app.command()
def tokens(files: Files, model: Model = "gpt-4o", as_json: AsJson = False, config: Config = None) -> None:
    """Count the prompt tokens of requests, messages or texts."""
    found = []
    for path in files:
        counted = count_prompt(request_of(_read(path), model))
        found.append({"file": str(path), "tokens": counted.tokens, "exact": counted.exact})
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    for line in found:
        sys.stdout.write(f"{line['tokens']:>10}{'' if line['exact'] else ' (estimate)'}  {line['file']}\n")


def _price(model: str, fresh: float | None, cached: float | None) -> Price | None:
    known = price_of(model, wall_clock()) if fresh is None else Price(fresh, fresh)
    if known is None or cached is None:
        return known
    return Price(known.fresh, cached)


def _level(text: str) -> CompressionLevel:
    for level in LEVELS:
        if level == text:
            return level
    raise typer.BadParameter(f"one of {', '.join(LEVELS)}", param_hint="--level")


def _read(path: Path) -> bytes:
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as source:
            content = source.read(MAX_FILE + 1)
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}\n")
        raise typer.Exit(1) from None
    if len(content) > MAX_FILE:
        sys.stderr.write(f"{path}: larger than {MAX_FILE} bytes\n")
        raise typer.Exit(1)
    return content


def _described(line: Line) -> dict[str, object]:
    return {
        "class": line.name,
        "requests": line.requests,
        "tokens_before": line.tokens_before,
        "tokens_after": line.tokens_after,
        "share_saved": round(line.share_saved, 4),
        "usd_before": line.money_before,
        "usd_after": line.money_after,
    }


def _table(lines: list[Line]) -> str:
    return "\n".join(_rows(lines)) + "\n"


def _rows(lines: list[Line]) -> Iterator[str]:
    yield f"{'class':<16}{'requests':>9}{'before':>12}{'after':>12}{'saved':>8}{'USD before':>14}{'USD after':>14}"
    for line in lines:
        money = ["" if usd is None else f"{usd:.6f}" for usd in (line.money_before, line.money_after)]
        yield (
            f"{line.name:<16}{line.requests:>9}{line.tokens_before:>12}{line.tokens_after:>12}"
            f"{line.share_saved:>8.1%}{money[0]:>14}{money[1]:>14}"
        )
