"""`${VAR}` and `${VAR:-default}` in values, and secrets from the files that `VAR_FILE` names.

Expansion works on values that are already parsed, so that what a variable holds is never read as YAML. A value that
expands to nothing counts as not written. `$${` stands for a literal `${`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Final

from synthlang_router.config.document import Node, Path

MAX_SECRET_FILE: Final = 64 << 10
MAX_REFERENCES: Final = 10_000

_REFERENCE: Final = re.compile(r"\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]{0,127})(?::-([^}]*))?\}|(\$\{)")


class Unresolved(Exception):
    """A reference that stands for nothing; the text is for the operator."""


class Expansion:
    """One pass over the data. `used` says which variable went into which setting; `problems` holds (path, text)."""

    def __init__(self, data: Mapping[str, Node], environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.used: list[tuple[Path, str]] = []
        self.problems: list[tuple[Path, str]] = []
        self.data = self._mapping(data, ())

    def _mapping(self, data: Mapping[str, Node], path: Path) -> dict[str, Node]:
        expanded = {key: self._node(value, (*path, key)) for key, value in data.items()}
        return {key: value for key, value in expanded.items() if value is not None or data[key] is None}

    def _node(self, value: Node, path: Path) -> Node:
        if isinstance(value, dict):
            return self._mapping(value, path)
        if isinstance(value, list):
            items = [self._node(item, (*path, index)) for index, item in enumerate(value)]
            return [
                item
                for item, written in zip(items, value, strict=True)
                if item is not None or written is None
            ]
        return value if value is None or "${" not in value else self._text(value, path)

    def _text(self, value: str, path: Path) -> str | None:
        def resolve(match: re.Match[str]) -> str:
            escaped, name, default, broken = match.groups()
            if escaped is not None:
                return "${"
            if broken is not None:
                raise Unresolved("a ${ that is neither ${NAME} nor ${NAME:-default}; a literal one is $${")
            if len(self.used) >= MAX_REFERENCES:
                raise Unresolved(f"more than {MAX_REFERENCES} references to the environment")
            self.used.append((path, name))
            return _resolve(self._environ, name, default)

        try:
            return _REFERENCE.sub(resolve, value) or None
        except Unresolved as problem:
            self.problems.append((path, str(problem)))
            return value


def _resolve(environ: Mapping[str, str], name: str, default: str | None) -> str:
    """Empty counts as unset where there is a default, as in a shell."""
    value = read_variable(environ, name)
    if default is not None:
        return value or default
    if value is None:
        raise Unresolved(f"the environment variable {name} is not set")
    return value


def read_variable(environ: Mapping[str, str], name: str) -> str | None:
    """A variable, or the content of the file that `NAME_FILE` names without its last line end. Raises `Unresolved`."""
    if name in environ:
        return environ[name]
    file = environ.get(name + "_FILE")
    if not file:
        return None
    try:
        with FilePath(file).open("rb") as source:
            raw = source.read(MAX_SECRET_FILE + 1)
        if len(raw) > MAX_SECRET_FILE:
            raise Unresolved(f"the file that {name}_FILE names is larger than {MAX_SECRET_FILE} bytes")
        return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        raise Unresolved(f"the file that {name}_FILE names cannot be read ({type(error).__name__})") from None
