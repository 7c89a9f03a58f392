"""What the pages of money take from officials."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone

from funds.checks.kinds import CHOICE, DAYS, KINDS, NUMBER, SHARE, WORDS, YUAN, Param
from funds.enums import LoanEventKind, LoanUser, SourceLevel
from funds.models import FundRule
from funds.services.posting import Ground
from households.catalog import labels
from villages.models import Region

SHARE_ROWS = 6
_FEN = Decimal("0.01")


def _day(label: str, **options: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, **options)


def yuan(label: str, **options: Any) -> forms.DecimalField:
    """An amount in yuan to the fen; more decimals are refused, never rounded."""
    return forms.DecimalField(label=label, max_digits=14, decimal_places=2, **options)


def _places(places: Sequence[Region]) -> list[tuple[str, str]]:
    return [("", "请选择"), *((one.code, one.name) for one in places)]


class GroundForm(forms.Form):
    """Why money moves. The hidden key makes a form that is sent twice one voucher."""

    on = _day("业务日期")
    document = forms.CharField(label="依据文件", max_length=200)
    reason = forms.CharField(label="摘要", max_length=300)
    key = forms.CharField(max_length=64, widget=forms.HiddenInput, initial=lambda: uuid4().hex)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["on"].initial = timezone.localdate

    def ground(self) -> Ground:
        told = self.cleaned_data
        return Ground(
            on=told["on"], reason=told["reason"], document=told["document"], key=told["key"]
        )


class SourceForm(forms.Form):
    """What a document announces."""

    region = forms.ChoiceField(label="登记单位所在区划")
    doc_no = forms.CharField(label="发文编号", max_length=60)
    title = forms.CharField(label="文件名称", max_length=200)
    level = forms.ChoiceField(label="资金级次", choices=SourceLevel.choices)
    kind = forms.ChoiceField(label="资金类别")
    batch = forms.IntegerField(label="批次", min_value=1, max_value=99, initial=1)
    year = forms.IntegerField(label="预算年度", min_value=2010, max_value=2100)
    issued_on = _day("发文日期")
    issuer = forms.CharField(label="发文单位", max_length=100)
    amount = yuan("下达金额（元）", min_value=_FEN)
    purpose = forms.CharField(label="用途", max_length=300, required=False)

    def __init__(self, *args: Any, places: Sequence[Region], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["region"].choices = _places(places)  # type: ignore[attr-defined]
        if len(places) == 1:
            self.fields["region"].initial = places[0].code
        self.fields["kind"].choices = list(labels("fund_source").items())  # type: ignore[attr-defined]
        self.fields["year"].initial = lambda: timezone.localdate().year


class ChangeForm(forms.Form):
    """A later document that raises (positive) or cuts (negative) what was announced."""

    doc_no = forms.CharField(label="发文编号", max_length=60)
    on = _day("发文日期")
    amount = yuan("增减金额（元）", help_text="调减填负数。")
    reason = forms.CharField(label="事由", max_length=300)


class ArriveForm(GroundForm):
    amount = yuan("到位金额（元）", min_value=_FEN)
    field_order = ("amount", "on", "document", "reason", "key")


class PayForm(GroundForm):
    payee = forms.CharField(label="收款单位", max_length=100)
    bank_account = forms.CharField(label="收款账号", max_length=40, required=False)
    amount = yuan("支付金额（元）", min_value=_FEN)
    field_order = ("payee", "bank_account", "amount", "on", "document", "reason", "key")

    def clean_bank_account(self) -> str:
        told = "".join(str(self.cleaned_data["bank_account"]).split())
        if told and not (told.isascii() and told.replace("-", "").isalnum()):
            raise forms.ValidationError("账号只含数字、字母和短横线。")
        return told


class AllocateForm(GroundForm):
    """Shares of a pool, a row each; empty rows are passed over."""

    def __init__(self, *args: Any, places: Sequence[Region], **kw: Any) -> None:
        super().__init__(*args, **kw)
        for row in range(1, SHARE_ROWS + 1):
            self.fields[f"region_{row}"] = forms.ChoiceField(
                label=f"{row}．区划", choices=_places(places), required=False
            )
            self.fields[f"unit_{row}"] = forms.CharField(
                label="单位（下拨本级以下财政时留空）", max_length=100, required=False
            )
            self.fields[f"project_{row}"] = forms.CharField(
                label="项目编号", max_length=40, required=False
            )
            self.fields[f"amount_{row}"] = yuan("金额（元）", min_value=_FEN, required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        rows = range(1, SHARE_ROWS + 1)
        for row in rows:
            has_amount = told.get(f"amount_{row}") is not None
            if has_amount and not told.get(f"region_{row}"):
                self.add_error(f"region_{row}", "请选择区划。")
            named = any(told.get(f"{name}_{row}") for name in ("unit", "project", "region"))
            if named and not has_amount and f"amount_{row}" not in self.errors:
                self.add_error(f"amount_{row}", "请填写金额。")
        if not self.errors and not any(told.get(f"amount_{row}") for row in rows):
            self.add_error(None, "请至少填写一个分配对象。")
        return told

    def rows(self) -> list[tuple[str, str, str, Decimal]]:
        """(code of the division, unit, number of the project, yuan) of each row that is filled."""
        told = self.cleaned_data
        return [
            (
                told[f"region_{row}"], told[f"unit_{row}"].strip(), told[f"project_{row}"].strip(),
                told[f"amount_{row}"],
            )
            for row in range(1, SHARE_ROWS + 1)
            if told[f"amount_{row}"]
        ]  # fmt: skip


class DecideForm(forms.Form):
    """Why a voucher is posted, or sent back."""

    why = forms.CharField(label="复核意见", max_length=300, required=False)


class YearForm(GroundForm):
    """The end of a year in one division: what is left goes into the next one."""

    region = forms.ChoiceField(label="区划")
    year = forms.IntegerField(label="结转年度", min_value=2010, max_value=2100)
    field_order = ("region", "year", "on", "document", "reason", "key")

    def __init__(self, *args: Any, places: Sequence[Region], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["region"].choices = _places(places)  # type: ignore[attr-defined]
        self.fields["year"].initial = lambda: timezone.localdate().year - 1


class CloseForm(forms.Form):
    """Which year of which division is closed."""

    region = forms.ChoiceField(label="区划")
    year = forms.IntegerField(label="关账年度", min_value=2010, max_value=2100)

    def __init__(self, *args: Any, places: Sequence[Region], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["region"].choices = _places(places)  # type: ignore[attr-defined]
        self.fields["year"].initial = lambda: timezone.localdate().year - 1


class RuleForm(forms.Form):
    """A rule on money, as far as the city may revise it; parameters by the schema of its check."""

    requirement = forms.CharField(label="要求", max_length=300)
    threshold = forms.DecimalField(
        label="标准", max_digits=16, decimal_places=4, min_value=0, required=False
    )
    region_prefix = forms.CharField(
        label="适用区划",
        max_length=6,
        required=False,
        help_text="两位、四位或六位代码，不填为全部。",
    )
    valid_from = forms.IntegerField(label="起始年度", min_value=2010, max_value=2100)
    valid_to = forms.IntegerField(
        label="终止年度", min_value=2010, max_value=2100, required=False, help_text="不填为至今。"
    )
    is_active = forms.BooleanField(label="启用", required=False)
    source = forms.CharField(
        label="依据", max_length=300, help_text="文号、名称；没有上级文件的写明。"
    )
    reason = forms.CharField(label="修订原因", max_length=200)

    _UNITS = {SHARE: "比例写成小数，如 0.3 为 30%；", YUAN: "单位：元；", DAYS: "单位：天；"}

    def __init__(self, data: Any = None, *, rule: FundRule) -> None:
        own = {name: getattr(rule, name) for name in self.base_fields if name != "reason"}
        super().__init__(data, initial=own)
        self.kind = KINDS[rule.check_kind]
        if self.kind.unit:
            self.fields["threshold"].help_text = self._UNITS[self.kind.unit] + "不填则不核查。"
        else:
            del self.fields["threshold"]
        for one in self.kind.params:
            self.fields[f"param_{one.name}"] = self._field(one, rule.params.get(one.name))

    def _field(self, one: Param, value: Any) -> forms.Field:
        if one.kind == CHOICE:
            choices = list(one.choices.items())
            return forms.ChoiceField(label=one.label, choices=choices, initial=value)
        if one.kind == NUMBER:
            return forms.IntegerField(
                label=one.label, min_value=1, max_value=100, initial=value, help_text=one.help
            )
        return forms.CharField(
            label=one.label, required=False, max_length=3200, initial="、".join(value or []),
            help_text=one.help + "多个用顿号隔开。",
        )  # fmt: skip

    def values(self) -> dict[str, Any]:
        """What is to be stored, parameters in one."""
        told = {name: self.cleaned_data[name] for name in self.base_fields if name in self.fields}
        told.pop("reason")
        told["params"] = {one.name: self._value(one) for one in self.kind.params}
        return told

    def _value(self, one: Param) -> Any:
        value = self.cleaned_data[f"param_{one.name}"]
        return re.split(r"[、，,\s]+", value) if one.kind == WORDS else value


class LoanForm(forms.Form):
    """A loan as the bank lent it."""

    bank = forms.CharField(label="放款银行", max_length=100)
    contract_no = forms.CharField(label="合同号", max_length=60)
    amount = yuan("贷款金额（元）", min_value=_FEN)
    addon = yuan("其中追加部分（元）", min_value=Decimal(0), initial=0)
    lent_on = _day("放款日期")
    due_on = _day("到期日期")
    rate = forms.DecimalField(
        label="年利率（％）", max_digits=6, decimal_places=4, min_value=0, max_value=99
    )
    subsidy_rate = forms.DecimalField(
        label="贴息率（％）", max_digits=6, decimal_places=4, min_value=0, max_value=99,
        required=False,
    )  # fmt: skip
    use = forms.CharField(label="贷款用途", max_length=200)
    is_productive = forms.TypedChoiceField(
        label="用于生产经营", required=False, empty_value=None,
        choices=[("", "未查明"), ("1", "是"), ("0", "否")], coerce=lambda told: told == "1",
    )  # fmt: skip
    user_kind = forms.ChoiceField(
        label="用款主体", required=False, choices=[("", "未查明"), *LoanUser.choices]
    )
    user_name = forms.CharField(label="用款单位或个人", max_length=100, required=False)


class NewLoanForm(LoanForm):
    household_no = forms.CharField(label="户编号", max_length=20)
    borrower = forms.CharField(label="借款人姓名", max_length=60)
    field_order = ("household_no", "borrower")


class LoanEventForm(forms.Form):
    """What happened to a loan."""

    kind = forms.ChoiceField(label="事项", choices=LoanEventKind.choices)
    on = _day("日期")
    amount = yuan("金额（元）", min_value=_FEN, required=False, help_text="展期不填。")
    until = _day("展期至", required=False)
    reason = forms.CharField(label="说明", max_length=300)


class BatchForm(forms.Form):
    """A workbook of payments to households, and what holds for all its rows."""

    account = forms.ChoiceField(label="资金账户", help_text="单位或项目的可支付资金。")
    on = _day("发放日期")
    document = forms.CharField(label="依据文件", max_length=200)
    year = forms.IntegerField(label="补助年度", min_value=2010, max_value=2100)
    part = forms.CharField(
        label="期次", max_length=20, required=False,
        help_text="如：第一季度。同一户同一补助同一期只发一次；全年一次的留空。",
    )  # fmt: skip
    cap = yuan("每户上限（元）", min_value=_FEN, required=False)
    cap_source = forms.CharField(label="上限依据", max_length=200, required=False)
    file = forms.FileField(label="工作簿", help_text="xlsx、xls 或 csv，至多 300,000 行。")
    key = forms.CharField(max_length=64, widget=forms.HiddenInput, initial=lambda: uuid4().hex)

    def __init__(self, *args: Any, accounts: Sequence[tuple[int, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["account"].choices = [("", "请选择"), *accounts]  # type: ignore[attr-defined]

    def clean_part(self) -> str:
        return "".join(self.cleaned_data["part"].split())


class PayrollForm(forms.Form):
    """A roster of people on the public payroll."""

    region = forms.ChoiceField(label="区划")
    source = forms.CharField(
        label="名册依据", max_length=200, help_text="如：县财政局 2018 年名册。"
    )
    file = forms.FileField(label="工作簿", help_text="一列证件号码。重新导入即替换原名册。")

    def __init__(self, *args: Any, places: Sequence[Region], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["region"].choices = _places(places)  # type: ignore[attr-defined]
