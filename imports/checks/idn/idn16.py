"""不同户联系电话相同。

One telephone, two households. Equal sealed texts are equal bytes.
"""

from imports.checks.rule import Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="IDN16",
    scope="household",
    severity=Severity.SUSPECT,
    message="不同户联系电话相同",
    remedy="核对是否为代填的村干部电话；有本户电话的改为本户电话。",
    source="Gzuwkj/fuping:rules/5_15_022.py",
    needs=("phone", "household_no"),
    checks=(
        Statement(
            sql="""
                SELECT f.row_no, 'phone', CASE WHEN f.row_no = s.first THEN s.last ELSE s.first END
                  FROM @families f
                  JOIN (SELECT phone, min(row_no) AS first, max(row_no) AS last
                          FROM @families WHERE phone IS NOT NULL
                         GROUP BY 1 HAVING count(*) > 1) AS s ON s.phone = f.phone
            """,
        ),
    ),
)
