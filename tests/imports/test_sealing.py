"""What an import leaves in the database tells no number, telephone, account or illness of anybody."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from core import vault
from core.acting import acting
from households.models import HouseholdYear, Person, PersonYear
from imports import services
from imports.catalog.plan import Plan
from imports.models import Batch, Problem
from imports.queries import change_rows, problem_rows
from imports.services import problems
from imports.services.rotating import KeysUnsettledError
from imports.services.sealing import SealedRows, raw_rows
from tests.workbooks import H2022F, P2018, family, id_number, member

Load = Callable[..., Batch]

pytestmark = pytest.mark.django_db

PHONE, NEW_PHONE, LANDLINE = "19911112222", "19933334444", "66318899"
ACCOUNT, LONG_ACCOUNT = "9900123400000000999", "9900123400000000999000000000000"
WRONG_NUMBER = id_number(51)[:17] + "A"
PLACEHOLDER = "999999201801010099"
ILLNESS = "怪病甲乙丙"


def dump() -> str:
    """Every row of every table as a dump would write it: text, jsonb, and bytes in hexadecimal."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', nspname, relname) FROM pg_class"
            " JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition"
            " AND nspname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += [f"{table} {row}" for (row,) in cursor.fetchall()]
    return "\n".join(found)


def leaks(*secrets: str) -> list[str]:
    text = dump()
    assert "households_personyear " in text
    return [one for one in secrets if one in text or one.encode().hex() in text]


def test_nothing_plain_stays_behind(load_rows: Load, stage: Load) -> None:
    load_rows([
        *family(1, 联系电话=PHONE, 健康状况="残疾、长期慢性病"),
        member(3, 2, 证件号码=id_number(3) + "42", 健康状况="残疾"),
        member(5, 3, 证件号码=PLACEHOLDER, 人数="1"),
        # Rows that come back, with a number in the wrong column among them.
        member(51, 4, 证件号码=WRONG_NUMBER), member(53, 5, 联系电话=LANDLINE, 务工时间=id_number(53)),
        member(55, 6, 健康状况=ILLNESS), member(57, 7, 网格员=id_number(58)),
    ])  # fmt: skip
    load_rows(family(1, 联系电话=NEW_PHONE, 健康状况="健康"))
    load_rows([
        {"省": "河南省", "市": "洛阳市", "县": "栾川县", "乡": "城关镇", "村": "陈家门村",
         "户编号": f"8630000000000{number}", "年度": "2018", "银行卡号": account,
         "户主证件号码": id_number(1)}
        for number, account in ((1, ACCOUNT), (2, LONG_ACCOUNT))
    ], headers=H2022F)  # fmt: skip
    with acting(by=None, reason="改电话"):
        year = HouseholdYear.objects.get(household__household_no="86300000000001")
        year.phone = PHONE
        year.save()
        person = PersonYear.objects.get(person__person_no="86310000000001")
        person.disability_type, person.member_phone = ILLNESS, PHONE
        person.save()
        PersonYear.objects.filter(pk=person.pk).update(disability_type="", health_status=["02"])
    stage(family(1, 联系电话="19955556666"))
    assert year.phone == PHONE
    assert {WRONG_NUMBER, LANDLINE, ILLNESS, LONG_ACCOUNT} <= {
        problem.value for problem in Problem.objects.all()
    }
    assert leaks(
        id_number(1), id_number(2), id_number(3), id_number(53), id_number(58), WRONG_NUMBER,
        PLACEHOLDER, PHONE, NEW_PHONE, "19955556666", LANDLINE, ACCOUNT, LONG_ACCOUNT, ILLNESS,
        "{04,02}",
    ) == []  # fmt: skip


def test_a_dump_would_show_what_is_plain(load_rows: Load) -> None:
    """The search above finds what is there."""
    load_rows(family(1))
    assert leaks("何梅德", "86310000000001", "nobody") == ["何梅德", "86310000000001"]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE staging.canary AS SELECT %s::bytea AS b", [PHONE.encode()])
    assert leaks(PHONE) == [PHONE]


def _raw(model: Any, column: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table} ORDER BY id")
        return [cell and bytes(cell) for (cell,) in cursor.fetchall()]


def test_what_may_be_compared_and_what_may_not(load_rows: Load) -> None:
    load_rows([*family(1, 联系电话=PHONE), *family(2, 联系电话=PHONE)])
    first, second = _raw(HouseholdYear, "phone")
    assert first == second
    health = _raw(PersonYear, "health_status")
    assert len(set(health)) == len(health) == 4
    assert len({len(blob) for blob in health}) == 1
    assert [one.health_status for one in PersonYear.objects.all()] == [["01"]] * 4
    with pytest.raises(vault.SealError):
        vault.open_sealed("bank_account", first)


def test_equal_rows_stay_equal_after_a_save(load_rows: Load) -> None:
    """A row saved by hand carries the same salt as one that was imported."""
    load_rows(family(1, 健康状况="残疾"))
    for row in PersonYear.objects.select_related("person"):
        row.save()
    for one in Person.objects.all():
        one.save()
    batch = load_rows(family(1, 健康状况="残疾"))
    assert batch.counts("persons")["unchanged"] == 2
    assert batch.changed_fields == {}


