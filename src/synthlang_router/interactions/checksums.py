"""What tells a real value from one that looks like it: Luhn, mod 97, and the disorder of a random key. Pure."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Final

IBAN_LENGTHS: Final = {
    entry[:2]: int(entry[2:])
    for entry in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29"
        " ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30"
        " KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24"
        " PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29"
        " VA22 VG24 XK20 YE30"
    ).split()
}
"""Characters of an IBAN by country (SWIFT's registry)."""
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
MIN_ENTROPY: Final = 4.2
"""Bits a character: random base64 of 32 has 4.5 on average, hexadecimal at most 4."""
MIN_CHANGES: Final = 0.4
"""Share of neighbours of different class: random base62 has 0.6, names in camel case 0.3."""
MIN_DIGITS: Final = 3


def luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1); not one digit repeated."""
    values = [int(digit) for digit in reversed(digits)]
    total = sum(values[0::2]) + sum([_DOUBLED[value] for value in values[1::2]])
    return total % 10 == 0 and len(set(digits)) > 1


def mod_97(iban: str) -> bool:
    """ISO 7064, as ISO 13616 wants it: without spaces, in capitals."""
    return int("".join([str(int(char, 36)) for char in iban[4:] + iban[:4]])) % 97 == 1


def looks_random(token: str) -> bool:
    """Letters of both cases and digits in the disorder of a generated key, which no language has."""
    if token.islower() or token.isupper() or sum(map(str.isdigit, token)) < MIN_DIGITS:
        return False
    classes = [1 if char.islower() else 2 if char.isupper() else 3 if char.isdigit() else 0 for char in token]
    changes = sum([left != right for left, right in pairwise(classes)])
    return changes >= MIN_CHANGES * len(token) and entropy(token) >= MIN_ENTROPY


def entropy(token: str) -> float:
    """Bits a character, of the characters' own distribution."""
    size = len(token)
    return -sum([count / size * math.log2(count / size) for count in Counter(token).values()])
