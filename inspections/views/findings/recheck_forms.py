"""What the pages of second looks take from officials."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from django import forms
from django.utils import timezone

from inspections.enums.findings import Look
from inspections.views.sweeps.forms import Choices, day

_HUNDRED = 100


def _last_month() -> tuple[date, date]:
    until = timezone.localdate().replace(day=1) - timedelta(1)
    return until.replace(day=1), until


class DrawForm(forms.Form):
    """Of which place, of which period, what share, by which seed."""

    region = forms.ChoiceField(label="区划")
    since = day("销号自")
    until = day("销号至")
    share = forms.IntegerField(
        label="抽取比例（%）",
        min_value=1,
        max_value=_HUNDRED,
        initial=10,
        help_text="有余数时多抽一个。",
    )
    seed = forms.RegexField(
        r"^[0-9a-fA-F]{32,64}$", label="公开随机种子", required=False, max_length=64,
        help_text="公开摇号所得的 32 到 64 位十六进制数；不填由系统产生。",
    )  # fmt: skip

    def __init__(self, *args: Any, places: Choices, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["region"].choices = places  # type: ignore[attr-defined]
        self.fields["since"].initial, self.fields["until"].initial = _last_month()

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        since, until = told.get("since"), told.get("until")
        if since and until and until < since:
            self.add_error("until", "止日不能早于起日。")
        return told

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.cleaned_data["share"], _HUNDRED)


class LookForm(forms.Form):
    """What was seen on a second look."""

    result = forms.ChoiceField(label="复查结果", choices=Look.choices)
    words = forms.CharField(
        label="复查情况", max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
    on = day("复查日期")
