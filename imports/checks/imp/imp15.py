"""数值超出允许范围。

A number beyond what the column can mean: months beyond a year, areas below nothing.

Published area rules ask for "< 0 and > 100", which is never true; here it is one bound each.
"""

from collections.abc import Iterable

from imports.checks.rule import EachColumn, Rule, Said
from imports.checks.staged import Staged
from imports.enums import Severity

_BOUNDS = {
    "work_months": "{0} < 0 OR {0} > 12",
    "public_post_months": "{0} > 12",
    "farmland_mu": "{0} < 0",
    "house_area_m2": "{0} < 0",
    "distance_to_main_road_km": "{0} < 0",
}


def _beyond(staged: Staged) -> Iterable[tuple[str, str]]:
    for name, bound in _BOUNDS.items():
        if staged.has(name):
            yield bound.format(f"r.{name}"), name


RULE = Rule(
    code="IMP15",
    scope="cell",
    severity=Severity.ERROR,
    message="数值超出允许范围",
    remedy="核对单位：收入为元，务工时间为 0—12 个月，面积为亩。",
    source="derived",
    checks=(
        Said(words=("too_large",)),
        EachColumn(conditions=_beyond),
    ),
    is_structural=True,
)
