"""The rule catalogue asked of a staged file, in as few statements as there are ways of asking.

Hits land in the staging table of faults: row number (0 for the whole file), rule, column at fault,
and the row it clashes with where a rule compares rows. The table's comment keeps which rules held
and with which effect, so that what is saved of a judgement is what it went by.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from core import walls
from households.models import CodeEntry
from imports.catalog.columns import is_ours
from imports.catalog.plan import Plan
from imports.checks import Active, effective
from imports.checks.rule import (
    Check,
    Condition,
    EachColumn,
    Household,
    Late,
    Matched,
    Member,
    Row,
    Said,
    Select,
    Sql,
    Statement,
)
from imports.checks.staged import Staged
from imports.enums import Effect
from imports.models import Batch, RuleSetting
from imports.services.elsewhere import refuse_taken

BACK = (Effect.BACK, Effect.REFUSE)
_PARAMETER = re.compile(r"%\((\w+)\)s")
# As many conditions as fit a bigint are asked in one scan.
BITS = 62
# (condition, rule, column at fault, row it clashes with), all of them SQL.
Asked = tuple[str, str, str, str]


def ruleset(partition: int) -> dict[str, Active]:
    """The rules that hold in the year, by code, as the city has set them."""
    return effective(partition, RuleSetting.objects.all())


def find_faults(cursor: Any, plan: Plan, batch: Batch, values: dict[str, Any]) -> None:
    """Make the table of faults and ask everything that the file and the register can answer.

    Puts into `values` what later statements of the judgement need.
    """
    active = ruleset(batch.partition)
    values |= _values(batch, active)
    asking = _Asking(cursor, plan, active, values)
    cursor.execute(
        f"CREATE UNLOGGED TABLE {plan.faults}"
        f" (row_no integer, rule text, identifier text, other_row integer)"
    )
    kept = {code: one.effect.value for code, one in active.items()}
    cursor.execute(f"COMMENT ON TABLE {plan.faults} IS '{json.dumps(kept)}'")
    asking.words()
    asking.rows()
    asking.prepare("families", asking.staged.families)
    asking.households()
    asking.members()
    asking.prepare("twins", lambda _: asking.staged.twins())
    asking.statements(Statement)
    asking.drop("twins")
    refuse_taken(cursor, plan, values["partition"])
    collect_errors(cursor, plan, values)


def find_mistaken(cursor: Any, plan: Plan, values: dict[str, Any]) -> int:
    """Ask what can be told once rows are matched with persons; returns the number of hits."""
    asking = _Asking(cursor, plan, values["active"], values)
    asking.prepare("claims", lambda _: asking.staged.claims())
    hits = asking.statements(Matched)
    asking.drop("claims")
    return hits


def find_suspects(cursor: Any, plan: Plan, batch: Batch, values: dict[str, Any]) -> None:
    """Ask what can be told once it is decided what is written; nothing is sent back for it."""
    asking = _Asking(cursor, plan, values["active"], values)
    if not plan.has_entries:
        asking.statements(Late)
    asking.drop("families")


def collect_errors(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """Which rows are sent back: those with a hit that does so.

    A hit that speaks of a household takes all its rows along, one of the whole file takes all: each
    of them gets the hit too, so that whoever reads the problems finds every row that stays outside.
    """
    back = [code for code, one in values["active"].items() if one.effect in BACK]
    whole = [code for code in back if values["active"][code].rule.is_of_households]
    if whole and plan.has("household_no"):
        _take_households_along(cursor, plan, whole)
    _take_file_along(cursor, plan, back)
    cursor.execute(f"DROP TABLE IF EXISTS {plan.errors}")
    cursor.execute(
        f"CREATE UNLOGGED TABLE {plan.errors} AS SELECT DISTINCT row_no FROM {plan.faults}"
        f" WHERE rule = ANY(%(back)s) AND row_no > 0",
        {"back": back},
    )
    cursor.execute(f"ANALYZE {plan.errors}")


def _take_households_along(cursor: Any, plan: Plan, whole: list[str]) -> None:
    """Tell the other rows of a household what was told at one; `other_row` is the row told first."""
    cursor.execute(
        f"""
        INSERT INTO {plan.faults} (row_no, rule, identifier, other_row)
        SELECT r.row_no, told.rule, told.identifier, told.row_no
          FROM (SELECT h.household_no, f.rule, min(f.identifier) AS identifier,
                       min(f.row_no) AS row_no
                  FROM {plan.faults} f JOIN {plan.rows} h USING (row_no)
                 WHERE f.rule = ANY(%(whole)s) AND h.household_no <> '' GROUP BY 1, 2) AS told
          JOIN {plan.rows} r USING (household_no)
         WHERE NOT EXISTS (SELECT FROM {plan.faults} own
                            WHERE own.row_no = r.row_no AND own.rule = told.rule)
        """,
        {"whole": whole},
    )


def _take_file_along(cursor: Any, plan: Plan, back: list[str]) -> None:
    """Tell every row what was told of the file; no cell of theirs is at fault."""
    cursor.execute(
        f"SELECT DISTINCT rule FROM {plan.faults} WHERE row_no = 0 AND rule = ANY(%(back)s)",
        {"back": back},
    )
    for (rule,) in cursor.fetchall():
        cursor.execute(
            f"INSERT INTO {plan.faults} (row_no, rule, identifier)"
            f" SELECT r.row_no, %(rule)s, '' FROM {plan.rows} r WHERE NOT EXISTS"
            f" (SELECT FROM {plan.faults} own WHERE own.row_no = r.row_no AND own.rule = %(rule)s)",
            {"rule": rule},
        )


def _values(batch: Batch, active: dict[str, Active]) -> dict[str, Any]:
    """What statements may name: facts of the batch, and every rule's parameters under its code."""
    values: dict[str, Any] = {
        "active": active,
        "batch": batch.pk,
        "prefix": batch.region_prefix,
        "sha256": batch.sha256,
        "corrects": batch.corrects_id is not None,
        "unknown": [
            f"#{at}"
            for at, (header, identifier) in enumerate(batch.header_map)
            if header and not identifier and not is_ours(header)
        ],
    }
    relations = CodeEntry.objects.filter(table="relation_to_head")
    for sex, name in (("M", "male_relations"), ("F", "female_relations")):
        fitting = relations.filter(facts__expected_sex=sex).order_by("code")
        values[name] = list(fitting.values_list("code", flat=True))
    for code, one in active.items():
        values |= {f"{code}.{name}": value for name, value in one.parameters.items()}
    return values


