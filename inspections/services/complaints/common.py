"""What the acts on complaints share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connection, transaction

from core.scope import Actor, covers, trim
from inspections.enums.complaints import FIND, PETITION
from inspections.models import Complaint
from inspections.services.common import UnfitError

# What the database refuses by itself → in words.
REFUSALS: dict[str, str] = {
    "complaint_says_what": "请填写转办摘要。",
    "complaint_names_no_household_in_confidence": "要求保密的信访件不能公开涉及农户。",
    "complaint_of_its_office": "反映区划不在登记单位的辖区内。",
    "complaint_step_once": "信访件刚刚由他人办理，请刷新后再试。",
    "complaint_step_in_order": "信访件刚刚由他人办理，不能再办理这一步，请刷新后再试。",
    "complaint_step_not_back_in_time": "日期早于上一步，或早于收到日期。",
    "complaint_step_assigns_whole": "请填写承办单位、承办人、办理期限及其依据，期限不早于转办日期。",
    "complaint_step_answers_somehow": "请选择答复方式。",
    "complaint_answered_to_somebody": "匿名件的答复方式为“匿名，无法答复”，实名件须选择实际的答复方式。",
    "complaint_finding_once": "这个问题已经关联。",
    "complaint_finding_fits": "只能关联同一县的问题，信访件须已转办。",
    "complainant_fits": "匿名件不填信访人，实名件须填写姓名；都要有原文。",
}


@contextmanager
def refused() -> Iterator[None]:
    """Turn a refusal of the database into words; nothing of the act remains."""
    try:
        with transaction.atomic():
            yield
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS complaint_has_begun IMMEDIATE")
                cursor.execute("SET CONSTRAINTS complaint_has_begun DEFERRED")
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        name = getattr(diagnosis, "constraint_name", None) or ""
        # Without its cause: what the database quotes of a row is nobody's to read.
        raise UnfitError(REFUSALS.get(name, "填写的内容不符合要求，没有保存。")) from None


def office_of(actor: Actor, code: str) -> str:
    """The prefix by which the actor receives complaints about a place, the nearest one; "" for none."""
    held = [one for one in actor.prefixes_for(PETITION) if trim(code).startswith(one)]
    return max(held, key=len, default="")


def may_receive(actor: Actor, complaint: Complaint) -> bool:
    """Whether the actor receives complaints where this one was received, and may learn who complained."""
    return any(complaint.held_by.startswith(one) for one in actor.prefixes_for(PETITION))


def may_handle(actor: Actor, complaint: Complaint) -> bool:
    """Whether the actor handles what is passed on, without who complained."""
    return covers(actor, complaint.region_code, FIND)


def locked(complaint: Complaint) -> Complaint:
    return Complaint.objects.select_for_update(no_key=True).get(pk=complaint.pk)


def require_receive(complaint: Complaint, by: Any) -> None:
    """Raises UnfitError."""
    if not may_receive(by, complaint):
        raise UnfitError("只有登记单位的信访专员可以办理。")
