"""What the page of one problem takes from officials."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

from inspections.enums.findings import Level, Look, ObjectKind, Severity, Source
from inspections.models import Campaign, Finding, FindingClass

PARTS = 4
_REQUIRED = {"required": "请填写。"}


def _date() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _words(rows: int = 2) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


def _label(name: str) -> str:
    field: Any = Finding._meta.get_field(name)
    return str(field.verbose_name)


def not_in_future(day: date | None) -> date | None:
    if day is not None and day > timezone.localdate():
        raise forms.ValidationError("日期不能晚于今天。", code="future")
    return day


class _OnPage(forms.Form):
    """A form of the page: `seen` is how many steps there were when the page was read."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=32767)


class _Dated(_OnPage):
    on = forms.DateField(label="日期", widget=_date(), initial=timezone.localdate)

    def clean_on(self) -> date | None:
        return not_in_future(self.cleaned_data["on"])


class StepForm(_Dated):
    """A step that takes a day and words."""

    words = forms.CharField(
        label="意见", max_length=1000, widget=_words(), error_messages={"required": "请写明意见。"}
    )

    def __init__(self, *args: Any, about: str = "意见", **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["words"].label = about
        self.fields["words"].error_messages["required"] = f"请写明{about}。"


class AssignForm(_Dated):
    """Who mends until when. Without a day the rule's holds; a day of one's own names its ground."""

    unit = forms.CharField(label="责任单位", max_length=100)
    name = forms.CharField(label="责任人", max_length=60, help_text="姓名、职务。")
    user = forms.ChoiceField(
        label="责任人账号", required=False,
        help_text="选了账号，本人的待办里会有这个问题。",
        error_messages={"invalid_choice": "该账号在本区划没有办理整改的权限，请从列表中选择。"},
    )  # fmt: skip
    due_on = forms.DateField(label="整改期限", required=False, widget=_date())
    due_source = forms.CharField(label="期限依据", required=False, max_length=200)
    words = forms.CharField(label="交办意见", max_length=1000, initial="交办", widget=_words())

    def __init__(self, *args: Any, people: Iterable[tuple[str, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["user"].choices = [("", "不指定账号"), *people]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        due, on = told.get("due_on"), told.get("on")
        if due and not told.get("due_source"):
            self.add_error("due_source", "自行确定期限的，请写明依据（文件、方案）。")
        if due and on and due < on:
            self.add_error("due_on", "整改期限早于交办日期。")
        if told.get("due_source") and not due and "due_on" not in self.errors:
            self.add_error("due_on", "写了依据的，请填写整改期限；按规定计算的，依据不用填。")
        return told


class ExtendForm(_Dated):
    until = forms.DateField(label="申请延至", widget=_date())
    reason = forms.CharField(
        label="延期理由", max_length=300, widget=_words(),
        error_messages={"required": "请写明延期理由。"},
    )  # fmt: skip

    def __init__(self, *args: Any, due: date | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.due = due

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if self.due and until <= self.due:
            raise forms.ValidationError(f"须晚于现期限 {self.due:%Y-%m-%d}。", code="early")
        return until


class DecideForm(_Dated):
    """The answer to a wish for more time; which of the two buttons was pressed decides."""

    why = forms.CharField(
        label="批复意见", max_length=300, widget=_words(),
        error_messages={"required": "请写明批复意见。"},
    )  # fmt: skip
    granted = forms.ChoiceField(
        label="批复", choices=[("", "请选择"), ("1", "同意"), ("0", "不同意")],
        error_messages={"required": "请选择同意或不同意。", "invalid_choice": "请选择同意或不同意。"},
    )  # fmt: skip


class LookForm(_Dated):
    result = forms.ChoiceField(label="复查结果", choices=Look.choices)
    words = forms.CharField(
        label="复查情况", max_length=500, widget=_words(),
        error_messages={"required": "请写明复查看到的情况。"},
    )  # fmt: skip


class MergeForm(_Dated):
    into = forms.CharField(
        label="并入的问题编号", max_length=24, help_text="同县、尚未报完成的问题。"
    )
    words = forms.CharField(
        label="并案理由", max_length=1000, widget=_words(),
        error_messages={"required": "请写明并案理由。"},
    )  # fmt: skip


class WatchForm(_OnPage):
    needs_watch = forms.ChoiceField(choices=[("1", ""), ("0", "")], widget=forms.HiddenInput)


class PaperForm(forms.Form):
    """A photo or a scan. It proves the mending when it comes after the assignment or the return."""

    file = forms.FileField(
        label="文件",
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"}),
        error_messages={"required": "请选择文件。", "empty": "文件是空的。"},
    )
    note = forms.CharField(label="说明", max_length=100, required=False)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        most = f"不超过 {settings.ATTACHMENT_MAX_MB} MB"
        self.fields["file"].help_text = f"JPEG、PNG 或 PDF，{most}。"
        self.fields["note"].help_text = "如“整改后的公示栏”，不要填写个人号码。"


class FactsForm(forms.Form):
    """What is wrong with what: as it is entered, and put right until it is assigned."""

    told_as = forms.CharField(label=_label("told_as"), max_length=40, required=False)
    category = forms.ModelChoiceField(
        label=_label("category"), queryset=FindingClass.objects.none(), required=False,
        empty_label="未分类",
    )  # fmt: skip
    severity = forms.ChoiceField(label=_label("severity"), choices=Severity.choices)
    found_on = forms.DateField(label=_label("found_on"), widget=_date())
    object_kind = forms.ChoiceField(label=_label("object_kind"), choices=ObjectKind.choices)
    key = forms.CharField(
        label="对象编号", max_length=60, required=False,
        help_text="户填户编号，人填人编号，项目填项目编号，支付填凭证号（有多笔的加“/户编号”或“/收款人”），"
        "干部填姓名和职务；县、乡镇、村不填。",
    )  # fmt: skip
    basis = forms.CharField(label=_label("basis"), max_length=300, required=False)
    fact = forms.CharField(
        label=_label("fact"), max_length=1000, widget=_words(3),
        help_text="写明时间、地点和情况，不要填写证件号码、电话。",
        error_messages={"required": "请填写问题事实。"},
    )  # fmt: skip
    needs_watch = forms.BooleanField(label="整改后需长期坚持", required=False)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["category"].queryset = FindingClass.objects.order_by("code")  # type: ignore[attr-defined]
        self.fields["found_on"].initial = timezone.localdate

    def clean_found_on(self) -> date | None:
        return not_in_future(self.cleaned_data["found_on"])

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        kind, key = told.get("object_kind"), told.get("key", "")
        if kind == ObjectKind.PLACE and key:
            self.add_error("key", "问题对象是县、乡镇、村的，这里不填；否则请改选问题对象。")
        elif kind and kind != ObjectKind.PLACE and not key and "key" not in self.errors:
            self.add_error("key", "请填写问题对象的编号（干部填姓名和职务）。")
        return told


class EnterForm(FactsForm):
    """A problem that is entered singly: of an inspection that is registered, or of source and level."""

    campaign = forms.ModelChoiceField(
        label="检查", queryset=Campaign.objects.none(), required=False,
        empty_label="不属于已登记的检查",
        help_text="选了检查，来源和层级以检查为准。",
        error_messages={"invalid_choice": "没有这次检查，请从列表中选择。"},
    )  # fmt: skip
    source = forms.ChoiceField(
        label=_label("source"), choices=[("", "请选择"), *Source.choices], required=False
    )
    level = forms.ChoiceField(
        label=_label("level"), choices=[("", "请选择"), *Level.choices], required=False
    )
    region = forms.CharField(
        label=_label("region"), max_length=60, required=False,
        help_text="区划代码或名称；问题对象是户、人、项目、支付的可不填，以对象所在区划为准。",
    )  # fmt: skip

    field_order = (
        "campaign", "source", "level", "told_as", "region", "object_kind", "key", "category",
        "severity", "found_on", "basis", "fact", "needs_watch",
    )  # fmt: skip

    def __init__(self, *args: Any, campaigns: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["campaign"].queryset = campaigns  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if "campaign" not in self.errors and not told.get("campaign"):
            for name in ("source", "level"):
                if not told.get(name) and name not in self.errors:
                    self.add_error(name, f"没有选检查的，请选择{self.fields[name].label}。")
        if told.get("object_kind") in (ObjectKind.PLACE, ObjectKind.CADRE) and not told.get(
            "region"
        ):
            self.add_error("region", "请填写问题所在区划。")
        return told


class SplitForm(_Dated):
    """Several problems instead of one: a row each; rows without a fact are passed over."""

    words = forms.CharField(
        label="拆分理由", max_length=1000, widget=_words(),
        error_messages={"required": "请写明拆分理由。"},
    )  # fmt: skip

    def __init__(self, *args: Any, severity: str = Severity.ORDINARY, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for row in range(1, PARTS + 1):
            self.fields[f"fact_{row}"] = forms.CharField(
                label=f"问题 {row}", max_length=1000, required=False, widget=_words()
            )
            self.fields[f"severity_{row}"] = forms.ChoiceField(
                label=f"问题 {row} 的严重程度", choices=Severity.choices, initial=severity,
                required=False,
            )  # fmt: skip
            self.fields[f"region_{row}"] = forms.CharField(
                label=f"问题 {row} 的所在区划", max_length=60, required=False,
                help_text="不填与原问题相同。",
            )  # fmt: skip

    @property
    def head(self) -> list[forms.BoundField]:
        return [self["on"], self["words"]]

    @property
    def parts(self) -> list[list[forms.BoundField]]:
        names = ("fact", "severity", "region")
        return [[self[f"{name}_{row}"] for name in names] for row in range(1, PARTS + 1)]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if sum(bool(told.get(f"fact_{row}")) for row in range(1, PARTS + 1)) < 2:
            self.add_error("fact_2", "至少拆分为两个问题，请写明每个问题的事实。")
        return told


class RaiseForm(forms.Form):
    severity = forms.ChoiceField(
        label=_label("severity"), choices=[("", "请选择"), *Severity.choices],
        error_messages={"required": "请选择严重程度。", "invalid_choice": "请选择严重程度。"},
    )  # fmt: skip
