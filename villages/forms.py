"""What the division page takes from its address."""

from django import forms

from villages.enums import OWN_DIGITS


class PlaceForm(forms.Form):
    """A division code, in full or short, and a year. Both may be missing."""

    region = forms.RegexField(r"^[0-9]{2,12}$", required=False, label="区划代码")
    year = forms.IntegerField(required=False, min_value=2010, max_value=2100, label="年度")

    def clean_region(self) -> str:
        code: str = self.cleaned_data["region"]
        if code and len(code) not in OWN_DIGITS.values():
            raise forms.ValidationError("区划代码应为 2、4、6、9 或 12 位。")
        return code
