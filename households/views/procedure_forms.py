"""Forms of the procedure pages."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from core import idnumbers
from core.ledger.services import without_numbers
from households import formulas
from households.enums import DISABILITY_ID, RESIDENT_ID
from households.models import CodeEntry, DayKind, Decision
from households.services.procedure import Applicant, Minutes

_AREA = forms.Textarea(attrs={"rows": 3})
MOST_MEMBERS = 8
# What is noted about a number that may be stored all the same.
_STORABLE = ("", "blank", "no_number", "upgraded")


class _Words(forms.Form):
    """Texts that are read by many hold no personal numbers."""

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        for name, value in list(told.items()):
            if isinstance(value, str) and without_numbers(value) != value:
                self.add_error(name, "不要填写证件号码或手机号码。")
        return told


class DecisionForm(_Words):
    """One decision; what a meeting leaves is asked for where there is one."""

    decision = forms.ChoiceField(label="决定", choices=Decision.choices)
    reason = forms.CharField(label="理由", max_length=500)
    evidence = forms.CharField(label="佐证材料", max_length=500, required=False)
    entitled = forms.IntegerField(label="应到人数", min_value=1, max_value=9999, required=False)
    present = forms.IntegerField(label="实到人数", min_value=1, max_value=9999, required=False)
    minutes = forms.CharField(label="会议记录", max_length=4000, required=False, widget=_AREA)

    def __init__(self, *args: Any, has_minutes: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_minutes:
            for name in ("entitled", "present", "minutes"):
                del self.fields[name]

    def told(self) -> Minutes:
        clean = self.cleaned_data
        return Minutes(clean.get("present"), clean.get("entitled"), clean.get("minutes", ""))


class NoticeForm(_Words):
    place = forms.CharField(label="公示地点", max_length=100)


class ObjectionForm(_Words):
    raised_by = forms.CharField(label="提出人", max_length=60, help_text="只写姓名，可写“匿名”。")
    words = forms.CharField(label="异议内容", max_length=500)


class AnswerForm(_Words):
    answer = forms.CharField(label="答复", max_length=500)


class DropForm(_Words):
    reason = forms.CharField(label="原因", max_length=200)


class RuleForm(_Words):
    """How long a county posts one notice, and on which ground."""

    what = forms.ChoiceField(label="事项和步骤")
    min_days = forms.IntegerField(label="公示天数", min_value=1, max_value=90)
    day_kind = forms.ChoiceField(label="天数口径", choices=DayKind.choices)
    source = forms.CharField(label="依据（文件名、文号）", max_length=300)
    holidays = forms.CharField(
        label="节假日", required=False, widget=_AREA, help_text="按工作日计算时必填，如 2018-10-01，用空格分开。"
    )  # fmt: skip
    made_up = forms.CharField(label="调休上班日", required=False, widget=_AREA)
    bars_new = forms.BooleanField(
        label="本年度识别的农户不得退出", required=False,
        help_text="只用于脱贫退出；识别年度不详的农户同样不得退出。",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = [  # type: ignore[attr-defined]
            (f"{template.kind}.{step.code}", f"{template.label} · {step.label}")
            for template in formulas.TEMPLATES.values()
            for step in template.steps
            if step.has_notice
        ]

    def clean_holidays(self) -> list[date]:
        return _days(self.cleaned_data["holidays"])

    def clean_made_up(self) -> list[date]:
        return _days(self.cleaned_data["made_up"])

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if told.get("day_kind") == DayKind.WORKING and not told.get("holidays"):
            self.add_error("holidays", "按工作日计算须给出节假日表，没有表的年度不能计算。")
        if told.get("bars_new") and not told.get("what", "").startswith(f"{formulas.EXIT}."):
            self.add_error("bars_new", "这一项只用于脱贫退出。")
        return told


def _days(text: str) -> list[date]:
    try:
        return sorted({date.fromisoformat(word) for word in re.split(r"[\s,，、]+", text) if word})
    except ValueError as error:
        raise ValidationError("日期写成 2018-10-01 的样子。") from error


class StartForm(_Words):
    reason = forms.CharField(label="事由", max_length=200)


class ApplicantForm(forms.Form):
    """A household that applies: the head in the first line, then the others."""

    group_name = forms.CharField(label="村民小组", max_length=60, required=False)
    address = forms.CharField(label="家庭住址", max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        relations = CodeEntry.objects.filter(table="relation_to_head").order_by("position")
        choices = [("", "请选择"), *relations.exclude(code="01").values_list("code", "label")]
        for n in range(MOST_MEMBERS):
            head = n == 0
            label = "户主" if head else f"成员 {n}"
            self.fields[f"name{n}"] = forms.CharField(
                label=f"{label}姓名", max_length=60, required=head
            )
            self.fields[f"id_no{n}"] = forms.CharField(
                label=f"{label}证件号码", max_length=22, required=False,
                widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "text"}),
            )  # fmt: skip
            if not head:
                self.fields[f"relation{n}"] = forms.ChoiceField(
                    label=f"{label}与户主关系", choices=choices, required=False
                )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Fields of the members, one line each."""
        return [
            {
                "name": self[f"name{n}"],
                "id_no": self[f"id_no{n}"],
                "relation": self[f"relation{n}"] if n else None,
            }
            for n in range(MOST_MEMBERS)
        ]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        for n in range(MOST_MEMBERS):
            if not told.get(f"name{n}"):
                if told.get(f"id_no{n}") or told.get(f"relation{n}"):
                    self.add_error(f"name{n}", "请填写姓名。")
                continue
            if n and not told.get(f"relation{n}"):
                self.add_error(f"relation{n}", "请选择与户主的关系。")
            number = idnumbers.read("".join((told.get(f"id_no{n}") or "").split()).upper())
            if number.fault not in _STORABLE:
                self.add_error(f"id_no{n}", "证件号码不对，请核对。")
            told[f"number{n}"] = number
        return told

    def told(self) -> Applicant:
        """The household as the service wants it."""
        clean, people = self.cleaned_data, []
        for n in range(MOST_MEMBERS):
            if not clean.get(f"name{n}"):
                continue
            number = clean[f"number{n}"]
            one = {
                "name": clean[f"name{n}"],
                "id_type": (DISABILITY_ID if number.is_certificate else RESIDENT_ID)
                if number.text
                else "",
                "id_no": number.text,
                "sex": number.sex,
                "birth_date": number.birth_date.isoformat() if number.birth_date else "",
                "relation_to_head": clean.get(f"relation{n}", ""),
            }
            people.append(one)
        return Applicant(clean["group_name"], clean["address"], people)
