"""疑似导入了不完整的文件。

Households of the counties in the file, loaded for the year before, are not in it.

Asked only where the year was loaded from a workbook before; told once for the file (row 0).
A corrected upload holds what was handed back, and is not asked.
"""

from imports.checks.rule import Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="IMP10",
    scope="file",
    severity=Severity.ERROR,
    message="疑似导入了不完整的文件",
    remedy="核对是否只导出了一部分；确为部分数据的，可以继续，未列出的户保持不变。",
    source="derived",
    parameters={"pct": 2},
    needs=("village_code|region_code", "household_no"),
    checks=(
        Statement(
            of="full",
            sql="""
                WITH named AS (
                    SELECT DISTINCT left(p.village_code, 6) AS county FROM @places p
                     WHERE p.village_code LIKE %(region)s
                ), known AS (
                    SELECT h.household_no
                      FROM households_householdyear y
                      JOIN households_household h ON h.id = y.household_id
                     WHERE y.partition_id = %(partition)s AND y.village_code LIKE %(region)s
                       AND left(y.village_code, 6) IN (SELECT county FROM named)
                )
                SELECT 0, 'household_no', NULL::int
                 WHERE NOT %(corrects)s AND EXISTS (
                           SELECT FROM imports_batch b
                            WHERE b.state = 'APPLIED' AND b.partition = %(partition)s
                              AND b.id <> %(batch)s
                              AND (starts_with(b.region_prefix, %(prefix)s)
                                   OR starts_with(%(prefix)s, b.region_prefix)))
                   AND (SELECT 100.0 * count(*) FILTER (WHERE f.household_no IS NULL)
                                / nullif(count(*), 0)
                          FROM known k LEFT JOIN @families f USING (household_no)) > %(pct)s
            """,
        ),
    ),
)
