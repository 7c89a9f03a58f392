"""The kinds of checks: in which unit their threshold is, which parameters they take, what they run.

A statement reads `%(low)s` and `%(high)s` (the codes of the places judged, upper end excluded),
`%(year)s`, `%(today)s`, `%(threshold)s` (null only where the kind takes none) and `%(params)s`
(JSON). It yields rows (subject, subject_id, region_id, region_code, state, numerator, denominator,
words, evidence), one per subject, for what is not met or cannot be told; what is met yields no row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from funds.checks import money, payments, places, projects
from funds.enums import RuleCheck

SHARE, YUAN, DAYS, NONE = "share", "yuan", "days", ""
WORDS, CHOICE, NUMBER = "words", "choice", "number"


class UnfitParamsError(Exception):
    """The parameters are not what the check takes; the text says which and why."""


@dataclass(frozen=True)
class Param:
    """One parameter of a check: a list of words, one of some choices, or a whole number."""

    name: str
    label: str
    kind: str
    choices: Mapping[str, str] = field(default_factory=dict)
    help: str = ""

    def read(self, value: Any) -> Any:
        """The value as it is stored. Raises UnfitParamsError."""
        if self.kind == WORDS:
            return self._words(value)
        if self.kind == CHOICE:
            if value not in self.choices:
                raise UnfitParamsError(f"{self.label}：请从列出的选项中选择。")
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
            raise UnfitParamsError(f"{self.label}：应为 1 到 100 的整数。")
        return value

    def _words(self, value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise UnfitParamsError(f"{self.label}：应为若干个词。")
        words = list(dict.fromkeys(one.strip() for one in value if one.strip()))
        if len(words) > 100 or any(len(one) > 30 for one in words):
            raise UnfitParamsError(f"{self.label}：最多 100 个词，每个不超过 30 字。")
        unknown = [one for one in words if self.choices and one not in self.choices]
        if unknown:
            raise UnfitParamsError(f"{self.label}：没有“{'、'.join(unknown)}”。")
        return words


@dataclass(frozen=True)
class Kind:
    """What a check needs and runs; without a statement the database itself keeps the rule."""

    statement: str
    unit: str = NONE
    params: tuple[Param, ...] = ()

    @property
    def is_held(self) -> bool:
        return not self.statement

    def read(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters, checked. Raises UnfitParamsError for a missing or an unknown one."""
        known = {one.name for one in self.params}
        if params.keys() != known:
            wrong = "、".join(sorted(known ^ params.keys()))
            raise UnfitParamsError(f"参数缺少或多出：{wrong}。")
        return {one.name: one.read(params[one.name]) for one in self.params}

    def judges(self, threshold: Any) -> bool:
        """Whether there is what it takes: a threshold that is not configured judges nothing."""
        return not self.is_held and (self.unit == NONE or threshold is not None)


# Codes of the register's table of fund sources.
SOURCE_KINDS = {
    "11": "中央财政专项扶贫资金", "12": "中央预算内投资", "21": "省级财政专项扶贫资金",
    "31": "市级财政专项扶贫资金", "41": "县级财政专项扶贫资金", "51": "统筹整合涉农资金",
    "61": "行业部门资金", "71": "东西部扶贫协作资金", "72": "定点帮扶资金", "73": "社会捐赠资金",
    "81": "银行贷款", "82": "地方政府债券", "91": "群众自筹", "99": "其他",
}  # fmt: skip
_KINDS = Param("kinds", "资金类别", WORDS, SOURCE_KINDS, "代码，不填为全部类别。")
_STEPS = {"DECIDED": "县级审定", "BUDGETED": "安排资金"}
_BASES = {"INCREASE": "比上年新增部分", "YEAR": "当年全部"}
_BASE = Param("base", "计算基数", CHOICE, _BASES)

KINDS: dict[str, Kind] = {
    RuleCheck.NEGATIVE_LIST: Kind(
        payments.NEGATIVE_LIST,
        params=(
            Param(
                "words", "禁止用途的字样", WORDS, help="项目名称、内容、支付摘要中含有的列为疑似。"
            ),
            Param("types", "禁止的项目类型", WORDS, help="项目类型代码，属于的列为不符合。"),
            _KINDS,
        ),
    ),
    RuleCheck.BEFORE_APPROVAL: Kind(
        payments.BEFORE_APPROVAL, params=(Param("step", "批准环节", CHOICE, _STEPS),)
    ),
    RuleCheck.AHEAD: Kind(projects.AHEAD, SHARE),
    RuleCheck.ADVANCE: Kind(projects.ADVANCE, SHARE),
    RuleCheck.UNPAID: Kind(projects.UNPAID),
    RuleCheck.IDLE_PROJECT: Kind(projects.IDLE, DAYS),
    RuleCheck.PUBLICITY: Kind(projects.PUBLICITY, DAYS),
    RuleCheck.UNREGISTERED: Kind(projects.UNREGISTERED),
    RuleCheck.TWICE: Kind(
        payments.TWICE,
        params=(Param("repeated", "按期发放的补助", WORDS, help="补助项目名称，不作重复处理。"),),
    ),
    RuleCheck.IDLE_MONEY: Kind(money.IDLE, DAYS),
    RuleCheck.DEEP_SHARE: Kind(places.DEEP_SHARE, SHARE, (_BASE, _KINDS)),
    RuleCheck.DEEP_AMOUNT: Kind(places.DEEP_AMOUNT, YUAN, (_BASE, _KINDS)),
    RuleCheck.DEEP_VILLAGE: Kind(places.DEEP_VILLAGE, YUAN, (_KINDS,)),
    RuleCheck.EXIT_VILLAGE: Kind(places.EXIT_VILLAGE, YUAN),
    RuleCheck.EXIT_PERSON: Kind(
        places.EXIT_PERSON, YUAN, (Param("years", "脱贫年数", NUMBER, help="含当年。"),)
    ),
    RuleCheck.DEPARTMENT_SHARE: Kind(
        places.DEPARTMENT_SHARE,
        SHARE,
        (_KINDS, Param("counties", "适用的县", WORDS, help="六位代码，不填为全部非贫困县。")),
    ),
    RuleCheck.LOAN_AVERAGE: Kind(money.LOAN_AVERAGE, YUAN),
    RuleCheck.HELD_PAYMENT: Kind(""),
    RuleCheck.HELD_TARGET: Kind(""),
}
