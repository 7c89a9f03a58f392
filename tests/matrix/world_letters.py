"""The three letters, in the relations that hold any."""

from datetime import date
from typing import Any

from inspections.models import Accountability, Finding, FindingStep, Letter, LetterItem
from inspections.services.letters import preparing, sending
from tests.matrix.subjects import CITY
from villages.models import Region

ON = date(2016, 4, 1)


def make(world: Any, relation: str, code: str, official: Any) -> None:
    """A draft, and the third letter of another problem, which opened a record."""
    held = {"own": "410324", "county": "410325", "city": CITY}.get(relation)
    if held is None:
        return
    place = Region.objects.get(code=held.ljust(12, "0"))
    draft = Letter.objects.create(
        kind="REMIND", region=place, region_code=place.code, unit=f"函告{relation}",
        prepared_on=ON, prepared_by=official,
    )  # fmt: skip
    world.add("letter", relation, draft.pk, held, marks=(draft.unit,))
    world.add("accountability", relation, _third(place, relation, official).pk, held)
    if relation == "own":
        world.add("letter_kind", "own", "REMIND", code)


def _third(place: Region, relation: str, official: Any) -> Accountability:
    where = {"region": place, "region_code": place.code}
    finding = Finding.objects.create(
        source="AUDIT", level="CITY", severity="GRAVE", fact=f"三函{relation}", object_kind="PLACE",
        found_on=ON, origin="ENTERED", entered_by=official, **where,
    )  # fmt: skip
    step = {"finding": finding, "region_code": place.code, "created_by": official, "on": ON}
    FindingStep.objects.create(position=0, state="FOUND", words="登记", **step)
    FindingStep.objects.create(
        position=1, state="ASSIGNED", words="交办", lead_unit=f"三函单位{relation}",
        duty_name="责任人", due_on=ON, due_source="整改方案", **step,
    )  # fmt: skip
    for month in (5, 6, 7):
        on = date(2016, month, 1)
        (letter,) = preparing.prepare(today=on, prefix=place.code, only=[finding])
        letter = Letter.objects.get(pk=letter.pk)
        letter.state, letter.issued_on, letter.issued_by = "ISSUED", on, official
        letter.reply_due_on = date(2016, month, 20)
        letter.save()
        sending.templates.fix(Letter.objects.get(pk=letter.pk))
    assert LetterItem.objects.filter(finding=finding).count() == 3
    return Accountability.objects.get(letter=letter)
