"""What rules may ask of a staged file, and the words they ask in.

SQL of rules speaks of `r` (a row), `p` (its place) and `f` (its household), and uses these words:

`@blank(x)`   the cell of column x is empty; false where the file has no such column, or where
              something stood in the cell that could not be read
`@value(x)`   the text in column x, '' where the file has no such column
`@age`        years completed on 31 December of the year
`@born`, `@sex`  as the document number tells, else as the file says
`@rows`, `@places`, `@families`, `@twins`, `@matched`, `@claims`, `@households`, `@persons`  tables

Households (`f`, in @families): household_no, row_no of the row that speaks for it (the head's, else
the first), rows, members (rows that name a person), heads, last_head (row number), spouses, eldest
(birth date), births (how many are known), head_born, head_sex, and any column of the speaking row.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from households.catalog import FieldFact
from households.enums import HEAD
from imports.enums import Grain

if TYPE_CHECKING:
    from imports.catalog.plan import Plan

SPOUSE = "02"

_WORD = re.compile(r"@(\w+)(?:\((\w+)\))?")
_OF_HOUSEHOLD = re.compile(r"\bf\.(\w+)")
# What a household's rows add up to; other columns of `f` are those of the speaking row.
_COUNTED = (
    "household_no", "row_no", "rows", "members", "heads", "last_head", "spouses", "eldest", "births",
    "head_born", "head_sex", "faults", "county", "town", "village",
)  # fmt: skip


class Staged:
    """A staged file: which columns it has, what its rows are, where its tables stand."""

    def __init__(self, plan: "Plan") -> None:
        self.plan = plan

    def has(self, name: str) -> bool:
        plan = self.plan
        return plan.has(name) or name in plan.regions or name in plan.confirming

    def meets(self, need: str) -> bool:
        """Whether one of the columns in "a|b" is there."""
        return any(map(self.has, need.split("|")))

    def is_of(self, kind: str) -> bool:
        """Whether the rows are of this kind (see `Check.of`)."""
        plan = self.plan
        kinds = {
            "": True,
            "members": plan.lists_members,
            "persons": plan.has_persons,
            "households": plan.grain in (Grain.HOUSEHOLD, Grain.HEAD, Grain.JOINED_HOUSEHOLD),
            "full": plan.grain in (Grain.PERSON, Grain.HOUSEHOLD, Grain.HEAD),
            "placed": not plan.is_joined,
            "joined persons": plan.grain == Grain.JOINED_PERSON,
        }
        return kinds[kind]

    @property
    def facts(self) -> Iterable[FieldFact]:
        """The mapped columns of the register."""
        known = self.plan.known
        return [known[name] for name in self.plan.identifiers]

    def expand(self, sql: str, row: str = "r") -> str:
        """The SQL with our words put into PostgreSQL's; `row` is what a bare column belongs to."""

        def put(found: re.Match[str]) -> str:
            word, name = found[1], found[2]
            if word in ("blank", "value"):
                return getattr(self, f"_{word}")(row, name)
            if word in ("age", "born", "sex"):
                return getattr(self, f"_{word}")(row)
            return self.table(word)

        return _WORD.sub(put, sql)

    def table(self, word: str) -> str:
        """Where a table of the batch stands; those of the rules alone are dropped after use."""
        plan = self.plan
        tables = {
            "rows": plan.rows,
            "places": plan.places,
            "households": plan.households,
            "persons": plan.persons,
            "matched": f"{plan.persons}_m",
            "families": f"staging.{plan.stage}_f",
            "twins": f"staging.{plan.stage}_t",
            "claims": f"staging.{plan.stage}_c",
        }
        return tables[word]

    def _blank(self, row: str, name: str) -> str:
        if not self.has(name):
            return "false"
        fact = self.plan.known.get(name)
        column = f"{row}.{name}"
        if fact is not None and (fact.is_sealed or fact.kind in _NULL_KINDS):
            empty = f"{column} IS NULL"
        elif fact is not None and fact.kind == "codes":
            empty = f"cardinality({column}) = 0"
        else:
            empty = f"{column} = ''"
        # A cell that could not be read was not empty, and another rule tells about it.
        unread = f"({row}.faults <> '' AND ';' || {row}.faults ~ ';{name}:(?!blanks)')"
        return f"({empty} AND NOT {unread})"

    def _value(self, row: str, name: str) -> str:
        return f"{row}.{name}" if self.has(name) else "''"

    def _born(self, row: str) -> str:
        told = [f"{row}.id_no__born"] if self.plan.has("id_no") else []
        told += [f"{row}.birth_date"] if self.plan.has("birth_date") else []
        return f"coalesce({', '.join(told)})" if told else "NULL::date"

    def _age(self, row: str) -> str:
        return f"(%(partition)s - date_part('year', {self._born(row)})::int)"

    def _sex(self, row: str) -> str:
        told = [f"nullif({row}.sex, '')"] if self.plan.has("sex") else []
        told += [f"nullif({row}.id_no__sex, '')"] if self.plan.has("id_no") else []
        return f"coalesce({', '.join(told)})" if told else "NULL::text"

    # --- tables that several rules ask ----------------------------------------------------------

    def families(self, asked: Iterable[str]) -> str:
        """SELECT of @families: a city's rows grouped once; `asked` is the SQL that speaks of `f`."""
        wanted = {name for sql in asked for name in _OF_HOUSEHOLD.findall(sql)} - set(_COUNTED)
        own = "".join(f", r.{name}" for name in sorted(wanted))
        relation = self.plan.has("relation_to_head")
        is_head = f"relation_to_head = '{HEAD}'" if relation else "false"
        is_spouse = f"relation_to_head = '{SPOUSE}'" if relation else "false"
        named = [f"{name} <> ''" for name in ("person_no", "name") if self.plan.has(name)]
        born = self._born("r")
        chosen = (
            f"CASE WHEN {is_head} THEN row_no - 100000000 ELSE row_no END" if relation else "row_no"
        )
        return f"""
            WITH grouped AS (
                SELECT household_no, min({chosen}) AS chosen, count(*)::int AS rows,
                       count(*) FILTER (WHERE {" OR ".join(named) or "true"})::int AS members,
                       count(*) FILTER (WHERE {is_head})::int AS heads,
                       max(row_no) FILTER (WHERE {is_head}) AS last_head,
                       count(*) FILTER (WHERE {is_spouse})::int AS spouses,
                       min({born}) AS eldest, count({born})::int AS births
                  FROM {self.plan.rows} r WHERE household_no <> '' GROUP BY household_no
            )
            SELECT g.household_no, r.row_no, g.rows, g.members, g.heads, g.last_head, g.spouses,
                   g.eldest, g.births, CASE WHEN g.heads > 0 THEN {born} END AS head_born,
                   CASE WHEN g.heads > 0 THEN {self._sex("r")} END AS head_sex,
                   r.faults, r.county, r.town, r.village{own}
              FROM grouped g
              JOIN {self.plan.rows} r
                ON r.row_no = CASE WHEN g.chosen < 0 THEN g.chosen + 100000000 ELSE g.chosen END
        """

    def twins(self) -> str:
        """SELECT of @twins: rows whose document number stands in another row too.

        `county` is '' where the place is not known.
        """
        county, join = "''", ""
        if self.has("village_code"):
            county = "coalesce(left(p.village_code, 6), '')"
            join = f"LEFT JOIN {self.plan.places} p USING (county, town, village)"
        return f"""
            SELECT r.row_no, r.id_no__index AS number, {county} AS county,
                   r.id_no__is_certificate AS is_certificate
              FROM {self.plan.rows} r
              JOIN (SELECT id_no__index FROM {self.plan.rows} WHERE id_no__index IS NOT NULL
                     GROUP BY 1 HAVING count(*) > 1) AS twice USING (id_no__index)
              {join}
        """

    def claims(self) -> str:
        """SELECT of @claims: rows whose document number is registered for somebody else.

        Somebody else is a member of another household this year, or another person than the one
        with the row's number. `same_county` compares where both live.
        """
        return f"""
            SELECT m.row_no, left(y.village_code, 6) = left(m.village_code, 6) AS same_county
              FROM {self.table("matched")} m
              JOIN households_personyear y ON y.person_id = m.matched
               AND y.partition_id = %(partition)s AND y.household_id <> m.household_id
             WHERE m.by_number
            UNION ALL
            SELECT m.row_no, left(o.village_code, 6) = left(m.village_code, 6)
              FROM {self.table("matched")} m JOIN {self.plan.rows} r USING (row_no)
              JOIN households_person o ON o.id_index = r.id_no__index AND o.id <> m.matched
             WHERE NOT m.by_number
        """


_NULL_KINDS = ("yes_no", "amount", "whole", "day")
