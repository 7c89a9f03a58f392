"""The design of a draw as it is stored (JSON) and as the draw takes it. Pure; raises DesignError."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from inspections.enums import STRATA, Attribute, Subject
from inspections.formulas.drawing import METHODS, PPS, DesignError, StratumPlan, Take

_TAKE = {"households", "reserve", "share", "beyond"}


@dataclass(frozen=True)
class Design:
    """Strata, how many villages of each, and how many households of each type in a village.

    `attribute` tells villages apart besides being poor; for LISTED the codes are in `listed`.
    `missing_as_other` lets villages without facts of the year count as not poor and without the
    attribute; otherwise such a frame is refused. `preset` is where planning began.
    """

    strata: Mapping[str, StratumPlan]
    takes: Mapping[str, Take]
    attribute: str = Attribute.NONE
    listed: tuple[str, ...] = ()
    missing_as_other: bool = False
    preset: str = ""
    # Whoever plans may say why; shown beside the figures.
    note: str = field(default="", compare=False)


def canonical(value: Any) -> str:
    """JSON as one text only: what goes into a digest.

    >>> canonical({"b": 1, "a": [True, "层"]})
    '{"a":[true,"层"],"b":1}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def written(design: Design) -> dict[str, Any]:
    """As it is stored."""
    return {
        "attribute": str(design.attribute),
        "listed": sorted(set(design.listed)),
        "missing_as_other": design.missing_as_other,
        "preset": design.preset,
        "note": design.note,
        "strata": {
            code: {"villages": plan.villages, "method": plan.method}
            for code, plan in design.strata.items()
        },
        "takes": {str(kind): _take_written(take) for kind, take in design.takes.items()},
    }


def _take_written(take: Take) -> dict[str, Any]:
    told: dict[str, Any] = {"households": take.households, "reserve": take.reserve}
    if take.share is not None:
        told["share"] = [take.share.numerator, take.share.denominator]
    if take.beyond:
        told["beyond"] = [list(pair) for pair in take.beyond]
    return told


def read(told: Mapping[str, Any]) -> Design:
    """A design from its stored form. Raises DesignError with what is wrong."""
    attribute = told.get("attribute", Attribute.NONE)
    if attribute not in Attribute.values:
        raise DesignError(f"未知的分层特征：{attribute}。")
    listed = tuple(told.get("listed", ()))
    if (attribute == Attribute.LISTED) != bool(listed):
        raise DesignError("按名单分层须列明村代码，不按名单分层则不列。")
    strata = {code: _plan(code, plan) for code, plan in told.get("strata", {}).items()}
    if not sum(plan.villages for plan in strata.values()):
        raise DesignError("各层一个村也没有抽。")
    takes = {kind: take_of(kind, take) for kind, take in told.get("takes", {}).items()}
    if not any(take.households != 0 for take in takes.values()):
        raise DesignError("各类农户一户也没有抽。")
    return Design(
        strata=strata,
        takes=takes,
        attribute=attribute,
        listed=listed,
        missing_as_other=bool(told.get("missing_as_other", False)),
        preset=str(told.get("preset", "")),
        note=str(told.get("note", "")),
    )


def _plan(code: str, told: Mapping[str, Any]) -> StratumPlan:
    if code not in STRATA:
        raise DesignError(f"未知的层：{code}。")
    method = told.get("method", PPS)
    if method not in METHODS:
        raise DesignError(f"未知的抽样方法：{method}。")
    return StratumPlan(_count(told.get("villages"), 5000), method)


def take_of(kind: str, told: Mapping[str, Any]) -> Take:
    """One type's take from its stored form; a preset's as well. Raises DesignError."""
    if kind not in Subject.values or not told.keys() <= _TAKE:
        raise DesignError(f"未知的农户类型或抽法：{kind}。")
    households = told.get("households")
    share = told.get("share")
    if share is not None and not 0 < share[0] <= share[1]:
        raise DesignError("比例须在 0 与 1 之间。")
    return Take(
        households=None if households is None else _count(households, 5000),
        reserve=_count(told.get("reserve", 0), 5000),
        share=None if share is None else Fraction(share[0], share[1]),
        beyond=tuple((_count(a, 5000), _count(b, 5000)) for a, b in told.get("beyond", ())),
    )


def _count(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise DesignError(f"数量须是 0 到 {most} 的整数。")
    return value
