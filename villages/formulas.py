"""Rules on division names and codes: pure functions on plain values."""

import re
import unicodedata
from collections.abc import Iterable

from villages.enums import OWN_DIGITS

# The published lists contain slips such as 居委员会, 居民委会 and 社区民委员会.
_RESIDENTS = re.compile(r"(?:社区)?居民?委员?会$|社区(?:村|民)?民?委员?会$|社区居委$")
_VILLAGERS = re.compile(r"村民?委员?会$")
_SUBDISTRICT = re.compile(r"(?:街道)?办事处$")
# Characters that no eye sees but that some systems export.
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


def match_key(name: str) -> str:
    """The key under which two spellings of one division's name meet. For matching, never to store.

    Folds full-width characters, drops blanks, and reduces what the committee is called:
    陈家门村村民委员会, 陈家门村委会 and 陈家门村 share one key; 某居委会 and 某社区居民委员会 share another,
    which differs from the village's, because 南街村委会 and 南街居委会 stand side by side in one town.
    In the public lists of 2017 to 2023 for 洛阳, 武汉, 兰州 and 石泉 no two names of one town collide.

    >>> match_key("陈家门村村民委员会") == match_key("陈家门村") != match_key("陈家门社区")
    True
    """
    key = name
    while (reduced := _reduce(key)) != key:
        key = reduced
    return key


def _reduce(name: str) -> str:
    """One step of `match_key`; a step that would leave nothing is not taken."""
    name = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name)) or name
    residents = _RESIDENTS.search(name)
    if residents and residents.start():
        return name[: residents.start()] + "社区"
    name = _VILLAGERS.sub("", name) or name
    office = _SUBDISTRICT.search(name)
    if office and office.start():
        return name[: office.start()] + "街道"
    return name.rstrip("村") or name


def short_name(name: str) -> str:
    """The name as people say it: the place without its committee. For showing, never to store.

    >>> short_name("陈家门村村民委员会"), short_name("桥北社区居民委员会"), short_name("城关镇")
    ('陈家门村', '桥北社区', '城关镇')
    """
    residents = _RESIDENTS.search(name)
    if residents and residents.start():
        stem = name[: residents.start()]
        return stem + ("社区" if "社区" in residents[0] else "居委会")
    stem = _VILLAGERS.sub("", name)
    if not stem or stem == name:
        return name
    return stem if stem.endswith("村") else f"{stem}村"


def parts_of_list(rows: Iterable[tuple[str, str, str]]) -> set[tuple[str, str]]:
    """For which (prefix, level) a list of (code, level, parent code) is complete.

    A province or city with a single child in the list is there only as the address of that child
    (安康市 for 石泉县), so the list says nothing about its other children. Everything else is taken
    as complete below the province or city, for the levels the list contains.
    """
    entries = set(rows)
    children: dict[str, set[str]] = {}
    for code, _, parent in entries:
        children.setdefault(parent, set()).add(code)
    return {
        (_complete_prefix(code, OWN_DIGITS[level], children), level) for code, level, _ in entries
    }


def _complete_prefix(code: str, own: int, children: dict[str, set[str]]) -> str:
    """The shortest prefix of the code whose division the list covers at this code's level."""
    if own == 2:
        return code[:2]
    if own == 4:
        province = code[:2].ljust(12, "0")
        return code[:2] if len(children.get(province, ())) > 1 else code[:4]
    city = code[:4].ljust(12, "0")
    return code[:4] if len(children.get(city, ())) > 1 else code[:6]
