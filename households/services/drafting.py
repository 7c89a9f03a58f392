"""Drafts of entries: kept while somebody types, gone once the entry is handed in or given up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from core import retention
from core.acting import acting
from core.scope import covers
from households.models import Change, ChangeState, Draft, Household, Partition
from households.services.changing import EDIT, UnfitError
from households.services.entry_edit import VILLAGE, Edit

# What is typed of one household; several times what a full form sends.
LARGEST = 500_000
_NOT_YOURS = "您没有修改该户的权限，或该年度没有这一户。"


def keep(*, key: UUID, edit: Mapping[str, Any], seq: int, by: Any) -> Draft:
    """Keep what was typed. A request that comes after a younger one changes nothing.

    Raises UnfitError for what is no edit, outside the owner's villages, for an entry that was handed
    in already, and for a second draft of one household: whichever tab came first has it.
    """
    told = Edit.read(edit)
    household, code = _place(told, by)
    if Change.objects.filter(key=key).exclude(state=ChangeState.RETURNED).exists():
        raise UnfitError("该录入已提交。")
    if not Partition.objects.filter(year=told.partition).exists():
        raise UnfitError("没有这个年度。")
    facts = {"seq": seq, "payload": _sealed(told), "version": told.version}
    try:
        with acting(by=by):
            made = Draft.objects.select_for_update().filter(key=key).first()
            if made is None:
                made = Draft.objects.create(
                    key=key,
                    owner=by,
                    household=household,
                    village_code=code,
                    partition_id=told.partition,
                    **facts,
                )
            elif made.owner_id != by.pk or made.household_id != (household and household.pk):
                raise UnfitError("这是另一份草稿。")
            elif seq > made.seq:
                Draft.objects.filter(pk=made.pk).update(
                    **facts, village_code=code, changed_at=Now()
                )
                made.refresh_from_db()
    except IntegrityError as error:
        raise UnfitError("本户已有一份草稿，请先打开或放弃那一份。") from error
    return made


def drop(*, key: UUID, by: Any) -> None:
    """Give one's own draft up; one that is gone already is gone."""
    with transaction.atomic():
        Draft.objects.filter(key=key, owner_id=by.pk).delete()


def handed_in(*, change: Change, by: Any) -> None:
    """The drafts that became this change go."""
    own = Q(key=change.key)
    if change.household_id is not None:
        own |= Q(household_id=change.household_id, partition_id=change.partition_id)
    Draft.objects.filter(own, owner_id=by.pk).delete()


def draft_of(household_no: str, partition: int, by: Any) -> Draft | None:
    """One's own draft of a household and year; of new households ("") the youngest."""
    own = Draft.objects.filter(owner_id=by.pk, partition_id=partition)
    if not household_no:
        return own.filter(household__isnull=True).order_by("-changed_at").first()
    return own.filter(household__household_no=household_no).first()


def drafts(by: Any) -> list[Draft]:
    """One's own drafts, the youngest first."""
    rows = Draft.objects.filter(owner_id=by.pk).select_related("household")
    return list(rows.order_by("-changed_at"))


def _place(edit: Edit, by: Any) -> tuple[Household | None, str]:
    household, code = None, str(edit.household.get(VILLAGE, ""))
    if not edit.is_new:
        rows = Household.objects.visible_to(by).filter(household_no=edit.household_no)
        household = rows.filter(years__partition_id=edit.partition).first()
        code = household.village_code if household else ""
    if not code or not covers(by, code, EDIT):
        raise UnfitError(_NOT_YOURS)
    return household, code


def _sealed(edit: Edit) -> str:
    text = edit.written()
    if len(text) > LARGEST:
        raise UnfitError("提交的内容过多。")
    return text


# --- what nobody comes back to -----------------------------------------------------------------


def _due(before: datetime, limit: int) -> list[int]:
    rows = Draft.objects.filter(changed_at__lt=before).order_by("changed_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def _remove(keys: Sequence[int]) -> int:
    return Draft.objects.filter(pk__in=keys).delete()[0]


retention.keep(
    retention.Rule("entry_drafts", "未提交的录入草稿", _due, _remove, "RETAIN_DRAFT_DAYS")
)
