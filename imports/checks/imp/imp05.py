"""长编号被表格软件改成数字，末位已丢失。

A long number that a spreadsheet kept as a float; digits after the fifteenth are gone.

A numeric cell of up to fifteen digits is exact and is read.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IMP05",
    scope="cell",
    severity=Severity.ERROR,
    message="长编号被表格软件改成数字，末位已丢失",
    remedy="在原系统重新导出，或把该列设为“文本”后重新填写完整号码。",
    source="derived",
    checks=(Said(words=("lost_digits",)),),
    is_structural=True,
)
