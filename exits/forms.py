"""What the pages of readiness take from their address and from officials."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from core.ledger.services import without_numbers
from exits.enums import COMPARING, Comparator, Outcome, SubjectLevel
from exits.models import StandardItem
from exits.queries.blockers import EXITED, POOR
from households.models import DayKind, Decision

_REASON = "写明依据哪份文件或会议；记入历史。"


class BlockerForm(forms.Form):
    """Which households that stand in the way."""

    item = forms.ChoiceField(label="未完成项", required=False)
    outcome = forms.ChoiceField(
        label="情形",
        required=False,
        choices=[("", "全部"), *[(o.value, o.label) for o in (Outcome.NOT_MET, Outcome.MISSING)]],
    )
    status = forms.ChoiceField(
        label="脱贫状态",
        required=False,
        choices=[("", "未脱贫"), (EXITED, "已脱贫")],
    )
    plan = forms.ChoiceField(
        label="范围", required=False, choices=[("", "全部"), ("1", "最少整改方案")]
    )

    def __init__(self, *args: Any, items: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [("", "全部"), *items.items()]  # type: ignore[attr-defined]

    def clean_status(self) -> str:
        return self.cleaned_data["status"] or POOR


class CheckForm(forms.Form):
    """What was found on the spot."""

    item = forms.ChoiceField(label="标准项")
    outcome = forms.ChoiceField(
        label="核实结果",
        choices=[(o.value, o.label) for o in (Outcome.MET, Outcome.NOT_MET)],
    )
    evidence = forms.CharField(
        label="佐证说明",
        max_length=200,
        help_text="看到什么、凭什么材料；不要填写个人号码。",
    )
    checked_on = forms.DateField(
        label="核实日期",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        initial=timezone.localdate,
    )

    def __init__(self, *args: Any, items: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = list(items.items())  # type: ignore[attr-defined]

    def clean_evidence(self) -> str:
        text = " ".join(str(self.cleaned_data["evidence"]).split())
        if without_numbers(text) != text:
            raise forms.ValidationError("佐证说明里不要填写证件号码或手机号码。")
        return text


class ItemForm(forms.ModelForm):
    """An item of a standard, as far as a city may change it."""

    comparator = forms.ChoiceField(
        label="比较", choices=[(one.value, Comparator(one).label) for one in COMPARING]
    )
    reason = forms.CharField(label="修改原因", max_length=200, help_text=_REASON)

    class Meta:
        model = StandardItem
        fields = (
            "label", "requirement", "comparator", "threshold", "is_veto", "is_repairable",
            "is_active", "source",
        )  # fmt: skip
        help_texts = {"threshold": "比率写成小数，如 0.02 为 2%。"}


class ProposeForm(forms.Form):
    """Why a place is to exit, in words."""

    reason = forms.CharField(label="提出理由", max_length=500)
    documents = forms.CharField(
        label="材料", max_length=500, required=False, help_text="附件的名称、文号。"
    )


class ExitDecisionForm(forms.Form):
    """The decision of the step at hand."""

    decision = forms.ChoiceField(label="决定", choices=Decision.choices)
    document_no = forms.CharField(label="文号", max_length=60, required=False)
    reason = forms.CharField(label="意见", max_length=500)
    documents = forms.CharField(label="材料", max_length=500, required=False)


class ExitNoticeForm(forms.Form):
    place = forms.CharField(label="公示地点", max_length=100)


class ExitObjectionForm(forms.Form):
    raised_by = forms.CharField(label="提出人", max_length=60, help_text="只写姓名，可写“匿名”。")
    words = forms.CharField(label="异议内容", max_length=500)


class ExitReversalForm(forms.Form):
    document_no = forms.CharField(label="撤销文号", max_length=60)
    reason = forms.CharField(label="撤销原因", max_length=500)


class ExitRuleForm(forms.Form):
    """How long a region posts a notice, on which ground."""

    level = forms.ChoiceField(
        label="级别",
        choices=[(one.value, one.label) for one in (SubjectLevel.VILLAGE, SubjectLevel.COUNTY)],
    )
    min_days = forms.IntegerField(label="公示天数", min_value=1, max_value=90)
    day_kind = forms.ChoiceField(label="天数口径", choices=DayKind.choices)
    source = forms.CharField(label="依据", max_length=300, help_text="文件名称和文号。")
