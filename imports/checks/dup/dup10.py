"""同一人编号在文件中出现多次。

One person's number in two rows.
"""

from imports.checks.rule import Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="DUP10",
    scope="person",
    severity=Severity.ERROR,
    message="同一人编号在文件中出现多次",
    remedy="保留正确的一行，删去其余。",
    source="derived from DUP08",
    needs=("person_no",),
    checks=(
        Statement(
            sql="""
                SELECT r.row_no, 'person_no',
                       CASE WHEN r.row_no = s.first THEN s.last ELSE s.first END
                  FROM @rows r
                  JOIN (SELECT person_no, min(row_no) AS first, max(row_no) AS last
                          FROM @rows WHERE person_no <> ''
                         GROUP BY 1 HAVING count(*) > 1) AS s USING (person_no)
            """,
            of="persons",
        ),
    ),
    is_structural=True,
)
