"""重复导入同一文件。

The very same file was written for this year before.
"""

from imports.checks.rule import Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="IMP11",
    scope="file",
    severity=Severity.ERROR,
    message="重复导入同一文件",
    remedy="无需处理：重复导入不会产生重复数据；若本想导入另一份文件，请检查所选文件。",
    source="derived",
    checks=(
        Statement(
            sql="""
                SELECT 0, '', NULL::int
                 WHERE EXISTS (
                           SELECT FROM imports_batch b
                            WHERE b.state = 'APPLIED' AND b.sha256 = %(sha256)s
                              AND b.partition = %(partition)s AND b.id <> %(batch)s)
            """,
        ),
    ),
)
