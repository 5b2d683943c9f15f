"""What is wrong with a configuration, said with file, line, key and the nearest valid key; all of it at once."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from synthlang_router.config.document import Document, Path, dotted
from synthlang_router.config.section import alternatives
from synthlang_router.config.settings import Settings

MAX_REPORTED: Final = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """`text` never quotes a value: it may be a secret."""

    path: Path
    text: str


_WORDING: Final[Mapping[str, str]] = {
    "missing": "is required",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "model_type": "must be a mapping",
    "path_type": "must be a path",
    "finite_number": "must be a finite number",
}


def faults_of(error: ValidationError, data: object) -> list[Fault]:
    """pydantic's findings in our words. `data` is what was validated: it tells keys from names of union members."""
    found: dict[Path, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = _written(detail["loc"], data)
        key = str(detail["loc"][-1]) if detail["loc"] else ""
        if detail["type"] == "extra_forbidden":
            text = "unknown setting" + did_you_mean(key, valid_keys(path[:-1]))
        elif detail["type"] == "value_error":
            text = str(detail["ctx"]["error"])
        elif detail["loc"][-1:] == ("[key]",):
            text = "is not a valid name"
        else:
            text = _WORDING.get(
                detail["type"], detail["msg"].replace("Input should be", "must be").replace("String", "text")
            )
        found.setdefault(path, []).append(text)
    return [
        Fault(path, " or ".join(dict.fromkeys(texts)).replace(" or must be", " or"))
        for path, texts in found.items()
    ]


def _written(loc: tuple[int | str, ...], data: object) -> Path:
    """The part of pydantic's location that is a path into the data; a missing or last key stays."""
    path: list[str | int] = []
    for position, part in enumerate(loc):
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (isinstance(data, dict) and position == len(loc) - 1 and part != "[key]"):
            continue
        path.append(part)
    return tuple(path)


def valid_keys(path: Path) -> list[str]:
    """The settings that may stand at a path."""
    found: list[Any] = [Settings]
    for part in path:
        found = [inner for outer in found for inner in _below(outer, part)]
    return [key for model in found if _is_model(model) for key in model.model_fields]


def _below(annotation: Any, part: str | int) -> tuple[Any, ...]:
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return () if field is None else alternatives(field.annotation)
    inner = typing.get_args(annotation)
    return alternatives(inner[0 if isinstance(part, int) else -1]) if inner else ()


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """` (did you mean ttl?)`, or nothing where nothing is near."""
    near = difflib.get_close_matches(word[:100], list(choices)[:1_000], n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def rendered(faults: Iterable[Fault], file: str, document: Document) -> str:
    """One line a fault, in the order of the file: `file.yaml:12: cache.exact.tll: unknown setting`."""
    placed = [(document.line_of(fault.path), fault) for fault in faults]
    lines = [
        ": ".join(
            part for part in (f"{file}:{line}" if line else file, dotted(fault.path), fault.text) if part
        )
        for line, fault in sorted(placed, key=lambda pair: pair[0] or 0)
    ]
    more = len(lines) - MAX_REPORTED
    return "\n".join(lines[:MAX_REPORTED] + ([f"... and {more} more"] if more > 0 else []))
