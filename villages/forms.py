"""What the pages of divisions take from their address and from officials."""

from typing import Any

from django import forms
from django.db import models

from villages.enums import OWN_DIGITS
from villages.queries.yearly import facts


class PlaceForm(forms.Form):
    """A division code, in full or short, and a year. Both may be missing."""

    region = forms.RegexField(r"^[0-9]{2,12}$", required=False, label="区划代码")
    year = forms.IntegerField(required=False, min_value=2010, max_value=2100, label="年度")

    def clean_region(self) -> str:
        code: str = self.cleaned_data["region"]
        if code and len(code) not in OWN_DIGITS.values():
            raise forms.ValidationError("区划代码应为 2、4、6、9 或 12 位。")
        return code


def _three(label: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        required=False,
        choices=[("", "未填"), ("True", "是"), ("False", "否")],
        coerce=lambda text: text == "True",
        empty_value=None,
    )


def _field_of(one: Any, year: int) -> forms.Field:
    """A form field for a fact: a missing yes, number or sum stays missing."""
    label, unit = str(one.verbose_name), getattr(one, "unit", "")
    named = f"{label}（{unit}）" if unit else label
    if isinstance(one, models.BooleanField):
        return _three(named)
    if isinstance(one, models.DecimalField):
        return forms.DecimalField(
            label=named, required=False, min_value=0, max_digits=14, decimal_places=2
        )
    low, high = (2010, year) if one.name.endswith("_year") else (0, 32_767)
    return forms.IntegerField(label=named, required=False, min_value=low, max_value=high)


class FactsForm(forms.Form):
    """A village's facts of one year, as `queries.yearly.facts` lists them."""

    version = forms.RegexField(r"^[0-9a-f]{32}$", required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, year: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in facts():
            self.fields[one.name] = _field_of(one, year)
        for name in ("is_poor_village", "is_deep_poverty"):
            self.fields[name].required = True
        self.fields["source"] = forms.CharField(
            label="数据来源", max_length=200, help_text="如“2018 年贫困村年报”。"
        )
        self.fields["reason"] = forms.CharField(
            label="修改事由", max_length=200, help_text="记入变更历史。"
        )
        self.fields["confirmed"] = forms.BooleanField(
            label="有疑问的数据已核实无误", required=False
        )

    def told(self) -> dict[str, Any]:
        return {one.name: self.cleaned_data[one.name] for one in facts()}
