"""What problems of the demo city are made of: places with what can be wrong there, a scan, a name."""

from collections import defaultdict
from io import BytesIO
from random import Random
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from imports.demo.names import SURNAMES
from imports.demo.problem_words import CADRE, Fact
from inspections.enums.findings import ObjectKind
from villages.models import Region

DUE_SOURCE = "演示整改方案"
_TITLES = ("局长", "副局长", "主任", "镇长", "副镇长")


def duty(draw: Random) -> str:
    """Somebody who answers for an office; invented."""
    return f"{draw.choice(SURNAMES)}{draw.choice(_TITLES)}"


def scanned() -> SimpleUploadedFile:
    """A sheet of grey paper."""
    out = BytesIO()
    Image.new("RGB", (420, 594), (232, 232, 226)).save(out, "JPEG")
    return SimpleUploadedFile("demo.jpg", out.getvalue())


class Places:
    """Counties and villages by code, and in each village a few of whom or what a problem may be."""

    def __init__(self, city: Region, year: int) -> None:
        regions = Region.objects.valid_in_year(year)
        self.city = city
        self.counties = {
            one.code[:6]: one for one in regions.filter(level="county", code__startswith="4103")
        }
        towns = {one.code[:9]: one for one in regions.filter(level="town", code__startswith="4103")}
        self.towns = towns
        self.villages: dict[str, list[Region]] = defaultdict(list)
        found = self._objects(year)
        for one in regions.filter(level="village", code__in=found).order_by("code"):
            self.villages[one.code[:6]].append(one)
        self.objects = found

    def _objects(self, year: int) -> dict[str, dict[str, int]]:
        """Village → a household, its head, a project and a payment, where there are such."""
        found: dict[str, dict[str, int]] = {}
        with connection.cursor() as cursor:
            cursor.execute(_OBJECTS, {"year": year})
            for code, household, person, project, payment in cursor.fetchall():
                found[code] = {
                    ObjectKind.HOUSEHOLD: household, ObjectKind.PERSON: person,
                    ObjectKind.PROJECT: project, ObjectKind.PAYMENT: payment,
                }  # fmt: skip
        return found

    def about(self, fact: Fact, village: Region) -> dict[str, Any]:
        """The fields that say what a problem of the village is about; its place where there is no such."""
        known = self.objects[village.code]
        if fact.about == ObjectKind.CADRE:
            return {"object_kind": fact.about, "cadre": CADRE}
        if fact.about == ObjectKind.PLACE or known[fact.about] is None:
            return {"object_kind": ObjectKind.PLACE}
        fields = {"object_kind": fact.about, f"{fact.about.lower()}_id": known[fact.about]}
        if fact.about == ObjectKind.PERSON:
            fields["household_id"] = known[ObjectKind.HOUSEHOLD]
        return fields

    def unit(self, fact: Fact, village: Region) -> str:
        """The office that has to mend it, by its full name."""
        if fact.unit == "乡镇":
            return f"{self.towns[village.code[:9]].name}人民政府".replace(
                "办事处人民政府", "办事处"
            )
        return f"{self.counties[village.code[:6]].name}{fact.unit}"


_OBJECTS = """
SELECT v.code, h.household_id, p.person_id, project.id, payment.id
  FROM villages_region v
  JOIN LATERAL (SELECT household_id FROM households_householdyear
                 WHERE partition_id = %(year)s AND village_code = v.code
                 ORDER BY household_id LIMIT 1) h ON true
  JOIN LATERAL (SELECT person_id FROM households_personyear
                 WHERE partition_id = %(year)s AND household_id = h.household_id
                 ORDER BY person_id LIMIT 1) p ON true
  LEFT JOIN LATERAL (SELECT id FROM projects_project
                      WHERE region_code = v.code ORDER BY id LIMIT 1) project ON true
  LEFT JOIN LATERAL (SELECT id FROM funds_payment
                      WHERE region_code = v.code ORDER BY id LIMIT 1) payment ON true
 WHERE v.level = 'village' AND v.code ^@ '4103' AND v.valid_to IS NULL
"""
