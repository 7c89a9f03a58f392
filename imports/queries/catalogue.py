"""What the catalogue's pages list: column names, code tables, rules and layouts as they hold now."""

from typing import Any

from django.db.models import Count, QuerySet

from core.scope import Actor, within
from households.catalog import entry_facts, facts
from households.models import CodeEntry, CodeSynonym, WorkSpell
from imports.checks import RULES
from imports.checks.rule import Rule
from imports.enums import Effect, Severity
from imports.models import Batch, HeaderSynonym, Layout, RuleSetting
from villages.models import VillageYear

GROUPS = {
    "IMP": "文件和单元格",
    "IDN": "身份和证件",
    "DUP": "重复",
    "STR": "户内结构",
    "REQ": "必填",
    "EXT": "退出",
}


# Columns that are read and are no fact of the register.
OTHER_FACTS = {
    "province_code": "省",
    "city_code": "市",
    "county_code": "县",
    "town_code": "乡镇",
    "village_code": "行政村",
    "region_code": "行政村代码",
    "partition": "年度",
}


def _known() -> dict[str, str]:
    """Identifier → label of everything that a column may carry."""
    spells, years = entry_facts(WorkSpell), entry_facts(VillageYear)
    return OTHER_FACTS | {name: fact.label for name, fact in (spells | years | facts()).items()}


def fact_label(identifier: str) -> str:
    return _known().get(identifier, identifier)


def headers(text: str) -> QuerySet[HeaderSynonym]:
    """Column names, those that contain the text or whose fact is called so."""
    rows = HeaderSynonym.objects.order_by("identifier", "header")
    if not text:
        return rows
    named = [name for name, label in _known().items() if text in label]
    return rows.filter(header__contains=text) | rows.filter(identifier__in=named)


def tables() -> list[dict[str, Any]]:
    """Code tables with the facts they serve and how many entries and wordings they have."""
    used: dict[str, list[str]] = {}
    for fact in facts().values():
        if fact.table:
            used.setdefault(fact.table, []).append(fact.label)
    synonyms = dict(
        CodeSynonym.objects.values_list("table").annotate(n=Count("pk")).order_by("table")
    )
    counted = CodeEntry.objects.values_list("table").annotate(n=Count("pk")).order_by("table")
    return [
        {
            "table": table,
            "label": "、".join(dict.fromkeys(used.get(table, []))) or table,
            "entries": count,
            "synonyms": synonyms.get(table, 0),
        }
        for table, count in counted
    ]


def entries(table: str) -> list[dict[str, Any]]:
    """The codes of a table with their wordings."""
    wordings: dict[str, list[CodeSynonym]] = {}
    for synonym in CodeSynonym.objects.filter(table=table).order_by("label"):
        wordings.setdefault(synonym.code, []).append(synonym)
    return [
        {"entry": entry, "synonyms": wordings.get(entry.code, [])}
        for entry in CodeEntry.objects.filter(table=table).order_by("position", "code")
    ]


def rules() -> list[dict[str, Any]]:
    """The rule catalogue as it holds: what is shipped, with what the city changed."""
    settings = {one.code: one for one in RuleSetting.objects.select_related("changed_by")}
    return [rule_facts(rule, settings.get(code)) for code, rule in sorted(RULES.items())]


def rule_facts(rule: Rule, setting: RuleSetting | None) -> dict[str, Any]:
    """A rule as its pages show it: as it holds, and as it was shipped."""
    wanted = Effect(setting.effect) if setting and setting.effect else rule.effect
    effect = wanted if wanted in rule.effects else rule.effect
    parameters = dict(rule.parameters)
    if setting:
        changed = setting.parameters.items()
        parameters |= {name: value for name, value in changed if name in parameters}
    first, last = (setting.first_year, setting.last_year) if setting else (None, None)
    return {
        "code": rule.code,
        "group": rule.group,
        "group_label": GROUPS.get(rule.group, rule.group),
        "message": rule.message,
        "remedy": rule.remedy,
        "source": rule.source,
        "severity": rule.severity,
        "severity_label": Severity(rule.severity).label,
        "effect": effect,
        "effect_label": effect.label,
        "effects": rule.effects,
        "shipped_effect_label": rule.effect.label,
        "parameters": parameters,
        "parameter_words": [(name, words_of(value)) for name, value in parameters.items()],
        "years": _years(first or rule.first_year, last or rule.last_year),
        "first_year": first or rule.first_year,
        "last_year": last or rule.last_year,
        "is_structural": rule.is_structural,
        "is_enabled": rule.is_structural or not setting or setting.is_enabled,
        "setting": setting,
        "waits_for": rule.waits_for,
    }


def words_of(value: Any) -> str:
    """A parameter as a person writes it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    return "，".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _years(first: int | None, last: int | None) -> str:
    if first and last:
        return f"{first}—{last} 年" if first != last else f"{first} 年"
    if first:
        return f"{first} 年起"
    return f"到 {last} 年" if last else "各年"


def layouts(actor: Actor, permission: str) -> list[Layout]:
    """Shipped layouts and those remembered in the actor's regions, with the batches they served."""
    own = Layout.objects.filter(region_prefix="") | Layout.objects.filter(
        within(actor.prefixes_for(permission), "region_prefix")
    )
    served = dict(
        Batch.objects.visible_to(actor)
        .exclude(layout=None)
        .order_by()
        .values_list("layout_id")
        .annotate(n=Count("pk"))
    )
    found = list(own.select_related("created_by").order_by("created_by_id", "-year", "code"))
    for layout in found:
        layout.batches = served.get(layout.pk, 0)  # type: ignore[attr-defined]
    return found
