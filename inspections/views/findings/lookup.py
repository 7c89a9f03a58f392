"""From what somebody typed to the place, the household, the project … that a problem is about."""

import re
from typing import Any

from django.db.models import Q
from django.utils import timezone

from core.scope import Actor, covers, within
from funds.models import Payment
from households.models import Household, Person
from inspections.enums.findings import ObjectKind
from inspections.models import Finding
from inspections.services.common import UnfitError
from inspections.services.findings.common import FIND
from projects.models import Project
from villages.models import Region

_CODE_LENGTHS = (4, 6, 9, 12)
_VOUCHER = re.compile(r"(\d{4,12})-(\d{4})-(\d{4,9})(?:/(.+))?")
_MOST_NAMED = 5


def place(text: str, actor: Actor) -> Region:
    """The division of this code or name in which the actor registers problems. Raises UnfitError."""
    text = text.strip()
    today = Region.objects.valid_on(timezone.localdate())
    if text.isascii() and text.isdigit():
        if len(text) not in _CODE_LENGTHS:
            raise UnfitError("区划代码为村 12 位、乡镇 9 位、县 6 位、市 4 位。")
        found = today.filter(code=text.ljust(12, "0")).first()
    else:
        found = _named(today, text, actor)
    if found is None:
        raise UnfitError(f"没有“{text}”这个区划，请核对代码或名称。")
    if not covers(actor, found.code, FIND):
        raise UnfitError("您没有在该区划登记问题的权限。")
    return found


def _named(today: Any, text: str, actor: Actor) -> Region | None:
    own = today.filter(within(actor.prefixes_for(FIND), "code"))
    same = (
        Q(name=text) | Q(name=f"{text}村民委员会") | Q(name=f"{text.removesuffix('村')}村民委员会")
    )
    found = list(own.filter(same).order_by("code")[: _MOST_NAMED + 1])
    if len(found) > 1:
        codes = "、".join(one.code for one in found[:_MOST_NAMED])
        raise UnfitError(
            f"有多个区划叫“{text}”，请改填区划代码（{codes}{'等' * (len(found) > 5)}）。"
        )
    return found[0] if found else None


def about(kind: str, key: str, actor: Actor) -> tuple[dict[str, Any], str]:
    """The fields that name the object, and the code of where it lies; "" for a place or a cadre.

    Raises UnfitError for what the actor does not see, as for what does not exist.
    """
    key = key.strip()
    fields: dict[str, Any] = dict.fromkeys(("household", "person", "project", "payment"))
    fields |= {"object_kind": kind, "cadre": ""}
    if kind == ObjectKind.PLACE:
        return fields, ""
    if kind == ObjectKind.CADRE:
        return fields | {"cadre": key}, ""
    if kind == ObjectKind.HOUSEHOLD:
        home = _one(Household.objects.visible_to(actor).filter(household_no=key), "户编号", key)
        return fields | {"household": home}, home.village_code
    if kind == ObjectKind.PERSON:
        rows = Person.objects.visible_to(actor).select_related("household")
        person = _one(rows.filter(person_no=key), "人编号", key)
        return fields | {"person": person, "household": person.household}, person.village_code
    if kind == ObjectKind.PROJECT:
        project = _one(Project.objects.visible_to(actor).filter(number=key), "项目编号", key)
        return fields | {"project": project}, project.region_code
    payment = _payment(key, actor)
    return fields | {"payment": payment}, payment.region_code


def _one(rows: Any, label: str, key: str) -> Any:
    found = rows.first()
    if found is None:
        raise UnfitError(f"没有{label}为“{key}”的记录，或不在您的管辖范围内，请核对。")
    return found


def _payment(key: str, actor: Actor) -> Payment:
    told = _VOUCHER.fullmatch(key)
    if told is None:
        raise UnfitError("请按凭证页面上的凭证号填写，如 410324-2018-0001。")
    code, year, number, whom = told.groups()
    rows = Payment.objects.visible_to(actor).filter(
        voucher__region_code=code.ljust(12, "0"), voucher__year=int(year),
        voucher__number=int(number),
    )  # fmt: skip
    if whom:
        rows = rows.filter(Q(payee=whom.strip()) | Q(household__household_no=whom.strip()))
    found = list(rows.order_by("pk")[:2])
    if not found:
        raise UnfitError(f"没有凭证号为“{key}”的支付，或不在您的管辖范围内，请核对。")
    if len(found) > 1:
        raise UnfitError("这张凭证有多笔支付，请在凭证号后加“/户编号”或“/收款人”。")
    return found[0]


def key_of(one: Finding, actor: Actor) -> str:
    """What somebody would type for the object of a problem; "" where the actor sees it no more."""
    found: Any = None
    if one.object_kind == ObjectKind.HOUSEHOLD:
        found = Household.objects.visible_to(actor).filter(pk=one.household_id or 0).first()
        return found.household_no if found else ""
    if one.object_kind == ObjectKind.PERSON:
        found = Person.objects.visible_to(actor).filter(pk=one.person_id or 0).first()
        return found.person_no if found else ""
    if one.object_kind == ObjectKind.PROJECT:
        found = Project.objects.visible_to(actor).filter(pk=one.project_id or 0).first()
        return found.number if found else ""
    if one.object_kind == ObjectKind.PAYMENT:
        rows = Payment.objects.visible_to(actor).select_related("voucher")
        found = rows.filter(pk=one.payment_id or 0).first()
        return f"{found.voucher.full_number}/{found.payee}" if found else ""
    return one.cadre
