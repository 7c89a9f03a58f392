"""From a spreadsheet's cell to a stored value, column by column.

Each reader takes a cell as the parser gives it and returns (text for COPY, fault). The text `\\N` is
NULL. Faults are words, not rules: the caller knows which rule a word stands for in which column;
several words are joined with a plus sign. What is sealed before it is stored has to be judged here,
where it can still be read: its length, its shape, what a document number tells.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from core import idnumbers
from core.text import fold, squeeze

NULL = r"\N"
Read = tuple[str, str]
Reader = Callable[[Any], Read]

_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[Ee]\+?[0-9]+")
_ESCAPE = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\x00": ""})
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SEPARATORS = re.compile(r"[,，、;；/|]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_ACCOUNT = re.compile(r"[0-9]{12,19}")
_STORABLE = re.compile(idnumbers.STORED)
# In the place of a region's code they stand for a number that nobody has.
_NINES = "99999"
_YES, _NO = {"是", "有", "1", "true", "y", "yes"}, {"否", "无", "0", "false", "n", "no"}
# Spreadsheets keep 15 significant digits; a longer number has lost its tail.
_EXACT = 10**15
# Blanks that no eye sees and NUL, which no database takes, an apostrophe that makes a spreadsheet
# keep text, and the dots that input methods put into names of several parts (阿依古丽·买买提): one
# dot for all, so that names compare.
_INVISIBLE = dict.fromkeys(map(ord, "\x00\u200b\u200c\u200d\u2060\ufeff"))
_APOSTROPHES = "\x00'\u2018\u2019`"
_HAN = "[\u3400-\u9fff\U00020000-\U0003ffff]"
_MIDDLE = "\u2022\u2027\u2219\u22c5\u30fb\uff65"
_DOTS = re.compile(f"(?<={_HAN})[{_MIDDLE}](?={_HAN})")
# Most texts have none of these, and one look tells.
_ODD = re.compile(f"[{_MIDDLE}\x00\u200b\u200c\u200d\u2060\ufeff]")
_DOT = "\u00b7"


def plain(cell: Any) -> str:
    """The cell as text, as the spreadsheet shows a whole number or a date."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e21 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    return "" if cell is None else str(cell)


def escape(text: str) -> str:
    """For COPY's text format."""
    if text.isprintable() and "\\" not in text:
        return text
    return text.translate(_ESCAPE)


_ESCAPED = re.compile(r"\\(.)")
_UNESCAPE = {"t": "\t", "n": "\n", "r": "\r"}


