"""What letters take from officials."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from inspections.enums.letters import Kind, Outcome
from inspections.services.letters.word import MOST

_MB = 1024 * 1024


def _date() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _words(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class _Dated(forms.Form):
    on = forms.DateField(label="日期", widget=_date(), initial=timezone.localdate)

    def clean_on(self) -> date | None:
        on: date | None = self.cleaned_data["on"]
        if on is not None and on > timezone.localdate():
            raise forms.ValidationError("日期不能晚于今天。")
        return on


class WordsForm(forms.Form):
    """What the draft says besides the list."""

    words = forms.CharField(
        label="补充说明", max_length=1000, required=False, widget=_words(),
        help_text="写在所列问题之前；可以不填。",
    )  # fmt: skip


class IssueForm(_Dated):
    """Confirmation of a draft."""

    reply_due_on = forms.DateField(
        label="答复期限", widget=_date(), required=False,
        help_text="不填则按“期限设置”中的答复期限（工作日）计算。",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].label = "签发日期"


class DropForm(forms.Form):
    """A draft that is not sent."""

    why = forms.CharField(label="不予发出的理由", max_length=300, widget=_words(2))


class ReceiveForm(_Dated):
    """The slip: who took the letter."""

    name = forms.CharField(label="签收人", max_length=60)

    field_order = ("name", "on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].label = "签收日期"


class ReplyForm(_Dated):
    """What the unit answered."""

    words = forms.CharField(label="答复内容", max_length=1000, widget=_words())

    field_order = ("words", "on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].label = "答复日期"


class ConcludeForm(_Dated):
    """What came of a third letter."""

    organ = forms.CharField(label="受理机关", max_length=100)
    outcome = forms.ChoiceField(label="处理结果", choices=[("", "请选择"), *Outcome.choices])
    persons = forms.IntegerField(
        label="处理人数（人）", min_value=0, max_value=999, help_text="不予追究填 0。"
    )
    document = forms.CharField(
        label="处理文号", max_length=100, required=False, help_text="处理了人的必须填写。"
    )
    words = forms.CharField(label="处理情况", max_length=500, widget=_words())

    field_order = ("organ", "outcome", "persons", "on", "document", "words")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].label = "处理日期"

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        outcome, persons = told.get("outcome"), told.get("persons")
        if outcome == Outcome.NONE and persons:
            self.add_error("persons", "不予追究的，处理人数应为 0。")
        if outcome and outcome != Outcome.NONE:
            if persons == 0:
                self.add_error("persons", "请填写处理了多少人。")
            if not told.get("document"):
                self.add_error("document", "请填写处理文号。")
        return told


class TemplateForm(forms.Form):
    """A Word file that letters of a kind are made from."""

    kind = forms.ChoiceField(label="文书", choices=Kind.choices)
    place = forms.ChoiceField(label="用于")
    file = forms.FileField(label="模板文件", help_text="Word 文档（.docx），不超过 2 MB，不含宏。")
    note = forms.CharField(label="说明", max_length=100, required=False)

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = places  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST:
            raise forms.ValidationError(f"文件超过 {MOST // _MB} MB，请压缩图片后再上传。")
        return file
