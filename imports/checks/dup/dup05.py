"""同一人以身份证和残疾证重复登记。

One person, once by identity card and once by disability certificate.
"""

from imports.checks.rule import Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="DUP05",
    scope="person",
    severity=Severity.ERROR,
    message="同一人以身份证和残疾证重复登记",
    remedy="只保留一条：有残疾人证的保留残疾人证号码。",
    source="public-code index 6542487859",
    needs=("id_no",),
    checks=(
        Statement(
            of="persons",
            sql="""
                SELECT t.row_no, 'id_no',
                       CASE WHEN t.is_certificate THEN g.plain ELSE g.certificate END
                  FROM @twins t
                  JOIN (SELECT number, min(row_no) FILTER (WHERE NOT is_certificate) AS plain,
                               min(row_no) FILTER (WHERE is_certificate) AS certificate
                          FROM @twins GROUP BY 1) AS g USING (number)
                 WHERE g.plain IS NOT NULL AND g.certificate IS NOT NULL
            """,
        ),
    ),
)
