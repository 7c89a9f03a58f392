"""What administrators fill in."""

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from accounts.queries import (
    grantable_roles,
    may_grant,
    places_below,
    places_called,
    visible_users,
)
from accounts.roles import ADMINISTRATORS, MANAGE_GRANTS, MANAGE_USERS, ROLES
from accounts.services.users import USERNAME, USERNAME_WORDS
from accounts.signin.forms import PasswordForm
from accounts.workbooks import MAX_BYTES

LEVEL_NAMES = {4: "全市", 6: "县", 9: "乡镇", 12: "村"}
_DAY = {"type": "date"}
# A choice posts the form as it stands, to get the lists below it; names never enter an address.
_ASK_AGAIN = {
    "hx-post": "",
    "hx-vals": '{"places": "1"}',
    "hx-trigger": "change",
    "hx-select": "#places",
    "hx-target": "#places",
    "hx-swap": "outerHTML",
}


def day_field(label: str, **more: Any) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"), **more
    )


class PlaceForm(forms.Form):
    """A division inside the given prefixes, chosen from the county down; blank means the upper one.

    The lists below the county depend on what is chosen above, so the page is asked again after
    each choice (`htmx`, or a button without scripts).
    """

    county = forms.ChoiceField(label="县", required=False)
    town = forms.ChoiceField(label="乡镇", required=False)
    village = forms.ChoiceField(label="村", required=False)

    def __init__(self, *args: Any, prefixes: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prefixes = prefixes
        cities = [prefix for prefix in prefixes if len(prefix) == 4]
        own = [prefix for prefix in prefixes if len(prefix) == 6]
        counties = {
            **dict(places_called(own)),
            **{code: name for city in cities for code, name in places_below(city)},
        }
        whole = [("", "全市")] if cities else []
        self._offer("county", [*whole, *sorted(counties.items())])
        # The lists follow what is chosen above, whatever the form holds below.
        county = self._chosen("county") or ("" if cities or not counties else min(counties))
        self.offer_below("town", county, county in counties, "全县")
        town = self._chosen("town")
        towns = [code for code, _ in self.fields["town"].choices]  # type: ignore[attr-defined]
        self.offer_below("village", town, bool(town) and town in towns, "全乡镇")

        for field in ("county", "town"):
            self.fields[field].widget.attrs.update(_ASK_AGAIN)

    def offer_below(self, name: str, parent: str, known: bool, whole: str) -> None:
        self._offer(name, [("", whole), *places_below(parent)] if known else [("", "—")])
        self.fields[name].disabled = not known

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def _chosen(self, name: str) -> str:
        source = self.data if self.is_bound else self.initial
        return str(source.get(name) or "")

    @property
    def place(self) -> str:
        """The deepest division chosen; the city where nothing is."""
        data = self.cleaned_data
        deepest = data.get("village") or data.get("town") or data.get("county")
        return deepest or next((one for one in self.prefixes if len(one) == 4), "")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not self.place:
            self.add_error("county", "请选择区划。")
        return data


class UserForm(PlaceForm):
    """A new account. It has no right until a security administrator grants one."""

    username = forms.CharField(
        label="用户名",
        max_length=30,
        help_text="3 至 30 位小写字母、数字、点、横线，以字母开头；建立后不能改。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    display_name = forms.CharField(
        label="姓名", max_length=60, help_text="使用人真实姓名，一人一号。"
    )
    office = forms.CharField(label="单位", max_length=100)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, prefixes=by.prefixes_for(MANAGE_USERS), **kwargs)
        self.order_fields(["username", "display_name", "office", "county", "town", "village"])

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if not USERNAME.fullmatch(name):
            raise forms.ValidationError(USERNAME_WORDS)
        if User.objects.filter(username=name).exists():
            raise forms.ValidationError("用户名已被使用。")
        return name


