"""What a city changes about a rule changes what its next judgement does, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from imports import services
from imports.checks import RULES, complaints, effective
from imports.enums import Effect
from imports.models import Batch, RuleSetting
from imports.services.checking import ruleset
from tests.imports.rules.homes import People, born, home, one
from tests.imports.rules.test_cases import hits
from tests.workbooks import P2018, family, member

Stage = Callable[..., Batch]


def change(code: str, **more: Any) -> RuleSetting:
    return RuleSetting.objects.create(code=code, reason="测试", **more)


def rows_of(*homes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    people = People()
    return [row for home in homes for row, _ in people.rows(home)]


def at_first(batch: Batch, code: str) -> bool:
    return code in hits(batch).get(2, set())


def told(batch: Batch, code: str) -> set[str]:
    return set(batch.problems.filter(rule=code).values_list("effect", flat=True))


@pytest.mark.parametrize(
    ("code", "row", "parameters"),
    [
        ("REQ05", {"证件号码": born("19531231"), "劳动技能": ""}, {"to_age": 59}),
        ("REQ03", {"证件号码": born("20121231"), "在校生状况": ""}, {"from_age": 7}),
        ("IDN08", {"证件号码": born("19021231")}, {"max_age": 116}),
        ("STR13", {"人数": "7"}, {"n": 8}),
        ("STR15", {"证件号码": born("20030101")}, {"age": 15}),
    ],
)
def test_parameters_are_data(
    stage: Stage, code: str, row: dict[str, Any], parameters: dict[str, Any]
) -> None:
    rows = rows_of(one(**row))
    assert at_first(stage(rows), code)
    change(code, parameters=parameters)
    assert not at_first(stage(rows), code)


def test_list_of_provinces_is_data(stage: Stage) -> None:
    rows = rows_of(one(证件号码=born("19700101", "男", "560324")), one())
    change("IDN11", parameters={"provinces": ["56"], "demonstration": []})
    found = hits(stage(rows))
    assert "IDN11" not in found.get(2, set())
    assert "IDN11" in found[3]


def test_years_are_data(stage: Stage) -> None:
    rows = rows_of(one(民族="", 是否解决安全饮用水=""))
    assert at_first(stage(rows), "REQ15")
    assert not at_first(stage(rows, partition=2017), "REQ15")
    change("REQ15", first_year=2019)
    change("REQ01", last_year=2017)
    assert not at_first(stage(rows), "REQ15")
    assert not at_first(stage(rows), "REQ01")
    assert at_first(stage(rows, partition=2017), "REQ01")


def test_disabled_rule_is_silent(stage: Stage) -> None:
    rows = rows_of(one(民族="", 联系电话="6631"))
    assert hits(stage(rows))[2] >= {"REQ01", "IDN15"}
    change("REQ01", is_enabled=False)
    change("IDN15", is_enabled=False)
    assert not hits(stage(rows)).get(2, set()) & {"REQ01", "IDN15"}


def test_structural_rule_holds_whatever_is_said(stage: Stage) -> None:
    for code in ("IMP08", "STR02", "DUP10"):
        change(code, is_enabled=False, effect=Effect.NOTE, first_year=2030)
    batch = stage([member(1, 行政村="查无此村"), member(3, 2), member(3, 3)])
    assert hits(batch)[2] >= {"IMP08"}
    assert told(batch, "DUP10") == {"BACK"}
    assert batch.persons_rejected == 3


def test_effect_decides_what_goes_in(stage: Stage) -> None:
    rows = rows_of(home({"民族": ""}, {}), one(民族=""))
    batch = stage(rows)
    assert (told(batch, "REQ01"), batch.persons_rejected) == ({"FLAG"}, 0)
    change("REQ01", effect=Effect.BACK)
    batch = stage(rows)
    assert (told(batch, "REQ01"), batch.persons_rejected) == ({"BACK"}, 2)
    assert (batch.households_created, batch.households_rejected) == (1, 1)
    RuleSetting.objects.filter(code="REQ01").update(effect=Effect.NOTE)
    batch = stage(rows)
    assert (told(batch, "REQ01"), batch.persons_rejected) == ({"NOTE"}, 0)


def test_number_with_a_wrong_check_digit_may_be_let_in(load_rows: Stage) -> None:
    change("IDN04", effect=Effect.FLAG)
    batch = load_rows([member(1, 证件号码="990324197001010010"), member(2)])
    assert (told(batch, "IDN04"), batch.persons_created) == ({"FLAG"}, 2)


def test_other_document_number_may_be_let_in(load_rows: Stage) -> None:
    load_rows(family(1))
    change("IDN12", effect=Effect.FLAG)
    batch = load_rows(
        [member(1, 证件号码="999999195001010018"), member(2, 证件号码=born("19700101")(9))]
    )
    assert (told(batch, "IDN12"), batch.persons_rejected, batch.persons_updated) == ({"FLAG"}, 0, 2)


def test_rule_on_households_sends_all_their_rows_back(stage: Stage) -> None:
    change("REQ29", effect=Effect.BACK)
    batch = stage(rows_of(home({}, {}, 联系电话=""), home({}, {})))
    told = batch.problems.filter(rule="REQ29").values_list("row_no", "other_row", "effect")
    assert sorted(told) == [(2, None, "BACK"), (3, 2, "BACK")]
    assert (batch.persons_created, batch.persons_rejected, batch.households_rejected) == (2, 2, 1)


def test_rule_on_files_sends_everything_back(load_rows: Stage, stage: Stage) -> None:
    load_rows([*family(1), *family(2)])
    change("IMP10", effect=Effect.BACK)
    batch = stage(family(1))
    assert (batch.persons_rejected, batch.households_rejected) == (2, 1)
    told = batch.problems.filter(rule="IMP10", effect="BACK").order_by("row_no")
    assert list(told.values_list("row_no", flat=True)) == [0, 2, 3]
    change_back = RuleSetting.objects.get(code="IMP10")
    change_back.parameters, change_back.effect = {"pct": 50}, ""
    change_back.save()
    services.restage_judgement(batch)
    assert (batch.persons_rejected, batch.problems.filter(rule="IMP10").count()) == (0, 0)


@pytest.mark.parametrize("code", ["REQ29", "IMP10"])
def test_every_row_that_stays_outside_has_a_problem(
    load_rows: Stage, stage: Stage, code: str
) -> None:
    """What is handed back is found by the problems, so their rows are those that were counted."""
    load_rows([*family(8), *family(9)])
    change(code, effect=Effect.BACK)
    batch = stage(rows_of(home({}, {}, {}, 联系电话=""), one(危房户="也许"), home({}, {})))
    services.restage_judgement(batch)
    back = batch.problems.filter(effect="BACK", row_no__gt=0)
    assert len(set(back.values_list("row_no", flat=True))) == batch.persons_rejected >= 4
    # None is told twice of one thing.
    assert back.count() == len(set(back.values_list("row_no", "rule", "identifier")))


def test_rules_say_nothing_about_columns_that_are_not_there(stage: Stage) -> None:
    """A county's own short export: no rule on blanks fires for what it does not carry."""
    kept = ["行政县", "乡镇", "行政村", "户编号", "人编号", "姓名", "证件号码", "脱贫属性"]
    rows = [{name: row[name] for name in kept} for row in family(1)]
    found = hits(stage(rows, headers=kept))
    assert set().union(*found.values()) <= {"DUP07"}
    # One of two columns cannot tell that both are blank.
    lone = {"是否参加城乡居民基本养老保险": "", "是否参加城乡居民基本医疗保险": ""}
    found = hits(stage([row | lone for row in family(1)], headers=P2018))
    assert not set().union(*found.values()) & {"REQ24", "REQ25"}


