"""导入文件内人数与家庭人口数不符。

The household's rows in the file are more or fewer than the number they declare.

STR04 asks the same of what the register will hold.
"""

from imports.checks.rule import Household, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP13",
    scope="row",
    severity=Severity.SUSPECT,
    message="导入文件内人数与家庭人口数不符",
    remedy="核对是否漏行，或“人数”未更新。",
    source="derived",
    needs=("member_count", "household_no"),
    checks=(Household(of="members", condition="f.member_count <> f.members"),),
)
