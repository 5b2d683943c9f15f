"""Write the tables of docs/configuration.md from the settings themselves; `--check` only says whether they are current.

python scripts/configuration_reference.py [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synthlang_router.config import NOT_BUILT_YET, schema

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
BEGIN = "<!-- reference: written by scripts/configuration_reference.py -->"
END = "<!-- end of the reference -->"

Schema = dict[str, Any]


def main() -> int:
    """0 where the page is current or was written; 1 where `--check` finds it old."""
    page = PAGE.read_text(encoding="utf-8")
    current = with_reference(page)
    if "--check" in sys.argv[1:]:
        if page != current:
            print(f"{PAGE}: not current; run python scripts/configuration_reference.py")
        return int(page != current)
    PAGE.write_text(current, encoding="utf-8")
    return 0


def with_reference(page: str) -> str:
    """The page with its reference replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def reference() -> str:
    """A table for each section."""
    whole = schema()
    tables = [table(path, section) for path, section in sections(whole, whole, "")]
    return "\n".join(tables)


def sections(whole: Schema, section: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Each section under its path, `*` for any name or number, in the order of the file."""
    yield path, section
    for name, value in section["properties"].items():
        below = f"{path}.{name}".lstrip(".")
        for steps, reference_to in references(value):
            yield from sections(whole, whole["$defs"][reference_to.rpartition("/")[2]], below + steps)


def references(value: Schema) -> Iterator[tuple[str, str]]:
    """The sections a setting holds: directly, in a list, by name, or as one of several forms."""
    if "$ref" in value:
        yield "", value["$ref"]
    for form in value.get("anyOf", ()):
        yield from references(form)
    inner = [value["items"]] if "items" in value else []
    inner += value.get("patternProperties", {}).values()
    for element in inner:
        for steps, reference_to in references(element):
            yield ".*" + steps, reference_to


def table(path: str, section: Schema) -> str:
    """The settings of one section."""
    title = path.replace(".*", "[]").replace("providers[]", "providers.NAME") or "Top level"
    required = section.get("required", ())
    lines = [
        f"### {'`' + title + '`' if path else title}",
        "",
        "| setting | values | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, value in section["properties"].items():
        default = "required" if name in required else shown_default(value)
        meaning = value["description"] + not_built(f"{path}.{name}".lstrip("."))
        lines.append(
            "| " + " | ".join((f"`{name}`", values(value), default, meaning)).replace("\n", " ") + " |"
        )
    return "\n".join(lines) + "\n"


def not_built(path: str) -> str:
    return "".join(f" *Not built yet: {entry.instead}.*" for entry in NOT_BUILT_YET if entry.where == path)


def shown_default(value: Schema) -> str:
    default = value.get("default")
    if "$ref" in value or default in ([], {}):
        return ""
    if default is None:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float):
        return f"`{default:g}`"
    return f"`{json.dumps(default)}`" if isinstance(default, list) else f"`{default}`"


def values(value: Schema) -> str:
    """What may be written, in a few words."""
    if "anyOf" in value:
        forms = [values(form) for form in value["anyOf"] if form.get("type") != "null"]
        return " or ".join(dict.fromkeys(forms))
    if "$ref" in value:
        return "section"
    if "enum" in value or "const" in value:
        return ", ".join(f"`{word}`" for word in value.get("enum", [value.get("const")]))
    kind = value.get("type")
    if kind == "array":
        return "list of " + ("sections" if "$ref" in value["items"] else values(value["items"]))
    if kind == "object":
        return "mapping"
    if kind in ("integer", "number"):
        return ("whole number" if kind == "integer" else "number") + bounds(value)
    if kind == "boolean":
        return "`true`, `false`"
    return {"password": "secret", "path": "path", "date-time": "date and time"}.get(
        value.get("format", ""), "text"
    )


def bounds(value: Schema) -> str:
    low = value.get("minimum", value.get("exclusiveMinimum"))
    high = value.get("maximum")
    above = "above " if "exclusiveMinimum" in value else "from "
    parts = [
        above + f"{low:,}" if low is not None else "",
        f"to {high:,.0f}" if high is not None and high < 1e6 and high >= 1 else "",
    ]
    parts += [f"to {high}" if high is not None and high < 1 else ""]
    text = " ".join(part for part in parts if part)
    return f" {text}" if text else ""


if __name__ == "__main__":
    sys.exit(main())
