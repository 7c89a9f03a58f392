"""Revising a rule on money: a new version, with its source and a reason; the former one stays."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F

from core.acting import acting
from core.scope import covers
from funds.checks.kinds import KINDS, SHARE, UnfitParamsError
from funds.models import FundRule
from funds.services.common import APPROVE, UnfitError

# What a rule looks at belongs to the product; where, when and how strictly belong to the city.
REVISABLE = frozenset(
    {"requirement", "threshold", "params", "region_prefix", "valid_from", "valid_to", "is_active",
     "source"}
)  # fmt: skip


def revise(*, rule: FundRule, values: Mapping[str, Any], reason: str, by: Any) -> FundRule:
    """Change a rule; what it found is judged again within seconds. Raises UnfitError."""
    unknown = values.keys() - REVISABLE
    if unknown:
        raise ValueError(f"not revisable: {sorted(unknown)}")
    if not covers(by, settings.SITE_CITY_CODE, APPROVE):
        raise UnfitError("资金规则由市级财政的复核人员修订。")
    if not reason.strip():
        raise UnfitError("请写明修订原因。")
    fit = dict(values)
    with acting(by=by, reason=f"修订资金规则：{reason}"):
        found = FundRule.objects.select_for_update().get(pk=rule.pk)
        _refuse(found, fit)
        FundRule.objects.filter(pk=found.pk).update(version=F("version") + 1, **fit)
    return FundRule.objects.get(pk=found.pk)


def _refuse(rule: FundRule, values: dict[str, Any]) -> None:
    kind = KINDS[rule.check_kind]
    if kind.is_held:
        raise UnfitError("这一规则由数据库约束保证，不能修订。")
    _refuse_words(values)
    _refuse_threshold(kind.unit, values)
    _refuse_place(values)
    if "params" in values:
        try:
            values["params"] = kind.read(values["params"])
        except UnfitParamsError as unfit:
            raise UnfitError(str(unfit)) from unfit
    begins = values.get("valid_from", rule.valid_from)
    ends = values.get("valid_to", rule.valid_to)
    if ends is not None and ends < begins:
        raise UnfitError("终止年度早于起始年度。")


def _refuse_words(values: Mapping[str, Any]) -> None:
    for name, label in (("source", "依据"), ("requirement", "要求")):
        if name in values and not str(values[name]).strip():
            raise UnfitError(f"{label}不能为空。")


def _refuse_threshold(unit: str, values: Mapping[str, Any]) -> None:
    threshold = values.get("threshold")
    if threshold is None:
        return
    if not unit:
        raise UnfitError("这一核查方式没有标准值。")
    if Decimal(threshold) < 0 or (unit == SHARE and Decimal(threshold) > 1):
        raise UnfitError("比例应在 0 到 1 之间。" if unit == SHARE else "标准值不能为负。")


def _refuse_place(values: Mapping[str, Any]) -> None:
    prefix = values.get("region_prefix", "")
    if prefix and not (prefix.isascii() and prefix.isdigit() and len(prefix) in (2, 4, 6)):
        raise UnfitError("适用区划应为两位、四位或六位的区划代码，不填为全部。")
