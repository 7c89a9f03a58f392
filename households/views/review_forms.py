"""Forms of deciding about changes, and of a county's chain."""

from typing import Any

from django import forms
from django.utils import timezone

from households.models.change import CHAIN, LEVELS


class DecisionForm(forms.Form):
    """Approve, or return with a reason."""

    APPROVE, RETURN = "approve", "return"

    decision = forms.ChoiceField(
        choices=[(APPROVE, "通过"), (RETURN, "退回")],
        error_messages={"required": "请选择通过或退回。", "invalid_choice": "请选择通过或退回。"},
    )
    reason = forms.CharField(
        label="审核意见",
        max_length=200,
        required=False,
        help_text="退回必须写明原因，通过可以不填。",
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("decision") == self.RETURN and not told.get("reason"):
            self.add_error("reason", "退回时请写明原因。")
        return told


class VillageDecisionForm(DecisionForm):
    """The same decision about several changes of one village."""

    change = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What may be decided about is asked of the database, not of the form.
        told = self.data.getlist("change") if self.is_bound else []  # type: ignore[attr-defined]
        known = [one for one in told if one.isascii() and one.isdecimal() and len(one) < 19]
        self.fields["change"].choices = [(one, one) for one in known]  # type: ignore[attr-defined]

    def clean_change(self) -> list[int]:
        chosen: list[int] = self.cleaned_data["change"]
        if not chosen:
            raise forms.ValidationError("请至少选择一项变更。")
        return chosen


class ChainForm(forms.Form):
    """Which levels review a county's changes from a day on; none: no review."""

    region_code = forms.ChoiceField(
        label="县区", error_messages={"invalid_choice": "请选择本区划内的县区。"}
    )
    levels = forms.TypedMultipleChoiceField(
        label="审核环节",
        required=False,
        coerce=int,
        choices=[(level, LEVELS[level]) for level in CHAIN],
        widget=forms.CheckboxSelectMultiple,
        help_text="都不选即停用审核，提交后立即生效。",
    )
    valid_from = forms.DateField(
        label="起始日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(label="设置事由", max_length=200, min_length=2)

    def __init__(self, *args: Any, counties: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["region_code"].choices = counties  # type: ignore[attr-defined]
        self.fields["valid_from"].initial = timezone.localdate()
