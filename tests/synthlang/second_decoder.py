"""A second decoder of SynthLang, written from `docs/synthlang.md` alone and sharing no code with the first."""

import json
import re
from itertools import accumulate
from string import ascii_letters, digits

SIGNS = dict(zip("abcdefghijk", "【】「」●±★※■¿^", strict=True))
MARK = re.compile("(†[A-Za-z0-9]|[§×→☆←°€™®©´♪♥«»¡„『』《》（）．；！？～〜・／＞，：─█′″―])(「)?|」")
SLOT = re.compile("●|±|★( *[0-9]+)|※([A-Za-z0-9])")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
TIME = re.compile(r"(\d\d?)([:.])(\d\d?)\2(\d\d?)(?:([.,:])(\d+))?")
FRAME = re.compile("【1(?:=|r(\\d+):(\\d+)-(\\d+)([+-]\\d+)?[^】]*】|([jlt])([^\n】]*)\n([^】]*)】)")


def decode(text: str, messages: list[str]) -> str:
    return FRAME.sub(lambda frame: expanded(frame, messages), text)


def expanded(frame: re.Match[str], messages: list[str]) -> str:
    message, first, last, shift, kind, style, body = frame.groups("")
    if message:
        lines, by = messages[int(message) - 1].split("\n")[int(first) - 1 : int(last)], int(shift or 0)
        number = re.compile("^ *[0-9]{1,6}(?=[:|\t])")
        moved = [number.sub(lambda n: str(int(n[0]) + by).rjust(len(n[0])), line) for line in lines]
        return "\n".join(moved if by else lines)
    if not kind:
        return "【"
    body = body.removeprefix("(x「y」 names y; rows fill ●)\n")
    plain = Body(body, "\n" if kind == "t" else ",").read("")
    plain = re.sub("¿([a-k])", lambda sign: SIGNS[sign[1]], plain)
    values = elements(plain) if kind == "l" else [plain]
    return plain if kind == "t" else "\n".join(printed(TOKEN.findall(value), style) for value in values)


class Body:
    def __init__(self, body: str, joiner: str) -> None:
        self.templates, self.above, self.rows = dict[str, str](), dict[str, list[str]](), dict[str, int]()
        self.joiner, self.clock, self.at = joiner, "", 0
        stack, names, at = [["", ""]], dict[str, str](), 0
        while mark := MARK.search(body, at):
            stack[-1][1] += body[at : mark.start()]
            at = mark.end()
            if mark[2]:
                stack.append([mark[1], ""])
                continue
            name, text = (mark[1], names.get(mark[1], mark[1])) if mark[1] else stack.pop()
            if SLOT.search(text) and not mark[1]:
                self.templates[name], text = text, name
                at += body.startswith("\n", at)
            names[name] = text
            stack[-1][1] += text
        self.body = stack[0][1] + body[at:]
        self.names = re.compile("|".join(self.templates) or "(?!)")

    def read(self, stops: str) -> str:
        text = ""
        while self.at < len(self.body) and self.body[self.at] not in stops:
            is_table = self.names.match(self.body, self.at)
            text += self.table() if is_table else self.body[self.at]
            self.at += not is_table
        return text

    def table(self) -> str:
        rows, name, end = list[str](), "", "\n"
        while end == "\n":
            found = self.names.match(self.body, self.at)
            name, self.at = (found[0], found.end()) if found else (name, self.at)
            rows.append(self.row(name))
            end, self.at = self.body[self.at : self.at + 1], self.at + 1
        return self.joiner.join(rows)

    def row(self, name: str) -> str:
        separator, layout = self.templates[name][0], self.templates[name][1:]
        kinds, cells, above = re.findall("[●±]", layout), list[str](), self.above.get(name)
        for left in range(len(kinds) - 1, -1, -1):
            cells.append(self.read("\n■" + separator * (left > 0)))
            self.at += left > 0
        first = kinds.index("±") if "±" in kinds else -1
        for number, kind in enumerate(kinds):
            base = self.clock if number == first else above[number] if above else ""
            cells[number] = counted(base, cells[number], kind == "±") if base else cells[number]
        self.clock, self.above[name] = cells[first] if first >= 0 else self.clock, cells
        self.rows[name] = step = self.rows.get(name, -1) + 1
        layout = SLOT.sub(lambda s: str(int(s[1]) + step).rjust(len(s[1])) if s[1] else s[0], layout)
        parts, slots, unused = SLOT.split(layout)[::3], SLOT.finditer(layout), iter(cells)
        again = [cells[(ascii_letters + digits).index(s[2])] if s[2] else next(unused) for s in slots]
        return parts[0] + "".join(map(str.__add__, again, parts[1:]))


def counted(base: str, cell: str, counts: bool) -> str:
    if cell == "^" or not (counts and re.fullmatch(r"\+[0-9]+", cell)):
        return base if cell == "^" else cell
    time = TIME.fullmatch(base)
    if time is None:
        return str(int(base) + int(cell)).zfill(len(base) * (base[0] == "0"))
    hours, mark, minutes, seconds, point, part = time.groups("")
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    total, rest = divmod(int(f"{whole}{part}") + int(cell), 10 ** len(part))
    width = min(len(minutes), len(seconds))
    fields = (total // 3600, min(len(hours), width)), (total // 60 % 60, width), (total % 60, width)
    shown = mark.join(str(field).zfill(size) for field, size in fields)
    return shown + point + str(rest).zfill(len(part)) * bool(part)


def elements(array: str) -> list[str]:
    out, depth = [""], 0
    for token in TOKEN.findall(array)[1:-1]:
        depth += (token in "{[") - (token in "}]")
        out = [*out, ""] if token == "," and depth == 0 else [*out[:-1], out[-1] + token]
    return out


def printed(tokens: list[str], style: str) -> str:
    given = json.loads(style) if style[:1] == "[" else []
    starts = accumulate(given[:-1:2], lambda at, more: at + more + 1)
    gaps = dict(zip(starts, given[1::2], strict=False))
    unit, _, base = style.lstrip("r")[1:].partition("+")
    fill, out, depth, before = "\t" if "t" in style else " ", "", 0, ""
    expected = dict[tuple[str, str, int], str]()
    for number, token in enumerate(tokens):
        kind = token if token in "{}[],:" else "v"
        depth -= kind in "}]"
        if before and unit.isdigit() and (before in "{[,") != (kind in "}]"):
            out += "\r" * (style[0] == "r") + "\n" + fill * (int(base or 0) + int(unit) * depth)
        place = (before, kind, depth)
        expected[place] = gaps.get(number, expected.get(place, ""))
        out += expected[place] + token
        out += " " * (token in ",:" if style == "d" else token == ":" and unit.isdigit())
        depth, before = depth + (kind in "{["), kind
    return out + (given[-1] if len(given) % 2 else "")
