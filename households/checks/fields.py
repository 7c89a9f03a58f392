"""What the reading of one field says: the readers' words as findings."""

from households.checks.findings import Finding
from households.checks.words import error, query

ERRORS = {
    "lost_digits": "IMP05",
    "unknown_label": "IMP06",
    "not_a_date": "IMP12",
    "not_a_number": "IMP14",
    "too_large": "IMP15",
    "not_yes_no": "IMP16",
    "too_long": "IMP19",
    "not_storable": "IMP20",
    "length": "IDN02",
    "letters": "IDN04",
    "checksum": "IDN04",
    "certificate": "IDN05",
    "birth_date": "IDN08",
}
QUERIES = {
    "upgraded": "IDN03",
    "no_number": "IDN07",
    "nines": "IDN07",
    "province": "IDN11",
    "no_mobile": "IDN15",
    "account_length": "IDN18",
}


def found_in(words: str, where: str, whose: str = "") -> list[Finding]:
    """The findings that a reader's words stand for; blanks that were taken away are none.

    >>> [one.code for one in found_in("checksum+not_storable", "members.0.person.id_no")]
    ['IDN04', 'IMP20']
    """
    found = []
    for word in words.split("+"):
        if word in ERRORS:
            found.append(error(ERRORS[word], where, whose=whose))
        elif word in QUERIES:
            found.append(query(QUERIES[word], where, whose=whose))
    return found