def test_indexes_follow_the_number(load_rows: Load) -> None:
    load_rows([member(1, 1, 证件号码=id_number(1) + "42"), member(2, 1, 证件号码=PLACEHOLDER)])

    def indexes() -> list[Any]:
        found = Person.objects.order_by("person_no").values_list("id_index", "id_tail")
        return [(index and bytes(index), tail) for index, tail in found]

    first = (vault.index("id_no", id_number(1)), vault.tail("id_no.tail", id_number(1)[14:]))
    assert indexes() == [first, (None, None)]
    person = Person.objects.get(person_no="86310000000002")
    person.id_no = id_number(2)
    person.save()
    assert indexes()[1][0] == vault.index("id_no", id_number(2))
    Person.objects.filter(pk=person.pk).update(id_no="")
    assert indexes() == [first, (None, None)]
    person.id_no = id_number(3)
    with pytest.raises(TypeError, match="indexes"):
        Person.objects.bulk_update([person], ["id_no"])
    with pytest.raises(ValueError, match="shape"):
        Person.objects.update(id_no="不是号码")
    with pytest.raises(ValueError, match="longer"):
        HouseholdYear.objects.update(bank_account="1" * 31)


def test_number_tells_birth_date_sex_and_kind(load_rows: Load) -> None:
    rows = [member(1, 1, 证件号码=id_number(1, "19650203")), member(2, 1, 证件号码=id_number(2) + "41"),
            member(4, 1, 证件号码=PLACEHOLDER)]  # fmt: skip
    load_rows(rows)
    told = Person.objects.order_by("person_no").values_list("birth_date", "sex", "id_type")
    assert [(born and born.isoformat(), sex, kind) for born, sex, kind in told] == [
        ("1965-02-03", "01", "01"), ("1970-01-01", "02", "09"), (None, "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "rule"),
    [
        ({"性别": "女"}, "IDN09"),
        ({"出生日期": "1971-01-01"}, "IDN10"),
        ({"联系电话": "6631"}, "IDN15"),
    ],
)
def test_suspects_are_still_told(load_rows: Load, extra: dict[str, str], rule: str) -> None:
    batch = load_rows([member(1, 1, **extra), member(2, 1)])
    assert (2, rule) in batch.problems.values_list("row_no", "rule")
    assert batch.persons_created == 2


def test_preview_shows_masked_values(load_rows: Load, stage: Load) -> None:
    load_rows(family(1, 联系电话=PHONE))
    batch = stage([
        member(1, 1, 联系电话=NEW_PHONE, 健康状况="残疾"), member(2, 1, 联系电话=NEW_PHONE),
        member(3, 2, 姓名=f"何{id_number(9)}", 危房户="不详", 务工时间=id_number(8)),
    ])  # fmt: skip
    shown = str(change_rows(batch)) + str(problem_rows(batch))
    assert "联系电话" in shown
    assert "健康状况" in shown
    assert "*******" in shown
    for secret in (PHONE, NEW_PHONE, id_number(1), id_number(8), id_number(9), "残疾"):
        assert secret not in shown


def test_rows_are_found_in_their_blocks(stage: Load) -> None:
    batch = stage([*family(1), *family(2)])
    plan = Plan.of_batch(batch)
    assert dict(raw_rows(plan, {3, 5, 99})).keys() == {3, 5}
    name = P2018.index("姓名")
    assert {cells[name] for _, cells in raw_rows(plan, {2, 3, 4, 5})} == {"何梅德"}


@pytest.mark.parametrize(
    "said",
    [b"x y\n", b"5\n", b"1 99999999999\n", b"-1 5\n", b"3 3\nabcab", b"9" * 100, b"2 4\na\na\tb\n"],
)
def test_child_that_breaks_the_protocol_is_noticed(stage: Load, said: bytes) -> None:
    """A parser that was taken over can hand over rubbish, and nothing else happens."""
    plan = Plan.of_batch(stage(family(1)))
    rows = SealedRows(io.BytesIO(said), plan, lambda *_: None, 0)
    assert rows.read(8192) == b""
    assert rows.refusal
    assert rows.refusal.code == "parser"


def test_staged_rows_of_other_keys_are_not_written(stage: Load, settings: Any) -> None:
    batch = stage(family(1))
    assert services.is_staged(batch)
    settings.FIELD_KEYS = vault.with_new_key(vault.ring()).written()
    assert not services.is_staged(batch)
    with pytest.raises(KeysUnsettledError, match="密钥"), acting(by=None):
        services.apply(batch=batch)


def test_faults_are_kept_block_by_block(stage: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held of a row but the cells that are blamed, and of no more rows than are saved at once."""
    monkeypatch.setattr(problems, "PROBLEM_BATCH", 4)
    asked: list[set[int]] = []

    def watched(plan: Plan, row_nos: set[int], starts: Any = None) -> Any:
        assert starts is not None
        asked.append(row_nos)
        return raw_rows(plan, row_nos, starts)

    monkeypatch.setattr(problems, "raw_rows", watched)
    batch = stage([
        member(serial, serial, 危房户=f"不详{serial}", 务工时间=f"{serial}个多月") for serial in range(1, 10)
    ])  # fmt: skip
    told = batch.problems.filter(effect="BACK").order_by("row_no", "identifier")
    assert [(one.row_no, one.value) for one in told if one.header == "危房户"] == [
        (serial + 1, f"不详{serial}") for serial in range(1, 10)
    ]
    assert [(one.row_no, one.value) for one in told if one.header == "务工时间"] == [
        (serial + 1, f"{serial}个多月") for serial in range(1, 10)
    ]
    assert len(asked) > 3
    assert max(map(len, asked)) <= 4
    assert [min(rows) for rows in asked] == sorted(min(rows) for rows in asked)