def test_rejected_rows_are_those_with_a_hit_that_sends_back(stage: Stage) -> None:
    people = People()
    homes = [
        one(危房户="也许", 民族=""),
        one(证件号码=""),
        one(民族=""),
        one(联系电话="6631"),
        one(),
    ]
    batch = stage([row for home in homes for row, _ in people.rows(home)])
    back = set(batch.problems.filter(effect="BACK").values_list("row_no", flat=True))
    assert back == {2, 3}
    assert batch.persons_rejected == 2
    assert set(batch.problems.exclude(row_no__in=back).values_list("effect", flat=True)) == {
        "FLAG", "NOTE",
    }  # fmt: skip


def test_hits_name_the_row_they_clash_with(stage: Stage) -> None:
    batch = stage([member(1), member(2), member(2)])
    told = dict(batch.problems.filter(rule="DUP10").values_list("row_no", "other_row"))
    assert told == {3: 4, 4: 3}
    quoted = {problem.value for problem in batch.problems.filter(rule="DUP10")}
    assert quoted == {"86310000000002"}


def test_settings_are_asked_once_for_a_judgement(
    stage: Stage, django_assert_max_num_queries: Any
) -> None:
    change("REQ01", is_enabled=False)
    with django_assert_max_num_queries(1):
        assert "REQ01" not in ruleset(2018)


@pytest.mark.unit
def test_changes_that_cannot_be_are_explained() -> None:
    def said(code: str, **more: Any) -> str:
        return "".join(complaints(RULES[code], RuleSetting(code=code, **more)))

    assert said("IMP08", is_enabled=False).startswith("该规则保证")
    assert "退回" in said("IMP08", effect=Effect.NOTE)
    assert "没有参数" in said("STR13", parameters={"m": 8})
    assert "写法" in said("STR13", parameters={"n": "八"})
    assert "写法" in said("STR13", parameters={"n": True})
    assert "写法" in said("STR09", parameters={"relations": "03"})
    assert "起始" in said("REQ01", first_year=2019, last_year=2018)
    assert not said("STR13", parameters={"n": 8}, effect=Effect.FLAG, is_enabled=False)
    assert not said("IDN11", parameters={"provinces": ["41"], "demonstration": []})


@pytest.mark.unit
def test_effect_that_a_rule_cannot_have_is_not_taken_over() -> None:
    changes = [
        RuleSetting(code="STR04", effect=Effect.BACK),
        RuleSetting(code="REQ01", effect=Effect.REFUSE, parameters={"strange": 1}),
        RuleSetting(code="DUP03"),
    ]
    active = effective(2018, changes)
    assert active["STR04"].effect == active["REQ01"].effect == Effect.FLAG
    assert "strange" not in active["REQ01"].parameters
    assert "DUP03" not in active
