"""A text as tokens: what of its surface may carry meaning, and what certainly does not.

Rule: whatever is not understood becomes an exact token, and exact tokens match only themselves.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from synthlang_router.cache.surface_code import Line, read_lines
from synthlang_router.cache.surface_layout import compact
from synthlang_router.cache.surface_tables import is_unspaced, tables

WORD, NUMBER, EXACT, SYMBOL, BREAK = "word", "number", "exact", "symbol", "break"
START, ASKED = "^", "~"
"""Stand in `before`: of a text's first token; of one from which "what is the" was taken off."""
MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u200c\u200d"
)
_QUOTES: Final = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "´": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"',
        "「": '"', "」": '"', "『": '"', "』": '"', "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u3000": " ",
        "\ufeff": None, "\u200b": None, "\u00ad": None, "\u2060": None, "‐": "-", "‑": "-", "′": "'", "″": '"',
        "！": "!", "→": "->", "−": "-", "²": "^2", "³": "^3", "₀": "0", "₁": "1", "₂": "2", "₃": "3", "₄": "4",
        "₅": "5", "₆": "6", "₇": "7", "₈": "8", "₉": "9", "，": ",", "：": ":", "；": ";", "（": "(", "）": ")", "。": ".", "、": ",", "？": "?",
        "؟": "?", "،": ",", "؛": ";", "।": ".", "…": ".", "％": "%", "\u2028": "\n", "\u2029": "\n", "\u0085": "\n",
    }
)  # fmt: skip
_SMILEY: Final = re.compile(
    r"(?<!\S)(?:[:;]-?[)(DP]|\^\^|[🙂😊🙏👍😀😅😉🤔]+)(?!\S)|\s[\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]+$"
)
_OPENING: Final = "`\"'([{¿¡"
_CLOSING: Final = ".,!?;:)]}\"'`®™"
_WORD: Final = re.compile(rf"[^\W\d_](?:[^\W\d_]|[{MARKS}])*(?:'[^\W\d_]+)*")
_ALNUM: Final = re.compile(rf"[^\W_](?:[^\W_]|[{MARKS}])*")
_NUMBER: Final = re.compile(r"\d+(?:[.,:/]\d+)*")
_DOTTED: Final = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_HYPHENED: Final = re.compile(rf"[^\W_]['\w{MARKS}]*(?:-[^\W_]['\w{MARKS}]*)+")
_NUMBER_UNIT: Final = re.compile(r"([$€£¥₹])?(\d+(?:[.,:]\d+)*)(%|[^\W\d_]{1,4}|°[CF]|\"|'|[€$£¥₹])?")
_TICKED: Final = re.compile(r"`([^`]+)`")
_CODEY: Final = re.compile(r"[=<>{}\[\]|\\$_^~@#]|\w[(;/]\w|\w\(\)|::|\w\.\w*[a-z]\w*")
_MATHS: Final = re.compile(r"(?<!\S)[+*/÷×=^](?!\S)|\d[-+*/÷×^]\d|[\d)²³]\s+-\s+[\d(]|\b\w\s-\s[\w(]\b")
_UNSPACED: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\d+(?:[.,:/]\d+)*|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[^\w\s]|_"
)


class Token(NamedTuple):
    text: str
    """As written."""
    canon: str
    """What is compared: folded case, one spelling."""
    kind: str
    before: str = ""
    """The punctuation that stood between the previous token and this one."""
    quoted: bool = False


def normal_form(text: str) -> str:
    """NFC, ASCII quotes, plain spaces, `\\n` line ends, no smileys standing alone, no outer white space."""
    plain = unicodedata.normalize("NFC", text).translate(_QUOTES).replace("\r\n", "\n").replace("\r", "\n")
    return plain.strip()


def without_smileys(text: str) -> str:
    """A text of a few words only may be about the smiley."""
    return _SMILEY.sub("", text).strip() if text.count(" ") > 3 else text


def fold(word: str) -> str:
    """Case folded; Arabic and Hindi letters that writers interchange become one."""
    folded = word.casefold().replace("\u0307", "")
    return folded if folded.isascii() else folded.translate(_LETTERS)


_LETTERS: Final = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ة": "ه", "ى": "ي", "ـ": None, "ँ": "ं", "़": None, "ё": "е", "ı": "i", "œ": "oe", "æ": "ae"}
    | {chr(mark): None for mark in range(0x64B, 0x653)}
)  # fmt: skip


def tokenise(text: str) -> list[Token]:
    """`text` in its normal form."""
    reader = _Reader()
    for line in read_lines(text):
        reader.line(line)
    return reader.finish()


