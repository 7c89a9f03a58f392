"""What the pages of complaints take from officials. Nothing typed here is kept by the browser."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from households.enums import Purpose
from inspections.enums.complaints import Channel, Kind, Way
from inspections.enums.findings import Level, Severity

_OFF = {"autocomplete": "off"}


def _day(label: str, **options: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **options)


def _words(label: str, most: int, rows: int = 3, **options: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, **_OFF})
    return forms.CharField(label=label, max_length=most, widget=widget, **options)


def _text(label: str, most: int, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs=_OFF)
    return forms.CharField(label=label, max_length=most, widget=widget, **options)


def _not_later(told: date) -> date:
    if told > timezone.localdate():
        raise forms.ValidationError("日期不能晚于今天。")
    return told


class PersonForm(forms.Form):
    """Who complained, as far as it is known."""

    name = _text("姓名", 60, required=False)
    phone = _text("电话", 40, required=False)
    address = _text("住址", 200, required=False)
    id_no = _text("证件号码", 22, required=False)


class ComplaintForm(PersonForm):
    """A complaint as it came in. The first half may go on, the second stays with its receiver."""

    region = forms.CharField(
        label="反映区划代码", min_length=4, max_length=12,
        help_text="村 12 位、乡镇 9 位、县 6 位、市 4 位。",
    )  # fmt: skip
    channel = forms.ChoiceField(label="渠道", choices=Channel.choices)
    kind = forms.ChoiceField(label="类型", choices=Kind.choices)
    received_on = _day("收到日期", initial=timezone.localdate)
    household_no = _text(
        "涉及农户的户编号", 14, required=False, help_text="要求保密时只有信访专员看得到。"
    )
    is_confidential = forms.BooleanField(label="要求保密", required=False, initial=True)
    summary = _words("转办摘要", 500, help_text="承办单位看到的内容：写事项，不写是谁反映的。")
    original = _words("原文", 4000, rows=6, help_text="来信来访的原话，只有信访专员看得到。")
    is_anonymous = forms.BooleanField(label="匿名", required=False)
    field_order = (
        "region", "channel", "kind", "received_on", "household_no", "is_confidential", "summary",
        "is_anonymous", "name", "phone", "address", "id_no", "original",
    )  # fmt: skip
    HALF = "is_anonymous"

    def clean_received_on(self) -> date:
        return _not_later(self.cleaned_data["received_on"])

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        person = [told.get(one) for one in ("name", "phone", "address", "id_no")]
        if told.get("is_anonymous") and any(person):
            self.add_error("is_anonymous", "已填写信访人，请取消“匿名”或清空信访人各项。")
        elif not told.get("is_anonymous") and not told.get("name"):
            self.add_error("name", "请填写姓名；不知道是谁的，请勾选“匿名”。")
        return told

    @property
    def open_half(self) -> list[forms.BoundField]:
        return [self[one] for one in self.field_order[: self.field_order.index(self.HALF)]]

    @property
    def kept_half(self) -> list[forms.BoundField]:
        return [self[one] for one in self.field_order[self.field_order.index(self.HALF) :]]


class StepForm(forms.Form):
    """A step that needs a day and words."""

    on = _day("日期", initial=timezone.localdate)
    words = _words("意见", 1000)

    def clean_on(self) -> date:
        return _not_later(self.cleaned_data["on"])


class AssignForm(StepForm):
    unit = _text("承办单位", 100)
    duty_name = _text("承办人", 60)
    due_on = _day("办理期限", required=False, help_text="不填按期限设置计算。")
    due_source = _text("期限依据", 200, required=False)
    field_order = ("unit", "duty_name", "on", "due_on", "due_source", "words")


class TransferForm(StepForm):
    unit = _text("转送单位", 100)
    field_order = ("unit", "on", "words")


class AnswerForm(StepForm):
    way = forms.ChoiceField(label="答复方式", choices=Way.choices)
    field_order = ("way", "on", "words")

    def __init__(self, *args: Any, is_anonymous: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fit = [one for one in Way.choices if (one[0] == Way.NOT_POSSIBLE) == is_anonymous]
        self.fields["way"].choices = fit  # type: ignore[attr-defined]
        self.fields["on"].label = "答复日期"
        self.fields["words"].label = "答复内容"


class AmendForm(PersonForm):
    """What is left empty stays as it is."""

    summary = _words("转办摘要", 500, required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if not any(told.values()):
            raise forms.ValidationError("请填写要更正的内容；不填的各项不变。")
        return told


class RevealForm(forms.Form):
    """What for, in a list's words and one's own."""

    purpose = forms.ChoiceField(
        label="用途", choices=[("", "请选择"), *Purpose.choices],
        error_messages={"required": "请选择用途。", "invalid_choice": "请选择用途。"},
    )  # fmt: skip
    words = _text(
        "具体事由", 200, min_length=4,
        help_text="写明办什么事，会记入访问台账。不要写信访人。",
        error_messages={
            "required": "请写明具体事由。", "min_length": "具体事由太短，请写明办什么事。",
        },
    )  # fmt: skip


class FindingForm(forms.Form):
    """Raise a problem from the summary, or name one that is on the ledger."""

    number = _text("已有问题编号", 24, required=False, help_text="不填则按转办摘要新登记一个问题。")
    level = forms.ChoiceField(
        label="层级", choices=[("", "请选择"), *Level.choices], required=False
    )
    severity = forms.ChoiceField(
        label="严重程度", choices=[("", "请选择"), *Severity.choices], required=False
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if not told.get("number"):
            for name, label in (("level", "层级"), ("severity", "严重程度")):
                if not told.get(name):
                    self.add_error(name, f"新登记问题须选择{label}。")
        return told
