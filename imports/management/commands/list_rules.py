"""Print the rule catalogue as it holds in this city, as text or CSV.

Example: `manage.py list_rules --year 2018 --group REQ --csv > rules.csv`
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from core.workbooks.writing import csv_lines
from imports.checks import RULES, Rule, effective
from imports.enums import Effect
from imports.models import RuleSetting

HEADS = ("规则", "级别", "处理", "年度", "参数", "状态", "说明", "更正办法", "来源")


class Command(BaseCommand):
    help = "列出导入核对规则：代码、级别、处理方式、适用年度、参数、来源，含本市所作的修改。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, help="只列这一年度生效的规则")
        parser.add_argument("--group", default="", help="只列一组，如 IDN")
        parser.add_argument("--csv", action="store_true", help="输出 CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        changes = {change.code: change for change in RuleSetting.objects.all()}
        active = (
            set(effective(options["year"], changes.values())) if options["year"] else set(RULES)
        )
        rows = [
            list(_told(rule, changes.get(code)))
            for code, rule in sorted(RULES.items())
            if code in active and code.startswith(options["group"])
        ]
        if options["csv"]:
            for line in csv_lines(HEADS, rows):
                self.stdout.write(line, ending="")
            return
        for row in rows:
            code, *short, message, remedy, source = row
            self.stdout.write(f"{code} {message}（{'，'.join(text for text in short if text)}）")
            self.stdout.write(f"      {remedy or '—'} 来源：{source}")
        self.stdout.write(f"共 {len(rows)} 条。")


def _told(rule: Rule, change: RuleSetting | None) -> Iterator[str]:
    """The cells of a rule's line, in the order of HEADS."""
    year = next((year for year in _years(rule, change) if year), 2018)
    held = effective(year, [change] if change else []).get(rule.code)
    effect = held.effect if held else rule.effect
    parameters = held.parameters if held else rule.parameters
    yield rule.code
    yield str(rule.severity.label)
    yield str(Effect(effect).label)
    yield _range(*_years(rule, change))
    yield "；".join(f"{name}={_plain(value)}" for name, value in parameters.items())
    yield _state(rule, change)
    yield rule.message
    yield rule.remedy
    yield rule.source


def _years(rule: Rule, change: RuleSetting | None) -> tuple[int | None, int | None]:
    if change is None or rule.is_structural:
        return rule.first_year, rule.last_year
    first = rule.first_year if change.first_year is None else change.first_year
    return first, rule.last_year if change.last_year is None else change.last_year


def _range(first: int | None, last: int | None) -> str:
    if first is None and last is None:
        return "各年度"
    return f"{first or ''}—{last or ''}"


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else json.dumps(value)


def _state(rule: Rule, change: RuleSetting | None) -> str:
    if rule.waits_for:
        return f"尚不能核对，需要：{rule.waits_for}"
    if rule.is_structural:
        return "始终生效"
    if change is None:
        return ""
    return "已修改" if change.is_enabled else "已停用"
