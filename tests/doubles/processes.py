"""Real processes for end-to-end tests: the gateway and a provider, each started, told apart by port, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 60.0
KEY: Final = "sk-e2e-key-0123456789abcdef"
PROVIDER_KEY: Final = "sk-provider-secret"


class UpstreamProcess:
    """`tests/doubles/openai_upstream.py` on a port of its own."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.doubles.openai_upstream", "0"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.port = int(_stdout(self.process).readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def calls(self) -> list[dict[str, Any]]:
        """What the provider saw so far, oldest first."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_log", timeout=PATIENCE) as answer:
            calls: list[dict[str, Any]] = json.load(answer)["calls"]
        return calls

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        _stdout(self.process).close()


class GatewayProcess:
    """`synthlang-router serve` with a configuration of the test's own; may be killed and started again."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.path = folder / "gateway.yaml"
        self.path.write_text(config + f"\ndata_dir: {folder}/data\n")
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self, environ: dict[str, str] | None = None) -> Self:
        command = [
            sys.executable,
            "-m",
            "synthlang_router",
            "serve",
            "--config",
            str(self.path),
            "--port",
            "0",
        ]
        errors = (self.folder / "stderr.log").open("a")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **(environ or {})}
        )
        errors.close()
        for line in _stdout(self.process):
            if "http://" in line:
                self.url = "http://" + line.split("http://", 1)[1].split()[0]
                return self
        raise AssertionError("the gateway did not start: " + self.errors()[-2000:])

    @property
    def running(self) -> subprocess.Popen[str]:
        assert self.process is not None
        return self.process

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        self.running.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self.running.wait(PATIENCE)
        _stdout(self.running).close()
        return code

    def command(self, *arguments: str) -> str:
        """Run another command beside the gateway; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "synthlang_router", *arguments, "--config", str(self.path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout

    def rows(self, limit: int = 1000) -> list[dict[str, Any]]:
        """The record, newest first."""
        rows: list[dict[str, Any]] = json.loads(
            self.command("interactions", "list", "--json", "--limit", str(limit))
        )
        return rows

    def gauges(self) -> dict[str, float]:
        """Its figures that have no labels, by name."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        pairs = [line.split() for line in lines if line[:1].isalpha() and "{" not in line]
        return {name: float(value) for name, value in pairs}

    def errors(self) -> str:
        """What it wrote to its standard error so far."""
        return (self.folder / "stderr.log").read_text()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            _stdout(self.process).close()
        if kind is None:
            assert self.leaked() == []

    def leaked(self) -> list[str]:
        """Where a client's or the provider's key stands in what this gateway wrote; whatever a test did, nowhere."""
        files = [path for path in (self.folder / "data").rglob("*") if path.is_file()]
        return [
            f"{secret} in {path.name}"
            for path in (*files, self.folder / "stderr.log")
            for secret in (KEY, PROVIDER_KEY)
            if secret.encode() in path.read_bytes()
        ]


def _stdout(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def config_for(upstream_url: str, **more: str) -> str:
    """One provider, one key, small limits out of the way; `more` are further top-level lines."""
    lines = [
        f'providers: {{upstream: {{dialect: openai, base_url: "{upstream_url}", api_key: {PROVIDER_KEY}}}}}',
        "models:",
        "  - {name: gpt-4o-mini, targets: [{provider: upstream, model: gpt-4o-mini}]}",
        "  - {name: alias, targets: [{provider: upstream, model: real-name}]}",
        "  - {name: text-embedding-3-small, targets: [{provider: upstream, model: text-embedding-3-small}]}",
        f"keys: [{{name: e2e, key: {KEY}, tenant: acme, user: alice, requests_per_minute: 1000000, concurrency: 1000}}]",
    ]
    return "\n".join(lines + [f"{name}: {value}" for name, value in more.items()])
