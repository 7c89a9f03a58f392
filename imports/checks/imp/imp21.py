"""必填项为空。

Without a household's number, or a person's number and name, a row is nobody's.

Also a household whose status neither the file nor the register states (judging tells it).
"""

from collections.abc import Iterable

from imports.checks.rule import EachColumn, Elsewhere, Rule
from imports.checks.staged import Staged
from imports.enums import Severity


def _missing(staged: Staged) -> Iterable[tuple[str, str]]:
    plan = staged.plan
    # A supplement on persons finds the household by the person.
    wanted = [] if plan.is_joined and plan.is_of_persons else ["household_no"]
    if plan.is_of_persons:
        wanted += ["person_no"] if plan.is_joined else ["person_no", "name"]
    for name in wanted:
        if staged.has(name):
            yield f"r.{name} = ''", name


RULE = Rule(
    code="IMP21",
    scope="cell",
    severity=Severity.ERROR,
    message="必填项为空",
    remedy="补填后重新上传。",
    source="derived",
    checks=(
        EachColumn(conditions=_missing),
        Elsewhere(module="imports.services.judging"),
    ),
    quotes=False,
    is_structural=True,
)
