"""Words that break programs: what forms, addresses and the API are asked with."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from core.idnumbers import check_digit

# Seen unescaped in a page, either of these is markup that a stranger wrote.
MARKUP, ATTRIBUTE = "<zq-tag>", '" zq-on="1'

NASTY = [
    "", " ", "\u3000", "\x00", "a\x00b", "\x1f", "\r\nX-Injected: 1", "\ud800", "\udfff\ud800", "\ufffe", "\ufeff",
    "𠮷", "👨‍👩‍👧‍👦", "A\u0300" * 30, "\u202eabc", "％００", "１２３", "２０１８", "４１０３２４", "－１", "٢٠١٨", "²", "½", "０",
    "0", "-1", "1.5", "1e309", "-1e309", "NaN", "Infinity", "-0", "9" * 19, "9" * 40, "9" * 400, "-9223372036854775809",
    "9223372036854775808", "2147483648", "0x7f", "1_000", "00", "1" * 5000, "長" * 3000,
    "'", '"', "\\", "%", "_", "%s", "%(x)s", "{}", "{0}", "{{7*7}}", "${7*7}", "$$", "--", ";", "' OR '1'='1", "'; DROP TABLE x; --",
    "1) OR (1=1", "1 UNION SELECT NULL", "||pg_sleep(5)--", "id__in", "__class__", "password__startswith", "pk", "-id",
    f'"><script>{MARKUP}</script>', MARKUP, ATTRIBUTE, "' zq-on='1", f"javascript:{MARKUP}", "<!--", "]]>", "&lt;", "&#60;",
    "../../etc/passwd", "..\\..\\x", "/etc/passwd", "file:///etc/passwd", "//zq.example", "https://zq.example/", "?", "#", "&a=b",
    "null", "true", "false", "None", "[]", "{}", '{"$gt":""}', "[[[[[[[[", "=1+1", "@SUM(1)", "1;2", "a,b,c", ",", ",,,,", "\t", "\n",
    "2018", "2018-13-45", "2018-02-30", "0000-00-00", "9999-12-31", "10000-01-01", "2018-12-31T25:61:61", "12:00", "true\n",
    "410324", "410324100203", "4103", "41", "410", "4103241002031", "000000", "999999999999",
]  # fmt: skip


def _cursor(key: Any) -> str:
    return urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.just([]),
    st.just({}),
)
# Shaped like a page's cursor, with a key that no page wrote.
CURSORS = st.one_of(
    st.lists(_scalars, max_size=5).map(_cursor),
    st.tuples(st.from_regex(r"\A[0-9]{0,13}\Z"), st.integers(-1, 2**70)).map(list).map(_cursor),
    st.binary(max_size=40).map(lambda raw: urlsafe_b64encode(raw).decode()),
    st.sampled_from(
        ["WzEsMl0", "W10", "e30", "bnVsbA", "W1tbW1tbW1tbW1tdXV1dXV1dXV1dXQ", "cD1hYmM="]
    ),
)
CODES = st.from_regex(r"\A41(03(2[0-9](1[0-9]{2}([0-9]{3})?)?)?)?0{0,6}\Z")
IDS = st.integers(0, 999).map(lambda n: f"99032419700101{n:03}").map(lambda s: s + check_digit(s))
NUMBERS = st.one_of(st.integers(-(2**70), 2**70).map(str), st.integers(0, 3000).map(str))
DATES = st.dates().map(str)

WORDS = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Cn", "Zs", "Nd"]), max_size=10),
    NUMBERS,
    CODES,
    CURSORS,
    DATES,
)


def encoded(pairs: list[tuple[str, str]]) -> str:
    """As an address or a form carries them, halves of surrogate pairs included."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def as_path(text: str) -> str:
    """One part of an address."""
    return _quoted(text) or "x"


def reflected(body: str) -> str:
    """What a stranger's words became in a page, if they came through alive."""
    for alive in (MARKUP, ATTRIBUTE, "' zq-on='1"):
        if alive in body:
            at = body.index(alive)
            return body[max(0, at - 80) : at + 60]
    return ""
