"""What the file claims although it is registered beyond the reach of whoever loads it.

Row security hides those rows from the comparison, so they would look new and break a unique key at
the end. The database is asked by a function that tells only whether a number is taken.
"""

from typing import Any

from core import walls
from imports.catalog.plan import Plan

RULE = "DUP11"


def refuse_taken(cursor: Any, plan: Plan, partition: int) -> None:
    """Add a fault to every row whose household, person or document number is taken elsewhere.

    Rows of a supplement claim no number: one from elsewhere is as unknown as one that is nowhere.
    """
    if plan.is_joined or not walls.is_partial():
        return
    values = {"partition": partition}
    cursor.execute(
        f"INSERT INTO {plan.faults} (row_no, rule, identifier)"
        f" SELECT row_no, '{RULE}', 'household_no' FROM {plan.rows}"
        f" WHERE household_no IN (SELECT * FROM public.households_elsewhere("
        f" (SELECT array_agg(DISTINCT household_no::text) FROM {plan.rows}), %(partition)s))",
        values,
    )
    if not plan.has_persons:
        return
    cursor.execute(
        f"INSERT INTO {plan.faults} (row_no, rule, identifier)"
        f" SELECT row_no, '{RULE}', 'person_no' FROM {plan.rows}"
        f" WHERE person_no IN (SELECT * FROM public.persons_elsewhere("
        f" (SELECT array_agg(DISTINCT person_no::text) FROM {plan.rows}), %(partition)s))",
        values,
    )
    if plan.has("id_no"):
        cursor.execute(
            f"INSERT INTO {plan.faults} (row_no, rule, identifier)"
            f" SELECT row_no, '{RULE}', 'id_no' FROM {plan.rows}"
            f" WHERE id_no__index IN (SELECT * FROM public.documents_elsewhere("
            f" (SELECT array_agg(DISTINCT id_no__index) FROM {plan.rows})))",
            values,
        )
