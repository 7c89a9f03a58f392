"""No text that goes on may name the complainant.

Asked only of those who may know who complained anyhow: a refusal tells somebody else that a guess was
right.
"""

import re
import unicodedata
from collections.abc import Iterable

from inspections.models import Complainant
from inspections.services.common import UnfitError

# Shorter pieces say nothing of anybody.
_LEAST = {"name": 2, "phone": 7, "address": 6, "id_no": 8, "household_no": 8}
_LABELS = {
    "name": "信访人姓名", "phone": "信访人电话", "address": "信访人住址",
    "id_no": "信访人证件号码", "household_no": "保密的户编号",
}  # fmt: skip
_DIGITS_ONLY = ("phone", "household_no")


def refuse_naming(who: Complainant, texts: Iterable[str]) -> None:
    """Raises UnfitError, without quoting, when a text contains what tells who complained."""
    joined = "\n".join(texts)
    plain, digits = _plain(joined), re.sub(r"[^0-9\n]", "", unicodedata.normalize("NFKC", joined))
    for field, least in _LEAST.items():
        told = str(getattr(who, field) or "")
        if field in _DIGITS_ONLY:
            number = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", told))
            found = len(number) >= least and number in digits
        else:
            word = _plain(told)
            found = len(word) >= least and word in plain
        if found:
            raise UnfitError(f"文字中含有{_LABELS[field]}，请删去后再提交。")


def _plain(text: str) -> str:
    """Without what could be put between the letters of a name."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one for one in folded if one == "\n" or one.isalnum())
