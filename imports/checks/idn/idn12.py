"""人编号对应的证件号码发生变化。

The person's number was given with another document number before.

A document number is mended on the person's own page, with a reason, and imported after that.
"""

from imports.checks.rule import Matched, Rule
from imports.enums import Severity

RULE = Rule(
    code="IDN12",
    scope="person",
    severity=Severity.ERROR,
    message="人编号对应的证件号码发生变化",
    remedy="核对人编号；确为同一人换号的，请先在档案中更正。",
    source="derived",
    needs=("id_no",),
    checks=(
        Matched(
            blames="person_no",
            sql="""
                SELECT m.row_no, 'person_no', NULL::int
                  FROM @matched m JOIN @rows r USING (row_no)
                  JOIN households_person p ON p.id = m.matched
                 WHERE NOT m.by_number AND r.id_no__index <> p.id_index
            """,
        ),
    ),
)
