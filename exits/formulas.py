"""The arithmetic of exit metrics: pure functions on integers; nothing here is rounded.

A rate stays a numerator and a denominator until it is shown. The bulk path repeats these rules in
SQL (`exits.services.figures`); one test holds both forms to the same cases.
"""

from dataclasses import dataclass
from decimal import Decimal

from exits.enums import Comparator, Verdict

# Thresholds are stored with six decimals; comparing in millionths keeps everything an integer.
_SCALE = 1_000_000

NO_BASE = "缺少该年度人口基数"
BASE_TOO_SMALL = "人口基数小于未脱贫人口，请核对基数"
NO_TARGET = "未下达年度任务"
NO_POOR_VILLAGE = "没有登记贫困村"
NO_LINE = "缺少该年度收入标准"
NO_SAMPLE = "尚无抽样调查"
NO_REGISTER = "该年度没有登记数据"


@dataclass(frozen=True)
class Standard:
    """How a metric is judged; a threshold of None means that it is only counted."""

    comparator: Comparator
    threshold: Decimal | None


@dataclass(frozen=True)
class Judged:
    """A figure with its verdict; `reason` says why it could not be computed."""

    numerator: int | None
    denominator: int | None
    verdict: Verdict
    reason: str = ""


def compare(numerator: int, denominator: int, standard: Standard) -> Verdict:
    """Judge numerator ÷ denominator unrounded; 1.996 % is below 2 %, exactly 2 % is not."""
    if standard.threshold is None or standard.comparator == Comparator.NONE:
        return Verdict.NONE
    left = numerator * _SCALE
    right = int(standard.threshold * _SCALE) * denominator
    met = {
        Comparator.LT: left < right,
        Comparator.LE: left <= right,
        Comparator.GE: left >= right,
        Comparator.GT: left > right,
    }[standard.comparator]
    return Verdict.MET if met else Verdict.NOT_MET


def _refused(reason: str, numerator: int | None = None, denominator: int | None = None) -> Judged:
    return Judged(numerator, denominator, Verdict.NOT_COMPUTABLE, reason)


def headcount_rate(remaining: int | None, base: int | None, standard: Standard) -> Judged:
    """贫困发生率: registered persons still poor ÷ population base of the same year (persons)."""
    if remaining is None:
        return _refused(NO_REGISTER)
    if not base:
        return _refused(NO_BASE, remaining)
    if remaining > base:
        return _refused(BASE_TOO_SMALL, remaining, base)
    return Judged(remaining, base, compare(remaining, base, standard))


def exit_target(exited: int, target: int | None, standard: Standard) -> Judged:
    """年度脱贫任务完成率: persons exited in the year ÷ persons to exit; may exceed one."""
    if not target:
        return _refused(NO_TARGET, exited)
    return Judged(exited, target, compare(exited, target, standard))


def village_exit_rate(exited: int, poor: int, standard: Standard) -> Judged:
    """贫困村退出率: poor villages exited to date ÷ poor villages registered (villages)."""
    if not poor:
        return _refused(NO_POOR_VILLAGE)
    return Judged(exited, poor, compare(exited, poor, standard))


def exited_below_line(persons: int, line: Decimal | None) -> Judged:
    """Persons of exited households whose declared net income per head is below the year's line."""
    if line is None:
        return _refused(NO_LINE)
    return Judged(persons, None, Verdict.NONE)


def unexplained(
    *,
    start: int,
    identified: int,
    relapsed: int,
    increase: int,
    exited: int,
    decrease: int,
    cleared: int,
    end: int,
) -> int:
    """年初 + 新识别 + 返贫 + 自然增加 − 脱贫 − 自然减少 − 清退 − 年末; zero when the ledger is whole."""
    return start + identified + relapsed + increase - exited - decrease - cleared - end
