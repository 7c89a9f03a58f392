"""What the acts on findings share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connection, transaction

from core.scope import Actor, covers
from inspections.models import Finding
from inspections.services.common import UnfitError

# Who registers, assigns, verifies and closes; who mends.
FIND, MEND = "inspections.find", "inspections.mend"

# What the database refuses by itself → in words.
REFUSALS: dict[str, str] = {
    "finding_step_in_order": "问题刚刚由他人办理，不能再办理这一步，请刷新后再试。",
    "finding_step_not_back_in_time": "日期早于上一步，或早于发现日期。",
    "finding_takes_two_persons": "报完成的人不能核验、销号和复查，须由另一人办理。",
    "finding_needs_evidence": "交办（或退回）以后还没有上传佐证材料，不能报完成。",
    "finding_needs_watch": "这个问题需要长期坚持，核验后转入“长期坚持”，不能直接销号。",
    "finding_needs_no_watch": "这个问题没有列为长期坚持，核验后请直接销号。",
    "finding_came_not_back": "没有复查发现反弹的记录，已销号的问题不能退回。",
    "finding_splits_into_several": "至少拆分为两个问题。",
    "finding_merges_into_an_open_one": "只能并入同一县、尚未报完成的另一个问题。",
    "finding_step_assigns_whole": "请填写责任单位、责任人、整改期限及其依据，期限不早于交办日期。",
    "finding_paper_in_its_time": "问题刚刚由他人办理，或者已经办结，请刷新后再上传。",
    "finding_look_at_a_mended_one": "只有已销号或长期坚持的问题需要复查，复查日期不早于销号日期。",
    "finding_of_its_campaign": "问题的来源、层级须与检查一致，所在区划须在被检查区划之内。",
    "finding_object_fits": "问题对象不完整，或填写了与对象类型不符的内容。",
    "finding_object_lies_there": "问题对象不在所选区划内，请核对区划和对象。",
    "finding_told_once": "这次检查已有相同的反馈序号。",
    "finding_says_what": "请填写问题事实。",
    "extension_in_its_time": "只有待整改的问题可以延期，新期限须晚于现期限。",
    "extension_waits_once": "已有一份延期申请等待批复。",
    "extension_takes_two_persons": "申请人不能批复自己的延期申请。",
    "finding_swept_before_closing": "核验以后还没有重新查找同类问题，请先重新查找，再办理销号。",
    "finding_like_household_once": "所选的户中有的已由本问题的举一反三列入台账，请重新查找后再试。",
    "finding_like_project_once": "所选项目中有的已由本问题的举一反三列入台账，请重新查找后再试。",
    "sweep_match_of_its_sweep": "有的对象已不在查找范围内，请重新查找后再试。",
    "campaign_once": "这次检查已经登记。",
    "letter_in_order": "这份文书刚刚由他人办理，请刷新后再试。",
    "letter_is_about_something": "文书没有所列问题，或签发日期早于拟稿日期。",
    "letter_item_fits": "问题刚刚由他人办理，不再需要这份文书，请刷新后再试。",
    "accountability_told_whole": "请填写受理机关、处理结果、日期和情况；处理了人的须有人数和文号，不予追究的人数为 0。",
}
_BY_KEY = {
    "inspections_finding_case_id_key": "这个评估问题已经列入台账。",
    "inspections_finding_fund_finding_id_key": "这个资金疑点已经列入台账。",
}


@contextmanager
def refused() -> Iterator[None]:
    """Turn a refusal of the database into words; nothing of the act remains."""
    try:
        with transaction.atomic():
            yield
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS finding_has_begun IMMEDIATE")
                cursor.execute("SET CONSTRAINTS finding_has_begun DEFERRED")
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        name = getattr(diagnosis, "constraint_name", None) or ""
        words = (REFUSALS | _BY_KEY).get(name, "填写的内容不符合要求，没有保存。")
        raise UnfitError(words) from error


def locked(finding: Finding) -> Finding:
    return Finding.objects.select_for_update(no_key=True).get(pk=finding.pk)


def may_find(actor: Actor, code: str) -> bool:
    """Whether the actor registers, assigns and closes problems of this place."""
    return covers(actor, code, FIND)


def may_mend(actor: Actor, finding: Finding) -> bool:
    """Whether the actor's office mends this problem, or it was given to the actor by name."""
    is_theirs = finding.duty_user_id is not None and finding.duty_user_id == getattr(
        actor, "pk", None
    )
    return is_theirs or covers(actor, finding.region_code, MEND)


def require_find(code: str, by: Any) -> None:
    """Raises UnfitError."""
    if not may_find(by, code):
        raise UnfitError("您没有在该区划登记、交办和核销问题的权限。")


def require_mend(finding: Finding, by: Any) -> None:
    """Raises UnfitError."""
    if not may_mend(by, finding):
        raise UnfitError("您没有办理本问题整改的权限。")
