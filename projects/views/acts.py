"""What can be done on a project's page: each act with its form, when it is offered, and its service."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.forms import BaseForm

from projects.enums import FOLLOWS, NoticeKind, State
from projects.forms import (
    AcceptanceForm,
    AssetForm,
    BeneficiariesForm,
    ContractorForm,
    EvaluationForm,
    IncomesForm,
    NoticeForm,
    OthersForm,
    PhotoForm,
    ReachedForm,
    ReportForm,
    SettlementForm,
    StagesForm,
    StepForm,
    TargetsForm,
)
from projects.models import Project
from projects.services import (
    benefiting,
    closing,
    entering,
    noticing,
    photographing,
    stepping,
    working,
)
from projects.services.common import UnfitError, may_edit
from projects.services.stepping import takes

Data = Any


@dataclass(frozen=True)
class Act:
    """One form of the page: `offered` says to whom and when, `make` builds it, `do` carries it out."""

    key: str
    title: str
    button: str
    offered: Callable[[Project, Any], bool]
    make: Callable[[Project, Data], Any]
    do: Callable[[Project, Any, Any], None]


# Steps that are taken with no more than a day and words; the others have a form of their own.
_PLAIN: dict[str, str] = {
    State.REVIEWED: "乡镇审核通过", State.DECIDED: "县级审定通过", State.LIBRARY: "入库",
    State.BUDGETED: "安排资金", State.STARTED: "开工", State.COMPLETED: "完工",
    State.REFUSED: "不予通过", State.CANCELLED: "取消项目",
}  # fmt: skip


def _step(state: str, title: str) -> Act:
    def do(project: Project, form: Any, by: Any) -> None:
        told = form.cleaned_data
        if state == State.BUDGETED:
            stepping.assign(
                project=project, amount=told["amount"] or Decimal(0), document=told["document"],
                on=told["on"], reason=told["reason"], by=by,
            )  # fmt: skip
            return
        stepping.take(project=project, state=state, on=told["on"], reason=told["reason"], by=by)

    return Act(
        state.lower(),
        title,
        title,
        lambda project, by: state in FOLLOWS[project.state] and takes(project, state, by),
        lambda project, data: StepForm(data, with_money=state == State.BUDGETED),
        do,
    )


_BEFORE_THE_LIBRARY = (State.PROPOSED, State.REVIEWED, State.DECIDED)
_BEFORE_WORK = (*_BEFORE_THE_LIBRARY, State.LIBRARY, State.BUDGETED)
_ENDED = (State.REFUSED, State.CANCELLED)
_REACHED = (State.STARTED, State.COMPLETED, State.ACCEPTED, State.SETTLED, State.REGISTERED)


def _edits(*states: str) -> Callable[[Project, Any], bool]:
    return lambda project, by: project.state in states and may_edit(project, by)


def _next(state: str) -> Callable[[Project, Any], bool]:
    return lambda project, by: state in FOLLOWS[project.state] and takes(project, state, by)


def _targets(project: Project, form: Any, by: Any) -> None:
    entering.set_targets(project=project, aims=form.aims(), by=by)


def _targets_form(project: Project, data: Data) -> BaseForm:
    start: dict[str, Any] = {}
    for one in project.targets.all():
        start |= {
            f"indicator_{one.position}": one.indicator, f"unit_{one.position}": one.unit,
            f"planned_{one.position}": one.planned,
        }  # fmt: skip
    return TargetsForm(data, initial=start)


def _stages(project: Project, form: Any, by: Any) -> None:
    entering.set_stages(project=project, parts=form.parts(), by=by)


def _stages_form(project: Project, data: Data) -> BaseForm:
    start: dict[str, Any] = {}
    for one in project.stages.all():
        start |= {
            f"name_{one.position}": one.name, f"weight_{one.position}": one.weight,
            f"starts_{one.position}": one.starts_on, f"ends_{one.position}": one.ends_on,
        }  # fmt: skip
    return StagesForm(data, initial=start)


def _report(project: Project, form: Any, by: Any) -> None:
    told = form.cleaned_data
    working.report(
        project=project, month=told["month"], done=form.done(), words=told["words"], by=by
    )


def _notice(project: Project, form: Any, by: Any) -> None:
    noticing.post(project=project, by=by, **form.cleaned_data)


def _notice_form(project: Project, data: Data) -> BaseForm:
    form = NoticeForm(data)
    kind = NoticeKind.PLAN if project.state == State.DECIDED else NoticeKind.COMPLETION
    form.fields["kind"].choices = [(kind.value, kind.label)]  # type: ignore[attr-defined]
    return form


def _accept(project: Project, form: Any, by: Any) -> None:
    told = form.cleaned_data | {"passed": form.cleaned_data["passed"] == "1"}
    closing.accept(project=project, by=by, **told)


def _settle(project: Project, form: Any, by: Any) -> None:
    closing.settle(project=project, by=by, **form.cleaned_data)


def _asset(project: Project, form: Any, by: Any) -> None:
    fields = dict(form.cleaned_data)
    closing.register_asset(project=project, on=fields.pop("on"), fields=fields, by=by)


def _evaluate(project: Project, form: Any, by: Any) -> None:
    closing.evaluate(project=project, by=by, **form.cleaned_data)


def _reached(project: Project, form: Any, by: Any) -> None:
    targets, facts = form.told()
    working.reached(project=project, targets=targets, facts=facts, by=by)


def _reached_form(project: Project, data: Data) -> BaseForm:
    return ReachedForm(
        data,
        targets=project.targets.order_by("position"),
        facts=project.facts.select_related("fact").order_by("fact"),
    )


def _photo(project: Project, form: Any, by: Any) -> None:
    photographing.add(project=project, by=by, **form.cleaned_data)


def _benefit(project: Project, form: Any, by: Any) -> None:
    told = form.cleaned_data
    numbers = told["numbers"].split()
    with transaction.atomic():
        _, missing = benefiting.add_by_numbers(
            project=project, numbers=numbers, benefit=told["benefit"], expected=told["expected"],
            on=told["on"], by=by,
        )  # fmt: skip
        if missing:
            raise UnfitError(f"有 {len(missing)} 个户编号没有找到，全部没有登记。")


def _contractor(project: Project, form: Any, by: Any) -> None:
    entering.name_contractor(project=project, by=by, **form.cleaned_data)


def _incomes(project: Project, form: Any, by: Any) -> None:
    benefiting.tell_incomes(project=project, incomes=form.cleaned_data["lines"], by=by)


def _other(project: Project, form: Any, by: Any) -> None:
    benefiting.add_other(project=project, by=by, **form.cleaned_data)


ACTS: tuple[Act, ...] = (
    Act("targets", "绩效目标", "保存绩效目标", _edits(*_BEFORE_THE_LIBRARY), _targets_form,
        _targets),
    Act("stages", "项目阶段", "保存阶段", _edits(*_BEFORE_WORK), _stages_form, _stages),
    Act("notice", "张贴公示", "登记公示",
        lambda project, by: project.state in (State.DECIDED, State.ACCEPTED)
        and may_edit(project, by), _notice_form, _notice),
    Act("report", "进度月报", "填报月报", _edits(State.STARTED),
        lambda project, data: ReportForm(data, stages=project.stages.order_by("position")),
        _report),
    Act("photo", "上传照片", "上传", _edits(State.STARTED, State.COMPLETED, State.ACCEPTED),
        lambda project, data: PhotoForm(*data) if data else PhotoForm(), _photo),
    Act("reached", "实际完成", "保存实际完成", _edits(*_REACHED), _reached_form, _reached),
    Act("accept", "项目验收", "登记验收", _next(State.ACCEPTED),
        lambda project, data: AcceptanceForm(data), _accept),
    Act("settle", "项目结算", "登记结算", _next(State.SETTLED),
        lambda project, data: SettlementForm(data), _settle),
    Act("asset", "资产登记", "登记资产",
        lambda project, by: project.type.leaves_asset and may_edit(project, by)
        and project.state in (State.SETTLED, State.REGISTERED),
        lambda project, data: AssetForm(data), _asset),
    Act("evaluate", "绩效评价", "登记评价", _next(State.EVALUATED),
        lambda project, data: EvaluationForm(data), _evaluate),
    Act("beneficiaries", "登记受益户", "登记受益户",
        lambda project, by: project.state not in _ENDED and may_edit(project, by),
        lambda project, data: BeneficiariesForm(data), _benefit),
    Act("others", "登记受益村、人员和未登记对象", "登记受益对象",
        lambda project, by: project.state not in _ENDED and may_edit(project, by),
        lambda project, data: OthersForm(data), _other),
    Act("incomes", "登记实际增收", "保存实际增收",
        lambda project, by: project.state in (*_REACHED, State.EVALUATED)
        and may_edit(project, by),
        lambda project, data: IncomesForm(data), _incomes),
    Act("contractor", "登记承建单位", "保存承建单位", _edits(State.LIBRARY, State.BUDGETED),
        lambda project, data: ContractorForm(data, initial={"contractor": project.contractor}),
        _contractor),
    *(_step(state, title) for state, title in _PLAIN.items()),
)  # fmt: skip


def offered(project: Project, by: Any) -> list[Act]:
    """The acts of this person's office that fit the state."""
    return [act for act in ACTS if act.offered(project, by)]
