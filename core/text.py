"""Folding what people and spreadsheets type into what is compared and stored."""

import re

# Full-width forms ！ to ～ and the ideographic space, as they come out of Chinese input methods.
_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20}
_WIDE = re.compile(r"[\uff01-\uff5e\u3000\u00a0]")
_BLANKS = re.compile(r"[\s\u200b-\u200d\ufeff]+")


def fold(text: str) -> str:
    """Full-width letters, digits and marks become half-width; outer blanks go."""
    if text.isascii() or not _WIDE.search(text):
        return text.strip()
    return text.translate(_FOLD).strip()


def squeeze(text: str) -> str:
    """`fold`, and every inner blank goes too: for numbers and codes."""
    if text.isascii() and text.isalnum():
        return text
    return _BLANKS.sub("", text.translate(_FOLD))


def header_key(text: str) -> str:
    """What two column heads must share to be the same: folded, without blanks and line breaks.

    >>> header_key("务工时间（月）") == header_key("务工时间 (月)")
    True
    """
    return squeeze(text)
