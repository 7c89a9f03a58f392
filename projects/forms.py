"""What the pages of projects take from officials."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils import timezone

from projects.enums import Benefit, DayKind, Grade, NoticeKind, Owner
from projects.models import Asset, FactType, Project, ProjectType
from projects.services.entering import Aim, Part

TARGET_ROWS, STAGE_ROWS = 4, 5
_MOST = Decimal("999999999999.99")


def _date() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _day(label: str, **options: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=_date(), **options)


def _yuan(label: str, **options: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, max_digits=14, decimal_places=2, min_value=options.pop("least", Decimal(0)),
        max_value=_MOST, **options,
    )  # fmt: skip


def _label(name: str) -> str:
    field: Any = Project._meta.get_field(name)
    return str(field.verbose_name)


class ProjectForm(forms.Form):
    """A project as it is proposed, with the facts of its type."""

    name = forms.CharField(label=_label("name"), max_length=100)
    content = forms.CharField(
        label=_label("content"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    year = forms.IntegerField(label=_label("year"), min_value=2010, max_value=2100)
    unit = forms.CharField(label=_label("unit"), max_length=100)
    planned_amount = _yuan(_label("planned_amount"), least=Decimal("0.01"))
    planned_start = _day(_label("planned_start"))
    planned_end = _day(_label("planned_end"))

    def __init__(self, *args: Any, facts: Iterable[FactType] = (), **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.facts = list(facts)
        for one in self.facts:
            self.fields[f"fact_{one.code}"] = forms.DecimalField(
                label=f"{one.label}（{one.unit}）", required=False, min_value=0, max_digits=14,
                decimal_places=one.places,
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        start, end = told.get("planned_start"), told.get("planned_end")
        if start and end and end < start:
            self.add_error("planned_end", "早于计划开工日期。")
        return told

    def told(self) -> tuple[dict[str, Any], dict[str, Decimal]]:
        """The project's fields, and its facts by code; a fact that is left empty is missing."""
        facts = {
            one.code: self.cleaned_data[f"fact_{one.code}"]
            for one in self.facts
            if self.cleaned_data[f"fact_{one.code}"] is not None
        }
        fields = {
            name: value for name, value in self.cleaned_data.items() if not name.startswith("fact_")
        }
        return fields, facts


class StartForm(forms.Form):
    """Of which type a new project is, and where."""

    type = forms.ModelChoiceField(label=_label("type"), queryset=ProjectType.objects.all())
    region = forms.CharField(
        label="区划代码", max_length=12, min_length=4, help_text="村 12 位、乡镇 9 位、县 6 位。"
    )


