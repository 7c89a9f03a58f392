"""Forms of the attachments' pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from core.ledger.services import without_numbers
from households.catalog import labels
from households.enums import Purpose
from households.services import attaching


def _plain(text: str, what: str) -> str:
    words = " ".join(text.split())
    if without_numbers(words) != words:
        raise ValidationError(f"{what}里不要填写证件号码或手机号码。", code="number")
    return words


class UploadForm(forms.Form):
    """A photo or scan and what it is."""

    kind = forms.ChoiceField(
        label="材料类型",
        error_messages={"required": "请选择材料类型。", "invalid_choice": "请选择材料类型。"},
    )
    note = forms.CharField(
        label="说明", max_length=100, required=False, help_text="如“2018 年 11 月核算”，不要填写个人号码。"
    )  # fmt: skip
    file = forms.FileField(
        label="文件",
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"}),
        error_messages={"required": "请选择文件。", "empty": "文件是空的。"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = labels(attaching.KINDS).items()
        self.fields["kind"].choices = [("", "请选择"), *kinds]  # type: ignore[attr-defined]
        most = f"不超过 {settings.ATTACHMENT_MAX_MB} MB"
        self.fields["file"].help_text = f"JPEG、PNG 或 PDF，{most}。照片里的拍摄地点等信息会去掉。"

    def clean_note(self) -> str:
        return _plain(self.cleaned_data["note"], "说明")


class OpenForm(forms.Form):
    """What a paper is opened for."""

    purpose = forms.ChoiceField(
        label="用途",
        choices=[("", "请选择"), *Purpose.choices],
        error_messages={"required": "请选择用途。", "invalid_choice": "请选择用途。"},
    )
    words = forms.CharField(
        label="具体事由",
        min_length=4,
        max_length=200,
        help_text="写明办什么事，每次打开都会记入访问台账。",
        error_messages={
            "required": "请写明具体事由。",
            "min_length": "具体事由太短，请写明办什么事。",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_words(self) -> str:
        return _plain(self.cleaned_data["words"], "事由")


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label="作废原因", max_length=200, error_messages={"required": "请写明作废原因。"}
    )

    def clean_reason(self) -> str:
        return _plain(self.cleaned_data["reason"], "原因")
