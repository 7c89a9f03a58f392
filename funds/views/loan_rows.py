"""A row of a workbook of loans, judged as the form judges what is typed in."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from funds.enums import LoanUser
from funds.forms import NewLoanForm
from projects.services.loading import Line, Loaded

_WORDS: dict[str, Mapping[str, str]] = {
    "is_productive": {"是": "1", "否": "0"},
    "user_kind": {str(label): code for code, label in LoanUser.choices},
}
_UNKNOWN = ("", "未查明")


class LoanLoadForm(forms.Form):
    """A workbook of loans."""

    file = forms.FileField(label="工作簿", help_text="xlsx、xls 或 csv。")


def judged(lines: Sequence[Line], done: Loaded) -> list[tuple[Line, dict[str, Any]]]:
    """The rows that say what they have to; the others are told in `done`."""
    good = []
    for line in lines:
        form = NewLoanForm(_typed(line))
        if form.is_valid():
            good.append((line, form.cleaned_data))
            continue
        for name, errors in form.errors.items():
            done.fault(line, str(form.fields[name].label), " ".join(map(str, errors)))
    return good


def _typed(line: Line) -> dict[str, str]:
    """The cells as the form would have sent them."""
    typed = {}
    for name, field in NewLoanForm.base_fields.items():
        text = line.told(str(field.label))
        if name in _WORDS:
            text = "" if text in _UNKNOWN else _WORDS[name].get(text, text)
        typed[name] = text
    typed["amount"] = typed["amount"].replace(",", "")
    typed["addon"] = typed["addon"].replace(",", "") or "0"
    return typed
