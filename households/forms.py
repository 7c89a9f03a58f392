"""Forms of the household's page."""

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.exports.forms import ExportForm
from core.ledger.services import without_numbers
from households.enums import Purpose

# No register is older.
EARLIEST = date(2010, 1, 1)


class DayForm(forms.Form):
    """A day that has been."""

    on = forms.DateField(
        label="日期",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "请填写日期。", "invalid": "请按 年-月-日 填写日期。"},
    )

    def clean_on(self) -> Any:
        day = self.cleaned_data["on"]
        if not EARLIEST <= day <= timezone.localdate():
            raise ValidationError(f"日期应在 {EARLIEST} 至今天之间。")
        return day


class AssignForm(forms.Form):
    """To whom a household is entrusted, and why."""

    username = forms.CharField(label="账号", max_length=60)
    reason = forms.CharField(label="事由", max_length=200)

    def clean_username(self) -> Any:
        """The account or None: that it exists is told no more precisely than that it fits."""
        users = get_user_model()._default_manager
        return users.filter(username=self.cleaned_data["username"], is_active=True).first()


class RevealForm(forms.Form):
    """Whose full numbers, and what for."""

    HOUSEHOLD = "household"

    year = forms.IntegerField(min_value=2010, max_value=2100)
    whom = forms.ChoiceField(
        label="查看对象", error_messages={"invalid_choice": "本户没有这名成员。"}
    )
    purpose = forms.ChoiceField(
        label="用途",
        choices=[("", "请选择"), *Purpose.choices],
        error_messages={"required": "请选择用途。", "invalid_choice": "请选择用途。"},
    )
    words = forms.CharField(
        label="具体事由",
        min_length=4,
        max_length=200,
        help_text="写明办什么事，会记入访问台账。不要填写个人号码。",
        error_messages={
            "required": "请写明具体事由。",
            "min_length": "具体事由太短，请写明办什么事。",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, members: list[tuple[str, str]], **kwargs: Any) -> None:
        """`members` are (number, name) of the persons that can be chosen."""
        super().__init__(*args, **kwargs)
        choices = [(self.HOUSEHOLD, "本户（户主证件、电话、银行卡）"), *members]
        self.fields["whom"].choices = choices  # type: ignore[attr-defined]

    def clean_words(self) -> str:
        words = " ".join(str(self.cleaned_data["words"]).split())
        said = without_numbers(words)
        if said != words:
            # The page does not repeat the number either.
            self.data = {**self.data.dict(), "words": said}  # type: ignore[attr-defined]
            raise ValidationError("事由里不要填写证件号码或手机号码。", code="number")
        return words


class ListExportForm(ExportForm):
    """Besides format and purpose: which columns the file has."""

    LIST, NATIONAL, CHOSEN = "list", "national", "chosen"

    layout = forms.ChoiceField(label="列", required=False)
    columns = forms.MultipleChoiceField(
        label="自选列",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "没有这一列。"},
    )

    def __init__(
        self, *args: Any, columns: dict[str, str], layouts: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = columns
        self.fields["layout"].choices = layouts  # type: ignore[attr-defined]
        self.fields["columns"].choices = list(columns.items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("layout") == self.CHOSEN and not data.get("columns") and not self.errors:
            self.add_error("columns", "请至少选一列。")
        return data

    @property
    def chosen(self) -> list[str]:
        """The columns ticked, in the order of the form; empty for those of the list."""
        if self.cleaned_data.get("layout") != self.CHOSEN:
            return []
        ticked = set(self.cleaned_data["columns"])
        return [name for name in self.known if name in ticked]


class ColumnsForm(forms.Form):
    """Which facts a list shows beside number, name and place; none for the usual ones."""

    MOST = 12

    columns = forms.MultipleChoiceField(
        label="显示的列",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "没有这一列。"},
    )

    def __init__(self, *args: Any, known: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = known
        self.fields["columns"].choices = list(known.items())  # type: ignore[attr-defined]

    def clean_columns(self) -> list[str]:
        ticked = list(self.cleaned_data["columns"])
        if len(ticked) > self.MOST:
            raise ValidationError(f"最多选 {self.MOST} 列。", code="too_many")
        return ticked

    @property
    def chosen(self) -> list[str]:
        """In the order of the form; empty when the usual columns are wanted."""
        if "usual" in self.data:
            return []
        ticked = set(self.cleaned_data["columns"])
        return [name for name in self.known if name in ticked]


class SavedViewForm(forms.Form):
    """The name of a search, and the office it is shared with."""

    ALONE = ""

    name = forms.CharField(
        label="名称",
        max_length=30,
        error_messages={"required": "请给视图起个名称。", "max_length": "名称不超过 30 个字。"},
    )
    office = forms.ChoiceField(label="谁能看到", required=False)

    def __init__(self, *args: Any, offices: list[tuple[str, str]], **kwargs: Any) -> None:
        """`offices` are (key, name) of those the user belongs to."""
        super().__init__(*args, **kwargs)
        self.fields["office"].choices = [(self.ALONE, "只有本人"), *offices]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        words = " ".join(str(self.cleaned_data["name"]).split())
        if without_numbers(words) != words:
            self.data = {**self.data.dict(), "name": ""}  # type: ignore[attr-defined]
            raise ValidationError("名称里不要填写证件号码或手机号码。", code="number")
        return words