def unescape(text: str) -> str:
    """What `escape` was given."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: _UNESCAPE.get(found[1], found[1]), text)


def _is_number(cell: Any) -> bool:
    """Whether the spreadsheet stored a number; XLS stores whole ones apart."""
    return isinstance(cell, float | int) and not isinstance(cell, bool)


def text(cell: Any) -> Read:
    """Free text: folded, outer blanks gone; a fault word tells that it had to be cleaned."""
    raw = plain(cell)
    value = fold(raw)
    if _ODD.search(value):
        value = _DOTS.sub(_DOT, value.translate(_INVISIBLE)).strip()
    return escape(value), "blanks" if value != raw else ""


def identifier(cell: Any) -> Read:
    """A long number kept as text. Lost digits are refused, never repaired."""
    if isinstance(cell, str) and cell.isascii() and cell.isalnum():
        value = cell.upper()
        return ("", "lost_digits") if _SCIENTIFIC.fullmatch(value) else (value, "")
    if _is_number(cell) and not (float(cell).is_integer() and abs(cell) < _EXACT):
        return "", "lost_digits"
    raw = plain(cell)
    value = squeeze(raw).lstrip(_APOSTROPHES).upper()
    if _SCIENTIFIC.fullmatch(value):
        return "", "lost_digits"
    return escape(value), "blanks" if value != raw and raw.strip().upper() != value else ""


def id_number(cell: Any) -> Read:
    """A document number; a digit grouping, a wrong check digit or birth date is named."""
    number, fault = _id_number(cell)
    return number.text, fault


def _id_number(cell: Any) -> tuple[idnumbers.Number, str]:
    value, fault = identifier(cell)
    if fault == "lost_digits" or (_is_number(cell) and len(value) >= 15):
        return idnumbers.Number(""), "lost_digits"
    number = idnumbers.read(value)
    return number, number.fault or fault


# The columns that stand behind a document number: what it tells, tabs between them.
TOLD = ("born", "sex", "is_certificate")


def told_number(longest: int, provinces: Iterable[str] = ()) -> Reader:
    """A document number and what it tells (TOLD), four columns in one text.

    Of a number that may be right, its first two digits are looked up among `provinces`, if any.
    """
    known = frozenset(provinces)

    def read(cell: Any) -> Read:
        number, fault = _id_number(cell)
        if len(number.text) > longest:
            fault = _also(fault, "too_long")
        if number.fault == "letters" and not _STORABLE.fullmatch(number.text):
            fault = _also(fault, "not_storable")
        if number.birth_date is not None:
            if _NINES in number.text[:6]:
                fault = _also(fault, "nines")
            elif known and number.text[:2] not in known:
                fault = _also(fault, "province")
        born = number.birth_date or NULL
        return f"{number.text}\t{born}\t{number.sex}\t{'ft'[number.is_certificate]}", fault

    return read


def bounded(
    reader: Reader, longest: int, *, is_mobile: bool = False, is_account: bool = False
) -> Reader:
    """The same reading, with a word for a text that is too long, no mobile number, no account."""

    def read(cell: Any) -> Read:
        value, fault = reader(cell)
        if len(value) > longest:
            fault = _also(fault, "too_long")
        if is_mobile and value and not _MOBILE.fullmatch(value):
            fault = _also(fault, "no_mobile")
        if is_account and value and not _ACCOUNT.fullmatch(value):
            fault = _also(fault, "account_length")
        return value, fault

    return read


def _also(fault: str, word: str) -> str:
    return f"{fault}+{word}" if fault else word


def coded(labels: dict[str, str]) -> Reader:
    """A code list: label (or code) → code; an unknown label is a fault."""

    def read(cell: Any) -> Read:
        value = fold(plain(cell))
        if not value:
            return "", ""
        code = labels.get(value)
        if code is None:
            code = labels.get(squeeze(value))
        return (code, "") if code is not None else ("", "unknown_label")

    return read


def coded_set(labels: dict[str, str]) -> Reader:
    """Several codes in one cell, in the order given, as a PostgreSQL array."""
    one = coded(labels)

    def read(cell: Any) -> Read:
        codes: list[str] = []
        for part in _SEPARATORS.split(plain(cell)):
            code, fault = one(part)
            if fault:
                return "{}", fault
            if code and code not in codes:
                codes.append(code)
        return "{" + ",".join(codes) + "}", ""

    return read


def yes_no(cell: Any) -> Read:
    """Yes, no, or missing: an empty cell is missing, not no."""
    value = squeeze(plain(cell)).lower()
    if not value:
        return NULL, ""
    if value in _YES:
        return "t", ""
    if value in _NO:
        return "f", ""
    return NULL, "not_yes_no"


def answered(words: dict[str, str]) -> Reader:
    """The same for a column in which further words (农村低保 …) answer `t` or `f`."""

    def read(cell: Any) -> Read:
        value, fault = yes_no(cell)
        if fault and (said := words.get(fold(plain(cell)))):
            return said, ""
        return value, fault

    return read


def amount(digits: int, places: int) -> Reader:
    """A decimal amount; thousands commas and a trailing 元 are read, more is a fault."""
    limit = Decimal(10) ** (digits - places)
    quantum = Decimal(1).scaleb(-places)

    def read(cell: Any) -> Read:
        value = squeeze(plain(cell)).replace(",", "").removesuffix("元")
        if not value:
            return NULL, ""
        if isinstance(cell, float) and "e" in value:
            value = f"{Decimal(value):f}"
        if not _NUMBER.fullmatch(value):
            return NULL, "not_a_number"
        try:
            number = Decimal(value).quantize(quantum)
        except InvalidOperation:
            return NULL, "not_a_number"
        if abs(number) >= limit:
            return NULL, "too_large"
        return str(number), ""

    return read


def whole(smallest: int, largest: int) -> Reader:
    """A whole number within bounds."""

    def read(cell: Any) -> Read:
        value = squeeze(plain(cell)).replace(",", "").removesuffix("年").removesuffix("人")
        if not value:
            return NULL, ""
        if not value.isdecimal() or len(value) > 6:
            return NULL, "not_a_number"
        number = int(value)
        return (str(number), "") if smallest <= number <= largest else (NULL, "too_large")

    return read


_DATES = (
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})([ T].*)?"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
    re.compile(r"(?P<y>\d{4})年(?P<m>\d{1,2})月((?P<d>\d{1,2})日)?"),
    re.compile(r"(?P<y>\d{4})[-/.]?(?P<m>\d{2})"),
)


# A CSV shows a date's serial number where the column had no date format. Five digits that could be
# a year and a month written short (20191) are left alone: they say nothing for certain.
_SERIAL = re.compile(r"2[1-9][0-9]{3}|[3-7][0-9]{4}")


def _of_serial(days: int) -> date:
    """The day of a serial number, counted as spreadsheets on Windows count."""
    return date(1899, 12, 30) + timedelta(days=days)


def _parse_date(cell: Any) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    value = fold(plain(cell)).lstrip(_APOSTROPHES)
    if "年" in value:
        value = squeeze(value)
    if _is_number(cell) and 20_000 <= cell < 80_000:
        return _of_serial(int(cell))
    if _SERIAL.fullmatch(value):
        return _of_serial(int(value))
    for pattern in _DATES:
        found = pattern.fullmatch(value)
        if found:
            parts = found.groupdict()
            try:
                return date(int(parts["y"]), int(parts["m"]), int(parts.get("d") or 1))
            except ValueError:
                return None
    return None


def day(cell: Any) -> Read:
    """A date in any of the five written forms or as a serial; a month alone is its first day.

    A serial counts from 1900; the parser turns the dates of a workbook that counts from 1904 into
    dates before they come here.
    """
    if not plain(cell).strip():
        return NULL, ""
    parsed = _parse_date(cell)
    return (parsed.isoformat(), "") if parsed else (NULL, "not_a_date")


def month(cell: Any) -> Read:
    """A month as YYYYMM."""
    if not plain(cell).strip():
        return "", ""
    parsed = _parse_date(cell)
    return (parsed.strftime("%Y%m"), "") if parsed else ("", "not_a_date")


def make(kind: str, options: dict[str, Any]) -> tuple[Reader, bool]:
    """The reader for a column, and whether its few distinct values are worth remembering."""
    simple: dict[str, tuple[Reader, bool]] = {
        "text": (text, True),
        "identifier": (identifier, False),
        "id_number": (id_number, False),
        "yes_no": (yes_no, True),
        "day": (day, True),
        "month": (month, True),
    }
    if "longest" in options:
        reader, remembered = simple[kind]
        if kind == "id_number":
            return told_number(options["longest"], options.get("provinces", ())), False
        asked = {"is_mobile": "mobile" in options, "is_account": "account" in options}
        # Members of a household repeat its telephone and account.
        return bounded(reader, options["longest"], **asked), remembered or any(asked.values())
    if words := options.get("words"):
        return answered(words), True
    if kind in simple:
        return simple[kind]
    if kind == "code":
        return coded(options["labels"]), True
    if kind == "codes":
        return coded_set(options["labels"]), True
    if kind == "amount":
        return amount(options["digits"], options["places"]), True
    if kind == "whole":
        return whole(options["smallest"], options["largest"]), True
    raise ValueError(kind)
