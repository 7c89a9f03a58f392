"""Numbers of persons: resident identity numbers (GB 11643) and disability certificates.

A disability certificate is the identity number, a type digit (1-7), a level digit (1-4) and, when
re-issued, two more characters; it replaces the identity number in the register. A number beginning
999999 stands for "no number". Check digits agree with `stdnum.cn.ric`, which a test holds.
"""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_BODY = re.compile(r"[0-9]{17}[0-9X]([1-7][1-4]([0-9A-Z]{2})?)?")
NO_NUMBER = "999999"
# What may be stored as a document number at all.
STORED = r"[0-9A-Z]{0,22}"
_STORED = re.compile(STORED)
# A number that should not be shown, inside other words: identity numbers old and new, mobile phones.
_QUOTED = re.compile(r"(?<![0-9])(?:[0-9]{17}[0-9Xx]|[0-9]{15}|1[3-9][0-9]{9})(?![0-9])")


class Number(NamedTuple):
    """A number as it should be stored, what it tells, and the word for what is wrong with it.

    `fault` is empty or one of: blank, length, letters, checksum, birth_date, certificate,
    no_number, upgraded. The last two are notes: the number may be stored.
    """

    text: str
    birth_date: date | None = None
    sex: str = ""
    is_certificate: bool = False
    fault: str = ""


def check_digit(first17: str) -> str:
    """The 18th character for 17 digits."""
    # Divisions, birth dates and sequence numbers repeat by the thousand: each part is summed once.
    return _CHECKS[(_part(first17[:6], 0) + _part(first17[6:14], 6) + _part(first17[14:], 14)) % 11]


@lru_cache(maxsize=200_000)
def _part(digits: str, offset: int) -> int:
    return sum(int(digit) * _WEIGHTS[offset + at] for at, digit in enumerate(digits))


def read(text: str) -> Number:
    """Read a number that was already stripped of blanks and upper-cased."""
    if not text:
        return Number("", fault="blank")
    if text.startswith(NO_NUMBER):
        kept = text[:22]
        return Number(kept, fault="no_number" if _STORED.fullmatch(kept) else "letters")
    if len(text) == 15:
        return _upgrade(text)
    if len(text) not in (18, 20, 22):
        return Number(text, fault="length")
    if not _BODY.fullmatch(text):
        return Number(
            text, fault="certificate" if text[:17].isdecimal() and len(text) > 18 else "letters"
        )
    if text[17] != check_digit(text[:17]):
        return Number(text, fault="checksum")
    born = _date(text[6:14])
    if born is None:
        return Number(text, fault="birth_date")
    sex = "01" if int(text[16]) % 2 else "02"
    return Number(text, born, sex, len(text) > 18)


def _upgrade(text: str) -> Number:
    if not text.isdecimal():
        return Number(text, fault="letters")
    first17 = f"{text[:6]}19{text[6:]}"
    number = read(first17 + check_digit(first17))
    return number if number.fault else number._replace(fault="upgraded")


@lru_cache(maxsize=100_000)
def _date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def mask(text: str) -> str:
    """Show the division and the last four: ``410324********5396``; short texts not at all."""
    if len(text) < 15:
        return "*" * len(text)
    return f"{text[:6]}{'*' * (len(text) - 10)}{text[-4:]}"


def mask_quoted(text: str) -> str:
    """Words with every identity and mobile number in them masked.

    >>> mask_quoted("电话 13900001234 是他的")
    '电话 ******* 是他的'
    """
    return _QUOTED.sub("*******", text)


def matched(text: str) -> str:
    """What persons are matched by: the first 18 characters, nothing for a blank or placeholder."""
    return "" if text.startswith(NO_NUMBER) else text[:18]
