"""A second decoder of SynthLang, written from `docs/synthlang.md` alone and sharing no code with the first."""

from __future__ import annotations

import json
import re

SIGNS = "【】「」●±★※■¿"
NAME = "†[A-Za-z0-9]|[§×→☆←°€™®©´♪♥«»¡„『』《》（）．；！？～〜・／＞，：─█′″―]"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SLOT = re.compile("●|±|★( *[0-9]+)|※([A-Za-z0-9])")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
LEGEND = "(x「y」 names y; rows fill ●)\n"


def decode(text: str, messages: list[str]) -> str:
    out, at = "", 0
    while (start := text.find("【1", at)) >= 0:
        out, kind = out + text[at:start], text[start + 2]
        if kind == "=":
            out, at = out + "【", start + 3
            continue
        end = text.index("】", start)
        frame, at = text[start + 3 : end], end + 1
        if kind == "r":
            message, first, last = map(int, re.findall("[0-9]+", frame)[:3])
            out += "\n".join(messages[message - 1].split("\n")[first - 1 : last])
        else:
            style, body = frame.split("\n", 1)
            plain = Body(body.removeprefix(LEGEND), "\n" if kind == "t" else ",").text
            plain = re.sub("¿([a-j])", lambda found: SIGNS["abcdefghij".index(found[1])], plain)
            if kind == "l":
                plain = "\n".join(printed(element, style) for element in elements(plain))
            out += printed(plain, style) if kind == "j" else plain
    return out + text[at:]


class Body:
    def __init__(self, body: str, joiner: str) -> None:
        self.joiner, self.templates, self.above, self.count, self.clock = joiner, {}, {}, {}, ""  # type: ignore[var-annotated]
        stack: list[tuple[str, str]] = [("", "")]
        aliases: dict[str, str] = {}
        at = 0
        while at < len(body):
            mark = re.compile(f"({NAME})(「)?|」").match(body, at)
            name, text = stack[-1]
            at = mark.end() if mark else at + 1
            if mark is None:
                stack[-1] = (name, text + body[at - 1])
            elif mark[2]:
                stack.append((mark[1], ""))
            elif mark[1]:
                stack[-1] = (name, text + aliases.get(mark[1], mark[1]))
            else:
                stack.pop()
                if SLOT.search(text):
                    self.templates[name], self.count[name] = text, 0
                    at += body[at : at + 1] == "\n"
                else:
                    aliases[name] = text
                stack[-1] = (stack[-1][0], stack[-1][1] + aliases.get(name, name))
        self.body, self.at, self.text = stack[0][1] + "■", 0, ""
        while self.at < len(self.body) - 1:
            self.text += self.table() if self.name() else self.take()

    def name(self) -> str:
        return next((name for name in self.templates if self.body.startswith(name, self.at)), "")

    def take(self) -> str:
        self.at += 1
        return self.body[self.at - 1]

    def table(self) -> str:
        rows, name = [], ""
        while True:
            name, given = self.name() or name, self.name()
            self.at += len(given)
            rows.append(self.row(name))
            if self.take() == "■":
                return self.joiner.join(rows)

    def row(self, name: str) -> str:
        separator, layout = self.templates[name][0], self.templates[name][1:]
        kinds = [slot[0] for slot in SLOT.finditer(layout) if slot[0] in "●±"]
        cells = [self.cell(separator if number < len(kinds) else "\n") and self.cell_text for number in range(1, len(kinds) + 1)]
        above, first = self.above.get(name), True
        for number, kind in enumerate(kinds):
            base = self.clock if kind == "±" and first else above[number] if above else ""
            if cells[number] == "^" and base:
                cells[number] = base
            elif kind == "±" and base and re.fullmatch(r"\+[0-9]+", cells[number]):
                cells[number] = added(base, int(cells[number]))
            if kind == "±" and first:
                self.clock, first = cells[number], False
        self.above[name], left, self.count[name] = cells, iter(cells), self.count[name] + 1
        step = self.count[name] - 1

        def fill(slot: re.Match[str]) -> str:
            if slot[1]:
                return str(int(slot[1]) + step).rjust(len(slot[1]))
            return cells[LETTERS.index(slot[2])] if slot[2] else next(left)

        return SLOT.sub(fill, layout)

    def cell(self, stop: str) -> bool:
        text = ""
        while self.body[self.at] not in (stop, "\n", "■"):
            text += self.table() if self.name() else self.take()
        self.at += stop != "\n"
        self.cell_text = text
        return True


def added(value: str, n: int) -> str:
    time = re.fullmatch(r"(\d\d?)([:.])(\d\d?)\2(\d\d?)(?:([.,:])(\d+))?", value)
    if time is None:
        return str(int(value) + n).zfill(len(value) if value[0] == "0" else 0)
    hours, mark, minutes, seconds, point, decimals = (part or "" for part in time.groups())
    unit = 10 ** len(decimals)
    total, rest = divmod((int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * unit + int(decimals or 0) + n, unit)
    width = min(len(minutes), len(seconds))
    fields = str(total // 3600).zfill(min(len(hours), width)), str(total // 60 % 60).zfill(width), str(total % 60).zfill(width)
    return mark.join(fields) + point + (str(rest).zfill(len(decimals)) if decimals else "")


def elements(array: str) -> list[str]:
    found, depth, out = TOKEN.findall(array)[1:-1], 0, [""]
    for token in found:
        depth += (token in "{[") - (token in "}]")
        out = [*out, ""] if token == "," and depth == 0 else [*out[:-1], out[-1] + token]
    return out


def printed(text: str, style: str) -> str:
    if style in ("", "d"):
        return "".join(token + " " * (style == "d" and token in ",:") for token in TOKEN.findall(text))
    given = json.loads(style) if style[0] == "[" else []
    tail = given.pop() if len(given) % 2 else ""
    left, gaps = (given.pop(0) if given else -1), {}  # type: ignore[var-annotated]
    letter, width, base = re.fullmatch(r"r?([it])(\d+)\+?(\d*)", style).groups() if style[0] != "[" else ("i", "0", "0")  # type: ignore[union-attr]
    fill, out, depth, before = " " if letter == "i" else "\t", "", 0, ""
    for token in TOKEN.findall(text):
        kind = token if token in "{}[],:" else "v"
        depth -= kind in "}]"
        if style[0] == "[":
            if left == 0:
                gaps[before, kind, depth] = given.pop(0)
                left = given.pop(0) if given else -1
            else:
                left -= 1
            out += gaps.get((before, kind, depth), "")
        elif before == ":":
            out += " "
        elif (before and before in "{[," and kind not in "}]") or (kind in "}]" and before not in "{["):
            out += ("\r\n" if style[0] == "r" else "\n") + fill * (int(base or 0) + int(width) * depth)
        out, depth, before = out + token, depth + (kind in "{["), kind
    return out + str(tail)
