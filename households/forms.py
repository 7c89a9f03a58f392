"""Forms of the household's page."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from core.exports.forms import ExportForm
from core.ledger.services import without_numbers
from households.enums import Purpose


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
