"""Searching the ledger."""

import re
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q

from core.idnumbers import check_digit
from core.ledger.enums import Act, Outcome
from core.ledger.queries import Search, is_met
from core.scope import Actor
from core.text import squeeze

_REGION = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}")
_SUBJECT = re.compile(r"[0-9A-Za-z@.:+_\-\u4e00-\u9fff]{1,60}")
_IDENTITY = re.compile(r"[1-9][0-9]{16}[0-9Xx](?:[0-9]{2})?")
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_LARGEST = 2**63 - 1
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


def is_personal(text: str) -> bool:
    """Whether the text is an identity number, a disability certificate's or a mobile phone's."""
    if _IDENTITY.fullmatch(text):
        return check_digit(text[:17]) == text[17].upper()
    return bool(_PHONE.fullmatch(text))


class SearchForm(forms.Form):
    """Sent by POST and answered with an address of codes and numbers, so that what somebody types
    by mistake (a name, an identity number) never stands in an address."""

    since = forms.DateField(
        label="起始日期",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label="截止日期",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    act = forms.ChoiceField(label="行为", required=False, choices=[("", "全部"), *Act.choices])
    outcome = forms.ChoiceField(
        label="结果", required=False, choices=[("", "全部"), *Outcome.choices]
    )
    who = forms.CharField(label="用户名或姓名", required=False, max_length=60)
    region = forms.CharField(label="区划代码", required=False, max_length=12)
    subject = forms.CharField(label="户编号或人编号", required=False, max_length=60)
    # In addresses only: numbers of the user and of the client.
    user = forms.IntegerField(
        widget=forms.HiddenInput, required=False, min_value=1, max_value=_LARGEST
    )
    client = forms.IntegerField(
        widget=forms.HiddenInput, required=False, min_value=1, max_value=_LARGEST
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor

    def clean_region(self) -> str:
        region = squeeze(self.cleaned_data["region"])
        if region and not _REGION.fullmatch(region):
            raise forms.ValidationError("应为 2、4、6、9 或 12 位区划代码。")
        return region

    def clean_subject(self) -> str:
        subject = squeeze(self.cleaned_data["subject"])
        if is_personal(subject):
            # Nor is it sent back in the answer.
            self.data = {name: self.data.get(name) for name in self.data} | {"subject": ""}
            raise forms.ValidationError("请用户编号或人编号查询，不要填写证件号码、电话。")
        if subject and not _SUBJECT.fullmatch(subject):
            raise forms.ValidationError("请填户编号、人编号或用户名。")
        return subject

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        for name, day in (("since", since), ("until", until)):
            if day and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
                self.add_error(name, f"年份应在 {_FIRST_YEAR} 至 {_LAST_YEAR} 之间。")
        if since and until and since > until:
            self.add_error("until", "截止日期早于起始日期。")
        if who := found.get("who", "").strip():
            found["user"] = self._user_called(who)
        return found

    def _user_called(self, who: str) -> int | None:
        users = get_user_model()._default_manager.filter(Q(username=who) | Q(display_name=who))
        numbers = [pk for pk in users.values_list("pk", flat=True) if is_met(self.actor, pk)]
        if not numbers:
            self.add_error("who", "没有这个用户。")
        elif len(numbers) > 1:
            self.add_error("who", "有同名用户，请填用户名。")
        else:
            return int(numbers[0])
        return None

    @property
    def asked(self) -> Search:
        """The search of a valid form."""
        found = self.cleaned_data
        return Search(**{name: found[name] for name in Search.__dataclass_fields__})

    def address(self) -> dict[str, str]:
        """What of a valid form may stand in an address."""
        return {
            name: str(value) for name, value in vars(self.asked).items() if value not in ("", None)
        }
