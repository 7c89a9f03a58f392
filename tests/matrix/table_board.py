"""Operations of figures of problems, and their REST."""

from tests.matrix.operation import SEEN, Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation("findings:board", "get", "read"),
    Operation("findings:board-of", "get", "read", "place", never=("moved",)),
    # Places are public within a city; who sees all of it sees them before they are.
    Operation("findings:ranking", "get", "read"),
    Operation("findings:ranking-publish", "post", "score", ok=(302,)),
    Operation("findings:ranking-rules", "get", "read"),
    Operation("findings:ranking-rules", "post", "score", ok=(422,)),
    *(
        Operation(f"api:{one}-list", "get", "client", kind, SEEN, query, api=True)
        for one in ("campaign", "finding", "rectification", "letter")
        for kind, query in (("", ""), ("part", "?region={id}"))
    ),
)
