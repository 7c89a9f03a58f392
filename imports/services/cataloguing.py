"""What an administrator changes without a release: column names, code tables, rules, layouts.

Every act needs the right for the city (`imports.manage_catalog`), is checked here whatever page it
came from, and is noted on the access ledger; rows changed or removed keep their old image. National
codes and their names are never changed: entries of our own begin with X.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from core import ledger
from core.acting import acting
from core.text import fold, header_key
from households.catalog import readings
from households.models import CodeEntry, CodeSynonym
from imports.checks import RULES
from imports.checks.effective import complaints
from imports.checks.rule import Rule
from imports.models import HeaderSynonym, Layout, RuleSetting
from imports.queries.catalogue import fact_label
from imports.services import mapping

MANAGE = "imports.manage_catalog"
OWN_SOURCE = "本市补充"
# A city's own codes are X101 to X999; the product ships X1 to X99 for labels without a national code.
_FIRST, _LAST = 100, 999
_OWN_CODE = re.compile(r"X[1-9][0-9]{2}")
_LARGEST = 10**9


class CatalogError(Exception):
    """The change is refused; the text is for the administrator, `field` the form's field."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


def add_header(*, header: str, identifier: str, by: Any) -> HeaderSynonym:
    """Let a column of this head carry the fact; files read from now on are recognised by it."""
    _refuse(by)
    header = " ".join(header.split())
    if not header_key(header):
        raise CatalogError("请填写列名。", "header")
    if identifier not in {name for _, options in mapping.choices() for name, _ in options}:
        raise CatalogError("请选择对应的指标。", "identifier")
    key = header_key(header)
    for known, fact in HeaderSynonym.objects.values_list("header", "identifier"):
        if header_key(known) == key:
            raise CatalogError(f"已有列名“{known}”，对应“{fact_label(fact)}”。", "header")
    with acting(by=by, reason="登记列名"):
        made = HeaderSynonym.objects.create(header=header, identifier=identifier, source=OWN_SOURCE)
        _note(by, "added", "列名", header=header, fact=identifier)
    return made


def remove_header(*, synonym: HeaderSynonym, by: Any) -> None:
    """Forget a head of our own; those shipped come back with the next release and stay."""
    _refuse(by)
    if synonym.source != OWN_SOURCE:
        raise CatalogError("随产品提供的列名不能删除。")
    with acting(by=by, reason="删除列名"):
        HeaderSynonym.objects.filter(pk=synonym.pk).delete()
        _note(by, "removed", "列名", header=synonym.header, fact=synonym.identifier)


# --- code tables -------------------------------------------------------------------------------


def add_label(*, table: str, label: str, code: str, by: Any) -> CodeSynonym:
    """Let another wording read as a code that exists."""
    _refuse(by)
    label = label.strip()
    if not CodeEntry.objects.filter(table=table, code=code).exists():
        raise CatalogError("没有这个代码。", "code")
    _refuse_known_label(table, label)
    with acting(by=by, reason="登记代码异写"):
        made = CodeSynonym.objects.create(table=table, label=label, code=code, source=OWN_SOURCE)
        _note(by, "added", "代码异写", table=table, code=code, label=label)
    return made


def remove_label(*, synonym: CodeSynonym, by: Any) -> None:
    """Forget a wording of our own; values read by it stay as they are."""
    _refuse(by)
    if synonym.source != OWN_SOURCE:
        raise CatalogError("随产品提供的异写不能删除。")
    with acting(by=by, reason="删除代码异写"):
        CodeSynonym.objects.filter(pk=synonym.pk).delete()
        _note(
            by, "removed", "代码异写", table=synonym.table, code=synonym.code, label=synonym.label
        )


def add_code(*, table: str, label: str, source: str, by: Any) -> CodeEntry:
    """A new value of a code list, under the next code of ours; it cannot be taken back.

    `source` says who ordered it, or where the wording was seen.
    """
    _refuse(by)
    label, source = label.strip(), source.strip()
    if not source:
        raise CatalogError("请写明依据。", "source")
    if not CodeEntry.objects.filter(table=table).exists():
        raise CatalogError("没有这张代码表。")
    _refuse_known_label(table, label)
    with acting(by=by, reason="登记代码"):
        taken = CodeEntry.objects.filter(table=table).values_list("code", "position")
        number = max((int(code[1:]) for code, _ in taken if is_own_code(code)), default=_FIRST) + 1
        if number > _LAST:
            raise CatalogError("本市补充的代码已用完。")
        try:
            with transaction.atomic():
                made = CodeEntry.objects.create(
                    table=table,
                    code=f"X{number}",
                    label=label,
                    position=max(position for _, position in taken) + 1,
                    source=source[:300],
                )
        except IntegrityError as error:
            raise CatalogError("同时有人登记了同一代码，请重试。", "label") from error
        _note(by, "added", "代码", table=table, code=made.code, label=label)
    return made


