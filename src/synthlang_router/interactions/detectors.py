"""Personal data and secrets in text: where they are. Pure, and linear in the text whatever it is.

Each detector looks for an anchor (an `@`, a run of digits, a known prefix) and then checks a bounded piece around it,
by the value's own rule where it has one: Luhn for cards, mod 97 and the country's length for IBANs, the address
syntax for IPs, entropy for tokens. No pattern has nested or overlapping repetitions.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from synthlang_router.interactions.checksums import IBAN_LENGTHS, looks_random, luhn, mod_97

Kind = Literal["SECRET", "EMAIL", "CARD", "IBAN", "PHONE", "IP", "TOKEN"]


class Span(msgspec.Struct, frozen=True, gc=False, order=True):
    """`text[start:end]` is of this kind."""

    start: int
    end: int
    kind: Kind


_TOKEN_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_FLAT: Final = bytes(ord("a") if byte in _TOKEN_BYTES else ord(" ") for byte in range(256))
_LONG_WORD: Final = b"a" * 19
"""The shortest secret of a known shape: `sk-` and 16 characters."""
_SECRET: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk-|sk_live_|rk_live_|gsk_|xai-|github_pat_|glpat-|xox[abp]-|r8_|pplx-|fw_|tvly-)[A-Za-z0-9_\-]{16,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|AIza[0-9A-Za-z_\-]{35}"
    r"|(?:ghp_|gho_|ghs_|hf_)[A-Za-z0-9]{30,}"
    r")"
)
_PEM_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_PEM_LENGTH: Final = 20_000
_LOCAL: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-")
_DOMAIN: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9\-]{0,62}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9\-])")
_DIGITS: Final = re.compile(r"(?<![\w.])\d(?:[ \-]?\d)+(?![\w])")
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_PHONE: Final = re.compile(r"(?<![\w+])\+\d(?:[ ().\-]{0,2}\d){7,14}(?!\d)")
_PHONE_US: Final = re.compile(r"(?<![\w.\-])(?:\(\d{3}\) ?|\d{3}[\-. ])\d{3}[\-. ]\d{4}(?![\w\-])")
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)")
_COLONS: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{3,39}(?![\w:])")
_RUN: Final = re.compile(r"[A-Za-z0-9_\-+]{32,}={0,2}")
_TOKEN_LENGTH: Final = 512
_DOTTED: Final = re.compile(r"[A-Za-z0-9_\-.]{40,}")


def may_hold_secret(body: bytes) -> bool:
    """Whether it is worth looking closer: 2 us a kilobyte, an eighth of looking."""
    return _LONG_WORD in body.translate(_FLAT) or b"PRIVATE KEY" in body


def secrets(text: str) -> Iterator[Span]:
    """Keys of known shapes, and private keys with all that is between their marks."""
    for found in _SECRET.finditer(text):
        yield Span(found.start(), found.end(), "SECRET")
    if "eyJ" in text:
        for run in _DOTTED.finditer(text):
            token = run.group().rstrip(".")
            parts = token.split(".", 3)
            if len(parts) == 3 and all(part.startswith("eyJ") for part in parts[:2]):
                yield Span(run.start(), run.start() + len(token), "SECRET")
    position = 0
    while (begin := _PEM_BEGIN.search(text, position)) is not None:
        limit = begin.end() + _PEM_LENGTH
        end = _PEM_END.search(text, begin.end(), limit)
        position = min(limit, len(text)) if end is None else end.end()
        yield Span(begin.start(), position, "SECRET")


def emails(text: str) -> Iterator[Span]:
    at, floor = text.find("@"), 0
    while at >= 0:
        start = at
        while start > max(floor, at - 64) and text[start - 1] in _LOCAL:
            start -= 1
        start = _behind_escape(text, start)
        domain = _DOMAIN.match(text, at + 1) if start < at else None
        floor = at + 1 if domain is None else domain.end()
        if domain is not None:
            yield Span(start, domain.end(), "EMAIL")
        at = text.find("@", floor)


def cards(text: str) -> Iterator[Span]:
    """13 to 19 digits that pass Luhn's check, in whole groups of a run of digits."""
    for run in _DIGITS.finditer(text):
        groups = [(g.start() + run.start(), g.group()) for g in re.finditer(r"\d+", run.group())]
        first = 0
        while first < len(groups):
            last = _card(groups, first)
            if last is not None:
                start, digits = groups[last]
                yield Span(groups[first][0], start + len(digits), "CARD")
                first = last
            first += 1


def ibans(text: str) -> Iterator[Span]:
    found = _IBAN.search(text)
    while found is not None:
        end = _iban_end(text, found)
        if end is not None:
            yield Span(found.start(), end, "IBAN")
        found = _IBAN.search(text, found.start() + 4 if end is None else end)


def phones(text: str) -> Iterator[Span]:
    """International numbers, and those of North America by their punctuation."""
    for pattern in (_PHONE, _PHONE_US):
        for found in pattern.finditer(text):
            yield Span(found.start(), found.end(), "PHONE")


def addresses(text: str) -> Iterator[Span]:
    """IP addresses; not those that name no machine in particular (0.0.0.0, 127.0.0.1, ::1)."""
    for found in _IPV4.finditer(text):
        if _is_address(found.group()):
            yield Span(found.start(), found.end(), "IP")
    for found in _COLONS.finditer(text):
        if sum(1 for part in found.group().split(":") if part) >= 3 and _is_address(found.group()):
            yield Span(found.start(), found.end(), "IP")


def tokens(text: str) -> Iterator[Span]:
    """Keys of unknown make."""
    for run in _RUN.finditer(text):
        if run.end() - run.start() <= _TOKEN_LENGTH and looks_random(run.group()):
            yield Span(run.start(), run.end(), "TOKEN")


Detectors = Mapping[Kind, Callable[[str], Iterator[Span]]]
DETECTORS: Final[Detectors] = {
    "SECRET": secrets,
    "EMAIL": emails,
    "IBAN": ibans,
    "CARD": cards,
    "PHONE": phones,
    "IP": addresses,
    "TOKEN": tokens,
}


def _behind_escape(text: str, start: int) -> int:
    """In JSON within text a backslash takes the letter after it: `\\njohn@` begins at the j."""
    if start == 0 or text[start - 1] != "\\":
        return start
    return start + (5 if text[start] == "u" else 1)


def _card(groups: list[tuple[int, str]], first: int) -> int | None:
    """The last group of a card that begins with this one: printed in fours (4-6-5 at American Express), or in one."""
    digits = groups[first][1]
    if digits[0] not in "23456" or (len(digits) != 4 and len(digits) < 13):
        return None
    last = first
    while len(digits) <= 19:
        if len(digits) >= 13 and luhn(digits):
            return last
        last += 1
        if last == len(groups) or len(groups[last][1]) < 3:
            return None
        digits += groups[last][1]
    return None


def _iban_end(text: str, found: re.Match[str]) -> int | None:
    length = IBAN_LENGTHS.get(text[found.start() : found.start() + 2])
    end, taken = found.start(), 0
    if length is None:
        return None
    while taken < length and end < found.end():
        taken += text[end] != " "
        end += 1
    if taken < length or (end < len(text) and text[end].isalnum()):
        return None
    return end if mod_97(text[found.start() : end].replace(" ", "")) else None


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
