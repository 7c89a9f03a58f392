"""同户各行的户信息不一致。

Rows of persons tell facts of their household besides, and those of one household differ.

What its first row tells is written. A blank tells nothing and differs from nothing.
"""

from households.models import HouseholdYear
from imports.checks.rule import Rule, Statement
from imports.checks.staged import Staged
from imports.enums import Severity


def _differing(staged: Staged) -> str:
    """Households with two different words for a fact are few; only their rows are compared."""
    # Sealed with a salt of its own, one text is never like another.
    names = [fact.identifier for fact in staged.plan.columns(HouseholdYear) if not fact.is_salted]
    if not names:
        return "SELECT NULL::int, '', NULL::int WHERE false"
    told = {name: f"nullif(nullif(r.{name}::text, ''), '{{}}')" for name in names}
    odd = " OR ".join(f"min({one}) IS DISTINCT FROM max({one})" for one in told.values())
    values = ", ".join(f"('{name}', {one})" for name, one in told.items())
    return f"""
        SELECT row_no, name, first_row FROM (
            SELECT r.row_no, t.name, t.value,
                   first_value(t.value) OVER first AS first_value,
                   first_value(r.row_no) OVER first AS first_row
              FROM @rows r
              JOIN (SELECT r.household_no FROM @rows r WHERE r.household_no <> ''
                     GROUP BY 1 HAVING {odd}) AS odd USING (household_no)
             CROSS JOIN LATERAL (VALUES {values}) AS t (name, value)
             WHERE t.value IS NOT NULL
            WINDOW first AS (PARTITION BY household_no, t.name ORDER BY r.row_no)
        ) AS said WHERE value <> first_value
    """


RULE = Rule(
    code="IMP27",
    scope="household",
    severity=Severity.ERROR,
    message="同户各行的户信息不一致",
    remedy="同一户的各行应填写相同的户信息；现按该户最先出现的一行写入。",
    source="derived",
    checks=(Statement(of="joined persons", sql=_differing),),
)