class GrantForm(PlaceForm):
    """A role in a region for a time, within what `by` may grant."""

    role = forms.ChoiceField(label="角色")
    department = forms.CharField(
        label="责任部门", max_length=100, required=False, help_text="行业部门必填，如 市教育局。"
    )
    valid_from = day_field("生效日期", help_text="当日起生效。")
    valid_to = day_field("失效日期", required=False, help_text="当日仍有效；不填为长期。")
    reason = forms.CharField(label="授权事由", max_length=200, help_text="如任职文号，记入台账。")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, prefixes=by.prefixes_for(MANAGE_GRANTS), **kwargs)
        self.by = by
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            ("", "请选择"),
            *((role.value, f"{role.label}（{levels_of(role)}）") for role in grantable_roles(by)),
        ]
        self.fields["valid_from"].initial = timezone.localdate
        self.order_fields(["role", "department", "county", "town", "village"])

    def clean_valid_from(self) -> date:
        day: date = self.cleaned_data["valid_from"]
        if day < timezone.localdate():
            raise forms.ValidationError("生效日期不能早于今天。")
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if {"role", "county", "town", "village"} & set(self.errors):
            return data
        role, place = data["role"], self.place
        if len(place) not in ROLES[role].levels:
            self.add_error("role", f"“{Role(role).label}”只能授予：{levels_of(role)}。")
        elif not may_grant(self.by, role, place):
            wider = role in ADMINISTRATORS
            self.add_error("role", "须由上级安全管理员授予。" if wider else "超出您的授权范围。")
        if role == Role.DEPARTMENT and not data.get("department"):
            self.add_error("department", "行业部门须写明责任部门。")
        start, end = data.get("valid_from"), data.get("valid_to")
        if start and end and end < start:
            self.add_error("valid_to", "失效日期早于生效日期。")
        return data


def levels_of(role: str) -> str:
    """Where a role can be granted, in words: 全市、县."""
    return "、".join(LEVEL_NAMES[level] for level in sorted(ROLES[role].levels))


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="事由", max_length=200, help_text="记入台账，不要填写证件号码、电话。"
    )


class HandOverForm(ReasonForm):
    """Who takes over and from which day."""

    to = forms.CharField(label="接手人用户名", max_length=60)
    on = day_field("移交日期", help_text="自这一天起由接手人负责。")

    field_order = ["to", "on", "reason"]

    def __init__(self, *args: Any, user: User, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.by = user, by
        self.fields["on"].initial = timezone.localdate

    def clean_to(self) -> User:
        found = visible_users(self.by).filter(username=self.cleaned_data["to"].strip()).first()
        if found is None:
            raise forms.ValidationError("您的管辖范围内没有这个用户名。")
        if found.pk == self.user.pk:
            raise forms.ValidationError("不能移交给本人。")
        return found

    def clean_on(self) -> date:
        day: date = self.cleaned_data["on"]
        if day < timezone.localdate():
            raise forms.ValidationError("移交日期不能早于今天。")
        return day


class BulkForm(forms.Form):
    file = forms.FileField(
        label="名单",
        help_text="按模板填写的 .xlsx，不超过 1 MB。",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError("文件超过 1 MB，请分批上传。")
        return file


class UserFilterForm(forms.Form):
    """Conditions of the list of accounts."""

    q = forms.CharField(
        label="查找", required=False, max_length=60,
        widget=forms.TextInput(attrs={"placeholder": "姓名、用户名、单位"}),
    )  # fmt: skip
    state = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "全部"), ("active", "启用"), ("disabled", "已停用"), ("unused", "久未使用")],
    )
    county = forms.ChoiceField(label="所属县", required=False)
    role = forms.ChoiceField(label="角色", required=False, choices=[("", "全部"), *Role.choices])

    def __init__(self, *args: Any, prefixes: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counties = {
            **dict(places_called(one for one in prefixes if len(one) == 6)),
            **{
                code: name
                for city in prefixes
                if len(city) == 4
                for code, name in places_below(city)
            },
        }
        self.fields["county"].choices = [("", "全部"), *sorted(counties.items())]  # type: ignore[attr-defined]


class NewPasswordForm(PasswordForm):
    """The first or a new password by a one-time link: there is no present one to ask for."""

    present = None  # type: ignore[assignment]  # Django takes a field away so
    field_order = ["new", "again"]

    def clean(self) -> dict[str, Any]:
        data = forms.Form.clean(self) or {}
        new, again = data.get("new"), data.get("again")
        if new and again and new != again:
            self.add_error("again", "两次输入的新口令不一致。")
        elif new and again:
            try:
                validate_password(new, self.user)
            except ValidationError as error:
                self.add_error("new", error)
        return data
