"""What an import does about a broken rule unless the city says otherwise, and why.

Severity says how sure the rule is that something is wrong; the effect says what happens to the row.
The two differ on purpose. A national export must load as it is: one county's had 53 % of a column
blank, and a row that stays outside helps nobody. So a row goes back only where writing it would
put somebody else's facts on a person or a household, break a key, or lose what its cells say.
What is missing is written as missing, told, and never counted as met later on.
"""

from imports.enums import Effect, Severity

_TABLE: tuple[tuple[Effect, str, str], ...] = (
    (
        Effect.REFUSE,
        "IMP01 IMP02 IMP04",
        "Without heads, keys or one meaning per column no row can be read at all.",
    ),
    (
        Effect.BACK,
        "IMP05 IMP06 IMP12 IMP14 IMP16",
        "What the cell says cannot be read: written, the row would replace a fact by a blank.",
    ),
    (
        Effect.BACK,
        "IMP08 IMP17 IMP18",
        "The place or year is not the batch's: there is nowhere to put the row.",
    ),
    (
        Effect.BACK,
        "IMP15 IMP19 IMP20 IMP21 IMP22 IMP24 IMP25 EXT01 STR02",
        "The register's own constraints would refuse the row, and all others with it.",
    ),
    (
        Effect.BACK,
        "IDN01 IDN02 IDN04 IDN05 IDN08 IDN12",
        "The number is not this person's, or nobody's: whatever is joined by it would go astray.",
    ),
    (
        Effect.BACK,
        "DUP01 DUP02 DUP05 DUP08 DUP10 DUP11",
        "Two rows claim one key; which one is right a person has to say.",
    ),
    (
        Effect.BACK,
        "IMP26",
        "Whole households were asked for, and one of its rows does not go in.",
    ),
    (
        Effect.NOTE,
        "IMP11",
        "Loading a file again is how an interrupted load is finished, and changes nothing.",
    ),
)
_BY_CODE = {code: (effect, why) for effect, codes, why in _TABLE for code in codes.split()}
_BY_SEVERITY = {
    Severity.ERROR: (Effect.FLAG, "Wrong or missing, but of this household and no other."),
    Severity.SUSPECT: (Effect.NOTE, "May well be right; somebody should look."),
}


def default_effect(code: str, severity: Severity) -> Effect:
    return _BY_CODE.get(code, _BY_SEVERITY[severity])[0]


def why(code: str, severity: Severity) -> str:
    """The reason for the default effect."""
    return _BY_CODE.get(code, _BY_SEVERITY[severity])[1]
