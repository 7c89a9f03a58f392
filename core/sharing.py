"""What other systems may be given: the words of resources, access and groups of fields.

Which fact of the register belongs to which group stands beside the facts (`households.models.groups`),
which address serves which resource in `api.views`, and who may have what in `accounts.models.client`.
"""

from django.db.models import TextChoices


class Resource(TextChoices):
    """What is served under `/api/v1/`; every address there belongs to one."""

    REGIONS = "regions", "行政区划"
    HOUSEHOLDS = "households", "户"
    PERSONS = "persons", "人"
    SNAPSHOTS = "snapshots", "指标值及凭据"
    METRICS = "metrics", "指标汇总"
    READINESS = "readiness", "村、县达标情况"
    BLOCKERS = "blockers", "退出阻断清单"
    ROUNDS = "rounds", "评估轮次及结果"
    SAMPLES = "samples", "样本户"
    CASES = "cases", "疑似问题"
    PROJECTS = "projects", "项目"
    BENEFICIARIES = "beneficiaries", "项目受益对象"
    FUND_SOURCES = "fund-sources", "资金来源文件"
    ALLOCATIONS = "allocations", "资金分配"
    PAYMENTS = "payments", "资金支付"
    LOANS = "loans", "小额信贷"
    CAMPAIGNS = "campaigns", "检查"
    FINDINGS = "findings", "问题"
    RECTIFICATIONS = "rectifications", "整改步骤"
    LETTERS = "letters", "整改文书"
    IMPORTS = "imports", "导入批次"


class Access(TextChoices):
    READ = "read", "读取"
    # Includes reading the same resource.
    WRITE = "write", "写入"


class FieldGroup(TextChoices):
    """Facts of persons that are given or withheld together."""

    BASIC = "basic", "基本情况"
    INCOME = "income", "收入支出"
    LIVING = "living", "生产生活条件"
    CONTACT = "contact", "住址、电话（电话脱敏）"
    BANK = "bank", "银行账户（账号脱敏）"
    IDENTITY = "identity", "证件号码（脱敏）"
    HEALTH = "health", "健康、残疾"
    # Shows whole the numbers of those other groups that are granted as well, and adds what would
    # put a masked number together again.
    IDENTITY_FULL = "identity_full", "完整号码"


# Resources that tell of persons; the others have no groups.
PERSONAL = (Resource.HOUSEHOLDS, Resource.PERSONS)
# Resources that may be written through the API.
WRITABLE = (Resource.IMPORTS,)
# Resources that are in force only once a second person has confirmed them.
CONFIRMED = (
    *PERSONAL, Resource.BLOCKERS, Resource.SAMPLES, Resource.CASES, Resource.BENEFICIARIES,
    Resource.PAYMENTS, Resource.LOANS, Resource.FINDINGS, Resource.RECTIFICATIONS,
    Resource.LETTERS, *WRITABLE,
)  # fmt: skip
# Each of these needs a second person beside the one who grants it.
SENSITIVE = (FieldGroup.HEALTH, FieldGroup.IDENTITY_FULL)
ORDINARY = tuple(group for group in FieldGroup if group not in SENSITIVE)
