"""What the pages of assessments take from officials."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils import timezone

from inspections.enums import CASE_SUBJECTS, STRATA, CaseKind, Purpose, Reason, RoundKind, Subject
from inspections.formulas.drawing import EQUAL, PPS


def _date() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class RoundForm(forms.Form):
    """A new round: of which county, from which design, with which days."""

    kind = forms.ChoiceField(label="类型", choices=RoundKind.choices)
    name = forms.CharField(label="名称", max_length=60)
    county = forms.ChoiceField(label="被评估县")
    method = forms.ChoiceField(
        label="村的抽法", choices=[(PPS, "按户数比例（PPS）"), (EQUAL, "等概率")]
    )
    missing_as_other = forms.BooleanField(label="没有年度信息的村按非贫困村处理", required=False)
    seed = forms.CharField(
        label="公开随机种子", required=False, max_length=64,
        help_text="公开摇号所得的 32 到 64 位十六进制数；不填由系统产生。",
    )  # fmt: skip
    appeal_days = forms.IntegerField(label="申诉期限（日）", required=False, min_value=1)
    recheck_days = forms.IntegerField(label="复核期限（日）", required=False, min_value=1)
    days_source = forms.CharField(
        label="期限依据", required=False, max_length=300, help_text="填写期限时必填：文号、名称。"
    )

    def __init__(
        self, *args: Any, counties: Iterable[tuple[str, str]], start: Mapping[str, Any], **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        self.preset = str(start.get("preset", ""))
        self.started = start
        self.fields["county"].choices = list(counties)  # type: ignore[attr-defined]
        for code, label in STRATA.items():
            self.fields[f"villages_{code}"] = forms.IntegerField(
                label=f"{label}（村）", min_value=0, max_value=5000,
                initial=start.get("strata", {}).get(code, 0),
            )  # fmt: skip
        for kind, label in Subject.choices:
            take = start.get("takes", {}).get(kind, {"households": 0})
            self.fields[f"take_{kind}"] = forms.IntegerField(
                label=f"{label}每村（户）", min_value=0, max_value=5000, required=False,
                initial=take.get("households"), help_text="不填为全部调查。",
            )  # fmt: skip
            self.fields[f"reserve_{kind}"] = forms.IntegerField(
                label=f"{label}候补（户）", min_value=0, max_value=5000,
                initial=take.get("reserve", 0),
            )  # fmt: skip

    @property
    def villages(self) -> list[forms.BoundField]:
        return [self[f"villages_{code}"] for code in STRATA]

    @property
    def takes(self) -> list[forms.BoundField]:
        return [self[f"{what}_{kind}"] for kind in Subject.values for what in ("take", "reserve")]

    def design(self) -> dict[str, Any]:
        """As `services.planning` takes it; shares and steps of the preset stay as they were."""
        told = self.cleaned_data
        takes: dict[str, Any] = {}
        for kind in Subject.values:
            kept = self.started.get("takes", {}).get(kind, {})
            more = {name: kept[name] for name in ("share", "beyond") if name in kept}
            takes[kind] = more | {
                "households": told[f"take_{kind}"], "reserve": told[f"reserve_{kind}"]
            }  # fmt: skip
        return {
            "strata": {
                code: {"villages": told[f"villages_{code}"], "method": told["method"]}
                for code in STRATA
            },
            "takes": takes,
            "missing_as_other": told["missing_as_other"],
            "preset": self.preset,
        }


class PlanningForm(forms.Form):
    """What the table of sample sizes is computed for; percents are written as percents."""

    threshold = forms.DecimalField(label="标准（%）", min_value=0, max_value=100, decimal_places=3)
    population = forms.IntegerField(
        label="全县户数", required=False, min_value=1, max_value=1_000_000
    )
    effect = forms.DecimalField(
        label="设计效应", initial="1.5", min_value=1, max_value=20, decimal_places=2,
        help_text="同村农户相近，整群抽样须多抽；以往轮次实测值最好。",
    )  # fmt: skip
    power = forms.DecimalField(
        label="把握度（%）", initial="80", min_value=50, max_value=99, decimal_places=1
    )


class AssignForm(forms.Form):
    """Whom to send to the households that were ticked."""

    surveyor = forms.ChoiceField(label="调查员")
    purpose = forms.ChoiceField(label="目的", choices=Purpose.choices)

    def __init__(self, *args: Any, surveyors: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["surveyor"].choices = [(str(pk), name) for pk, name in surveyors]  # type: ignore[attr-defined]


class ReplaceForm(forms.Form):
    reason = forms.ChoiceField(label="原因", choices=Reason.choices)
    note = forms.CharField(label="经过", max_length=200)


class VisitForm(forms.Form):
    """A visit: when, where, and either the questionnaire or why there is none."""

    visited_at = forms.DateTimeField(
        label="入户时间",
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    place = forms.CharField(label="地点", max_length=200)
    outcome = forms.ChoiceField(
        label="结果", required=False, choices=[("", "见到并完成问卷"), *Reason.choices]
    )

    def __init__(self, *args: Any, schema: list[dict[str, Any]], subject: str, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.schema = schema
        self.fields["visited_at"].initial = timezone.localtime().replace(second=0, microsecond=0)
        for item in schema:
            self.fields[f"item_{item['code']}"] = _asked(item)
        self.kinds = [kind for kind in CaseKind if subject in CASE_SUBJECTS[kind]]
        for kind in self.kinds:
            for name, made in _suspicion(kind).items():
                self.fields[f"{kind.value}_{name}"] = made

    @property
    def head(self) -> list[forms.BoundField]:
        return [self["visited_at"], self["place"], self["outcome"]]

    @property
    def items(self) -> list[forms.BoundField]:
        return [self[f"item_{item['code']}"] for item in self.schema]

    @property
    def suspicions(self) -> list[dict[str, Any]]:
        names = ("persons", "reason", "evidence")
        return [
            {"label": kind.label, "fields": [self[f"{kind.value}_{name}"] for name in names]}
            for kind in self.kinds
        ]

    def answers(self) -> dict[str, str]:
        return {
            item["code"]: str(self.cleaned_data[f"item_{item['code']}"])
            for item in self.schema
            if self.cleaned_data.get(f"item_{item['code']}") not in ("", None)
        }

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        for kind in self.kinds:
            persons, reason = told.get(f"{kind.value}_persons"), told.get(f"{kind.value}_reason")
            if bool(persons) != bool(reason):
                self.add_error(f"{kind.value}_reason", "疑似人数和理由须一并填写。")
        return told


def _asked(item: Mapping[str, Any]) -> forms.Field:
    label = f"{item['label']}（{item['unit']}）" if item.get("unit") else item["label"]
    # Required ones are told by the questionnaire's own check: a household not met answers none.
    if item["kind"] == "number":
        numbers = {"inputmode": "decimal"}
        return forms.CharField(label=label, required=False, widget=forms.TextInput(attrs=numbers))
    if item["kind"] == "text":
        return forms.CharField(label=label, required=False, max_length=item.get("most", 500))
    pairs = (
        [("yes", "是"), ("no", "否"), ("unknown", "不清楚")]
        if item["kind"] == "yesno"
        else [(one, one) for one in item["choices"]]
    )
    return forms.ChoiceField(label=label, required=False, choices=[("", "请选择"), *pairs])


def _suspicion(kind: CaseKind) -> dict[str, forms.Field]:
    return {
        "persons": forms.IntegerField(
            label=f"{kind.label}疑似人数", required=False, min_value=1, max_value=30
        ),
        "reason": forms.CharField(label="理由", required=False, max_length=500),
        "evidence": forms.CharField(label="佐证", required=False, max_length=500),
    }


class CaseForm(forms.Form):
    """The next step of a case."""

    on = forms.DateField(label="日期", widget=_date(), initial=timezone.localdate)
    reason = forms.CharField(label="理由", max_length=500)
    evidence = forms.CharField(label="佐证材料", max_length=500, required=False)
    persons = forms.IntegerField(
        label="确认人数（人）", required=False, min_value=1, max_value=30,
        help_text="确认时填写。",
    )  # fmt: skip


class RectifyForm(forms.Form):
    """How a confirmed problem was put right."""

    on = forms.DateField(label="整改完成日期", widget=_date(), initial=timezone.localdate)
    measure = forms.CharField(label="整改措施", max_length=500)
    evidence = forms.CharField(label="佐证材料", max_length=500)


def _workbook() -> forms.FileField:
    return forms.FileField(
        label="工作簿",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.xls,.csv"}),
        error_messages={"required": "请选择文件。", "empty": "文件是空的。"},
    )


class SheetForm(forms.Form):
    """A filled field sheet, of which type of households."""

    kind = forms.ChoiceField(label="农户类型", choices=Subject.choices)
    file = _workbook()


class RosterForm(forms.Form):
    """A roster and the county it is of."""

    county = forms.ChoiceField(label="县")
    file = _workbook()

    def __init__(self, *args: Any, counties: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["county"].choices = list(counties)  # type: ignore[attr-defined]
