"""Forms of the pages of API clients."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms

from accounts.clients.services import (
    LONGEST_LIFE,
    LONGEST_OVERLAP,
    OVERLAP,
    ClientError,
    Wish,
    read_networks,
)
from accounts.models import MachineClient, User
from accounts.models.client import (
    MOST_REQUESTS,
    MOST_ROWS,
    REQUESTS_PER_MINUTE,
    ROWS_PER_HOUR,
    SCOPE_ITSELF,
)
from accounts.roles import MANAGE_CLIENTS
from core.scope import covers, trim
from core.sharing import PERSONAL, SENSITIVE, WRITABLE, Access, FieldGroup, Resource
from villages.models import Region

_ONCE_A_YEAR = 365


class RegionCodeField(forms.CharField):
    """A division that exists, by its code in full or short, kept as its prefix."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=12, **kwargs)

    def clean(self, value: Any) -> str:
        code = str(super().clean(value))
        if not code:
            return ""
        if not re.fullmatch(r"[0-9]{4,12}", code):
            raise forms.ValidationError("区划代码有误，应如 4103 或 410324。")
        prefix = trim(code)
        if not Region.objects.filter(code=prefix.ljust(12, "0"), valid_to__isnull=True).exists():
            raise forms.ValidationError("没有这个区划。")
        return prefix


class ClientForm(forms.Form):
    """Who runs the system, why, from where and how fast."""

    office = forms.CharField(label="使用单位", max_length=100)
    purpose = forms.CharField(
        label="用途", max_length=200, help_text="共享数据做什么用，逐次调取都记在访问日志里。"
    )
    contact = forms.CharField(label="联系人", max_length=100, required=False)
    networks = forms.CharField(
        label="允许的来源地址",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="每行一段，如 10.1.2.3 或 10.1.2.0/24，也可用 IPv6。",
    )
    any_network = forms.BooleanField(label="不限来源地址", required=False)
    requests_per_minute = forms.IntegerField(
        label="每分钟请求上限（次）",
        min_value=1,
        max_value=MOST_REQUESTS,
        initial=REQUESTS_PER_MINUTE,
    )
    rows_per_hour = forms.IntegerField(
        label="每小时记录上限（条）", min_value=1, max_value=MOST_ROWS, initial=ROWS_PER_HOUR
    )

    def clean_networks(self) -> list[str]:
        words = re.split(r"[\s,，、;；]+", self.cleaned_data["networks"])
        try:
            return read_networks(word for word in words if word)
        except ClientError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "networks" in data and bool(data["networks"]) == data.get("any_network", False):
            self.add_error("networks", "请填写来源地址，或选择不限来源地址，二者取一。")
        return data

    @staticmethod
    def initial_of(client: MachineClient) -> dict[str, Any]:
        names = ("office", "purpose", "contact", "any_network")
        told = {name: getattr(client, name) for name in names}
        rates = ("requests_per_minute", "rows_per_hour")
        told |= {name: getattr(client, name) for name in rates}
        return told | {"networks": "\n".join(client.networks)}


class NewClientForm(ClientForm):
    """A client that does not exist yet; its name and region are chosen for good."""

    name = forms.CharField(label="系统名称", max_length=100)
    region = RegionCodeField(
        label="区划代码", help_text="所有授权都在这个区划之内，如 4103 或 410324；登记后不能更改。"
    )

    field_order = ["name", "office", "purpose", "contact", "region"]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_region(self) -> str:
        prefix: str = self.cleaned_data["region"]
        # The same words as for a division that does not exist.
        if not covers(self.user, prefix, MANAGE_CLIENTS):
            raise forms.ValidationError("没有这个区划。")
        return prefix


class ScopesForm(forms.Form):
    """Per resource: whether it is read or written, in which division, and which groups of fields."""

    def __init__(self, *args: Any, client: MachineClient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client
        present = {scope.resource: scope for scope in client.scopes.prefetch_related("sensitive")}
        for resource in Resource:
            scope = present.get(resource)
            self.fields[f"{resource.value}-read"] = forms.BooleanField(
                label=f"读取{resource.label}", required=False, initial=scope is not None
            )
            if resource in WRITABLE:
                self.fields[f"{resource.value}-write"] = forms.BooleanField(
                    label=f"写入{resource.label}",
                    required=False,
                    initial=scope is not None and scope.access == Access.WRITE,
                )
            self.fields[f"{resource.value}-region"] = RegionCodeField(
                label=f"{resource.label}：区划代码",
                required=False,
                initial=scope.region_prefix if scope else client.region_prefix,
            )
            if resource in PERSONAL:
                asked = {one.group for one in scope.sensitive.all()} if scope else set()
                self.fields[f"{resource.value}-groups"] = forms.MultipleChoiceField(
                    label=f"{resource.label}：字段组",
                    required=False,
                    choices=[(g.value, _named(g)) for g in FieldGroup],
                    widget=forms.CheckboxSelectMultiple,
                    initial=[*scope.groups, *sorted(asked - {SCOPE_ITSELF})] if scope else [],
                )

    def rows(self) -> Iterator[dict[str, Any]]:
        """What the page shows of each resource: its name and the fields it has."""
        for resource in Resource:
            parts = [
                (part, self[f"{resource.value}-{part}"])
                for part in ("read", "write", "region", "groups")
                if f"{resource.value}-{part}" in self.fields
            ]
            yield {"label": resource.label, "groups": None, "write": None, **dict(parts)}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for resource in Resource:
            region = data.get(f"{resource.value}-region")
            wanted = data.get(f"{resource.value}-read") or data.get(f"{resource.value}-write")
            inside = region is None or region.startswith(self.client.region_prefix)
            if wanted and not inside:
                self.add_error(
                    f"{resource.value}-region",
                    f"应在该客户端的区划 {self.client.region_prefix} 之内。",
                )
        return data

    def wishes(self) -> dict[str, Wish]:
        data = self.cleaned_data
        return {
            resource.value: Wish(
                data[f"{resource.value}-region"],
                frozenset(data.get(f"{resource.value}-groups", [])),
                Access.WRITE if data.get(f"{resource.value}-write") else Access.READ,
            )
            for resource in Resource
            if data[f"{resource.value}-read"] or data.get(f"{resource.value}-write")
        }


def _named(group: FieldGroup) -> str:
    return f"{group.label}（须另一人复核）" if group in SENSITIVE else str(group.label)


class KeyForm(forms.Form):
    """A new key: how long it lives, and how long the old one lives on beside it."""

    days = forms.IntegerField(
        label="有效天数", min_value=1, max_value=LONGEST_LIFE.days, initial=_ONCE_A_YEAR
    )
    overlap = forms.IntegerField(
        label="旧密钥保留天数",
        min_value=0,
        max_value=LONGEST_OVERLAP.days,
        initial=OVERLAP.days,
        help_text="期满自动失效；填 0 则立即失效。",
    )
    # How many keys the page showed: sent a second time by a reload, the form fits no longer.
    seen = forms.IntegerField(widget=forms.HiddenInput)

    @property
    def life(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])

    @property
    def overlap_time(self) -> timedelta:
        return timedelta(days=self.cleaned_data["overlap"])


class ReasonForm(forms.Form):
    """Why a key is revoked or a client disabled."""

    reason = forms.CharField(label="原因", max_length=200)
