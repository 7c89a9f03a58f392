"""Operations of figures of problems, and their REST."""

from tests.matrix.operation import SEEN, Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation("findings:board", "get", "read"),
    Operation("findings:board-of", "get", "read", "place", never=("moved",)),
    *(
        Operation(f"api:{one}-list", "get", "client", kind, SEEN, query, api=True)
        for one in ("campaign", "finding", "rectification", "letter")
        for kind, query in (("", ""), ("part", "?region={id}"))
    ),
)
