"""疑似恶意分户或重复建户。

Two households of one village whose heads bear one name, or that live at one address.

An address that more than {most} households share is a hamlet's and says nothing. A shared member
is DUP01's.
"""

from imports.checks.rule import Rule, Statement
from imports.checks.staged import Staged
from imports.enums import Severity


def _same_head(staged: Staged) -> str:
    own = staged.is_of("members") or not staged.has("head_name")
    name = "name" if own else "head_name"
    headed = "heads > 0 AND " if staged.is_of("members") else ""
    return f"""
        SELECT f.row_no, '{name}', CASE WHEN f.row_no = s.first THEN s.last ELSE s.first END
          FROM @families f
          JOIN (SELECT county, town, village, {name}, min(row_no) AS first, max(row_no) AS last
                  FROM @families WHERE {headed}{name} <> '' GROUP BY 1, 2, 3, 4
                HAVING count(*) > 1) AS s
            ON (s.county, s.town, s.village, s.{name}) = (f.county, f.town, f.village, f.{name})
         WHERE {headed}f.row_no > 0
    """


RULE = Rule(
    code="DUP07",
    scope="household",
    severity=Severity.SUSPECT,
    message="疑似恶意分户或重复建户",
    remedy="入户核实是否为一户分作两户登记。",
    source="m.2word.com id=622166 ; derived",
    parameters={"most": 3},
    needs=("village_code|region_code", "household_no"),
    checks=(
        Statement(
            of="full", needs=("relation_to_head|head_name", "name|head_name"), sql=_same_head
        ),
        Statement(
            of="full",
            needs=("address",),
            sql="""
                SELECT f.row_no, 'address',
                       CASE WHEN f.row_no = s.first THEN s.last ELSE s.first END
                  FROM @families f
                  JOIN (SELECT county, town, village, address,
                               min(row_no) AS first, max(row_no) AS last
                          FROM @families WHERE address <> '' GROUP BY 1, 2, 3, 4
                        HAVING count(*) BETWEEN 2 AND %(most)s) AS s
                    ON (s.county, s.town, s.village, s.address)
                     = (f.county, f.town, f.village, f.address)
            """,
        ),
    ),
)
