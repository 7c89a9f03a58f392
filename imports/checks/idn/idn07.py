"""无身份证号（占位号）。

A number that stands for having none: 999999 in front, or five nines in the region's place.

The person is known by the person's number alone; the placeholder is never matched.
"""

from imports.checks.rule import Rule, Said
from imports.enums import Severity

RULE = Rule(
    code="IDN07",
    scope="person",
    severity=Severity.ERROR,
    message="无身份证号（占位号）",
    remedy="取得证件后更正。",
    source="Gzuwkj/fuping:rules/4_01_003.py ; public-code index 23669061269",
    checks=(Said(words=("no_number", "nines")),),
)
