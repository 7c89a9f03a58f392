"""Lists and head wordings that an administrator extends are used by the next import."""

from collections.abc import Callable

from households.models import CodeEntry, CodeSynonym, HouseholdYear, PersonYear
from imports.models import Batch, HeaderSynonym
from tests.workbooks import P2018, family

Load = Callable[..., Batch]


def rules(batch: Batch) -> set[str]:
    return set(batch.problems.filter(effect="BACK").values_list("rule", flat=True))


def test_new_entry_of_a_list_is_read_without_a_restart(load_rows: Load) -> None:
    rows = family(1, 致贫原因="因市场风险")
    assert rules(load_rows(rows)) == {"IMP06"}
    CodeEntry.objects.create(
        table="poverty_cause", code="X90", label="因市场风险", position=90, source="本市管理员"
    )
    assert not rules(load_rows(rows))
    assert HouseholdYear.objects.get().main_cause == "X90"


def test_new_wording_of_an_entry_is_read_without_a_restart(load_rows: Load) -> None:
    rows = family(1, 致贫原因="生病致贫")
    assert rules(load_rows(rows)) == {"IMP06"}
    CodeSynonym.objects.create(
        table="poverty_cause", label="生病致贫", code="01", source="本市管理员"
    )
    assert not rules(load_rows(rows))
    assert HouseholdYear.objects.get().main_cause == "01"


def test_new_answer_to_a_question_is_read_without_a_restart(load_rows: Load) -> None:
    headers, rows = [*P2018, "是否享受低保"], family(1, 是否享受低保="单人保")
    assert rules(load_rows(rows, headers=headers)) == {"IMP16"}
    CodeEntry.objects.create(
        table="dibao_type", code="X90", label="单人保", position=90, source="本市管理员"
    )
    assert not rules(load_rows(rows, headers=headers))
    assert set(PersonYear.objects.values_list("has_dibao", flat=True)) == {True}


def test_new_wording_of_a_head_is_read_without_a_restart(load_rows: Load) -> None:
    headers = ["家庭情况编码" if name == "户编号" else name for name in P2018]
    rows = [{**row, "家庭情况编码": row["户编号"]} for row in family(1)]
    for row in rows:
        row.pop("户编号")
    HeaderSynonym.objects.create(
        header="家庭情况编码", identifier="household_no", source="本市管理员"
    )
    assert load_rows(rows, headers=headers).counts("persons")["created"] == 2
