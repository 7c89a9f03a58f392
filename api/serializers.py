"""What a row looks like outside. Facts come from the models; masked or left out if sensitive.

A client gets the groups of fields it was granted (`core.sharing`); a field of any other group does
not exist for it. Numbers stay masked unless their being whole was granted too. Beside a masked
identity number neither the date of birth nor a certificate may stand: the number could be put
together again.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.sharing import FieldGroup
from core.templatetags.show import mask_phone
from exits.enums import Metric, Verdict
from exits.models import MetricDefinition, Snapshot
from households.catalog import FieldFact, facts_of, label
from households.models import Household, HouseholdYear, Person, PersonYear
from households.models.groups import GROUP_OF, KEYS
from households.queries import UnlistedMetricError, list_query
from households.queries.rows import age_at_year_end, masked_id

_MILLIONTH = Decimal("0.000001")


class LabelField(serializers.CharField):
    """The words of a code."""

    def __init__(self, table: str, **kwargs: Any) -> None:
        self.table = table
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: str) -> str:
        return label(self.table, value)


class LabelsField(serializers.ListField):
    """The words of several codes."""

    def __init__(self, table: str, **kwargs: Any) -> None:
        self.table = table
        super().__init__(child=serializers.CharField(), read_only=True, **kwargs)

    def to_representation(self, value: list[str]) -> list[str]:
        return [label(self.table, code) for code in value]


class MaskedField(serializers.CharField):
    """An identity, telephone or account number; empty when there is none.

    Without what tells the person, unless the client was granted whole numbers.
    """

    def to_representation(self, value: str) -> str:
        if not value or FieldGroup.IDENTITY_FULL in self.context.get("groups", ()):
            return value
        source = self.source or ""
        if source.endswith("account"):
            return f"{'*' * max(len(value) - 4, 4)}{value[-4:] if len(value) > 8 else ''}"
        return mask_phone(value) if source.endswith("phone") else masked_id(value)


class AgeField(serializers.IntegerField):
    """Full years of life at the end of the year the row speaks of."""

    def get_attribute(self, instance: PersonYear) -> int | None:
        return age_at_year_end(instance.person.birth_date, instance.partition_id)


def _plain_field(fact: FieldFact, **common: Any) -> serializers.Field:
    if fact.sensitive and GROUP_OF.get(fact.name) != FieldGroup.HEALTH:
        return MaskedField(**common)
    if fact.kind == "yes_no":
        return serializers.BooleanField(allow_null=True, **common)
    if fact.kind == "amount":
        sizes = dict(fact.options)
        return serializers.DecimalField(
            max_digits=sizes["digits"], decimal_places=sizes["places"], allow_null=True, **common
        )
    if fact.kind == "whole":
        return serializers.IntegerField(allow_null=True, **common)
    if fact.kind == "day":
        return serializers.DateField(allow_null=True, **common)
    if fact.kind == "codes":
        return serializers.ListField(child=serializers.CharField(), **common)
    return serializers.CharField(**common)


def _fact_fields(model: type[models.Model], path: str = "") -> dict[str, serializers.Field]:
    """Serializer fields for the facts of a model; each code stands with its label."""
    found: dict[str, serializers.Field] = {}
    for fact in facts_of(model):
        group = GROUP_OF.get(fact.name)
        if group is None and fact.name not in KEYS:
            continue
        words = f"{fact.label}（{fact.unit}）" if fact.unit else fact.label
        words += f"【{group.label}】" if group else ""
        source = {"source": f"{path}.{fact.name}"} if path else {}
        found[fact.name] = _plain_field(fact, read_only=True, help_text=words, **source)
        told = {"source": source.get("source", fact.name), "help_text": f"{words}：名称"}
        if fact.kind == "code":
            found[f"{fact.name}_label"] = LabelField(fact.table, **told)
        elif fact.kind == "codes":
            found[f"{fact.name}_labels"] = LabelsField(fact.table, **told)
    return found


class ChosenFieldsSerializer(serializers.Serializer[Any]):
    """Only the fields asked for, and only the columns these need."""

    # Columns behind fields whose source does not name them.
    columns: Mapping[str, tuple[str, ...]] = {}

    def __init__(self, *args: Any, chosen: Iterable[str] = (), **kwargs: Any) -> None:
        self.chosen = list(chosen)
        super().__init__(*args, **kwargs)

    def all_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields()

    def is_given(self, name: str) -> bool:
        """Whether the client may have this field; if not, it is as if there were none."""
        return True

    def get_fields(self) -> dict[str, serializers.Field]:
        every = {name: one for name, one in self.all_fields().items() if self.is_given(name)}
        return {name: every[name] for name in self.chosen} if self.chosen else every

    def needed_columns(self) -> set[str]:
        """Columns that the fields asked for are made of."""
        needed: set[str] = set()
        for name, field in self.fields.items():
            source = (field.source or name).replace(".", "__")
            needed.update(self.columns.get(name, (source,)))
        return needed


class RegisterSerializer(ChosenFieldsSerializer):
    """Facts of households and persons, as far as the client was granted their groups.

    `context["groups"]` are those groups. Without it only keys are given.
    """

    # Fields that are no facts, and facts under another name; None: always given.
    own_groups: Mapping[str, FieldGroup | None] = {}

    def is_given(self, name: str) -> bool:
        fact = name.removesuffix("_label").removesuffix("_labels")
        if fact in KEYS or (fact in self.own_groups and self.own_groups[fact] is None):
            return True
        group = self.own_groups.get(fact) or GROUP_OF.get(fact)
        return group is not None and group in self.context.get("groups", ())


class HouseholdSerializer(RegisterSerializer):
    """A household as declared in one year."""

    partition = serializers.IntegerField(source="partition_id", read_only=True, help_text="年度")
    village_code = serializers.CharField(read_only=True, help_text="村代码")
    head_name = serializers.CharField(
        source="shown_head_name", read_only=True, help_text="户主姓名"
    )
    head_id_no = MaskedField(
        source="shown_head_id_no", read_only=True, help_text="户主证件号码（脱敏）"
    )
    changed_at = serializers.DateTimeField(read_only=True, help_text="更新时间")

    columns = {"head_name": ("head_name",), "head_id_no": ("head_id_no",)}
    own_groups = {"partition": None, "village_code": None, "changed_at": None}

    def all_fields(self) -> dict[str, serializers.Field]:
        facts = _fact_fields(Household, "household") | _fact_fields(HouseholdYear)
        first = ("partition", "household_no", "village_code")
        every = facts | super().all_fields()
        return {name: every[name] for name in [*first, *every]}


class PersonSerializer(RegisterSerializer):
    """A person as declared in one year."""

    partition = serializers.IntegerField(source="partition_id", read_only=True, help_text="年度")
    village_code = serializers.CharField(read_only=True, help_text="村代码")
    household_no = serializers.CharField(
        source="household.household_no", read_only=True, help_text="户编号"
    )
    age = AgeField(read_only=True, allow_null=True, help_text="年末周岁")
    changed_at = serializers.DateTimeField(read_only=True, help_text="更新时间")

    columns = {"age": ("person__birth_date", "partition_id")}
    own_groups = {
        "partition": None,
        "village_code": None,
        "changed_at": None,
        "age": FieldGroup.BASIC,
    }

    def all_fields(self) -> dict[str, serializers.Field]:
        every = _fact_fields(Person, "person") | _fact_fields(PersonYear) | super().all_fields()
        first = ("partition", "person_no", "household_no", "village_code", "name")
        return {name: every[name] for name in [*first, *every]}


class RegionSerializer(ChosenFieldsSerializer):
    """A division under one name and one code, for as long as both held."""

    code = serializers.CharField(read_only=True, help_text="统计用区划代码")
    name = serializers.CharField(read_only=True, help_text="名称")
    level = serializers.CharField(read_only=True, help_text="级别")
    parent_code = serializers.CharField(
        source="parent.code", read_only=True, allow_null=True, default=None, help_text="上级代码"
    )
    valid_from = serializers.DateField(read_only=True, allow_null=True, help_text="生效日期（含）")
    valid_to = serializers.DateField(read_only=True, allow_null=True, help_text="失效日期（不含）")


def exact_value(row: Snapshot) -> str | None:
    """The figure as text: a share to six places, a count as it is, None when not computable."""
    if row.verdict == Verdict.NOT_COMPUTABLE or row.numerator is None:
        return None
    if row.denominator is None:
        return str(row.numerator)
    share = Decimal(row.numerator) / Decimal(row.denominator)
    return str(share.quantize(_MILLIONTH, ROUND_HALF_UP))


class MetricSerializer(serializers.Serializer[Snapshot]):
    """One figure of a region and year."""

    code = serializers.CharField(source="metric", help_text="指标代码")
    name = serializers.SerializerMethodField(help_text="指标名称")
    numerator = serializers.IntegerField(allow_null=True, help_text="分子")
    denominator = serializers.IntegerField(allow_null=True, help_text="分母")
    value = serializers.SerializerMethodField(
        help_text="比率保留六位小数；计数为整数；无法计算时为空"
    )
    households = serializers.IntegerField(allow_null=True, help_text="户数")
    verdict = serializers.CharField(help_text="判定代码")
    verdict_label = serializers.CharField(source="get_verdict_display", help_text="判定")
    reason = serializers.CharField(help_text="无法计算的原因")
    definition_version = serializers.IntegerField(help_text="定义版本")
    computed_at = serializers.DateTimeField(help_text="计算时间")

    def get_name(self, row: Snapshot) -> str:
        names: dict[tuple[str, int], str] = self.context.get("names", {})
        return names.get((row.metric, row.definition_version)) or Metric(row.metric).label

    def get_value(self, row: Snapshot) -> str | None:  # type: ignore[override]
        return exact_value(row)


def metric_names() -> dict[tuple[str, int], str]:
    """(code, version) → the name that the definition gives."""
    rows = MetricDefinition.objects.order_by("region_prefix", "area")
    return {
        (code, version): name for code, version, name in rows.values_list("code", "version", "name")
    }


class SampledSerializer(serializers.Serializer[Any]):
    """What a sampled figure rests on; shares are of one."""

    round = serializers.IntegerField(source="round_id", help_text="轮次编号")
    estimate = serializers.DecimalField(
        max_digits=16, decimal_places=15, allow_null=True, help_text="推算值"
    )
    lower = serializers.DecimalField(
        max_digits=16, decimal_places=15, allow_null=True, help_text="单侧置信下限"
    )
    upper = serializers.DecimalField(
        max_digits=16, decimal_places=15, allow_null=True, help_text="单侧置信上限"
    )
    confidence = serializers.DecimalField(
        max_digits=4, decimal_places=3, allow_null=True, help_text="置信度"
    )
    households = serializers.IntegerField(help_text="受访户数")
    due = serializers.IntegerField(help_text="应访户数")
    more = serializers.IntegerField(allow_null=True, help_text="证据不足时约需补查的户数")
    threshold = serializers.DecimalField(
        max_digits=7, decimal_places=6, allow_null=True, help_text="标准"
    )
    comparator = serializers.CharField(help_text="比较")
    source = serializers.CharField(help_text="标准的依据")  # type: ignore[assignment]


class JudgedMetricSerializer(MetricSerializer):
    """A figure, and what it rests on where a sample gave it."""

    sample = serializers.SerializerMethodField(help_text="抽样依据；不是抽样指标时为空")

    @extend_schema_field(SampledSerializer(allow_null=True))
    def get_sample(self, row: Snapshot) -> Any:
        found = self.context.get("gates", {}).get(row.metric)
        return None if found is None else SampledSerializer(found).data


class MetricsSerializer(serializers.Serializer[Any]):
    """All figures of a region and year."""

    region = serializers.CharField(help_text="区划代码")
    partition = serializers.IntegerField(help_text="年度")
    results = JudgedMetricSerializer(many=True)


class ReceiptSerializer(serializers.Serializer[Any]):
    """What proves a figure: the rows it was counted from, and how to list them."""

    data_version = serializers.IntegerField(help_text="计算时的数据版本")
    digest = serializers.CharField(allow_null=True, help_text="名单摘要")
    filter = serializers.DictField(
        child=serializers.CharField(), allow_null=True, help_text="列出名单的查询参数；无名单时为空"
    )


class SnapshotSerializer(ChosenFieldsSerializer, MetricSerializer):
    """One figure with its receipt."""

    region = serializers.CharField(source="region_code", help_text="区划代码")
    partition = serializers.IntegerField(help_text="年度")
    category = serializers.CharField(help_text="分类代码")
    receipt = serializers.SerializerMethodField(help_text="凭据")

    columns = {
        "name": ("metric", "definition_version"),
        "value": ("numerator", "denominator", "verdict"),
        "verdict_label": ("verdict",),
        "receipt": ("data_version", "digest", "metric", "category", "partition", "region_code"),
    }

    @extend_schema_field(ReceiptSerializer)
    def get_receipt(self, row: Snapshot) -> dict[str, Any]:
        return {
            "data_version": row.data_version,
            # Beyond what a JSON number carries safely.
            "digest": None if row.digest is None else str(row.digest),
            "filter": _list_terms(row),
        }


def _list_terms(row: Snapshot) -> dict[str, str] | None:
    if row.numerator is None:
        return None
    try:
        return {"region": row.region_code, **list_query(row.metric, row.category, row.partition)}
    except UnlistedMetricError:
        return None


class ErrorSerializer(serializers.Serializer[Any]):
    """The shape of every refusal."""

    detail = serializers.CharField(help_text="说明")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), help_text="各参数的问题"
    )
