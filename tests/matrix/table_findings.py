"""Operations of one problem and what is done about it."""

from tests.matrix.operation import DONE, Operation

NOT_MOVED = ("moved",)
ONLY_OWN = ("sibling", "town", "county", "city", "moved")
GONE = (404,)
# A form without its fields is told what it lacks.
LACKING = (422,)

OPERATIONS: tuple[Operation, ...] = (
    Operation("findings:finding", "get", "read", "problem", never=NOT_MOVED),
    # Entered, put right and split by those who register. The problem of the world is assigned.
    Operation("findings:new", "get", "find"),
    Operation("findings:new", "post", "find", ok=LACKING),
    *(
        Operation("findings:amend", method, "find", "problem", (302,), never=NOT_MOVED)
        for method in ("get", "post")
    ),
    Operation("findings:split", "get", "find", "problem", never=NOT_MOVED),
    Operation("findings:split", "post", "find", "problem", LACKING, never=NOT_MOVED),
    *(
        Operation(f"findings:{act}", "post", "find", "problem", LACKING, never=NOT_MOVED)
        for act in ("assign", "merge", "watch", "look")
    ),
    Operation("findings:extension", "post", "find", "wish", LACKING, never=NOT_MOVED),
    # Mended by those who mend, and by whoever was given it by name
    *(
        Operation(f"findings:{act}", "post", "mend", "problem", LACKING, never=NOT_MOVED)
        for act in ("act", "extend", "papers")
    ),
    Operation("findings:paper", "get", "read", "problem_paper", DONE, never=NOT_MOVED),
    # Raised from elsewhere. Cases hang on a drawn sample: tests/inspections/test_raising.py has them.
    *(
        Operation("findings:raise-case", method, "find", "nobodys", GONE, never=ONLY_OWN)
        for method in ("get", "post")
    ),
    Operation("findings:raise-fund", "get", "find", "fund_finding", never=NOT_MOVED),
    Operation("findings:raise-fund", "post", "find", "fund_finding", LACKING, never=NOT_MOVED),
    # On the pages of households and projects
    Operation(
        "findings:of-household", "get", "read", "household", query="?year=2016", never=("city",)
    ),
    Operation("findings:of-project", "get", "read", "project", never=NOT_MOVED),
)