class StepForm(forms.Form):
    """One step: when and why; money and its document where it is assigned."""

    on = _day("日期")
    reason = forms.CharField(label="意见", max_length=500)
    amount = _yuan("安排资金（元）", required=False)
    document = forms.CharField(label="文号", max_length=100, required=False)

    def __init__(self, *args: Any, with_money: bool = False, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["on"].initial = timezone.localdate
        if not with_money:
            del self.fields["amount"], self.fields["document"]


class TargetsForm(forms.Form):
    """The performance targets, a row each; empty rows are passed over."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for row in range(1, TARGET_ROWS + 1):
            self.fields[f"indicator_{row}"] = forms.CharField(
                label=f"指标 {row}", max_length=60, required=False
            )
            self.fields[f"unit_{row}"] = forms.CharField(
                label="单位", max_length=10, required=False
            )
            self.fields[f"planned_{row}"] = forms.DecimalField(
                label="目标值", max_digits=14, decimal_places=2, required=False
            )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        for row in range(1, TARGET_ROWS + 1):
            values = [told.get(f"{name}_{row}") for name in ("indicator", "unit", "planned")]
            filled = [value not in (None, "") for value in values]
            if any(filled) and not all(filled):
                self.add_error(f"indicator_{row}", "指标、单位、目标值须一并填写。")
        return told

    def aims(self) -> list[Aim]:
        told = self.cleaned_data
        return [
            Aim(told[f"indicator_{row}"], told[f"unit_{row}"], told[f"planned_{row}"])
            for row in range(1, TARGET_ROWS + 1)
            if told[f"indicator_{row}"]
        ]


class StagesForm(forms.Form):
    """The stages of the work, a row each; empty rows are passed over."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for row in range(1, STAGE_ROWS + 1):
            self.fields[f"name_{row}"] = forms.CharField(
                label=f"阶段 {row}", max_length=60, required=False
            )
            self.fields[f"weight_{row}"] = forms.IntegerField(
                label="权重（％）", min_value=1, max_value=100, required=False
            )
            self.fields[f"starts_{row}"] = _day("开始", required=False)
            self.fields[f"ends_{row}"] = _day("结束", required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        for row in range(1, STAGE_ROWS + 1):
            values: list[Any] = [
                told.get(f"{name}_{row}") for name in ("name", "weight", "starts", "ends")
            ]
            filled = [value not in (None, "") for value in values]
            if any(filled) and not all(filled):
                self.add_error(f"name_{row}", "阶段、权重、起止日期须一并填写。")
            elif all(filled) and values[3] < values[2]:
                self.add_error(f"ends_{row}", "早于开始日期。")
        return told

    def parts(self) -> list[Part]:
        told = self.cleaned_data
        return [
            Part(
                told[f"name_{row}"], told[f"weight_{row}"], told[f"starts_{row}"],
                told[f"ends_{row}"],
            )
            for row in range(1, STAGE_ROWS + 1)
            if told[f"name_{row}"]
        ]  # fmt: skip


class ReportForm(forms.Form):
    """The report of a month: how much of every stage is done."""

    month = forms.DateField(label="月份", widget=_date(), help_text="填当月任一天。")
    words = forms.CharField(
        label="进展情况", max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, stages: Iterable[Any] = (), **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.stages = list(stages)
        for one in self.stages:
            self.fields[f"stage_{one.position}"] = forms.DecimalField(
                label=f"{one.name}（％）", min_value=0, max_value=100, max_digits=5,
                decimal_places=2,
            )  # fmt: skip

    def done(self) -> dict[int, Decimal]:
        return {one.position: self.cleaned_data[f"stage_{one.position}"] for one in self.stages}


class NoticeForm(forms.Form):
    """A notice: where, from when, for how long and on which ground."""

    kind = forms.ChoiceField(label="公示", choices=NoticeKind.choices)
    place = forms.CharField(label="公示地点", max_length=100)
    phone = forms.CharField(label="监督电话", max_length=40)
    on = _day("张贴日期")
    min_days = forms.IntegerField(label="公示天数", min_value=1, max_value=90)
    day_kind = forms.ChoiceField(label="按", choices=DayKind.choices)
    source = forms.CharField(label="天数依据", max_length=300)


class AcceptanceForm(forms.Form):
    on = _day("验收日期")
    passed = forms.ChoiceField(label="结论", choices=[("1", "合格"), ("0", "不合格")])
    team = forms.CharField(label="验收组", max_length=200)
    opinion = forms.CharField(label="验收意见", max_length=1000)


class SettlementForm(forms.Form):
    on = _day("结算日期")
    submitted = _yuan("送审金额（元）", least=Decimal("0.01"))
    audited = _yuan("审定金额（元）", least=Decimal("0.01"))
    auditor = forms.CharField(label="审计单位", max_length=100)
    document = forms.CharField(label="文号", max_length=100, required=False)


class AssetForm(forms.ModelForm):
    on = _day("登记日期")
    owner_kind = forms.ChoiceField(label="权属", choices=Owner.choices)

    class Meta:
        model = Asset
        fields = ("name", "value", "owner_kind", "owner", "use", "income", "keeper", "upkeep")

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for name in ("income", "upkeep"):
            self.fields[name].required = False


class EvaluationForm(forms.Form):
    """The grade, and what was reached of every target."""

    on = _day("评价日期")
    grade = forms.ChoiceField(label="等次", choices=Grade.choices)
    words = forms.CharField(label="评价意见", max_length=1000)


class ReachedForm(forms.Form):
    """What was reached, of targets and facts; empty stays as it is."""

    def __init__(
        self, *args: Any, targets: Iterable[Any] = (), facts: Iterable[Any] = (), **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        for one in targets:
            self.fields[f"target_{one.position}"] = forms.DecimalField(
                label=f"{one.indicator}（{one.unit}）", max_digits=14, decimal_places=2,
                required=False, initial=one.actual,
            )  # fmt: skip
        for one in facts:
            self.fields[f"fact_{one.fact.code}"] = forms.DecimalField(
                label=f"{one.fact.label}（{one.fact.unit}）", max_digits=14,
                decimal_places=one.fact.places, min_value=0, required=False, initial=one.actual,
            )  # fmt: skip

    def told(self) -> tuple[dict[int, Decimal], dict[str, Decimal]]:
        filled = {k: v for k, v in self.cleaned_data.items() if v is not None}
        targets = {int(k[7:]): v for k, v in filled.items() if k.startswith("target_")}
        return targets, {k[5:]: v for k, v in filled.items() if k.startswith("fact_")}


class PhotoForm(forms.Form):
    """A photo of the work, or a scan."""

    file = forms.FileField(label="照片或扫描件", help_text="JPEG、PNG 图片或 PDF。")
    note = forms.CharField(label="说明", max_length=100, required=False)


class LoadForm(forms.Form):
    """A workbook of one of the kinds that are taken in."""

    kind = forms.ChoiceField(label="内容")
    file = forms.FileField(label="工作簿", help_text="xlsx、xls 或 csv。")

    def __init__(self, *args: Any, kinds: Iterable[tuple[str, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["kind"].choices = list(kinds)  # type: ignore[attr-defined]


class ContractorForm(forms.Form):
    """Who builds, known after the tender."""

    contractor = forms.CharField(label="承建单位", max_length=100)


class IncomesForm(forms.Form):
    """What the project really brought, a household a line: number and yuan."""

    lines = forms.CharField(
        label="户编号和实际增收（元）", max_length=40_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="每行一户，中间空格，如：86300000000001 1200.50。",
    )  # fmt: skip

    def clean_lines(self) -> dict[str, Decimal]:
        told: dict[str, Decimal] = {}
        for number, line in enumerate(self.cleaned_data["lines"].splitlines(), 1):
            parts = line.replace(",", "").split()
            if not parts:
                continue
            try:
                household, amount = parts
                value = Decimal(amount)
            except (ValueError, InvalidOperation) as error:
                raise forms.ValidationError(
                    f"第 {number} 行应是户编号和金额，中间空格。"
                ) from error
            if not value.is_finite() or value < 0 or value != round(value, 2) or value > _MOST:
                raise forms.ValidationError(f"第 {number} 行金额应不小于 0，至多两位小数。")
            if household in told:
                raise forms.ValidationError(f"第 {number} 行的户编号重复。")
            told[household] = value
        return told


class OthersForm(forms.Form):
    """A village, a person by number, or somebody who is not in the register, by name and village."""

    on = _day("受益日期")
    benefit = forms.ChoiceField(label="受益方式", choices=Benefit.choices)
    expected = _yuan("预计增收（元）", required=False)
    village = forms.CharField(
        label="村代码",
        max_length=12,
        required=False,
        help_text="受益对象是村，或未登记对象所在的村。",
    )
    person_no = forms.CharField(label="人员编号", max_length=20, required=False)
    name = forms.CharField(
        label="未登记对象名称", max_length=60, required=False, help_text="不在册的农户或单位。"
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        person, village = told.get("person_no"), told.get("village")
        if bool(person) == bool(village) or (person and told.get("name")):
            raise forms.ValidationError(
                "请填写人员编号，或村代码（未登记对象另填名称），二者择一。"
            )
        return told


class QuotaForm(forms.Form):
    """How much a county may assign to a sector in a year, and on which ground."""

    region = forms.ChoiceField(label="县")
    year = forms.IntegerField(label="年度", min_value=2010, max_value=2100)
    sector = forms.ModelChoiceField(
        label="项目类别", queryset=ProjectType.objects.filter(parent=None)
    )
    amount = _yuan("额度（元）")
    source = forms.CharField(label="依据", max_length=300)

    def __init__(self, *args: Any, places: Iterable[tuple[str, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["region"].choices = list(places)  # type: ignore[attr-defined]
        self.fields["year"].initial = lambda: timezone.localdate().year


class BeneficiariesForm(forms.Form):
    """Households by their numbers, one a line, all with the same benefit."""

    on = _day("受益日期")
    benefit = forms.ChoiceField(label="受益方式", choices=Benefit.choices)
    expected = _yuan("预计增收（元／户）", required=False)
    numbers = forms.CharField(
        label="户编号", max_length=40_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="每行一个。",
    )  # fmt: skip
