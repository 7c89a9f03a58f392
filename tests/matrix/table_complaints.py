"""Operations of complaints and petitions."""

from tests.matrix.operation import Operation

NOT_MOVED = ("moved",)
UNFIT = (422,)

OPERATIONS: tuple[Operation, ...] = (
    Operation("complaints:list", "get", "complaints"),
    Operation("complaints:new", "get", "petition"),
    Operation("complaints:new", "post", "petition", ok=UNFIT),
    Operation("complaints:complaint", "get", "complaints", "complaint", never=NOT_MOVED),
    Operation("complaints:act", "post", "complaints", "complaint", UNFIT, never=NOT_MOVED),
    Operation("complaints:complainant", "post", "petition", "complaint", UNFIT, never=NOT_MOVED),
    Operation("complaints:finding", "post", "find", "complaint", UNFIT, never=NOT_MOVED),
)
