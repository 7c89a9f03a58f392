"""Operations of the three letters."""

from tests.matrix.operation import LACKING, Operation

# Letters and their records are of counties and cities.
NOT_A_HOLDER = ("sibling", "town", "moved")
ONLY_OWN = ("sibling", "town", "county", "city", "moved")

OPERATIONS: tuple[Operation, ...] = (
    Operation("letters:list", "get", "read"),
    Operation("letters:letter", "get", "read", "letter", never=NOT_A_HOLDER),
    Operation("letters:word", "get", "read", "letter", never=NOT_A_HOLDER),
    Operation("letters:pdf", "get", "read", "letter", never=NOT_A_HOLDER),
    *(
        Operation(f"letters:{act}", "post", "find", "letter", LACKING, never=NOT_A_HOLDER)
        for act in ("write", "issue", "drop", "receive", "reply")
    ),
    Operation("letters:prepare", "post", "find", ok=(302,)),
    Operation("letters:bulk", "post", "find", ok=(302,)),
    Operation("letters:templates", "get", "find"),
    Operation("letters:templates", "post", "find", ok=(422,)),
    Operation("letters:template", "get", "find", "letter_kind", never=ONLY_OWN),
    Operation("letters:accountability", "get", "read"),
    Operation("letters:conclude", "get", "read", "accountability", never=NOT_A_HOLDER),
    Operation("letters:conclude", "post", "find", "accountability", (422,), never=NOT_A_HOLDER),
)
