"""Which rows of the register a written batch created or changed, as SQL on its touches."""

from django.db import models

from households.models import Household, HouseholdYear, Person, PersonYear, WorkSpell
from imports.enums import Target
from villages.models import VillageYear

MODELS: dict[Target, type[models.Model]] = {
    Target.HOUSEHOLD: Household,
    Target.HOUSEHOLD_YEAR: HouseholdYear,
    Target.PERSON: Person,
    Target.PERSON_YEAR: PersonYear,
    Target.WORK_SPELL: WorkSpell,
    Target.VILLAGE_YEAR: VillageYear,
}
# Whose creation stands for that of their row in the batch's year.
_IMPLIED = {
    Target.HOUSEHOLD_YEAR: (Target.HOUSEHOLD, "households_householdyear", "household_id"),
    Target.PERSON_YEAR: (Target.PERSON, "households_personyear", "person_id"),
}


def touched_rows(target: Target, verdict: str = "") -> str:
    """SELECT of `row_id`; wants the parameters `batch` and `partition`. `verdict` C or U, or both."""
    kept = f" AND verdict = '{verdict}'" if verdict else ""
    found = (
        f"SELECT row_id FROM imports_touch"
        f" WHERE batch_id = %(batch)s AND target = '{target.value}'{kept}"
    )
    if target in _IMPLIED and verdict != "U":
        identity, table, key = _IMPLIED[target]
        found += (
            f" UNION ALL SELECT y.id FROM imports_touch t JOIN {table} y ON y.{key} = t.row_id"
            f" AND y.partition_id = %(partition)s WHERE t.batch_id = %(batch)s"
            f" AND t.target = '{identity.value}' AND t.verdict = 'C'"
        )
    return found