def is_own_code(code: str) -> bool:
    return bool(_OWN_CODE.fullmatch(code))


def _refuse_known_label(table: str, label: str) -> None:
    if not fold(label):
        raise CatalogError("请填写名称。", "label")
    code = readings(table).get(fold(label))
    if code is not None:
        raise CatalogError(f"“{label}”已能识别，对应代码 {code}。", "label")


# --- rules -------------------------------------------------------------------------------------


def set_rule(
    *,
    code: str,
    is_enabled: bool,
    effect: str,
    parameters: Mapping[str, Any],
    first_year: int | None,
    last_year: int | None,
    reason: str,
    by: Any,
) -> RuleSetting:
    """Change what a rule does from now on; what was judged before stays as it was judged.

    Raises CatalogError for what the rule cannot be, or when no reason is given.
    """
    _refuse(by)
    rule = RULES.get(code)
    if rule is None:
        raise CatalogError("没有这条规则。")
    if is_locked(rule):
        raise CatalogError("这条规则没有可以修改的设置。")
    if not reason.strip():
        raise CatalogError("请写明修改原因。", "reason")
    change = RuleSetting(
        code=code,
        is_enabled=is_enabled,
        # As shipped is nobody's wish: a later release may ship another one.
        effect="" if effect == rule.effect else effect,
        parameters=_parameters(rule, parameters),
        first_year=None if first_year == rule.first_year else first_year,
        last_year=None if last_year == rule.last_year else last_year,
        reason=reason.strip(),
        changed_by=by,
        changed_at=timezone.now(),
    )
    if found := complaints(rule, change):
        raise CatalogError("".join(found))
    with acting(by=by, reason=f"修改规则 {code}：{reason.strip()}"):
        change.save(force_insert=False)
        _note(by, "changed", "规则", rule=code, enabled=is_enabled, effect=effect)
    return change


def reset_rule(*, code: str, reason: str, by: Any) -> None:
    """Back to what the catalogue ships."""
    _refuse(by)
    if not reason.strip():
        raise CatalogError("请写明修改原因。", "reason")
    with acting(by=by, reason=f"恢复规则 {code}：{reason.strip()}"):
        RuleSetting.objects.filter(code=code).delete()
        _note(by, "reset", "规则", rule=code)


def is_locked(rule: Rule) -> bool:
    """Whether nothing about the rule can be changed: it waits for data, or rows that break it
    cannot be written and it has no parameters."""
    return bool(rule.waits_for) or (rule.is_structural and not rule.parameters)


def _parameters(rule: Rule, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those that differ from what the catalogue ships, each of the shipped one's type."""
    shipped = rule.parameters
    kept: dict[str, Any] = {}
    for name, value in wanted.items():
        if name not in shipped:
            raise CatalogError(f"规则没有参数 {name}。")
        try:
            read = _as(shipped[name], value)
        except (TypeError, ValueError) as error:
            raise CatalogError(f"参数 {name} 的写法有误。", f"parameter_{name}") from error
        if read != (list(shipped[name]) if isinstance(read, list) else shipped[name]):
            kept[name] = read
    return kept


def _as(shipped: Any, value: Any) -> Any:
    """The text of a form as a value of the shipped one's type; raises ValueError."""
    text = str(value).strip()
    if isinstance(shipped, bool):
        if text.lower() not in ("true", "false", "是", "否"):
            raise ValueError
        return text.lower() in ("true", "是")
    if isinstance(shipped, int | float):
        number = type(shipped)(text)
        if not 0 <= number <= _LARGEST:
            raise ValueError
        return number
    if isinstance(shipped, list | tuple):
        words = [word.strip() for word in text.replace("，", ",").split(",")]
        return [_as(shipped[0], word) for word in words if word]
    return text


# --- layouts -----------------------------------------------------------------------------------


def retire_layout(*, layout: Layout, by: Any) -> None:
    """Let no file be recognised by a layout that a person described; batches that were stay."""
    _refuse(by)
    if layout.created_by_id is None:
        raise CatalogError("随产品提供的版式不能停用。")
    with acting(by=by, reason="停用版式"):
        changed = Layout.objects.filter(pk=layout.pk, retired_at__isnull=True).update(
            retired_at=Now()
        )
        if not changed:
            raise CatalogError("该版式已停用。")
        _note(by, "retired", "版式", layout=layout.pk)


def _refuse(by: Any) -> None:
    if by is None or not by.has_perm(MANAGE):
        raise PermissionDenied


def _note(by: Any, what: str, kind: str, **more: Any) -> None:
    ledger.note(
        ledger.Act.IMPORT,
        actor=by,
        subject_kind="catalog",
        subject=kind,
        detail={"what": what, **more},
    )
