"""What a person says about an act on many households, about a mark's result, about a task."""

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils import timezone

from core.ledger.services import without_numbers
from core.scope import covers
from households.models import BulkKind, MarkResult, Task
from households.queries.bulk import RIGHTS
from households.services.bulk import NewTask

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
NO_HELPER = (
    "没有可以分派的账号，或该账号在本区划没有帮扶、督查或调查角色，"
    "请核对账号名，或先由安全管理员授权。"
)


def _words(text: str) -> str:
    """One line that holds nobody's number."""
    words = " ".join(text.split())
    if without_numbers(words) != words:
        raise forms.ValidationError("不要填写证件号码或手机号码。", code="number")
    return words


class WordsField(forms.CharField):
    def clean(self, value: Any) -> str:
        return _words(str(super().clean(value)))


def account(username: str) -> Any:
    """The active account of this name, or None."""
    users = get_user_model()._default_manager
    return users.filter(username=username, is_active=True).first()


class ActForm(forms.Form):
    """The base of all: whoever acts, in which region, on which year."""

    kind = ""

    def __init__(self, *args: Any, actor: Any, region: str, tasks: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor, self.region, self.tasks = actor, region, tasks

    @property
    def told(self) -> dict[str, Any]:
        """What the form adds to the wish."""
        return {"reason": self.cleaned_data["reason"]}

    @property
    def new_task(self) -> NewTask | None:
        return None

    def clean_due_on(self) -> date | None:
        day: date | None = self.cleaned_data["due_on"]
        if day is not None and day < timezone.localdate():
            raise forms.ValidationError("期限不能早于今天。", code="past")
        return day


class BulkAssignForm(ActForm):
    """To whom the households are entrusted, and why."""

    kind = BulkKind.ASSIGN

    username = forms.CharField(label="帮扶人账号", max_length=60)
    reason = WordsField(label="事由", max_length=200)

    def clean_username(self) -> Any:
        """As strict as for one household: no account is as unfit as a foreign one."""
        user = account(self.cleaned_data["username"])
        if user is not None and user.pk == self.actor.pk:
            raise forms.ValidationError("不能分派给自己。", code="oneself")
        held = () if user is None else user.entrusted_prefixes
        near = any(self.region.startswith(one) or one.startswith(self.region) for one in held)
        if user is None or not near:
            raise forms.ValidationError(NO_HELPER, code="unfit")
        return user

    @property
    def told(self) -> dict[str, Any]:
        return super().told | {"user": self.cleaned_data["username"]}


class BulkMarkForm(ActForm):
    """What is to be checked, and until when."""

    kind = BulkKind.MARK

    reason = WordsField(
        label="核查事由",
        max_length=200,
        min_length=2,
        help_text="写明要核实什么，如“收入与工资比对不符”。",
    )
    due_on = forms.DateField(label="核查期限", required=False, widget=_DAY)

    @property
    def told(self) -> dict[str, Any]:
        return super().told | {"due_on": self.cleaned_data["due_on"]}


class BulkTaskForm(ActForm):
    """A task that exists, or a new one with its name, owner and day."""

    kind = BulkKind.TASK

    task = forms.ChoiceField(
        label="任务",
        required=False,
        error_messages={"invalid_choice": "没有这项任务，或它已结束。"},
    )
    title = WordsField(label="新任务名称", max_length=60, required=False)
    owner = forms.CharField(
        label="负责人账号", max_length=60, required=False, help_text="不填就是您本人。"
    )
    due_on = forms.DateField(label="完成期限", required=False, widget=_DAY)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(str(task.pk), f"{task.title}（{task.owner}）") for task in self.tasks]
        self.fields["task"].choices = [("", "新任务"), *known]  # type: ignore[attr-defined]

    def clean_owner(self) -> Any:
        name = self.cleaned_data["owner"]
        user = account(name) if name else self.actor
        rights = RIGHTS[BulkKind.TASK]
        if user is None or not any(covers(user, self.region, right) for right in rights):
            raise forms.ValidationError(
                "没有可以负责的账号：负责人须在任务的整个区划有录入或分派的权限。", code="unfit"
            )
        return user

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("task") and not data.get("title") and "title" not in self.errors:
            self.add_error("title", "请选择任务，或写明新任务的名称。")
        return data

    @property
    def chosen(self) -> Task | None:
        wanted = self.cleaned_data["task"]
        return next((task for task in self.tasks if str(task.pk) == wanted), None)

    @property
    def told(self) -> dict[str, Any]:
        task = self.chosen
        title = task.title if task else self.cleaned_data["title"]
        due_on = task.due_on if task else self.cleaned_data["due_on"]
        return {"reason": f"任务：{title}", "task": task, "due_on": due_on}

    @property
    def new_task(self) -> NewTask | None:
        if self.chosen is not None:
            return None
        data = self.cleaned_data
        return NewTask(data["title"], data["owner"], data["due_on"])


FORMS: dict[str, type[ActForm]] = {
    form.kind: form for form in (BulkAssignForm, BulkMarkForm, BulkTaskForm)
}


class ResultForm(forms.Form):
    """What the check of a household came to."""

    result = forms.ChoiceField(
        label="核查结果",
        choices=[("", "请选择"), *MarkResult.choices],
        error_messages={"required": "请选择核查结果。", "invalid_choice": "请选择核查结果。"},
    )
    words = WordsField(label="结果说明", max_length=200, required=False)


class ItemsForm(forms.Form):
    """Households of a task that are ticked as done, or no longer."""

    item = forms.TypedMultipleChoiceField(coerce=int)
    done = forms.ChoiceField(choices=[("1", "标为已完成"), ("0", "改为未完成")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Which of them are the task's is asked of the database, not of the form.
        told = self.data.getlist("item")  # type: ignore[attr-defined]
        known = [one for one in told if one.isascii() and one.isdecimal() and len(one) < 19]
        self.fields["item"].choices = [(one, one) for one in known]  # type: ignore[attr-defined]