class _Reader:
    """Collects tokens; punctuation waits in `_before` until the next token, quoted spans are marked at their end."""

    def __init__(self) -> None:
        self._tokens: list[Token] = []
        self._before = ""
        self._quote: tuple[str, int] | None = None
        self._counts = False

    def line(self, line: Line) -> None:
        if self._tokens and line.breaks:
            self._put("\n", "\n", BREAK)
        if line.depth_change:
            self._put(line.depth_change, line.depth_change, SYMBOL)
        if line.is_code:
            self._put(line.text, line.text, EXACT)
            return
        self._counts = _MATHS.search(line.text) is not None
        for at, part in enumerate(_TICKED.split(compact(line.text))):
            if at % 2:
                for word in part.split():
                    self._put(word, word, EXACT)
            else:
                for chunk in part.split():
                    self._chunk(chunk)

    def finish(self) -> list[Token]:
        self._put("", "", BREAK)
        first = self._tokens[0]
        return [first._replace(before=first.before + START), *self._tokens[1:]]

    def _put(self, text: str, canon: str, kind: str) -> None:
        self._tokens.append(Token(text, canon, kind, self._before))
        self._before = ""

    def _chunk(self, chunk: str) -> None:
        if chunk.isalpha() and not is_unspaced(chunk[0]):
            self._put(chunk, fold(chunk), WORD)
            return
        start, end = _code_core(chunk) if _CODEY.search(chunk) else _core(chunk)
        if start == end and not all(mark in ".!?:;,)\"'`" for mark in chunk):
            self._put(chunk, chunk, SYMBOL)
            return
        for mark in chunk[:start]:
            self._punctuation(mark, opens=True)
        if start < end:
            self._body(chunk[start:end])
        if _DOTTED.fullmatch(chunk, start, end) and chunk[end : end + 1] == ".":
            end += 1  # the last dot of the abbreviation
        for mark in chunk[end:]:
            self._punctuation(mark, opens=False)

    def _body(self, core: str) -> None:
        if is_unspaced(core[0]) or any(map(is_unspaced, core)):
            for piece in _UNSPACED.findall(core):
                self._piece(piece)
        elif _HYPHENED.fullmatch(core) and not core.replace("-", "").isdigit():
            for piece in core.split("-"):
                self._plain(piece)
        else:
            self._plain(core)

    def _piece(self, piece: str) -> None:
        if piece[0].isalnum():
            self._plain(piece)
        else:
            self._punctuation(piece, opens=False)

    def _plain(self, core: str) -> None:
        """One word or number; what is neither is exact."""
        if _WORD.fullmatch(core):
            self._word(core)
        elif _NUMBER.fullmatch(core):
            self._put(core, core, NUMBER)
        elif (match := _NUMBER_UNIT.fullmatch(core)) is not None and _is_unit(match[3]):
            self._put(match[2], match[2], NUMBER)
            for part in filter(None, (match[1], match[3])):
                self._put(part, part.casefold(), WORD)
        elif _DOTTED.fullmatch(core):
            self._put(core.replace(".", ""), fold(core.replace(".", "")), WORD)
        elif _ALNUM.fullmatch(core):
            self._put(core, fold(core), WORD)
        else:
            self._symbol(core)

    def _symbol(self, core: str) -> None:
        if core in ("-", "–", "—", "--") and not self._counts:
            self._before += core
        elif core in ("%", "&", "°C", "°F") or core.casefold() in ("w/", "w/o"):
            self._put(core, core.casefold(), WORD)
        else:
            self._put(core, core, EXACT)

    def _word(self, word: str) -> None:
        stem, tick, tail = word.partition("'")
        if not tick or not word.isascii():
            self._put(word, fold(word), WORD)
        elif word.casefold().endswith("n't"):
            self._put(word, word.casefold(), WORD)
        elif tail.casefold() in ("s", "re", "m", "ve", "ll", "d"):
            self._put(stem, fold(stem), WORD)
            self._put("'" + tail, "'" + tail.casefold(), WORD)
        else:
            self._put(word, fold(word), WORD)

    def _punctuation(self, mark: str, opens: bool) -> None:
        if self._counts and mark in "()[]{}":
            self._put(mark, mark, SYMBOL)
            return
        if mark in "\"'":
            self._quote_mark(mark, opens)
        self._before += mark

    def _quote_mark(self, mark: str, opens: bool) -> None:
        if self._quote is None:
            if opens:
                self._quote = (mark, len(self._tokens))
        elif self._quote[0] == mark and not opens:
            first = self._quote[1]
            self._tokens[first:] = [token._replace(quoted=True) for token in self._tokens[first:]]
            self._quote = None


def _is_unit(follower: str | None) -> bool:
    """5kg, 100%, 9am; 12X is a name."""
    table = tables()
    known = follower in table.units_after_number or follower in table.currency_signs
    return (
        follower is None or known or follower.casefold() in table.units or follower.casefold() in ("am", "pm")
    )


def _code_core(chunk: str) -> tuple[int, int]:
    """Code keeps its brackets; what a sentence puts around it comes off."""
    start, end = 0, len(chunk)
    while end > start and chunk[end - 1] in ".,?!:`":
        end -= 1
    while start < end and chunk[start] == "`":
        start += 1
    if end - start > 2 and chunk[start] == chunk[end - 1] and chunk[start] in "\"'":
        return start + 1, end - 1
    if end - start > 2 and chunk[start] == "(" and chunk[end - 1] == ")" and chunk.count("(") == 1:
        return start + 1, end - 1
    return start, end


def _core(chunk: str) -> tuple[int, int]:
    """Where the chunk's core starts and ends: outer punctuation off, but a bracket of its own kept."""
    start, end = 0, len(chunk)
    while start < end and chunk[start] in _OPENING:
        start += 1
    while end > start and chunk[end - 1] in _CLOSING:
        if _balances(chunk, start, end - 1):
            break
        end -= 1
    return start, end


_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


def _balances(chunk: str, start: int, last: int) -> bool:
    """The closing mark at `last` belongs to an opening one inside the core, or is an inch sign."""
    mark = chunk[last]
    if mark == '"':
        return (
            last > start
            and chunk[last - 1].isdigit()
            and chunk[:start].count('"') == 0
            and '"' not in chunk[start:last]
        )
    opening = _PAIRS.get(mark)
    return opening is not None and chunk.count(opening, start, last) > chunk.count(mark, start, last)
