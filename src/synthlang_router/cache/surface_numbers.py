"""Numbers, ordinals, dates, times, amounts and units in one notation: "thirty-five", "35"; "3 p.m.", "15:00".

Rule: only notations that cannot mean two things. 1.500 stays 1.500, and 3.10 is not 3.1.
"""

import re
from collections.abc import Sequence
from typing import Final

from synthlang_router.cache.surface import NUMBER, WORD, Token
from synthlang_router.cache.surface_tables import Tables, tables

_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_ORDINAL: Final = re.compile(r"(\d+)(?:st|nd|rd|th)")
_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:.](\d\d))?")
_DAY_MONTH_YEAR: Final = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})")
_HAN_DIGITS: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_SCALES: Final = {"十": 10, "百": 100, "千": 1000, "万": 10_000}


def in_one_notation(tokens: Sequence[Token]) -> list[Token]:
    """Quoted tokens stay as they are."""
    table, result, at = tables(), list[Token](), 0
    while at < len(tokens):
        token, used = _number(tokens, at, table)
        if token.kind == NUMBER:
            used += _tail(tokens, at + used, token, result, table)
        else:
            result.append(token)
        at += used
    return _dates(result, table)


def _number(tokens: Sequence[Token], at: int, table: Tables) -> tuple[Token, int]:
    """The number that starts here as one token, and how many tokens it took."""
    token = tokens[at]
    if token.quoted:
        return token, 1
    if token.kind == NUMBER:
        return _digits(token), 1
    if token.kind != WORD:
        return token, 1
    if token.canon in table.numbers:
        return _spelled(tokens, at, table)
    if token.canon in _HAN_DIGITS or (token.canon == "十" and not _means_very(tokens, at)):
        return _han(tokens, at)
    value = table.foreign_numbers.get(token.canon) or table.scales.get(token.canon)
    if value is not None:
        return token._replace(canon=str(value), kind=NUMBER), 1
    return _ordinal(token, table), 1


def _digits(token: Token) -> Token:
    if _THOUSANDS.fullmatch(token.canon):
        return token._replace(canon=token.canon.replace(",", ""))
    return token


def _ordinal(token: Token, table: Tables) -> Token:
    match = _ORDINAL.fullmatch(token.canon)
    if match is not None:
        return token._replace(canon="#" + match[1])
    value = table.ordinals.get(token.canon)
    return token if value is None else token._replace(canon=f"#{value}")


def _spelled(tokens: Sequence[Token], at: int, table: Tables) -> tuple[Token, int]:
    """English: unit, tens and unit, hundreds, and one scale word after another."""
    total, group, used = 0, table.numbers[tokens[at].canon], 1
    while at + used < len(tokens):
        word, skipped = tokens[at + used], 0
        if word.canon == "and" and group >= 100 and at + used + 1 < len(tokens):
            word, skipped = tokens[at + used + 1], 1
        if word.before.strip("-") or word.quoted:
            break
        value, scale = table.numbers.get(word.canon), table.scales.get(word.canon)
        if value is not None and _joins(group, value):
            group += value
        elif scale == 100 and 0 < group < 10 and not skipped:
            group *= 100
        elif scale is not None and scale > 100 and group and not skipped:
            total, group = total + group * scale, 0
        else:
            break
        used += 1 + skipped
    return tokens[at]._replace(canon=str(total + group), kind=NUMBER), used


def _joins(group: int, value: int) -> bool:
    """Twenty and five, two hundred and thirty; not twenty and eleven, nor five and three."""
    if group % 100 == 0:
        return (group > 0 and value > 0) or group == 0
    return 20 <= group % 100 and group % 10 == 0 and 0 < value < 10


def _means_very(tokens: Sequence[Token], at: int) -> bool:
    after = "".join(token.canon for token in tokens[at + 1 : at + 3])
    return after.startswith("分") and after != "分钟"


def _han(tokens: Sequence[Token], at: int) -> tuple[Token, int]:
    total, group, digit, used = 0, 0, 0, 0
    while at + used < len(tokens) and not (used and tokens[at + used].before):
        canon = tokens[at + used].canon
        if canon in _HAN_DIGITS:
            if digit:
                break
            digit = _HAN_DIGITS[canon]
        elif canon == "万":
            total, group, digit = (total + group + digit) * 10_000, 0, 0
        elif canon in _HAN_SCALES:
            group, digit = group + (digit or 1) * _HAN_SCALES[canon], 0
        else:
            break
        used += 1
    return tokens[at]._replace(canon=str(total + group + digit), kind=NUMBER), used


def _tail(tokens: Sequence[Token], at: int, number: Token, result: list[Token], table: Tables) -> int:
    """Puts the number and the scale, clock half or unit that follows it; how many tokens that took."""
    follower = tokens[at] if at < len(tokens) else None
    if follower is None or follower.quoted or follower.before.strip("-") or follower.kind != WORD:
        result.append(number)
        return 0
    scale = table.scales.get(follower.canon, 0)
    if scale > 100 and number.canon.isdigit():
        result.append(number._replace(canon=str(int(number.canon) * scale)))
        return 1
    if follower.canon in ("am", "pm") and (clock := _CLOCK.fullmatch(number.canon)) is not None:
        hour = int(clock[1]) % 12 + (12 if follower.canon == "pm" else 0)
        result.append(number._replace(canon=f"{hour:02}:{clock[2] or '00'}"))
        return 1
    result.append(number)
    unit = table.units_after_number.get(follower.text) or table.currency_signs.get(follower.text)
    if unit is None:
        return 0
    result.append(follower._replace(canon=unit))
    return 1


def _dates(tokens: list[Token], table: Tables) -> list[Token]:
    """1 July, July 1st and July 1 become July 1; 31/12/2025 becomes December 31 2025."""
    result: list[Token] = []
    for token in tokens:
        match = _DAY_MONTH_YEAR.fullmatch(token.canon) if token.kind == NUMBER and not token.quoted else None
        if match is not None and int(match[1]) > 12 >= int(match[2]) > 0:
            parts = (f"month{int(match[2])}", str(int(match[1])), match[3])
            result += [token._replace(canon=part, kind=NUMBER) for part in parts]
        else:
            result.append(token)
    for at in range(len(result)):
        _date(result, at, table)
    return result


def _date(tokens: list[Token], at: int, table: Tables) -> None:
    token = tokens[at]
    month = table.months.get(token.canon)
    if month is None or token.quoted or token.kind != WORD:
        return
    for neighbour in (at - 1, at + 1):
        if not 0 <= neighbour < len(tokens) or tokens[max(at, neighbour)].before:
            continue
        day = tokens[neighbour].canon.removeprefix("#")
        if day.isascii() and day.isdigit() and 1 <= int(day) <= 31 and not tokens[neighbour].quoted:
            first, second = sorted((at, neighbour))
            before = tokens[first].before
            number = tokens[neighbour]._replace(canon=day, kind=NUMBER, before="")
            tokens[first] = token._replace(canon=f"month{month}", before=before, kind=NUMBER)
            tokens[second] = number
            return
