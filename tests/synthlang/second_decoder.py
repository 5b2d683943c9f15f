"""A second decoder of SynthLang, written from `docs/synthlang.md` alone and sharing no code with the first."""

from __future__ import annotations

import json
import re

SIGNS = "【】「」●±★※■¿^"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
MARK = re.compile("(†[A-Za-z0-9]|[§×→☆←°€™®©´♪♥«»¡„『』《》（）．；！？～〜・／＞，：─█′″―])(「)?|」")
SLOT = re.compile("●|±|★( *[0-9]+)|※([A-Za-z0-9])")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
TIME = re.compile(r"(\d\d?)([:.])(\d\d?)\2(\d\d?)(?:([.,:])(\d+))?")


def decode(text: str, messages: list[str]) -> str:
    out, at = "", 0
    while (start := text.find("【1", at)) >= 0:
        out, kind, at = out + text[at:start], text[start + 2], start + 3
        if kind == "=":
            out += "【"
            continue
        frame, at = text[at : text.index("】", at)], text.index("】", at) + 1
        if kind == "r":
            out += earlier_lines(frame, messages)
            continue
        style, body = frame.split("\n", 1)
        plain = Body(
            body.removeprefix("(x「y」 names y; rows fill ●)\n"), "\n" if kind == "t" else ","
        ).read()
        plain = re.sub("¿([a-k])", lambda found: SIGNS["abcdefghijk".index(found[1])], plain)
        values = {"t": [], "j": [plain], "l": elements(plain)}[kind]
        out += "\n".join(printed(value, style) for value in values) or plain
    return out + text[at:]


def earlier_lines(frame: str, messages: list[str]) -> str:
    message, first, last, *shift = map(
        int, re.findall("[+-]?[0-9]+", frame.split(" ", 1)[0].replace("-", " ", 1))
    )
    lines = messages[message - 1].split("\n")[first - 1 : last]
    if not shift:
        return "\n".join(lines)
    number = re.compile("^ *[0-9]{1,6}(?=[:|\t])")
    return "\n".join(number.sub(lambda n: str(int(n[0]) + shift[0]).rjust(len(n[0])), line) for line in lines)


class Body:
    def __init__(self, body: str, joiner: str) -> None:
        self.templates: dict[str, str] = {}
        self.above: dict[str, list[str]] = {}
        self.rows_of: dict[str, int] = {}
        self.joiner, self.clock, self.at = joiner, "", 0
        stack, aliases = [("", "")], dict[str, str]()
        while self.at < len(body):
            mark, (name, text) = MARK.match(body, self.at), stack[-1]
            self.at = mark.end() if mark else self.at + 1
            if mark is None:
                stack[-1] = (name, text + body[self.at - 1])
            elif mark[2]:
                stack.append((mark[1], ""))
            elif mark[1]:
                stack[-1] = (name, text + aliases.get(mark[1], mark[1]))
            elif stack.pop() and SLOT.search(text):
                self.templates[name] = text
                self.at += body[self.at : self.at + 1] == "\n"
                stack[-1] = (stack[-1][0], stack[-1][1] + name)
            else:
                aliases[name] = text
                stack[-1] = (stack[-1][0], stack[-1][1] + text)
        self.body, self.at = stack[0][1] + "■", 0

    def read(self, stops: str = "") -> str:
        text = ""
        while self.at < len(self.body) - (not stops) and self.body[self.at] not in stops:
            text += self.table() if self.name() else self.body[self.at]
            self.at += not self.was_table
        return text

    def name(self) -> str:
        name = next((name for name in self.templates if self.body.startswith(name, self.at)), "")
        self.was_table = bool(name)
        return name

    def table(self) -> str:
        rows, name, end = list[str](), "", "\n"
        while end == "\n":
            given = self.name()
            name, self.at = given or name, self.at + len(given)
            rows.append(self.row(name))
            end, self.at, self.was_table = self.body[self.at], self.at + 1, True
        return self.joiner.join(rows)

    def row(self, name: str) -> str:
        separator, layout = self.templates[name][0], self.templates[name][1:]
        kinds = [slot[0] for slot in SLOT.finditer(layout) if slot[0] in "●±"]
        cells, above, first = list[str](), self.above.get(name), True
        for number in range(1, len(kinds) + 1):
            cells.append(self.read("\n■" + separator * (number < len(kinds))))
            self.at += number < len(kinds)
        for number, kind in enumerate(kinds):
            base = self.clock if kind == "±" and first else above[number] if above else ""
            if base and cells[number] == "^":
                cells[number] = base
            elif base and kind == "±" and re.fullmatch(r"\+[0-9]+", cells[number]):
                cells[number] = added(base, int(cells[number]))
            if kind == "±" and first:
                self.clock, first = cells[number], False
        step = self.rows_of[name] = self.rows_of.get(name, -1) + 1
        self.above[name], left = cells, iter(cells)

        def fill(slot: re.Match[str]) -> str:
            if slot[1]:
                return str(int(slot[1]) + step).rjust(len(slot[1]))
            return cells[LETTERS.index(slot[2])] if slot[2] else next(left)

        return SLOT.sub(fill, layout)


def added(value: str, n: int) -> str:
    time = TIME.fullmatch(value)
    if time is None:
        return str(int(value) + n).zfill(len(value) if value[0] == "0" else 0)
    hours, mark, minutes, seconds, point, part = time.groups("")
    unit = 10 ** len(part)
    total, rest = divmod(
        (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * unit + int(part or 0) + n, unit
    )
    width = min(len(minutes), len(seconds))
    fields = ((total // 3600, min(len(hours), width)), (total // 60 % 60, width), (total % 60, width))
    return (
        mark.join(str(field).zfill(size) for field, size in fields)
        + point
        + str(rest).zfill(len(part)) * bool(part)
    )


def elements(array: str) -> list[str]:
    out, depth = [""], 0
    for token in TOKEN.findall(array)[1:-1]:
        depth += (token in "{[") - (token in "}]")
        out = [*out, ""] if token == "," and depth == 0 else [*out[:-1], out[-1] + token]
    return out


def printed(text: str, style: str) -> str:
    tokens = TOKEN.findall(text)
    if style in ("", "d"):
        return "".join(token + " " * (style == "d" and token in ",:") for token in tokens)
    given = json.loads(style) if style[0] == "[" else []
    tail = given.pop() if len(given) % 2 else ""
    left, expected = given.pop(0) if given else -1, dict[tuple[str, str, int], str]()
    unit, _, base = style.lstrip("r")[1:].partition("+")
    fill, out, depth, before = " " if "i" in style else "\t", "", 0, ""
    for token in tokens:
        kind = token if token in "{}[],:" else "v"
        depth -= kind in "}]"
        if style[0] == "[":
            if left == 0:
                expected[before, kind, depth] = given.pop(0)
            left = given.pop(0) if left == 0 and given else left - 1
            out += expected.get((before, kind, depth), "")
        elif before == ":":
            out += " "
        elif (before and before in "{[," and kind not in "}]") or (kind in "}]" and before not in "{["):
            out += ("\r\n" if style[0] == "r" else "\n") + fill * (int(base or 0) + int(unit) * depth)
        out, depth, before = out + token, depth + (kind in "{["), kind
    return out + tail
