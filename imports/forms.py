"""Uploading a workbook."""

from typing import Any

from django import forms

from core.scope import covers, trim
from villages.models import Region

THIS_CENTURY = (2010, 2100)


class UploadForm(forms.Form):
    """File, year and the region it may write to; the region must lie inside the user's grants."""

    file = forms.FileField(
        label="工作簿",
        help_text="全国扶贫开发信息系统导出的户、人表（.xlsx），保留原表头。",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
    )
    partition = forms.IntegerField(
        label="年度", min_value=THIS_CENTURY[0], max_value=THIS_CENTURY[1], help_text="如 2018"
    )
    region = forms.ChoiceField(label="导入到", help_text="超出所选区划的行会被退回。")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        heads = [prefix.ljust(12, "0") for prefix in user.prefixes_for("imports.load_workbook")]
        regions = Region.objects.filter(code__in=heads, valid_to__isnull=True).order_by("code")
        self.fields["region"].choices = [(trim(r.code), r.name) for r in regions]  # type: ignore[attr-defined]

    def clean_region(self) -> str:
        region: str = self.cleaned_data["region"]
        if not covers(self.user, region):
            raise forms.ValidationError("不在您的管辖范围内。")
        return region
