"""Operations of lists of what is missing."""

from tests.matrix.operation import LACKING, Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation("gaps:list", "get", "read"),
    Operation("gaps:mine", "get", "read"),
    Operation("gaps:mine-paper", "get", "read"),
    Operation("gaps:mine-sheet", "get", "read"),
    Operation("gaps:upload", "get", "mend"),
    Operation("gaps:upload", "post", "mend", ok=LACKING),
    Operation("gaps:place", "get", "read", "place"),
    Operation("gaps:paper", "get", "read", "place"),
    Operation("gaps:sheet", "get", "read", "place"),
)
