"""What the ledger of problems can be narrowed by: the form, its chips, and the terms it stands for."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict

from core.scope import Actor, trim
from core.web import actor_of
from households.queries import places
from inspections.enums.findings import Level, ObjectKind, Origin, Severity, Source, State
from inspections.models import Campaign, FindingClass
from inspections.queries.findings import listing
from inspections.workbooks.findings import LATE, RUNG, STANDING

# How many inspections and units are offered; an older one is still found by its address.
_OFFERED = 200
_COUNTY, _TOWN, _VILLAGE = 6, 9, 12
CHAIN = (("county", _COUNTY), ("town", _TOWN), ("village", _VILLAGE))
MAIN = "county town village standing state q"


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label, required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip


def _choice(label: str, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", "全部"), *choices])


class LedgerForm(forms.Form):
    """Filters as they are asked for; a value that is not offered narrows nothing."""

    county = _choice("县区", ())
    town = _choice("乡镇", ())
    village = _choice("村", ())
    standing = _choice("办理情况", STANDING.items())
    state = _choice("状态", State.choices)
    late = _choice("逾期天数", LATE.items())
    source = _choice("来源", Source.choices)
    level = _choice("检查层级", Level.choices)
    severity = _choice("严重程度", Severity.choices)
    category = _choice("问题类别", ())
    campaign = _choice("检查", ())
    unit = forms.CharField(
        label="责任单位", required=False, max_length=100,
        widget=forms.TextInput(attrs={"list": "units", "autocomplete": "off"}),
    )  # fmt: skip
    rung = _choice("已发文书", RUNG.items())
    origin = _choice("录入方式", Origin.choices)
    object_kind = _choice("问题对象", ObjectKind.choices)
    mine = _choice("责任人", ())
    look = _choice("复查", [(listing.LOOK_DUE, "本月待复查")])
    found_from = _day("发现日期自")
    found_to = _day("发现日期至")
    due_from = _day("整改期限自")
    due_to = _day("整改期限至")
    q = forms.CharField(
        label="编号、反馈序号或事实", required=False, max_length=60,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip


class Narrowing:
    """The filters of a request, put into words and into the terms that queries take."""

    def __init__(self, asked: QueryDict, actor: Actor, day: date) -> None:
        self.asked = _places(_clean(asked))
        self.form = LedgerForm(self.asked)
        self._offer(actor, day)
        self.form.is_valid()

    def _offer(self, actor: Actor, day: date) -> None:
        campaigns = Campaign.objects.visible_to(actor).order_by("-told_on", "-pk")
        counties = places.counties_for(actor, day)
        county, town = self.asked.get("county", ""), self.asked.get("town", "")
        if not county and len(counties) == 1:
            # There is nothing to choose: its towns are offered at once.
            county = counties[0][0]
        me = str(getattr(actor, "pk", ""))
        offered: dict[str, tuple[Any, str]] = {
            "county": (counties, "全部"),
            "town": (places.towns_for(actor, day, county), "全部" if county else "先选县区"),
            "village": (places.villages_for(actor, day, town), "全部" if town else "先选乡镇"),
            "category": (FindingClass.objects.order_by("code").values_list("code", "name"), "全部"),
            "campaign": (
                [(str(pk), name) for pk, name in campaigns.values_list("pk", "name")[:_OFFERED]],
                "全部",
            ),
            "mine": ([(me, "我负责的")], "全部"),
        }
        for name, (choices, empty) in offered.items():
            field: Any = self.form.fields[name]
            # What is asked for is kept in the form, so that the list says why it is short.
            known = [(str(code), str(label)) for code, label in choices]
            value = self.asked.get(name, "")
            if value and value not in dict(known):
                known.append((value, value))
            field.choices = [("", empty), *known]
            if empty != "全部":
                field.widget.attrs["disabled"] = True

    @property
    def terms(self) -> dict[str, str]:
        """As `listing.narrowed` takes them."""
        told = {name: value for name, value in self.asked.items() if value and name != "q"}
        for name, _ in CHAIN:
            told.pop(name, None)
        if place := self.region:
            told["region"] = place
        if self.asked.get("q"):
            told["words"] = self.asked["q"]
        return told

    @property
    def kept_terms(self) -> dict[str, str]:
        """As exports take them: what was searched for may be a name, and is not stored."""
        told = self.terms
        if "words" in told:
            told["q"] = told.pop("words")
        return told

    @property
    def region(self) -> str:
        return next((self.asked[one] for one, _ in reversed(CHAIN) if self.asked.get(one)), "")

    def query(self, **changes: str) -> str:
        """The address's parameters with some of them changed; an empty one goes."""
        told = {**self.asked, **changes}
        query = QueryDict(mutable=True)
        for name, value in told.items():
            if value:
                query[name] = value
        return query.urlencode()

    @property
    def chips(self) -> list[dict[str, str]]:
        """One for every filter, with the address of the list without it."""
        found = []
        for bound in self.form:
            value = self.asked.get(bound.name, "")
            if not value:
                continue
            words = {str(code): str(label) for code, label in getattr(bound.field, "choices", ())}
            gone = {bound.name: ""}
            chain = [name for name, _ in CHAIN]
            if bound.name in chain:
                gone |= dict.fromkeys(chain[chain.index(bound.name) :], "")
            found.append(
                {
                    "label": f"{bound.label}：{words.get(value, value)}",
                    "remove_href": f"?{self.query(**gone)}",
                }
            )
        return found


def narrowing(request: HttpRequest, day: date) -> Narrowing:
    return Narrowing(request.GET, actor_of(request), day)


def _clean(asked: QueryDict) -> dict[str, str]:
    """The filters that are known, without the NUL that PostgreSQL takes in no text."""
    told = {}
    for name in ("region", "words", *LedgerForm.base_fields):
        value = asked.get(name, "").replace("\x00", "").strip()[:100]
        if value:
            told[name] = value
    for name, field in LedgerForm.base_fields.items():
        if name in told and not _makes_sense(field, told[name]):
            del told[name]
    # An address may say it the other way.
    if words := told.pop("words", ""):
        told.setdefault("q", words)
    return told


def _makes_sense(field: Any, value: str) -> bool:
    """What is not offered and is no day narrows nothing, and is not told as if it did."""
    if isinstance(field, forms.DateField):
        try:
            return bool(date.fromisoformat(value))
        except ValueError:
            return False
    offered = {str(code) for code, _ in getattr(field, "choices", ())} - {""}
    return not offered or value in offered


def _places(told: Mapping[str, str]) -> dict[str, str]:
    """A place of the address as its county, town and village; one that lies elsewhere is let go."""
    found = dict(told)
    deepest = found.pop("region", "")
    for name, _ in CHAIN:
        value = found.pop(name, "")
        if value and value.startswith(deepest or value):
            deepest = value
    if not (deepest.isascii() and deepest.isdigit()):
        return found
    place = trim(deepest)
    for name, digits in CHAIN:
        if len(place) >= digits:
            found[name] = place[:digits]
    return found
