from django.db.models import TextChoices


class BatchState(TextChoices):
    UPLOADED = "UPLOADED", "待解析"
    MAPPING = "MAPPING", "待对应列"
    STAGED = "STAGED", "待确认"
    APPLYING = "APPLYING", "写入中"
    APPLIED = "APPLIED", "已导入"
    REFUSED = "REFUSED", "已拒绝"
    DISCARDED = "DISCARDED", "已放弃"
    UNDOING = "UNDOING", "撤销中"
    UNDONE = "UNDONE", "已撤销"


class Severity(TextChoices):
    """What the rule catalogue calls a hit; what an import does about it is its `Effect`."""

    ERROR = "ERROR", "错误"
    SUSPECT = "SUSPECT", "疑点"


class Effect(TextChoices):
    """What an import does where a rule fires."""

    REFUSE = "REFUSE", "拒收文件"
    BACK = "BACK", "退回"
    FLAG = "FLAG", "写入待改"
    NOTE = "NOTE", "提示"


class Grain(TextChoices):
    """What one row of a layout is.

    A full layout names the places and may bring new households and persons; a joined one adds facts
    to what is registered already, found by its number.
    """

    PERSON = "person", "一行一人"
    HOUSEHOLD = "household", "一行一户"
    HEAD = "household+head person", "一行一户（含户主）"
    JOINED_HOUSEHOLD = "joined household", "按户编号补充"
    JOINED_PERSON = "joined person", "按人编号补充"
    SPELL = "employment spell", "一行一段务工"
    VILLAGE = "village", "一行一村"


class FileFormat(TextChoices):
    XLSX = "xlsx", "XLSX"
    XLS = "xls", "XLS"
    CSV = "csv", "CSV"


class Acceptance(TextChoices):
    """How much of a batch with faults is written; chosen by a person before it is written."""

    ROWS = "ROWS", "写入合格的行"
    HOUSEHOLDS = "HOUSEHOLDS", "只写入全户合格的户"
    ALL = "ALL", "全部合格才写入"


class Target(TextChoices):
    """Which table a row that a batch wrote stands in."""

    HOUSEHOLD = "H", "贫困户"
    HOUSEHOLD_YEAR = "HY", "贫困户年度信息"
    PERSON = "P", "人员"
    PERSON_YEAR = "PY", "人员年度信息"
    WORK_SPELL = "WS", "务工记录"
    VILLAGE_YEAR = "VY", "村年度信息"
    FORMER_PLACE = "FP", "原所在村"


class ReturnKind(TextChoices):
    """A workbook made from a batch for the person who loaded it."""

    WHOLE = "WHOLE", "原表加问题说明"
    BAD_ROWS = "BAD_ROWS", "仅退回的行"
    CHANGES = "CHANGES", "变更对照表"


class RowVerdict(TextChoices):
    CREATED = "C", "新增"
    UPDATED = "U", "变更"
    UNCHANGED = "S", "不变"
    REJECTED = "R", "退回"
