"""What an import looks like to other systems: state and counts, columns, problems with masked values."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers import ChosenFieldsSerializer, ErrorSerializer
from core.jobs.models import JobState
from households.catalog import facts
from imports.checks import RULES
from imports.enums import Acceptance, BatchState, Effect, FileFormat, Severity
from imports.models import Batch, Problem
from imports.queries.showing import shown
from imports.services import superseding

KINDS = ("households", "persons", "entries")
VERDICTS = ("read", "created", "updated", "unchanged", "rejected")


class CountsSerializer(serializers.Serializer[Any]):
    """read = created + updated + unchanged + rejected, always."""

    read = serializers.IntegerField(help_text="读入")
    created = serializers.IntegerField(help_text="新增")
    updated = serializers.IntegerField(help_text="变更")
    unchanged = serializers.IntegerField(help_text="不变")
    rejected = serializers.IntegerField(help_text="退回")


class AllCountsSerializer(serializers.Serializer[Any]):
    """Counts of what the rows are about."""

    households = CountsSerializer(help_text="户")
    persons = CountsSerializer(help_text="人")
    entries = CountsSerializer(help_text="务工记录、村")


class ColumnSerializer(serializers.Serializer[Any]):
    """A column of the file and the fact it carries."""

    header = serializers.CharField(help_text="表头", allow_blank=True)
    identifier = serializers.CharField(
        help_text="对应的指标；空为未识别，原样保存", allow_blank=True
    )


class WorkSerializer(serializers.Serializer[Any]):
    """How far the background work is."""

    state = serializers.ChoiceField(choices=JobState.choices, help_text="任务状态")
    phase = serializers.CharField(help_text="当前步骤", allow_blank=True)
    percent = serializers.IntegerField(help_text="完成百分比", allow_null=True)
    seconds_left = serializers.IntegerField(help_text="本步骤预计剩余秒数", allow_null=True)


class BatchSerializer(ChosenFieldsSerializer):
    """A workbook on its way into one year of the register."""

    id = serializers.IntegerField(read_only=True, help_text="批次号")
    file_name = serializers.CharField(read_only=True, help_text="文件名")
    sha256 = serializers.CharField(read_only=True, help_text="文件指纹")
    size = serializers.IntegerField(read_only=True, help_text="大小（字节）")
    file_format = serializers.ChoiceField(
        choices=FileFormat.choices, read_only=True, help_text="格式"
    )
    partition = serializers.IntegerField(read_only=True, help_text="年度")
    region = serializers.CharField(
        source="region_prefix", read_only=True, help_text="区划范围（前缀）"
    )
    state = serializers.ChoiceField(choices=BatchState.choices, read_only=True, help_text="状态")
    state_label = serializers.CharField(
        source="get_state_display", read_only=True, help_text="状态名称"
    )
    acceptance = serializers.ChoiceField(
        choices=Acceptance.choices, read_only=True, help_text="接收方式"
    )
    refusal_code = serializers.CharField(
        read_only=True, help_text="拒绝代码，未被拒绝时为空", allow_blank=True
    )
    refusal = serializers.CharField(read_only=True, help_text="拒绝原因", allow_blank=True)
    layout = serializers.CharField(
        source="layout_id", read_only=True, allow_null=True, help_text="识别出的版式"
    )
    sheet = serializers.CharField(
        source="sheet_name", read_only=True, help_text="工作表", allow_blank=True
    )
    encoding = serializers.CharField(
        read_only=True, help_text="编码，仅文本表格有", allow_blank=True
    )
    header_row = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="表头行，从 1 起"
    )
    columns_appeared = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="比上次多出的列"
    )
    columns_vanished = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="比上次少的列"
    )
    rows_read = serializers.IntegerField(read_only=True, help_text="读入行数")
    counts = serializers.SerializerMethodField(help_text="户、人、记录的处理数")
    changed_fields = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="各指标的变更数"
    )
    seconds = serializers.DictField(
        child=serializers.FloatField(), read_only=True, help_text="各步用时（秒）"
    )
    job = serializers.SerializerMethodField(help_text="后台任务；从未有过时为空")
    corrects = serializers.IntegerField(
        source="corrects_id", read_only=True, allow_null=True, help_text="更正的批次"
    )
    notice = serializers.SerializerMethodField(
        help_text="须先做的事：更正文件没有带来的合格行还未写入；没有时为空"
    )
    is_own = serializers.SerializerMethodField(help_text="是否由本客户端推送")
    created_at = serializers.DateTimeField(read_only=True, help_text="上传时间")
    applied_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="写入时间")
    undone_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="撤销时间")

    columns = {
        "columns": ("header_map",),
        "counts": tuple(f"{kind}_{verdict}" for kind in KINDS for verdict in VERDICTS),
        "job": (
            "job__state", "job__phase", "job__phase_since", "job__progress_done",
            "job__progress_total",
        ),
        "is_own": ("push__client_id",),
        "notice": ("state", "corrects__state"),
        "state_label": ("state",),
    }  # fmt: skip

    def all_fields(self) -> dict[str, serializers.Field]:
        # The base class needs the plain name for itself.
        return super().all_fields() | {
            "columns": serializers.SerializerMethodField(help_text="列对应，按文件中的顺序")
        }

    @extend_schema_field(ColumnSerializer(many=True))
    def get_columns(self, batch: Batch) -> list[dict[str, str]]:
        return [{"header": header, "identifier": name} for header, name in batch.header_map]

    @extend_schema_field(AllCountsSerializer)
    def get_counts(self, batch: Batch) -> dict[str, dict[str, int]]:
        return {
            kind: {verdict: getattr(batch, f"{kind}_{verdict}") for verdict in VERDICTS}
            for kind in KINDS
        }

    @extend_schema_field(WorkSerializer(allow_null=True))
    def get_job(self, batch: Batch) -> dict[str, Any] | None:
        if batch.job is None:
            return None
        return batch.job.as_progress() | {
            "seconds_left": batch.job.seconds_left if batch.job.is_open else None
        }

    def get_notice(self, batch: Batch) -> str:
        return superseding.unwritten(batch)

    def get_is_own(self, batch: Batch) -> bool:
        push = getattr(batch, "push", None)
        return push is not None and push.client_id == self.context.get("client")


class ProblemSerializer(ChosenFieldsSerializer):
    """Something wrong in one row; what stood there is masked."""

    row_no = serializers.IntegerField(read_only=True, help_text="行号，与工作簿一致；0 为整个文件")
    rule = serializers.CharField(read_only=True, help_text="规则")
    severity = serializers.ChoiceField(choices=Severity.choices, read_only=True, help_text="级别")
    effect = serializers.ChoiceField(choices=Effect.choices, read_only=True, help_text="处理")
    effect_label = serializers.CharField(
        source="get_effect_display", read_only=True, help_text="处理名称"
    )
    header = serializers.CharField(read_only=True, help_text="表头", allow_blank=True)
    identifier = serializers.CharField(read_only=True, help_text="指标", allow_blank=True)
    other_row = serializers.IntegerField(read_only=True, allow_null=True, help_text="相关行")
    value = serializers.SerializerMethodField(help_text="原值（脱敏）")
    message = serializers.SerializerMethodField(help_text="问题")
    remedy = serializers.SerializerMethodField(help_text="改法")

    columns = {
        # The row number is what the value is sealed with.
        "value": ("value", "identifier", "row_no"),
        "message": ("rule",),
        "remedy": ("rule",),
        "effect_label": ("effect",),
    }

    def get_value(self, problem: Problem) -> str:  # type: ignore[override]
        return shown(facts().get(problem.identifier), problem.value)

    def get_message(self, problem: Problem) -> str:
        rule = RULES.get(problem.rule)
        return rule.message if rule else ""

    def get_remedy(self, problem: Problem) -> str:
        rule = RULES.get(problem.rule)
        return rule.remedy if rule else ""


@extend_schema_field({"type": "string", "format": "binary"})
class WorkbookField(serializers.FileField):
    """Described as a file and not as its address, which is what the library takes it for."""


class PushSerializer(serializers.Serializer[Any]):
    """A workbook handed in."""

    file = WorkbookField(help_text="XLSX、XLS 或 CSV 文件", max_length=200)
    partition = serializers.IntegerField(min_value=2010, max_value=2100, help_text="年度")
    region = serializers.RegexField(r"^[0-9]{2,12}$", help_text="区划代码；超出的行退回")
    corrects = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="更正哪一批"
    )


class AcceptanceSerializer(serializers.Serializer[Any]):
    """How much of a batch with faults is written."""

    acceptance = serializers.ChoiceField(
        choices=Acceptance.choices,
        required=False,
        help_text="接收方式；缺省不变。改变后先重新核对，再次调用才写入",
    )


class RefusalSerializer(ErrorSerializer):
    """A refusal with a code that does not change with its words."""

    code = serializers.CharField(help_text="代码")
