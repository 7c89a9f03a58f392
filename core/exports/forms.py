"""What a person says when taking rows out."""

from typing import Any

from django import forms

from core.exports.models import Format
from core.ledger.services import without_numbers

MASKED, FULL = "masked", "full"


class ExportForm(forms.Form):
    """Format, purpose, and whether numbers are wanted whole."""

    file_format = forms.ChoiceField(label="格式", choices=Format.choices)
    numbers = forms.ChoiceField(
        label="证件号码、电话",
        choices=[(MASKED, "脱敏（直接导出）"), (FULL, "完整号码（须第二人复核放行）")],
        help_text="含完整号码的导出由有复核权限的人放行后生成，带水印并记入台账。",
    )
    purpose = forms.CharField(
        label="用途",
        min_length=4,
        max_length=200,
        help_text="写明做什么用、交给谁；会印在文件上并记入台账。不要填写个人号码。",
    )

    def __init__(self, *args: Any, may_ask_full: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_ask_full:
            self.fields["numbers"].choices = [(MASKED, "脱敏")]  # type: ignore[attr-defined]
            self.fields["numbers"].help_text = "您的账号没有查看完整号码的权限。"

    def clean_purpose(self) -> str:
        purpose = " ".join(str(self.cleaned_data["purpose"]).split())
        if without_numbers(purpose) != purpose:
            raise forms.ValidationError("用途里不要填写证件号码或手机号码。")
        return purpose


class DecisionForm(forms.Form):
    """A second person's word."""

    decision = forms.ChoiceField(choices=[("release", "放行"), ("refuse", "退回")])
    remark = forms.CharField(required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("decision") == "refuse" and not data.get("remark"):
            raise forms.ValidationError("退回时请写明原因。")
        return data
