"""脱贫年度晚于本年度或早于识别年度。

An exit later than the year, or before the household was identified (judging tells that).
"""

from collections.abc import Iterable

from imports.checks.rule import EachColumn, Elsewhere, Rule
from imports.checks.staged import Staged
from imports.enums import Severity


def _in_future(staged: Staged) -> Iterable[tuple[str, str]]:
    exited = " AND r.exit_status = ANY(%(exited)s)" if staged.has("exit_status") else ""
    yield f"r.exit_year > %(partition)s{exited}", "exit_year"


RULE = Rule(
    code="EXT01",
    scope="household",
    severity=Severity.ERROR,
    message="脱贫年度晚于本年度或早于识别年度",
    remedy="核对脱贫状态与脱贫年度。",
    source="database constraint",
    needs=("exit_year",),
    checks=(
        EachColumn(conditions=_in_future),
        Elsewhere(module="imports.services.judging"),
    ),
    is_structural=True,
)
