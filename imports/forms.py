"""Forms of the import pages."""

from typing import Any

from django import forms

from core.ledger.services import without_numbers
from core.scope import covers, trim
from imports.enums import Acceptance, BatchState, Grain, ReturnKind
from villages.models import Region

THIS_CENTURY = (2010, 2100)
LOAD = "imports.load_workbook"
ACCEPTED = ".xlsx,.xls,.csv"


class UploadForm(forms.Form):
    """File, year and the region it may write to; the region must lie inside the user's grants."""

    file = forms.FileField(
        label="工作簿",
        max_length=200,
        help_text="全国扶贫开发信息系统导出的户、人、务工、村表，保留原表头。可用 XLSX、XLS 或 CSV（UTF-8、GB18030）。",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
    )
    partition = forms.IntegerField(
        label="年度", min_value=THIS_CENTURY[0], max_value=THIS_CENTURY[1], help_text="如 2018"
    )
    region = forms.ChoiceField(label="导入到", help_text="超出所选区划的行会被退回。")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        heads = [prefix.ljust(12, "0") for prefix in user.prefixes_for(LOAD)]
        regions = Region.objects.filter(code__in=heads, valid_to__isnull=True).order_by("code")
        self.fields["region"].choices = [(trim(r.code), r.name) for r in regions]  # type: ignore[attr-defined]

    def clean_region(self) -> str:
        region: str = self.cleaned_data["region"]
        if not covers(self.user, region, LOAD):
            raise forms.ValidationError("不在您的管辖范围内。")
        return region


class HistoryForm(forms.Form):
    """Which batches to list. What is not a choice of the list selects nothing special."""

    state = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), *BatchState.choices]
    )
    partition = forms.IntegerField(
        label="年度",
        required=False,
        min_value=THIS_CENTURY[0],
        max_value=THIS_CENTURY[1],
        widget=forms.NumberInput(attrs={"placeholder": "全部"}),
    )
    layout = forms.ChoiceField(label="版式", required=False)
    by = forms.ChoiceField(label="上传人", required=False)

    def __init__(
        self,
        *args: Any,
        layouts: list[tuple[str, str]],
        people: list[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["layout"].choices = [("", "全部"), *layouts]  # type: ignore[attr-defined]
        self.fields["by"].choices = [  # type: ignore[attr-defined]
            ("", "全部"), *((str(pk), name) for pk, name in people)
        ]  # fmt: skip


class AcceptanceForm(forms.Form):
    """How much of a batch with faults is written."""

    acceptance = forms.ChoiceField(
        label="接收方式", choices=Acceptance.choices, widget=forms.RadioSelect
    )


class ReturnForm(forms.Form):
    """Which workbook to make from a batch."""

    kind = forms.ChoiceField(choices=ReturnKind.choices)
    field = forms.CharField(max_length=60, required=False)
    village = forms.RegexField(r"^[0-9]{12}$", required=False)


class RawSearchForm(forms.Form):
    """A text to look for in the rows as they stood in the file; it never gets into an address."""

    text = forms.CharField(
        label="查找内容",
        min_length=2,
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"min_length": "至少输入两个字。", "required": "请输入要查找的内容。"},
    )


class MappingForm(forms.Form):
    """What the columns of a file mean: its head row, what a row is, and a fact for each column."""

    # As the page numbers the rows: from 1.
    header_row = forms.IntegerField(label="表头所在行", min_value=1, max_value=1000)
    grain = forms.ChoiceField(label="每一行是什么", choices=Grain.choices)
    title = forms.CharField(
        label="版式名称",
        max_length=100,
        help_text="记住这次的对应，下次同样表头的文件自动识别。",
    )

    def __init__(
        self,
        *args: Any,
        columns: list[tuple[int, str, str]],
        choices: list[tuple[str, list[tuple[str, str]]]],
        **kwargs: Any,
    ) -> None:
        """`columns` are (index, header, suggested fact); `choices` are facts in groups."""
        super().__init__(*args, **kwargs)
        self.indexes = [index for index, _, _ in columns]
        grouped = [("", "不对应（原样保存）"), *choices]
        for index, header, suggested in columns:
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=header or f"第 {index + 1} 列",
                required=False,
                choices=grouped,
                initial=suggested,
            )

    def field_of(self, index: int) -> Any:
        return self[f"column_{index}"]

    def chosen(self) -> dict[int, str]:
        """Index of the column → fact, for columns that carry one."""
        told = {index: self.cleaned_data.get(f"column_{index}", "") for index in self.indexes}
        return {index: fact for index, fact in told.items() if fact}

    def clean_title(self) -> str:
        title = " ".join(str(self.cleaned_data["title"]).split())
        if without_numbers(title) != title:
            raise forms.ValidationError("版式名称里不要写个人号码。")
        return title


# --- catalogue ---------------------------------------------------------------------------------


class HeaderForm(forms.Form):
    """Another wording of a column head."""

    header = forms.CharField(label="列名", max_length=100)
    identifier = forms.ChoiceField(label="对应的指标")

    def __init__(
        self, *args: Any, choices: list[tuple[str, list[tuple[str, str]]]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["identifier"].choices = [("", "请选择"), *choices]  # type: ignore[attr-defined]


class LabelForm(forms.Form):
    """Another wording of a code's name."""

    label = forms.CharField(label="文件中的写法", max_length=60)
    code = forms.ChoiceField(label="读作")

    def __init__(self, *args: Any, codes: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].choices = [("", "请选择"), *codes]  # type: ignore[attr-defined]


class CodeForm(forms.Form):
    """A new value of a code list."""

    label = forms.CharField(label="名称", max_length=60)
    source = forms.CharField(label="依据", max_length=200, help_text="文号，或在哪里见到。")


class RuleForm(forms.Form):
    """What a city changes about a rule."""

    is_enabled = forms.BooleanField(label="启用", required=False)
    effect = forms.ChoiceField(label="处理方式")
    first_year = forms.IntegerField(
        label="起始年度", required=False, min_value=THIS_CENTURY[0], max_value=THIS_CENTURY[1]
    )
    last_year = forms.IntegerField(
        label="截止年度", required=False, min_value=THIS_CENTURY[0], max_value=THIS_CENTURY[1]
    )
    reason = forms.CharField(label="修改原因", max_length=200, help_text="会记入历史和访问台账。")

    def __init__(
        self,
        *args: Any,
        effects: list[tuple[str, str]],
        parameters: list[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        """`parameters` are the rule's own, each in words as it holds now."""
        super().__init__(*args, **kwargs)
        self.fields["effect"].choices = effects  # type: ignore[attr-defined]
        self.names = [name for name, _ in parameters]
        for name, words in parameters:
            self.fields[f"parameter_{name}"] = forms.CharField(
                label=f"参数 {name}", max_length=200, initial=words
            )

    def parameter_fields(self) -> list[Any]:
        return [self[f"parameter_{name}"] for name in self.names]

    def parameters(self) -> dict[str, Any]:
        return {name: self.cleaned_data[f"parameter_{name}"] for name in self.names}


class ReasonForm(forms.Form):
    """Why a rule goes back to what it was."""

    reason = forms.CharField(label="原因", max_length=200)
