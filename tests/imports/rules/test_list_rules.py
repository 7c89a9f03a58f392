"""The catalogue as the city's office gets it."""

import csv
from io import StringIO

from django.core.management import call_command

from imports.checks import RULES
from imports.models import RuleSetting


def said(*words: str) -> str:
    out = StringIO()
    call_command("list_rules", *words, stdout=out)
    return out.getvalue()


def test_every_rule_is_listed_with_its_source(db: None) -> None:
    text = said()
    for code, rule in RULES.items():
        assert f"{code} {rule.message}（{rule.severity.label}，" in text
        assert rule.source in text
        assert rule.waits_for in text
    assert f"共 {len(RULES)} 条。" in text


def test_csv_tells_what_the_city_changed(db: None) -> None:
    RuleSetting.objects.create(
        code="STR13", effect="FLAG", parameters={"n": 9}, first_year=2016, reason="测试"
    )
    RuleSetting.objects.create(code="STR14", is_enabled=False, reason="测试")
    rows = {
        row["规则"]: row
        for row in csv.DictReader(StringIO(said("--csv", "--group", "STR").removeprefix("\ufeff")))
    }
    assert len(rows) == 17
    assert [rows["STR13"][head] for head in ("级别", "处理", "年度", "参数", "状态")] == [
        "疑点", "写入待改", "2016—", "n=9", "已修改",
    ]  # fmt: skip
    assert rows["STR14"]["状态"] == "已停用"
    assert rows["STR02"]["状态"] == "始终生效"
    assert rows["STR16"]["状态"].startswith("尚不能核对")
    assert rows["STR09"]["参数"] == "gap=14；relations=03 04"


def test_year_leaves_out_what_does_not_hold(db: None) -> None:
    in_2018, in_2017 = said("--year", "2018"), said("--year", "2017")
    assert ("REQ15" in in_2018, "REQ13" in in_2018, "DUP03" in in_2018) == (True, False, False)
    assert ("REQ15" in in_2017, "REQ13" in in_2017) == (False, True)
