"""Operations of lists of what is missing."""

from tests.matrix.operation import LACKING, Operation

# Lists of today: a place that is no more has none.
NOT_MOVED = ("moved",)

OPERATIONS: tuple[Operation, ...] = (
    Operation("gaps:list", "get", "read"),
    Operation("gaps:mine", "get", "read"),
    Operation("gaps:mine-paper", "get", "read"),
    Operation("gaps:mine-sheet", "get", "read"),
    Operation("gaps:upload", "get", "mend"),
    Operation("gaps:upload", "post", "mend", ok=LACKING),
    Operation("gaps:place", "get", "read", "place", never=NOT_MOVED),
    Operation("gaps:paper", "get", "read", "place", never=NOT_MOVED),
    Operation("gaps:sheet", "get", "read", "place", never=NOT_MOVED),
)