class _Asking:
    """One file, the rules that hold, and the table their hits go to."""

    def __init__(
        self, cursor: Any, plan: Plan, active: dict[str, Active], values: dict[str, Any]
    ) -> None:
        self.cursor, self.plan, self.values = cursor, plan, values
        self.staged = Staged(plan)
        self.checks = [
            (one, check)
            for one in active.values()
            for check in one.rule.checks
            if one.rule.applies(check, self.staged)
        ]

    def words(self) -> None:
        """What the parsing child said of cells."""
        said = [
            (word, one.rule.code)
            for one, check in self.checks
            if isinstance(check, Said)
            for word in check.words
        ]
        self._tell(
            f"""
            SELECT DISTINCT r.row_no, w.rule, split_part(said, ':', 1), NULL::int
              FROM {self.plan.rows} r
             CROSS JOIN LATERAL regexp_split_to_table(rtrim(r.faults, ';'), ';') AS said
              JOIN unnest(%(words)s::text[], %(said)s::text[]) AS w (word, rule)
                ON w.word = split_part(said, ':', 2)
             WHERE r.faults <> ''
            """,
            {"words": [word for word, _ in said], "said": [code for _, code in said]},
        )

    def rows(self) -> None:
        """Conditions on single rows: a city is read once for all of them."""
        asked = list(self._of(Row, "r")) + list(self._of_columns())
        if not asked:
            return
        places = ""
        if any("p." in condition for condition, *_ in asked):
            places = f" LEFT JOIN {self.plan.places} p USING (county, town, village)"
        self._scan(asked, "r.row_no", f"{self.plan.rows} r{places}")

    def households(self) -> None:
        if asked := list(self._of(Household, "f")):
            self._scan(asked, "f.row_no", f"{self.staged.table('families')} f")

    def members(self) -> None:
        if asked := list(self._of(Member, "r")):
            families = self.staged.table("families")
            self._scan(
                asked, "r.row_no", f"{self.plan.rows} r JOIN {families} f USING (household_no)"
            )

    def statements(self, kind: type[Select]) -> int:
        hits = 0
        for one, check in self.checks:
            if isinstance(check, kind):
                sql = self._sql(one, check.sql, "r")
                hits += self._tell(
                    f"SELECT s.row_no, '{one.rule.code}', s.name, s.other"
                    f" FROM ({sql}) AS s (row_no, name, other)"
                )
        return hits

    def prepare(self, word: str, select: Callable[[list[str]], str]) -> None:
        """Make a table that several rules ask, if any of them is asked."""
        asked = [sql for sql in self._all_sql() if self.staged.table(word) in sql]
        if word == "families":
            asked = [sql for sql in self._all_sql() if re.search(r"\bf\.", sql)]
        if not asked:
            return
        table = self.staged.table(word)
        walls.drop_scratch(table)
        self.cursor.execute(f"CREATE UNLOGGED TABLE {table} AS {select(asked)}", self.values)
        columns = " (household_no, row_no)" if word == "families" else ""
        self.cursor.execute(f"ANALYZE {table}{columns}")

    def drop(self, word: str) -> None:
        self.cursor.execute(f"DROP TABLE IF EXISTS {self.staged.table(word)}")

    def _scan(self, asked: list[Asked], row_no: str, source: str) -> None:
        """Every condition is a bit of a number per row; what a bit stands for is looked up after.

        Asking each condition again for the rows that break one costs more than the whole scan.
        """
        others = sorted({other for *_, other in asked})
        columns = ", ".join(f"{other} AS other_{at}" for at, other in enumerate(others))
        for start in range(0, len(asked), BITS):
            some = asked[start : start + BITS]
            bits = " | ".join(
                f"CASE WHEN {condition} THEN {1 << at}::bigint ELSE 0 END"
                for at, (condition, *_) in enumerate(some)
            )
            told = ", ".join(
                f"({1 << at}::bigint, '{rule}', '{name}', {others.index(other)})"
                for at, (_, rule, name, other) in enumerate(some)
            )
            which = " ".join(f"WHEN {at} THEN h.other_{at}" for at in range(len(others)))
            self._tell(
                f"SELECT h.row_no, told.rule, told.name, CASE told.other {which} END"
                f" FROM (SELECT {row_no} AS row_no, {bits} AS broken, {columns} FROM {source}"
                f" OFFSET 0) AS h JOIN (VALUES {told}) AS told (bit, rule, name, other)"
                f" ON h.broken & told.bit <> 0 WHERE h.broken <> 0"
            )

    def _tell(self, select: str, more: dict[str, Any] | None = None) -> int:
        self.cursor.execute(
            f"INSERT INTO {self.plan.faults} (row_no, rule, identifier, other_row) {select}",
            self.values | (more or {}),
        )
        return int(self.cursor.rowcount)

    def _of(self, kind: type[Condition], row: str) -> Iterator[Asked]:
        for one, check in self.checks:
            if isinstance(check, kind):
                other = check.other if isinstance(check, Member) else "NULL::int"
                condition = self._sql(one, check.condition, row)
                name = one.rule.blamed(check, self.staged)
                yield f"({condition})", one.rule.code, name, other

    def _of_columns(self) -> Iterable[Asked]:
        for one, check in self.checks:
            if isinstance(check, EachColumn):
                for sql, name in check.conditions(self.staged):
                    yield f"({self._sql(one, sql, 'r')})", one.rule.code, name, "NULL::int"

    def _sql(self, one: Active, sql: Sql, row: str) -> str:
        """The rule's SQL for this file, its parameters under names that no other rule has."""
        text = sql if isinstance(sql, str) else sql(self.staged)

        def named(found: re.Match[str]) -> str:
            name = found[1]
            return f"%({one.rule.code}.{name})s" if name in one.parameters else found[0]

        return _PARAMETER.sub(named, self.staged.expand(text, row))

    def _all_sql(self) -> Iterator[str]:
        for one, check in self.checks:
            if (sql := _told_in(check)) is not None:
                yield self._sql(one, sql, "f" if isinstance(check, Household) else "r")


def _told_in(check: Check) -> Sql | None:
    if isinstance(check, Condition):
        return check.condition
    return check.sql if isinstance(check, Select) else None
