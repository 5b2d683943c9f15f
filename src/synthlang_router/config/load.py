"""Where the settings come from: a named file, a file in the working directory, or what the environment shows."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final, Literal

from pydantic import ValidationError

from synthlang_router.config.ambient import settings_of_environment
from synthlang_router.config.checks import ambient_misuse, contradictions, weaknesses
from synthlang_router.config.document import MAX_BYTES, Document, Node, Path, Unreadable, parse
from synthlang_router.config.expansion import Expansion
from synthlang_router.config.faults import Fault, faults_of, rendered
from synthlang_router.config.not_built import not_built
from synthlang_router.config.settings import Settings
from synthlang_router.errors import ConfigurationError

FILE_NAME: Final = "synthlang-router.yaml"

SourceKind = Literal["named file", "found file", "environment", "local server", "simulator"]
Discover = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the settings came from. `path` is None without a file."""

    kind: SourceKind
    path: FilePath | None = None

    @property
    def is_zero_configuration(self) -> bool:
        """No file: the specification's two routing rules are in force."""
        return self.path is None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that hold together. `warnings` are lines for the operator, without secrets."""

    settings: Settings
    source: Source
    warnings: tuple[str, ...] = ()


def load(
    path: FilePath | None,
    environ: Mapping[str, str],
    cwd: FilePath,
    *,
    overrides: Mapping[str, str] | None = None,
    discover: Discover | None = None,
) -> Loaded:
    """The settings of `path`, else of `synthlang-router.yaml` in `cwd`, else of the environment.

    `overrides` are settings of the command line by dotted name (`server.port`); they win over the file.
    `discover` is asked for model servers on this machine (name -> base URL) where there is neither a file nor a key.
    Raises ConfigurationError with everything that is wrong, one line each.
    """
    file = cwd / (FILE_NAME if path is None else path)
    raw = _read(file, named=path is not None)
    if raw is None:
        kind, data = settings_of_environment(environ, discover)
        draft = _Draft(Source(kind), "environment", Document(data), data, home=cwd)
    else:
        label = str(file if path is None else path)
        document = _parsed(raw, label)
        expansion = Expansion(document.data, environ)
        source = Source("found file" if path is None else "named file", file)
        problems = tuple(Fault(*problem) for problem in expansion.problems)
        draft = _Draft(source, label, document, expansion.data, file.parent, problems, tuple(expansion.used))
    return _checked(draft, environ, overrides or {})


@dataclass(frozen=True, slots=True)
class _Draft:
    """Data on their way to settings. `label` stands for the file in messages, `home` is where relative paths start."""

    source: Source
    label: str
    document: Document
    data: Mapping[str, Node]
    home: FilePath
    problems: tuple[Fault, ...] = ()
    used: tuple[tuple[Path, str], ...] = ()

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Raise where there are any."""
        if text := rendered(faults, self.label, self.document):
            raise ConfigurationError(text)


def _checked(draft: _Draft, environ: Mapping[str, str], overrides: Mapping[str, str]) -> Loaded:
    data = _overridden(draft.data, overrides)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        unresolved = {fault.path for fault in draft.problems}
        invalid = [fault for fault in faults_of(error, data) if fault.path not in unresolved]
        raise ConfigurationError(rendered([*draft.problems, *invalid], draft.label, draft.document)) from None
    draft.refuse([*draft.problems, *contradictions(settings), *not_built(settings)])
    if draft.source.kind == "found file":
        draft.refuse(ambient_misuse(settings, draft.used, environ))
    warned = rendered(weaknesses(settings), draft.label, draft.document).splitlines()
    return Loaded(_placed(settings, draft.home), draft.source, tuple(warned))


def _read(file: FilePath, named: bool) -> bytes | None:
    """The file's bytes; None where a file that nobody named is not there."""
    try:
        with open(file, "rb", opener=_without_waiting) as source:
            about = os.fstat(source.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise ConfigurationError(f"{file}: is not a regular file")
            if not named:
                _trusted(file, about)
            return source.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if named:
            raise ConfigurationError(f"{file}: no such file") from None
        return None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe would wait for its writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def _trusted(file: FilePath, about: os.stat_result) -> None:
    """A file nobody named must be ours (or root's), and writable by nobody unknown."""
    if about.st_mode & stat.S_IWOTH:
        raise ConfigurationError(f"{file}: is writable by everyone; chmod o-w it, or name it with --config")
    if about.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"{file}: belongs to another user; name it with --config to use it all the same"
        )


def _parsed(raw: bytes, label: str) -> Document:
    try:
        return parse(raw)
    except Unreadable as error:
        raise ConfigurationError(f"{label}:{error.line}: {error.text}") from None


def _overridden(data: Mapping[str, Node], overrides: Mapping[str, str]) -> Mapping[str, Node]:
    """The data with settings of the command line in place; nothing shared is changed."""
    for name, value in overrides.items():
        section, _, key = name.partition(".")
        written = data.get(section)
        if written is None or isinstance(written, dict):
            data = {**data, section: {**(written or {}), key: value}}
    return data


def _placed(settings: Settings, home: FilePath) -> Settings:
    """The settings with relative paths resolved against the file's directory, so that commands find the same data."""
    providers = {
        name: provider
        if provider.ca_file is None
        else provider.model_copy(update={"ca_file": home / provider.ca_file.expanduser()})
        for name, provider in settings.providers.items()
    }
    return settings.model_copy(
        update={"data_dir": home / settings.data_dir.expanduser(), "providers": providers}
    )
