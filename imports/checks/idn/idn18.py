"""银行卡号异常或多户共用。

A bank account that is too short or long for one, or that two households share.

Its length is measured by the parsing child, before it is sealed.
"""

from imports.checks.rule import Rule, Said, Statement
from imports.enums import Severity

RULE = Rule(
    code="IDN18",
    scope="household",
    severity=Severity.SUSPECT,
    message="银行卡号异常或多户共用",
    remedy="银行卡号为 12—19 位数字；核对是否为本户账户。",
    source="public-code index 23669061269 ; derived",
    checks=(
        Said(words=("account_length",)),
        Statement(
            needs=("household_no", "bank_account"),
            sql="""
                SELECT f.row_no, 'bank_account', CASE WHEN f.row_no = s.first THEN s.last ELSE s.first END
                  FROM @families f
                  JOIN (SELECT bank_account, min(row_no) AS first, max(row_no) AS last
                          FROM @families WHERE bank_account IS NOT NULL
                         GROUP BY 1 HAVING count(*) > 1) AS s ON s.bank_account = f.bank_account
            """,
        ),
    ),
)
