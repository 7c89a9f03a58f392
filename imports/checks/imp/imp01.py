"""找不到表头行。

No row near the top holds enough known heads; raised before anything is read.
"""

from imports.checks.rule import Elsewhere, Rule
from imports.enums import Severity

RULE = Rule(
    code="IMP01",
    scope="file",
    severity=Severity.ERROR,
    message="找不到表头行",
    remedy="保留国家系统导出文件的原表头；表头上方最多可有几行标题。",
    source="Gzuwkj/fuping:main.py",
    parameters={"max_title_rows": 5, "min_known": 4},
    checks=(Elsewhere(module="imports.catalog.recognising"),),
    is_structural=True,
)
