"""Operations of the list of problems, campaigns, days."""

from tests.matrix.operation import DONE, Operation

NOT_MOVED = ("moved",)

OPERATIONS: tuple[Operation, ...] = (
    Operation("findings:list", "get", "read"),
    Operation("findings:list", "get", "read", query="?standing=overdue&region=410324"),
    Operation("findings:calendar", "get", "read"),
    Operation("findings:export", "get", "read"),
    Operation("findings:export", "post", "read", ok=(422,)),
    # Without anything chosen, back to the list.
    Operation("findings:bulk", "post", "find", ok=(302,)),
    # Inspections: of a place, as a whole; registered where one registers problems
    Operation("findings:campaigns", "get", "read"),
    Operation("findings:campaign", "get", "read", "campaign", never=NOT_MOVED),
    Operation("findings:campaign-new", "get", "find"),
    Operation("findings:campaign-new", "post", "find", ok=(422,)),
    Operation("findings:campaign-edit", "get", "find", "campaign", never=NOT_MOVED),
    Operation("findings:campaign-edit", "post", "find", "campaign", (422,), never=NOT_MOVED),
    Operation("findings:campaign-paper", "post", "find", "campaign", (422,), never=NOT_MOVED),
    # The file itself is not in the world: whoever may is sent back to the inspection.
    Operation("findings:campaign-paper-open", "get", "read", "document", DONE, never=NOT_MOVED),
    Operation("findings:load", "get", "find", "campaign", query="?campaign={id}", never=NOT_MOVED),
    Operation("findings:load", "post", "find", ok=(422,)),
    Operation("findings:load-template", "get", "find"),
    # How long a mending may take, and the days that do not count
    Operation("findings:deadlines", "get", "read"),
    Operation("findings:deadlines", "post", "find", ok=(422,)),
    Operation("findings:holidays", "get", "read"),
    Operation("findings:holidays", "post", "catalog", ok=(422,)),
)
