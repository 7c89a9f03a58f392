"""户主信息与家庭成员表不一致。

The household names another head than the member who is its head.
"""

from imports.checks.rule import Household, Late, Rule
from imports.checks.staged import Staged
from imports.enums import Severity


def _in_file(staged: Staged) -> str:
    told = []
    if staged.has("head_name"):
        told.append("f.head_name NOT IN ('', f.name)")
    if staged.has("head_id_no") and staged.has("id_no"):
        told.append("f.head_id_no__index <> f.id_no__index")
    return f"f.heads = 1 AND ({' OR '.join(told) or 'false'})"


def _in_register(staged: Staged) -> str:
    told = []
    if staged.has("head_name"):
        told.append("r.head_name NOT IN ('', n.name)")
    if staged.has("head_id_no"):
        told.append("r.head_id_no__index <> n.id_index")
    return f"""
        SELECT k.row_no, '{"head_name" if staged.has("head_name") else "head_id_no"}', NULL::int
          FROM @households k JOIN @rows r USING (row_no)
          JOIN households_personyear y ON y.household_id = k.household_id
           AND y.partition_id = %(partition)s AND y.relation_to_head = %(head)s
          JOIN households_person n ON n.id = y.person_id
         WHERE {" OR ".join(told)}
    """


RULE = Rule(
    code="IDN14",
    scope="household",
    severity=Severity.ERROR,
    message="户主信息与家庭成员表不一致",
    remedy="核对户主姓名、户主证件号码与成员中“户主”一行。",
    source="derived",
    needs=("head_name|head_id_no",),
    checks=(
        Household(of="members", needs=("relation_to_head",), condition=_in_file),
        Late(of="households", sql=_in_register),
    ),
)
