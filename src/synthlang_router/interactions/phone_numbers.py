"""Telephone numbers as people of a region write them, by every country's rules. The only user of phonenumbers.

The extra `phones` brings it. What has the look of a number is checked by the region's own rule; over MAX_CHECKED
looks in one text the rest are taken for numbers unchecked, so that the time is bounded and nothing is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import phonenumbers

from synthlang_router.errors import ConfigurationError
from synthlang_router.interactions.detectors import DETECTORS, Detectors, Span

MAX_CHECKED: Final = 500
_LOOK: Final = re.compile(
    r"(?<![\w+.\-/])(?:\(?0\d(?:[ ()./\-]{0,2}\d){5,13}|[1-9]\d{1,3}(?: \d{2,4}){2,4})(?![\w\-]|\.\d)"
)
"""With a trunk prefix however it is set, or in groups with spaces: a date or a version has neither."""


def detectors_for(regions: tuple[str, ...]) -> Detectors:
    """Those of everywhere, and the telephone numbers of these regions (ISO 3166, such as DE). Raises ConfigurationError."""
    unknown = set(regions) - set(phonenumbers.SUPPORTED_REGIONS)
    if unknown:
        raise ConfigurationError(f"interactions.phone_regions: no such region: {', '.join(sorted(unknown))}.")
    return {**DETECTORS, "PHONE": _both(DETECTORS["PHONE"], regions)}


def _both(
    everywhere: Callable[[str], Iterator[Span]], regions: tuple[str, ...]
) -> Callable[[str], Iterator[Span]]:
    def found(text: str) -> Iterator[Span]:
        yield from everywhere(text)
        for number, look in enumerate(_LOOK.finditer(text)):
            if number >= MAX_CHECKED or any(_is_number(look.group(), region) for region in regions):
                yield Span(look.start(), look.end(), "PHONE")

    return found


def _is_number(text: str, region: str) -> bool:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number_for_region(number, region)
